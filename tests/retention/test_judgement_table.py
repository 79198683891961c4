"""Which stated deletions are right, case by case, the limits to the microsecond. Random lives stand in `test_judgement`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from bodycamd.evidence.retention_entries import RecordingDeleting
from bodycamd.evidence.statements import wall_text
from bodycamd.retention.judgement import DeletionJudge, Judged
from tests.retention.telling import WALL, Said, say

DAY = 86_400_000_000
SECOND = 1_000_000
MARGIN = 120 * SECOND
MONTH = 31 * DAY
ONE = "000001-0001"
END = 10
BEGIN = [say("start", 1, "a", 1), say("retention_rules", 1, "a", 2, days=28, keep_months=2)]
OPENED = say("recording_opened", 1, "a", 5, recording=ONE)
CLOSED = say("recording_closed", 1, "a", END, recording=ONE, end_us=END)
ENDED = [*BEGIN, OPENED, CLOSED]


def time(start: int, boot: str, at_us: int, off_us: int = 0, *, confirmed: bool = True) -> Said:
    """A clock that claims so much time off before its boot."""
    return say("time", start, boot, at_us, wall_us=WALL + off_us + at_us, confirmed=confirmed)


def judge(*entries: Said, shortened: bool = False) -> DeletionJudge:
    made = DeletionJudge(shortened=shortened)
    for said in entries:
        made.take(*said)
    return made


def judged(by: DeletionJudge, now: Said | None = None, **changed: Any) -> Judged:
    """A claim of 28 days by running time, where nothing else is said, at the microsecond in which they have passed."""
    claim = {"recording": ONE, "reason": "", "days": 28, "proof": "running_time", "age_seconds": 28 * 86_400} | changed
    entry, _ = now if now is not None else say("deleting", 1, "a", END + 28 * DAY)
    return by.deleting(entry, msgspec.convert({k: v for k, v in claim.items() if v is not None}, RecordingDeleting))


def wrong(*sentences: str) -> Judged:
    return Judged(sentences)


EARLY = "stated are 28 days that have passed; the ledger shows 28.00, by running time"


@pytest.mark.parametrize(
    ("at_us", "claim", "found"),
    [  # by running time
        (END + 28 * DAY, {}, Judged()),
        (END + 28 * DAY - 1, {}, wrong(EARLY)),
        (END + 28 * DAY - 1, {"proof": "wall_clock"}, wrong(EARLY)),
        (END + 14 * DAY, {}, wrong("stated are 28 days that have passed; the ledger shows 14.00, by running time")),
        (END + 400 * DAY, {}, Judged()),
        # the days are those of the rules, or more
        (END + 400 * DAY, {"days": 27}, wrong("deleted after 27 days, and the rules in force say 28")),
        (END + 400 * DAY, {"days": 29}, Judged()),
        (END + 27 * DAY, {"days": 27, "age_seconds": 1}, wrong("deleted after 27 days, and the rules in force say 28")),
        (
            END + 26 * DAY,
            {"days": 27, "age_seconds": 1},
            wrong(
                "deleted after 27 days, and the rules in force say 28",
                "stated are 27 days that have passed; the ledger shows 26.00, by running time",
            ),
        ),
        # an age that the entries show, with two minutes to spare
        (END + 28 * DAY, {"age_seconds": 28 * 86_400 + 120}, Judged()),
        (
            END + 28 * DAY,
            {"age_seconds": 28 * 86_400 + 121},
            wrong("stated is an age of 2419321 s; the ledger shows 2419320 s at most"),
        ),
        (
            END + 28 * DAY + SECOND - 1,
            {"age_seconds": 28 * 86_400 + 121},
            wrong("stated is an age of 2419321 s; the ledger shows 2419320 s at most"),
        ),
        (END + 28 * DAY + SECOND, {"age_seconds": 28 * 86_400 + 121}, Judged()),
        # no confirmed clock: no latest end is known
        (
            END + 28 * DAY,
            {"ended_before": wall_text(WALL)},
            wrong(f"stated is that it ended before {wall_text(WALL)}; the ledger does not show it"),
        ),
        # without a proof nothing else is asked
        (END + 28 * DAY, {"proof": None}, wrong("no proof is stated that its days have passed")),
        (END + 28 * DAY, {"days": None}, wrong("no proof is stated that its days have passed")),
        (END + 28 * DAY, {"age_seconds": None}, wrong("no proof is stated that its days have passed")),
        (END + 28 * DAY, {"age_seconds": 0}, Judged()),
        # a recording that nobody speaks of
        (END + 28 * DAY, {"recording": "000001-0009"}, wrong("deleted, and no entry before it mentions this recording")),
        (
            END + 28 * DAY,
            {"recording": "000001-0009", "days": 1},
            wrong("deleted after 1 days, and the rules in force say 28", "deleted, and no entry before it mentions this recording"),
        ),
    ],
)
def test_by_running_time(at_us: int, claim: dict[str, Any], found: Judged) -> None:
    assert judged(judge(*ENDED), say("deleting", 1, "a", at_us), **claim) == found


def test_a_recording_that_had_not_ended() -> None:
    assert judged(judge(*BEGIN, OPENED)) == wrong("deleted, and it had not ended")


@pytest.mark.parametrize("shortened", [False, True])
def test_no_rules(shortened: bool) -> None:
    """In a shortened ledger they may have been stated before."""
    found = judged(judge(BEGIN[0], OPENED, CLOSED, shortened=shortened))
    assert found == (Judged() if shortened else wrong("deleted, and no entry before it states how long footage is kept"))


def test_held() -> None:
    """When its deletion began, or came to its end: also where no proof is stated."""
    one = say("hold_added", 1, "a", 20, recording=ONE, hold="a" * 12)
    two = say("hold_added", 1, "a", 21, recording=ONE, hold="b" * 12, ground="access-request")
    free = judge(*ENDED)
    held = judge(*ENDED, one, two)
    assert free.deleted(ONE) == Judged()
    assert held.deleted(ONE) == wrong("held for complaint, access-request when it was deleted")
    assert judged(held) == wrong("held for complaint, access-request when its deletion began")
    assert judged(held, proof=None) == wrong(
        "held for complaint, access-request when its deletion began", "no proof is stated that its days have passed"
    )
    assert judged(judge(*ENDED, one), days=1).wrong[0] == "held for complaint when its deletion began"
    assert judged(judge(*BEGIN, OPENED, one)).wrong == ("held for complaint when its deletion began", "deleted, and it had not ended")
    assert held.deleted("000001-0002") == Judged()


NEXT = say("start", 2, "b", 0)
OFF = 28 * DAY - 90
"""Time off that makes 28 days with the ninety microseconds that boot `a` ran on after the end."""


def after(*, then: bool = True, now: bool = True, off_us: int = OFF) -> DeletionJudge:
    """Boot `a` lasted a hundred microseconds; boot `b` follows after the time off."""
    entries = [*ENDED, time(1, "a", 100, confirmed=then), NEXT, time(2, "b", 0, 100 + off_us, confirmed=now)]
    return judge(*entries)


def deleting(at_us: int, off_us: int = OFF) -> Said:
    return say("deleting", 2, "b", at_us, wall_us=WALL + 100 + off_us + at_us)


@pytest.mark.parametrize(
    ("case", "at_us", "claim", "found"),
    [  # by the wall clock, which counts where the newest `time` of this start is confirmed
        ({}, 0, {}, Judged()),
        ({}, 0, {"proof": "running_time"}, wrong("stated are 28 days that have passed; the ledger shows 0.00, by running time")),
        ({"off_us": OFF - 1}, 0, {}, wrong(f"{EARLY} and confirmed clocks")),
        ({"off_us": OFF - 1}, 1, {}, Judged()),
        ({"now": False}, 0, {}, wrong("stated are 28 days that have passed; the ledger shows 0.00, by running time")),
        ({"then": False}, 0, {}, wrong("stated are 28 days that have passed; the ledger shows 0.00, by running time and confirmed clocks")),
        ({"now": False}, 28 * DAY - 90, {}, Judged()),
        # the age that it may state counts what both clocks show
        ({}, 0, {"age_seconds": 28 * 86_400 + 120}, Judged()),
        ({}, 0, {"age_seconds": 28 * 86_400 + 121}, wrong("stated is an age of 2419321 s; the ledger shows 2419320 s at most")),
        ({}, 28 * DAY, {"proof": "running_time", "age_seconds": 56 * 86_400 + 120}, Judged()),
        # the latest end, with two minutes to spare
        ({}, 0, {"ended_before": wall_text(WALL + END)}, Judged()),
        ({}, 0, {"ended_before": wall_text(WALL + END - MARGIN)}, Judged()),
        (
            {},
            0,
            {"ended_before": wall_text(WALL + END - MARGIN - 1)},
            wrong("stated is that it ended before 2025-12-31T23:58:00.000009Z; the ledger does not show it"),
        ),
        (
            {},
            0,
            {"ended_before": "2026-02-30T00:00:00.000000Z"},
            wrong("stated is that it ended before 2026-02-30T00:00:00.000000Z; the ledger does not show it"),
        ),
        ({}, 0, {"ended_before": wall_text(WALL + 900 * DAY)}, Judged()),
    ],
)
def test_by_the_wall_clock(case: dict[str, Any], at_us: int, claim: dict[str, Any], found: Judged) -> None:
    now = deleting(at_us, case.get("off_us", OFF))
    assert judged(after(**case), now, **({"proof": "wall_clock"} | claim)) == found


def test_the_highest_clock_of_a_start_counts() -> None:
    """A boot that claimed two times is taken at the later one: its footage is younger."""
    for claims in ((0, 7), (7, 0)):
        entries = [*ENDED, *[time(1, "a", 100, off_us) for off_us in claims], NEXT, time(2, "b", 0, 100 + OFF)]
        assert judged(judge(*entries), deleting(0), proof="wall_clock") == wrong(f"{EARLY} and confirmed clocks")
        assert judged(judge(*entries), deleting(7), proof="wall_clock") == Judged()


def clocks(*claims: int | None) -> list[Said]:
    """Starts from the second on, each a boot of a microsecond, with the days off that its clock claims or without a confirmed one."""
    said = []
    for number, claim in enumerate(claims, 2):
        boot = f"boot-{number}"
        said.append(say("start", number, boot, 0))
        said.append(time(number, boot, 1, (claim or 0) * DAY + number - 2, confirmed=claim is not None))
    return said


def in_start(number: int, name: str = "") -> tuple[list[Said], str]:
    """A recording of that start, which ends a microsecond after the boot's clock was stated."""
    name, boot = name or f"{number:06d}-0001", f"boot-{number}"
    opened = say("recording_opened", number, boot, 1, recording=name)
    return [opened, say("recording_closed", number, boot, 1, recording=name, end_us=1)], name


