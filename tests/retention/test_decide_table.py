"""What may be deleted, case by case: one row a case, the limits to the microsecond. The random lives stand in `test_three_years`."""

from __future__ import annotations

import pytest

from bodycamd.retention.elapsed import Moment, Now, Timeline
from bodycamd.retention.policy import Decision, Deletion, Hold, Notice, Outlook, Rules, StatedRecording, decide, reviews_due

DAY = 86_400_000_000
MARGIN = 120_000_000
"""What the wall clock's proof needs beyond the days."""
WALL = 1_767_225_600_000_000
"""1 January 2026, when the boots of these cases begin."""
ID = "000001-0001"
SILENT = 5_000_000
"""The first boot's length: the recording ends with it."""


def hold(ground: str = "complaint", review_us: int = WALL, recording: str = ID) -> Hold:
    return Hold("h-1", recording, ground, "Z-1", "E-03", "2026-01-02", review_us, "2026-01-01T00:00:00.000000Z")


def decided(
    *,
    off_us: int = 0,
    running_us: int = 0,
    days: int = 28,
    confirmed_then: bool = True,
    confirmed_now: bool = True,
    held: bool = False,
    deleting: bool = False,
    present: bool = True,
    ended: bool = True,
    segments: int = 1,
) -> Decision:
    """The decision about a recording that ended with boot 0, after the camera was off and then ran for so long in boot 1."""
    timeline = Timeline()
    end = timeline.see("boot-0", SILENT)
    if confirmed_then:
        timeline.confirm(end, WALL + SILENT)
    now = timeline.now("boot-1", running_us, WALL + SILENT + off_us + running_us if confirmed_now else None)
    recording = StatedRecording(ID, end if ended else None, deleting, segments)
    holds = {ID: [hold()]} if held else {ID: []}
    return decide([recording], frozenset({ID} if present else ()), holds, timeline, now, Rules(days))


@pytest.mark.parametrize(
    ("case", "goes"),
    [
        # by the wall clock: the days and two minutes, to the microsecond
        ({"off_us": 28 * DAY + MARGIN}, "wall_clock"),
        ({"off_us": 28 * DAY + MARGIN - 1}, None),
        ({"off_us": 28 * DAY}, None),
        ({"off_us": 28 * DAY - MARGIN}, None),
        ({"off_us": 27 * DAY, "running_us": DAY + MARGIN}, "wall_clock"),
        ({"off_us": 27 * DAY, "running_us": DAY + MARGIN - 1}, None),
        ({"off_us": DAY + MARGIN, "days": 1}, "wall_clock"),
        ({"off_us": DAY + MARGIN - 1, "days": 1}, None),
        ({"off_us": -DAY}, None),
        # by running time alone: the days, to the microsecond, whatever the clocks say
        ({"running_us": 28 * DAY, "confirmed_now": False}, "running_time"),
        ({"running_us": 28 * DAY - 1, "confirmed_now": False}, None),
        ({"running_us": 28 * DAY}, "running_time"),
        ({"running_us": 28 * DAY - 1}, None),
        ({"running_us": 28 * DAY + MARGIN - 1}, "running_time"),
        ({"running_us": 28 * DAY + MARGIN}, "wall_clock"),
        ({"running_us": DAY, "days": 1, "confirmed_now": False, "confirmed_then": False}, "running_time"),
        # a clock that is confirmed on one side only proves nothing
        ({"off_us": 100 * DAY, "confirmed_then": False}, None),
        ({"off_us": 100 * DAY, "confirmed_now": False}, None),
        # what keeps it, however old it is
        ({"off_us": 100 * DAY, "held": True}, None),
        ({"running_us": 100 * DAY, "held": True}, None),
        ({"off_us": 100 * DAY, "ended": False}, None),
        ({"off_us": 100 * DAY, "present": False}, None),
    ],
)
def test_what_goes_and_by_which_proof(case: dict[str, int], goes: str | None) -> None:
    deletions = decided(**case).deletions  # type: ignore[arg-type]
    assert [deletion.proof for deletion in deletions] == ([goes] if goes else [])


def test_a_deletion_says_how_old_it_is_and_since_when() -> None:
    off_us = 28 * DAY + MARGIN
    assert decided(off_us=off_us, running_us=7).deletions == (Deletion(ID, False, off_us + 7, "wall_clock", WALL + SILENT),)
    by_running = decided(running_us=28 * DAY, confirmed_now=False, confirmed_then=False).deletions
    assert by_running == (Deletion(ID, False, 28 * DAY, "running_time", None),)


@pytest.mark.parametrize(
    "case", [{}, {"held": True}, {"present": False}, {"confirmed_now": False}, {"ended": False}, {"running_us": 5, "segments": 0}]
)
def test_what_was_begun_is_finished(case: dict[str, int]) -> None:
    assert decided(deleting=True, **case) == Decision((Deletion(ID, True),), _reviews_of(case), {})  # type: ignore[arg-type]


def _reviews_of(case: dict[str, int]) -> tuple[Notice, ...]:
    text = "the hold for complaint (Z-1) was to be reviewed on 2026-01-02"
    return (Notice("review_due", ID, text),) if case.get("held") else ()


