"""What retention does when, case by case: real folders, a clock that is set, a ledger in memory (`kept`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bodycamd.errors import StorageError
from bodycamd.evidence.retention_entries import RecordingDeleting, RetentionRules, TimeStated
from bodycamd.evidence.statements import wall_text
from bodycamd.retention.policy import Rules
from tests.retention.kept import DAY, DUE, END, HOUR, ID, MINUTE, ONE, RULES, SECOND, THREE, TWO, Kept, begun, kept
from tests.retention.telling import WALL, say

# --- beginning ---


@pytest.mark.parametrize(
    ("rules", "stated"),
    [
        (Rules(1, 24, None), []),
        (Rules(2, 24, None), [RetentionRules(days=2, keep_months=24)]),
        (Rules(1, 12, None), [RetentionRules(days=1, keep_months=12)]),
        (Rules(1, 24, "APV"), [RetentionRules(days=1, keep_months=24, legal_basis="APV")]),
    ],
)
def test_a_start_states_the_rules_where_they_changed(tmp_path: Path, rules: Rules, stated: list[RetentionRules]) -> None:
    camera = kept(tmp_path, rules=rules)
    assert camera.entered == stated
    camera.types()
    camera.step()
    assert camera.types() == ["time"], "and once only"


@pytest.mark.parametrize(
    ("off_us", "confirmed"),
    [(0, True), (DAY - 1, True), (DAY, False), (-MINUTE, True), (-MINUTE - 1, False)],
)
def test_a_clock_that_goes_on_from_the_last_boot_is_confirmed_at_once(tmp_path: Path, off_us: int, confirmed: bool) -> None:
    camera = kept(tmp_path, off_us=off_us)
    assert (camera.keeper.trust.confirmed, camera.keeper.trust.trusted) == (confirmed, True)


@pytest.mark.parametrize(
    ("waited_us", "off_us", "confirmed"), [(20 * MINUTE, DAY - 1, True), (20 * MINUTE, DAY, False), (20 * MINUTE, -MINUTE - 1, False)]
)
def test_so_is_one_that_the_kernel_trusts_later_in_that_boot(tmp_path: Path, waited_us: int, off_us: int, confirmed: bool) -> None:
    """By the running time since the start."""
    camera = kept(tmp_path, off_us=off_us, begin=False)
    camera.clock.trusted = False
    camera.keeper.begin(camera.enter)
    camera.clock.advance(waited_us)
    camera.clock.trusted = True
    camera.keeper.plan()
    assert camera.keeper.trust.confirmed == confirmed


@pytest.mark.parametrize(("ahead_us", "confirmed"), [(0, True), (MINUTE - 1, True), (MINUTE, False)])
def test_what_an_earlier_start_of_this_boot_confirmed_counts(tmp_path: Path, ahead_us: int, confirmed: bool) -> None:
    """However far that lies from the boots before."""
    wall_us = WALL + 10 * MINUTE + 300 * DAY
    earlier = (say("start", 2, "b", 1), say("time", 2, "b", 5, wall_us=wall_us + 5, confirmed=True))
    camera = kept(tmp_path, beside=earlier, off_us=300 * DAY + ahead_us)
    assert camera.keeper.trust.confirmed == confirmed


def test_without_any_clock_before_nothing_is_confirmed_for_half_an_hour(tmp_path: Path) -> None:
    camera = Kept(tmp_path, say("start", 1, "a", 1), off_us=0, present=(), rules=RULES)
    assert not camera.keeper.trust.confirmed
    for _ in range(3):
        camera.step(after_us=10 * MINUTE)
    assert camera.keeper.trust.confirmed


def test_a_start_completes_what_was_begun_and_one_that_fails_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = kept(tmp_path, ONE, TWO, THREE, beside=begun(ONE, TWO), begin=False, off_us=0)
    (camera.recordings / ONE / "notes.txt").write_text("stray")
    with monkeypatch.context() as failing:
        failing.setattr(os, "listdir", lambda path: os.stat(Path(path) / "notes.txt" / "x"))
        camera.keeper.begin(camera.enter)
    assert camera.types() == ["deleted"]
    assert camera.present() == [ONE, THREE]
    (problem,) = camera.keeper.problems
    assert problem.startswith(f"{ONE} is not deleted yet: [Errno 20] Not a directory")
    camera.step()
    assert camera.keeper.problems == ()
    camera.sweep()
    assert camera.types() == ["time", "deleted"], "the next sweep completes it"
    assert camera.keeper.problems == ()


def test_a_start_whose_ledger_takes_nothing_goes_on(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, rules=Rules(2), begin=False)
    camera.refused = {"retention_rules"}
    camera.keeper.begin(camera.enter)
    assert camera.keeper.problems == ("no space left on device",)
    camera.refused = set()
    camera.step()
    assert camera.types() == ["retention_rules", "time"]
    assert not camera.keeper.problems


def test_a_ledger_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = kept(tmp_path, ONE, begin=False)

    def unreadable(_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as failing:
        failing.setattr("tests.retention.kept.Growing.__iter__", unreadable)
        camera.keeper.begin(camera.enter)
    assert camera.keeper.problems == ("[Errno 5] Input/output error",)
    camera.step()
    assert not camera.keeper.problems
    assert camera.types() == ["time"], "it goes on as soon as the ledger can be read"
    assert camera.present() == [ONE]


def test_the_ledger_counts_from_the_oldest_recording_on(tmp_path: Path) -> None:
    """Many starts with a confirmed clock have been since."""
    since = [said for n in range(2, 40) for said in (say("start", n, f"boot-{n}", 1), say("time", n, f"boot-{n}", 2, confirmed=True))]
    camera = kept(tmp_path, ONE, beside=tuple(since), start=40)
    assert [each.recording for each in camera.keeper.plan().upcoming] == [ONE]


# --- when it looks, and when it sweeps ---


@pytest.mark.parametrize(("after_us", "seen"), [(5 * SECOND - 1, False), (5 * SECOND, True)])
def test_the_clock_is_looked_at_every_five_seconds(tmp_path: Path, after_us: int, seen: bool) -> None:
    camera = kept(tmp_path)
    camera.step()
    camera.clock.trusted = False
    camera.step(after_us=after_us)
    assert camera.keeper.trust.trusted == (not seen)


def test_a_sweep_every_ten_minutes_and_at_once_where_it_is_asked_for(tmp_path: Path) -> None:
    camera = kept(tmp_path, off_us=0)
    swept = []
    for after_us in (0, 10 * MINUTE - 1, 1, 10 * MINUTE - 1, 1):
        assert not camera.step(after_us=after_us)
        swept.append(camera.keeper.summary.swept_at)
    at = [wall_text(camera.clock.wall_us - back * 10 * MINUTE) for back in (2, 1, 0)]
    assert swept == [at[0], at[0], at[1], at[1], at[2]]
    camera.step(after_us=SECOND)
    assert camera.keeper.summary.swept_at == at[2]
    camera.keeper.sweep_soon()
    camera.step()
    assert camera.keeper.summary.swept_at == wall_text(camera.clock.wall_us)


def test_the_time_is_stated_every_hour_and_when_its_worth_changes(tmp_path: Path) -> None:
    camera = kept(tmp_path, off_us=0)
    said = []
    for after_us, trusted in (
        (0, True),
        (HOUR - 1, True),
        (1 + 10 * MINUTE, True),
        (10 * MINUTE, False),
        (10 * MINUTE, False),
        (50 * MINUTE, False),
    ):
        camera.clock.trusted = trusted
        camera.keeper.sweep_soon()
        camera.step(after_us=after_us)
        said.append(list(camera.entered))
        camera.types()
    sure, unsure = TimeStated(trusted=True, confirmed=True), TimeStated(trusted=False, confirmed=False)
    assert said == [[sure], [], [sure], [unsure], [], [unsure]]


@pytest.mark.parametrize(("after_us", "stated"), [(HOUR - 1, False), (HOUR, True)])
def test_an_hour_to_the_microsecond(tmp_path: Path, after_us: int, stated: bool) -> None:
    camera = kept(tmp_path, off_us=0)
    camera.step()
    camera.types()
    camera.step(after_us=after_us)
    assert camera.types() == (["time"] if stated else [])


def test_at_the_end_the_time_is_stated_as_it_is_then(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Journal:
        def __init__(self, camera: Kept) -> None:
            self.state_durably = camera.enter

    camera = kept(tmp_path)
    camera.clock.trusted = False
    camera.keeper.finish(Journal(camera))  # type: ignore[arg-type]
    assert camera.entered == [TimeStated(trusted=False, confirmed=False)]
    camera.refused = {"time"}
    camera.keeper.finish(Journal(camera))  # type: ignore[arg-type]
    assert caplog.messages[-1] == "retention: no space left on device"


# --- deleting ---


@pytest.mark.parametrize(("off_us", "present"), [(DUE - 1, [ONE]), (DUE, [])])
def test_to_the_microsecond(tmp_path: Path, off_us: int, present: list[str]) -> None:
    camera = kept(tmp_path, ONE, off_us=off_us)
    camera.sweep()
    assert camera.present() == present
    assert camera.types() == ["time", *(["deleting", "deleted"] if not present else [])]


def test_in_steps_of_one_file_after_a_pause_and_what_it_states(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, TWO)
    steps: list[tuple[list[str], int]] = []
    while len(steps) < 20 and camera.step(after_us=SECOND):
        steps.append((camera.types(), len(list(camera.recordings.glob("*/*")))))
    one = [(["deleting"], 2), ([], 1), ([], 1), (["deleted"], 1)]
    two = [(["deleting"], 1), ([], 0), ([], 0), (["deleted"], 0)]
    assert steps == [(["time"], 2), *one, *two]


def test_what_a_deletion_states(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE)
    assert camera.keeper.sweep(camera.enter) == [ONE]
    assert camera.entered[1] == RecordingDeleting(
        recording=ONE,
        reason="1 days have passed",
        days=1,
        proof="wall_clock",
        age_seconds=86_520,
        ended_before=wall_text(WALL + END),
        segments=1,
        bytes=7,
    )
    assert camera.keeper.sweep(camera.enter) == []


@pytest.mark.parametrize(("waited_us", "goes_on"), [(0, False), (30 * MINUTE - 1, False), (30 * MINUTE, True)])
def test_a_sweep_waits_half_an_hour_for_the_end_of_a_recording(tmp_path: Path, waited_us: int, goes_on: bool) -> None:
    camera = kept(tmp_path, ONE)
    camera.clock.advance(SECOND)
    assert camera.step(recording=True), "the decision itself costs nothing"
    camera.types()
    assert camera.step(after_us=waited_us, recording=True) == goes_on
    assert camera.types() == (["deleting"] if goes_on else [])
    assert camera.step()


def test_a_hold_that_comes_between_decision_and_deletion_keeps_it(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, TWO, THREE)
    assert camera.step()
    camera.tell("hold_added", recording=TWO, hold=ID)
    camera.sweep()
    assert camera.present() == [TWO]
    assert camera.keeper.problems == ()


def test_one_that_cannot_be_deleted_is_told_and_stops_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    camera = kept(tmp_path, ONE, TWO)
    (camera.recordings / ONE / "000000.tar").unlink()
    (camera.recordings / ONE / "000000.tar").symlink_to(tmp_path)
    camera.refused = {"deleted"}
    camera.sweep()
    problems = tuple(f"{name} is not deleted yet: no space left on device" for name in (ONE, TWO))
    assert camera.keeper.problems == camera.keeper.summary.problems == problems
    assert caplog.messages == [f"retention: {problem}" for problem in problems]
    assert camera.present() == [ONE], "what is no segment stays, and its folder"
    camera.refused = set()
    assert camera.keeper.sweep(camera.enter) == [ONE, TWO], "what was begun is completed by the next"
    assert camera.keeper.problems == ()


def test_a_broken_ledger_is_told(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, off_us=0)
    camera.ledger.broken = "000002.jsonl: line 7 does not verify"
    camera.step()
    words = "the ledger is believed only as far as it verifies, and nothing after that is deleted: 000002.jsonl: line 7 does not verify"
    assert camera.keeper.problems == camera.keeper.summary.problems == (words,)


def test_a_ledger_that_takes_nothing_deletes_nothing(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE)
    camera.refused = {"time"}
    assert not camera.step()
    assert camera.keeper.problems == ("no space left on device",)
    assert camera.present() == [ONE]
    camera.refused = {"deleting"}
    camera.sweep(pace_us=10 * MINUTE)
    assert camera.present() == [ONE]
    camera.refused = {"retention_rules", "time"}
    camera.clock.advance(HOUR)
    with pytest.raises(StorageError):
        camera.keeper.sweep(camera.enter)


def test_whatever_goes_wrong_costs_the_recorder_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody foresaw is logged with its place, and the sweep is tried again in ten minutes."""
    camera = kept(tmp_path, ONE)
    broken = []

    def enter(_: object) -> None:
        broken.append(camera.clock.boottime_us)
        raise ZeroDivisionError("division by zero")

    class Journal:
        state_durably = staticmethod(enter)

    for after_us in (0, 10 * MINUTE - 1, 1):
        camera.clock.advance(after_us)
        assert camera.keeper.step(Journal(), recording=False) is False  # type: ignore[arg-type]
    assert broken == [SECOND, SECOND + 10 * MINUTE]
    assert camera.keeper.problems == ("ZeroDivisionError: division by zero",)
    assert caplog.messages == ["retention failed"] * 2
    assert all(record.exc_info for record in caplog.records)
    assert camera.present() == [ONE]