def seen_from(before: Sequence[int | None], recorded: Sequence[int | None], days: int, name: str = "") -> Judged:
    """Of the first start in `recorded`, after those in `before`, deleted by the clock of the last one, `days` after its own claim."""
    number = 2 + len(before)
    footage, name = in_start(number, name)
    told = clocks(*before, *recorded)
    at = next(place for place, (entry, _) in enumerate(told) if entry.start == number) + 2
    told[at:at] = footage
    last = number + len(recorded) - 1
    now = say("deleting", last, f"boot-{last}", 2, wall_us=WALL + days * DAY + last - 2 + 2)
    return judged(judge(*BEGIN, *told), now, recording=name, proof="wall_clock")


@pytest.mark.parametrize(
    ("before", "recorded", "days", "right"),
    [
        ([0] * 5, [0, 30], 30, True),
        ([0] * 5, [3, 30], 30, False),
        # clocks far ahead in many starts, long before this recording: twenty confirmed ones before it count, and no more
        ([900] * 30 + [0] * 20, [0, 30], 30, True),
        ([900] * 30 + [0] * 11, [0, 30], 30, True),
        ([900] * 30 + [0] * 8, [0, 30], 30, False),
        ([900] * 30 + [None, 0] * 11, [0, 30], 30, True),
        ([900] * 30 + [0] * 10, [0, 30], 30, True),
        ([900] * 30 + [0] * 9, [0, 30], 30, False),
        ([900] * 30 + [0] * 9, [0, 0, 30], 30, True),
        ([900] * 30 + [0] * 8, [0, 0, 30], 30, False),
        ([900] * 10 + [0] * 9, [0, 30], 30, True),
        ([900] * 11 + [0] * 9, [0, 30], 30, False),
    ],
)
def test_how_far_back_the_ledger_counts(before: list[int | None], recorded: list[int | None], days: int, right: bool) -> None:
    assert (seen_from(before, recorded, days) == Judged()) == right