@pytest.mark.parametrize(
    ("case", "kinds"),
    [
        ({"off_us": 28 * DAY + MARGIN, "held": True}, ["held_past_days", "review_due"]),
        ({"off_us": 28 * DAY + MARGIN - 1, "held": True}, ["review_due"]),
        ({"present": False}, ["footage_missing"]),
        ({"present": False, "segments": 0}, []),
        ({"confirmed_now": False, "confirmed_then": False}, ["not_provable"]),
        ({"confirmed_now": False, "confirmed_then": False, "running_us": 28 * DAY - 1}, ["not_provable"]),
        ({"confirmed_now": False, "confirmed_then": False, "running_us": 28 * DAY}, []),
        ({"confirmed_now": False, "confirmed_then": False, "running_us": 28 * DAY, "held": True}, ["held_past_days"]),
        ({"confirmed_now": False}, []),
        ({"confirmed_then": False}, []),
        ({}, []),
    ],
)
def test_what_somebody_should_know(case: dict[str, int], kinds: list[str]) -> None:
    assert [(warning.kind, warning.recording) for warning in decided(**case).warnings] == [(kind, ID) for kind in kinds]  # type: ignore[arg-type]


def test_the_words_of_the_warnings() -> None:
    said = {
        "held_past_days": decided(off_us=40 * DAY, held=True, days=14).warnings[0].text,
        "footage_missing": decided(present=False).warnings[0].text,
        "not_provable": decided(confirmed_now=False, confirmed_then=False).warnings[0].text,
    }
    assert said == {
        "held_past_days": "kept beyond 14 days by a hold",
        "footage_missing": "the ledger states footage that is not in the store",
        "not_provable": "no confirmed clock since it ended: running time alone counts",
    }


def test_a_folder_that_the_ledger_does_not_know_stays_and_is_told_of() -> None:
    timeline = Timeline()
    decision = decide([], frozenset({"000009-0002", "000009-0001"}), {}, timeline, timeline.now("b", 0, None), Rules())
    text = "the ledger does not know this recording: it is never deleted by itself"
    assert decision == Decision((), tuple(Notice("unknown_recording", f"000009-000{n}", text) for n in (1, 2)), {})


@pytest.mark.parametrize(
    ("case", "outlook"),
    [  # age, latest end by the wall clock, deleted on, remaining, held
        ({"off_us": 3 * DAY}, (3 * DAY, WALL + SILENT, WALL + SILENT + 28 * DAY + MARGIN, 25 * DAY, False)),
        ({"off_us": 3 * DAY, "held": True}, (3 * DAY, WALL + SILENT, WALL + SILENT + 28 * DAY + MARGIN, 25 * DAY, True)),
        ({"off_us": 28 * DAY}, (28 * DAY, WALL + SILENT, WALL + SILENT + 28 * DAY + MARGIN, 0, False)),
        ({"off_us": 28 * DAY - 1}, (28 * DAY - 1, WALL + SILENT, WALL + SILENT + 28 * DAY + MARGIN, 1, False)),
        ({"off_us": 40 * DAY, "days": 14}, (40 * DAY, WALL + SILENT, WALL + SILENT + 14 * DAY + MARGIN, 0, False)),
        ({"running_us": DAY, "confirmed_now": False}, (DAY, WALL + SILENT, WALL + SILENT + 28 * DAY + MARGIN, 27 * DAY, False)),
        ({"running_us": DAY, "confirmed_now": False, "confirmed_then": False}, (DAY, None, None, 27 * DAY, False)),
        ({"confirmed_now": False, "confirmed_then": False}, (0, None, None, 28 * DAY, False)),
        ({"running_us": 9, "confirmed_then": False}, (9, WALL + SILENT, WALL + SILENT + 28 * DAY + MARGIN, 28 * DAY - 9, False)),
    ],
)
def test_the_outlook(case: dict[str, int], outlook: tuple[int, int | None, int | None, int, bool]) -> None:
    assert decided(**case).outlooks == {ID: Outlook(ID, *outlook)}  # type: ignore[arg-type]


def test_the_oldest_goes_first_and_what_was_begun_before_all() -> None:
    timeline = Timeline()
    end = timeline.see("boot-0", 0)
    now = timeline.now("boot-1", 28 * DAY, None)
    names = ["000003-0001", "000001-0002", "000002-0001", "000001-0001"]
    gone = "000000-0001"
    recordings = [StatedRecording(name, end, deleting=name in ("000003-0001", "000002-0001")) for name in (*names, gone)]
    decision = decide(recordings, frozenset(names), {}, timeline, now, Rules())
    assert [(d.recording, d.begun) for d in decision.deletions] == [
        ("000002-0001", True),
        ("000003-0001", True),
        ("000001-0001", False),
        ("000001-0002", False),
    ]
    assert sorted(decision.outlooks) == ["000001-0001", "000001-0002"]


@pytest.mark.parametrize(
    ("wall_us", "due"), [(WALL - 1, False), (WALL, True), (WALL + 1, True), (None, False)], ids=["before", "then", "after", "no clock"]
)
def test_a_review_is_due_from_its_very_beginning(wall_us: int | None, due: bool) -> None:
    now = Now(Moment(0, 77), None if wall_us is None else wall_us - 77)
    holds = {ID: [hold(), hold("access-request", WALL + DAY)], "000001-0002": [hold(recording="000001-0002")]}
    assert [held.recording for held in reviews_due(holds, now)] == ([ID, "000001-0002"] if due else [])
