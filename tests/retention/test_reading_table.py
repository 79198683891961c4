"""Retention read from a store that nobody has open, or from a copy of one, case by case; nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bodycamd.errors import NotFoundError
from bodycamd.evidence.retention_entries import TimeStated
from bodycamd.linux.clock import SettableClock
from bodycamd.retention import outlook as reading
from bodycamd.retention.outlook import Plan, PlannedDeletion
from bodycamd.retention.policy import Outlook, Rules
from bodycamd.store.reader import StoreReader
from tests.kit.fragments import SECOND
from tests.kit.resting_camera import DAY, HOUR, MINUTE, RestingCamera

A, B, C = "000001-0001", "000002-0001", "000003-0001"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RestingCamera:
    """Four starts, each a boot with a confirmed clock, an hour apart; a recording of a second in each of the first three,
    the first two held. Each boot runs on for ten minutes."""
    camera = RestingCamera(tmp_path_factory.mktemp("store"), days=7, keep_months=12)
    for number, name in enumerate((A, B, C, "")):
        camera.switch_on(off_us=HOUR if number else 0)
        if not number:
            camera.settle()
        if name:
            assert camera.record(segments=1, fragments=1) == name
        if name in (A, B):
            camera.hold(name)
        camera.run(10 * MINUTE)
        camera.store.ledger.note(TimeStated(trusted=True, confirmed=True))
        camera.store.close()
    return camera


@pytest.fixture
def store(made: RestingCamera, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.store_folder, tmp_path / "copy"))


def ages(outlooks: Mapping[str, Outlook]) -> dict[str, tuple[int, bool]]:
    return {name: (outlook.age_us, outlook.held) for name, outlook in outlooks.items()}


TEN = 10 * MINUTE
AGES = {A: (4 * TEN + 5 * SECOND, True), B: (3 * TEN + 3 * SECOND, True), C: (2 * TEN + SECOND, False)}
"""By running time: a boot is a second old when it begins."""


def test_as_the_ledger_stands_at_its_last_entry(store: Path) -> None:
    found = reading.read_retention(store)
    assert found.rules == Rules(7, 12, None)
    assert {name: [hold.reference for hold in held] for name, held in found.holds.items()} == {A: ["K-2026-117"], B: ["K-2026-117"]}
    assert ages(found.outlooks) == AGES
    assert found.broken == ""
    assert reading.read_facts(store).holds == found.holds


def test_recordings_and_how_long_they_stay_in_one_reading(store: Path) -> None:
    recordings, found = reading.read_recordings(StoreReader.open(store))
    assert [info.id for info in recordings] == [A, B, C]
    assert found == reading.read_retention(store)


def test_only_what_is_there_has_an_outlook(store: Path) -> None:
    shutil.rmtree(store / "recordings" / B)
    (store / "recordings/000009-0001").mkdir()
    for found in (reading.read_retention(store), reading.read_recordings(StoreReader.open(store))[1]):
        assert ages(found.outlooks) == {name: AGES[name] for name in (A, C)}


@pytest.mark.parametrize(("gone", "remembered"), [((), [A, B]), ((A,), [A, B]), ((A, B), [B]), ((A, B, C), [])])
def test_the_ledger_counts_from_the_oldest_recording_on(
    store: Path, monkeypatch: pytest.MonkeyPatch, gone: tuple[str, ...], remembered: list[str]
) -> None:
    """And, here, one confirmed start before it."""
    monkeypatch.setattr("bodycamd.retention.ledger_index.CONTEXT", 1)
    for name in gone:
        shutil.rmtree(store / "recordings" / name)
    assert sorted(reading.read_retention(store).holds) == remembered
    assert sorted(reading.read_recordings(StoreReader.open(store))[1].holds) == remembered
    assert sorted(reading.read_facts(store).holds) == remembered


def test_a_ledger_that_breaks_off_is_told(store: Path) -> None:
    path = store / "ledger/000003.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"!" + lines[1][1:], *lines[2:]]))
    broken = "000003.jsonl: line 2 does not verify"
    assert reading.read_retention(store).broken == broken
    assert reading.read_recordings(StoreReader.open(store))[1].broken == broken


def test_a_store_in_which_nothing_was_stated_yet(tmp_path: Path) -> None:
    (tmp_path / "store/recordings").mkdir(parents=True)
    found = reading.read_retention(tmp_path / "store")
    assert found == reading.Retention(Rules(), {}, {}, "")
    assert reading.read_recordings(StoreReader.open(tmp_path / "store")) == ([], found)
    with pytest.raises(NotFoundError, match=r"elsewhere: there is no store: it has no folder recordings$"):
        reading.read_retention(tmp_path / "elsewhere")


# --- a plan while no daemon runs ---


def planned(store: Path, made: RestingCamera, *, off_us: int | None, ran_us: int = SECOND, trusted: bool = True, days: int = 7) -> Plan:
    """In a boot that began so long after the last one ended (`None`: in the last one itself), and has run for so long."""
    clock = SettableClock(made.clock.boottime_us, made.clock.wall_us, trusted=trusted)
    if off_us is not None:
        clock.boottime_us, clock.wall_us = 0, clock.wall_us + off_us
    clock.advance(ran_us)
    with pytest.MonkeyPatch.context() as boot:
        boot.setattr(reading, "boot_id", lambda: "boot-4" if off_us is None else "boot-5")
        return reading.read_plan(store, clock, Rules(days))


@pytest.mark.parametrize(
    ("case", "confirmed"),
    [  # the clock counts where it goes on from what the ledger confirmed: nothing has watched it
        ({"off_us": 0}, True),
        ({"off_us": DAY - 1}, True),
        ({"off_us": DAY}, False),
        ({"off_us": HOUR, "trusted": False}, False),
        ({"off_us": None}, True),
        ({"off_us": None, "trusted": False}, False),
        ({"off_us": None, "ran_us": 30 * DAY}, True),
    ],
)
def test_which_clock_counts(store: Path, made: RestingCamera, case: dict[str, Any], confirmed: bool) -> None:
    assert planned(store, made, **case).clock_confirmed == confirmed


@pytest.mark.parametrize(("stepped_us", "confirmed"), [(0, True), (MINUTE - 1, True), (MINUTE, False), (-DAY, False), (HOUR, False)])
def test_in_the_boot_that_the_ledger_knows_its_own_clock_counts(
    store: Path, made: RestingCamera, monkeypatch: pytest.MonkeyPatch, stepped_us: int, confirmed: bool
) -> None:
    """One that was set since is not what was confirmed."""
    clock = SettableClock(made.clock.boottime_us, made.clock.wall_us + stepped_us)
    monkeypatch.setattr(reading, "boot_id", lambda: "boot-4")
    assert reading.read_plan(store, clock, Rules(7)).clock_confirmed == confirmed


@pytest.mark.parametrize("trusted", [True, False])
def test_in_that_boot_no_running_time_counts_twice(store: Path, made: RestingCamera, trusted: bool) -> None:
    plan = planned(store, made, off_us=None, ran_us=DAY // 2, trusted=trusted)
    ran_us = AGES[C][0] + DAY // 2 + (HOUR if trusted else 0)
    assert plan.upcoming[2].age_days == round(ran_us / DAY, 3)


def test_what_would_go(store: Path, made: RestingCamera) -> None:
    plan = planned(store, made, off_us=DAY - 1, ran_us=HOUR, days=1)
    assert plan.days == 1
    assert plan.deletions == [PlannedDeletion(recording=C, begun=False, proof="wall_clock")]
    assert [(each.recording, each.held_for) for each in plan.upcoming] == [(A, ["complaint"]), (B, ["complaint"]), (C, [])]
    assert [(warning.kind, warning.recording) for warning in plan.warnings] == [("held_past_days", A), ("held_past_days", B)]
    assert planned(store, made, off_us=HOUR, days=1).deletions == []
    later = planned(store, made, off_us=None, ran_us=DAY, trusted=False, days=1)
    assert later.deletions == [PlannedDeletion(recording=C, begun=False, proof="running_time")]


def test_a_plan_knows_only_what_is_there(store: Path, made: RestingCamera) -> None:
    shutil.rmtree(store / "recordings" / C)
    plan = planned(store, made, off_us=0)
    assert [each.recording for each in plan.upcoming] == [A, B]
    assert [(warning.kind, warning.recording) for warning in plan.warnings] == [("footage_missing", C)]