def test_a_recording_with_the_name_of_a_start_to_come_is_judged_by_what_there_is() -> None:
    for zeros, right in ((9, True), (8, False)):
        assert (seen_from([900] * 30 + [0] * zeros, [0, 30], 30, "000099-0001") == Judged()) == right


def test_before_any_start_nothing_is_known() -> None:
    for shortened in (False, True):
        found = judged(judge(shortened=shortened))
        assert found.wrong[-1] == "deleted, and no entry before it mentions this recording"


@pytest.mark.parametrize(
    ("long_before", "sealed", "between", "found"),
    [
        # as the camera read it: from twenty confirmed starts before its oldest footage on
        (True, 1, 10, Judged()),
        (True, 0, 10, wrong("stated are 28 days that have passed; the ledger shows 0.00, by running time and confirmed clocks")),
        # by all that is kept
        (False, 0, 10, Judged()),
        # what this recording needs is told where none of them bears it out
        (False, 0, 15, wrong("stated are 28 days that have passed; the ledger shows 0.00, by running time and confirmed clocks")),
    ],
)
def test_a_boot_in_which_the_camera_was_started_again_and_again(long_before: bool, sealed: int, between: int, found: Judged) -> None:
    """Its first start claims fifty days off and the other ones forty: read from the middle of it, it is another boot."""
    told = list(BEGIN)
    if long_before:
        told += clocks(*[45] * 30)
        told += [said for n in range(32, 52) for said in (say("start", n, "early", n), time(n, "early", n, 30))]
    first = 52
    told += [say("start", first, "x", 0), time(first, "x", 0, 50 * DAY + 100)]
    told += [say("recording_opened", first, "x", 0, recording=f"{first:06d}-0001")]
    told += [say("segment_sealed", first, "x", 0, recording=f"{first:06d}-0001")] * sealed
    told += [said for n in range(53, 73) for said in (say("start", n, "x", 1), time(n, "x", 1, 40 * DAY + 100))]
    footage, name = in_start(73)
    told += [say("start", 73, "x", 1), *[(msgspec.structs.replace(entry, boot_id="x"), detail) for entry, detail in footage]]
    told += [say("start", 74, "y", 0), time(74, "y", 0, between * DAY + 100)]
    told += [say("start", 75, "z", 0), time(75, "z", 0, 40 * DAY + 200)]
    claim = say("deleting", 75, "z", 0, wall_us=WALL + 40 * DAY + 200)
    assert judged(judge(*told), claim, recording=name, proof="wall_clock") == found