# --- the ledger's own files ---


@pytest.fixture
def shortenings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the keeper asks of `checkpoint.shorten`: when, for which oldest recording, wall clock, months and running start."""
    asked: list[tuple[Any, ...]] = []

    def shorten(folder: Path, facts: Any, oldest: int | None, *, wall_us: int, keep_months: int, running: int, enter: Any) -> int:
        asked.append((folder.name, sorted(facts.starts), oldest, wall_us, keep_months, running))
        enter(RetentionRules(days=1, keep_months=24))
        if len(asked) == 2:
            raise StorageError("the card says no")
        return 0

    monkeypatch.setattr("bodycamd.camera.keeping.keeper.shorten", shorten)
    return asked


def test_the_ledger_is_shortened_once_a_day_by_a_confirmed_clock(tmp_path: Path, shortenings: list[tuple[Any, ...]]) -> None:
    camera = kept(tmp_path, ONE, off_us=0, rules=Rules(300, 24))
    camera.clock.trusted = False
    camera.step(after_us=10 * MINUTE)
    assert shortenings == []
    camera.clock.trusted = True
    when, told = [], []
    for after_us in (10 * MINUTE, 10 * MINUTE, DAY - 10 * MINUTE - 1, 1, DAY):
        camera.keeper.sweep_soon()
        camera.step(after_us=after_us)
        when.append(len(shortenings))
        told.append(camera.keeper.problems)
    assert when == [1, 1, 1, 2, 3]
    assert told == [(), (), (), ("the ledger is not shortened: the card says no",), ()]
    assert shortenings[0] == ("ledger", [1, 2], 1, WALL + 30 * MINUTE + SECOND, 24, 2)


def test_without_footage_no_recording_keeps_the_ledger(tmp_path: Path, shortenings: list[tuple[Any, ...]]) -> None:
    camera = kept(tmp_path, ONE)
    camera.sweep()
    assert [asked[2] for asked in shortenings] == [None], "after what was due has gone"