def test_the_first_clock_of_the_ledger_counts_too() -> None:
    """With it the one of now is the one that is wrong."""
    entries = [*BEGIN, time(1, "a", 3, 45 * DAY), *clocks(50, 10, 40)]
    footage, name = in_start(2)
    entries[5:5] = footage
    now = say("deleting", 4, "boot-4", 2, wall_us=WALL + 40 * DAY + 4)
    assert judged(judge(*entries), now, recording=name, proof="wall_clock").wrong
    assert judged(judge(*BEGIN, *entries[3:]), now, recording=name, proof="wall_clock") == Judged()


@pytest.mark.parametrize(
    ("recording", "found"),
    [
        ("000002-0001", Judged((), "the entries of start 2 are no longer in the ledger: how old it was cannot be judged")),
        ("000003-0001", wrong("deleted, and no entry before it mentions this recording")),
    ],
)
def test_a_recording_whose_start_was_dropped_is_not_judged(recording: str, found: Judged) -> None:
    entries = [say("start", 3, "c", 1), say("retention_rules", 3, "c", 1, days=28, keep_months=2), say("start", 4, "d", 1)]
    claim = say("deleting", 4, "d", 40 * DAY)
    assert judged(judge(*entries, shortened=True), claim, recording=recording) == found
    assert judged(judge(*entries), claim, recording=recording) == wrong("deleted, and no entry before it mentions this recording")


def test_days_and_holds_are_judged_though_its_start_was_dropped() -> None:
    entries = [
        say("start", 3, "c", 1),
        say("recording_opened", 3, "c", 1, recording=ONE),
        say("hold_added", 3, "c", 2, recording=ONE, hold="a" * 12),
    ]
    found = judged(judge(*entries, shortened=True), say("deleting", 3, "c", 9))
    assert found.wrong == ("held for complaint when its deletion began",)
    assert found.not_judged


DROPPED = Judged((), "entries that say which clock was right are no longer in the ledger: how old it was cannot be judged")


@pytest.mark.parametrize(
    ("claims", "own", "now_us", "dropped"),
    [  # the days off that two clocks claim, whose footage it is, what the clock claims now
        ([50, 10], 0, 55 * DAY, True),
        ([50, 10], 1, 55 * DAY, True),
        ([10, 50], 1, 55 * DAY, False),  # an earlier clock says nothing of it
        ([20, 60], 0, 55 * DAY, True),
        ([60, 30], 0, 55 * DAY, False),  # whichever was right, it is too young
        ([60, 50], 0, 55 * DAY, False),
        ([50, 27], 0, 55 * DAY - 3, True),  # with three microseconds of running time
        ([50, 27], 0, 55 * DAY - 4, False),
    ],
)
def test_a_shortened_ledger(claims: list[int], own: int, now_us: int, dropped: bool) -> None:
    """Wrong is only what no clock can bear out: what would tell which of them was right may have been dropped."""
    footage, name = in_start(2 + own)
    told = clocks(*claims)
    told[2 * own + 2 : 2 * own + 2] = footage
    told += [say("start", 4, "boot-4", 0), time(4, "boot-4", 1, now_us + 2)]
    now = say("deleting", 4, "boot-4", 2, wall_us=WALL + now_us + 2 + 2)
    found = judged(judge(*ENDED, *told, shortened=True), now, recording=name, proof="wall_clock")
    assert (found == DROPPED) == dropped
    assert bool(found.wrong) != dropped


@pytest.mark.parametrize("shortened", [False, True])
@pytest.mark.parametrize(("at_us", "right"), [(28 * DAY - 3, True), (28 * DAY - 4, False)])
def test_without_a_clock_that_counts_now_nothing_is_left_to_doubt(at_us: int, right: bool, shortened: bool) -> None:
    footage, name = in_start(2)
    told = clocks(0, 40, None)
    told[2:2] = footage
    now = say("deleting", 4, "boot-4", 2 + at_us)
    found = judged(judge(*BEGIN, *told, shortened=shortened), now, recording=name)
    assert (found.wrong == (), found.not_judged) == (right, "")


@pytest.mark.parametrize(
    ("first_kept", "confirmed_us", "passed_us", "words"),
    [  # two months of 31 days since the first confirmed time of the first start that was kept, with two minutes to spare
        (3, 0, 2 * MONTH, ""),
        (3, 0, 2 * MONTH - MARGIN, ""),
        (3, 0, 2 * MONTH - MARGIN - 1, "the rules keep the ledger for 2 months; it was shortened after 62.0 days at most"),
        (3, 0, 10 * DAY, "the rules keep the ledger for 2 months; it was shortened after 10.0 days at most"),
        (3, None, 2 * MONTH, "the rules keep the ledger for 2 months; it was shortened after 0.0 days at most"),
        (2, 0, 10 * DAY, ""),  # an earlier shortening: what it kept first is gone
    ],
)
def test_a_shortening(first_kept: int, confirmed_us: int | None, passed_us: int, words: str) -> None:
    entries = [say("start", 3, "c", 0), say("retention_rules", 3, "c", 0, days=28, keep_months=2)]
    entries += [time(3, "c", 1, -1, confirmed=confirmed_us is not None), time(3, "c", 2, 5 * DAY - 2, confirmed=confirmed_us is not None)]
    entries += [say("start", 4, "d", 0), time(4, "d", 1, 90 * DAY)]
    entry, detail = say("ledger_shortened", 4, "d", 2, wall_us=WALL + passed_us, first_kept=first_kept)
    assert judge(*entries, shortened=True).dropped(entry, detail) == words  # type: ignore[arg-type]


def test_a_shortening_by_a_clock_that_is_not_confirmed_shows_nothing() -> None:
    entries = [say("start", 3, "c", 0), say("retention_rules", 3, "c", 0, days=28, keep_months=2), time(3, "c", 1)]
    entry, detail = say("ledger_shortened", 4, "d", 2, wall_us=WALL + 90 * DAY, first_kept=3)
    words = "the rules keep the ledger for 2 months; it was shortened after 0.0 days at most"
    for unsure in ([say("start", 4, "d", 0)], [say("start", 4, "d", 0), time(4, "d", 1, confirmed=False)]):
        assert judge(*entries, *unsure, shortened=True).dropped(entry, detail) == words  # type: ignore[arg-type]
    assert judge(entries[0], entries[2], shortened=True).dropped(entry, detail) == ""  # type: ignore[arg-type]
    assert judge(entries[1], shortened=True).dropped(entry, detail) == ""  # type: ignore[arg-type]
