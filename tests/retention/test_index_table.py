"""What retention knows after which entries, case by case. That it holds for any life stands in `test_three_years`."""

from __future__ import annotations

from time import tzset
from typing import cast

import msgspec
import pytest
from msgspec.structs import replace

from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.retention.elapsed import Boot, Moment
from bodycamd.retention.ledger_index import CONTEXT, Facts, LedgerIndex, StartFacts, day_us
from bodycamd.retention.policy import Hold, Rules, StatedRecording
from tests.retention.kept import DAY, Growing
from tests.retention.telling import WALL, Said, known, say

ONE, TWO, OTHER = "000001-0001", "000002-0001", "000001-0002"
ID, ID_2 = "a" * 12, "b" * 12
START = say("start", 1, "a", 3)
OPENED = say("recording_opened", 1, "a", 10, recording=ONE)
SEALED = say("segment_sealed", 1, "a", 20, recording=ONE)
CLOSED = say("recording_closed", 1, "a", 30, recording=ONE, end_us=25)
NEXT, AGAIN = say("start", 2, "b", 4), say("start", 2, "a", 40)


@pytest.mark.parametrize(
    ("entries", "end", "segments"),
    [
        # while it is recorded it has no end
        ([START, OPENED], None, 0),
        ([START, OPENED, SEALED, SEALED], None, 2),
        # its end is that of the last frame, and never later than when that was stated
        ([START, OPENED, SEALED, CLOSED], Moment(0, 25), 1),
        ([START, OPENED, say("recording_closed", 1, "a", 30, recording=ONE, end_us=30)], Moment(0, 30), 0),
        ([START, OPENED, say("recording_closed", 1, "a", 30, recording=ONE, end_us=31)], Moment(0, 30), 0),
        # nothing was written: the end is when it was closed
        ([START, OPENED, say("recording_closed", 1, "a", 30, recording=ONE)], Moment(0, 30), 0),
        # cut off: it had ended before the next start, in the same boot or another
        ([START, OPENED, AGAIN], Moment(0, 40), 0),
        ([START, OPENED, NEXT], Moment(1, 4), 0),
        ([START, OPENED, NEXT, say("start", 3, "c", 5)], Moment(1, 4), 0),
        # recovered by a later start, which states the end in the boot that opened it
        ([START, OPENED, AGAIN, say("recording_closed", 2, "a", 50, recording=ONE, end_us=22)], Moment(0, 22), 0),
        ([START, OPENED, AGAIN, say("recording_closed", 2, "a", 50, recording=ONE)], Moment(0, 40), 0),
        ([START, OPENED, NEXT, say("segment_recovered", 2, "b", 7, recording=ONE)], Moment(1, 4), 1),
        ([START, OPENED, NEXT, say("recording_closed", 2, "b", 8, recording=ONE, end_us=900)], Moment(0, 900), 0),
        ([START, OPENED, NEXT, say("recording_closed", 2, "b", 8, recording=ONE)], Moment(1, 0), 0),
        # nobody states that it was opened: a start that speaks of an earlier one's recording began after its end
        ([START, NEXT, say("recording_closed", 2, "b", 8, recording=ONE, end_us=25)], Moment(1, 4), 0),
        ([START, NEXT, say("segment_recovered", 2, "b", 7, recording=ONE)], Moment(1, 4), 1),
        ([START, say("recording_closed", 1, "a", 30, recording=ONE, end_us=25)], Moment(0, 30), 0),
        # only the beginning of a later start than its own ends it
        ([OPENED, START], None, 0),
    ],
)
def test_the_end_of_a_recording_and_its_segments(entries: list[Said], end: Moment | None, segments: int) -> None:
    assert known(*entries).recordings() == [StatedRecording(ONE, end, False, segments)]


def test_a_boot_lasted_until_the_last_frame_that_is_stated_of_it() -> None:
    cut = known(START, OPENED, NEXT, say("recording_closed", 2, "b", 8, recording=ONE, end_us=900))
    assert cut.timeline.boots == [Boot("a", 900), Boot("b", 8)]


def test_entries_count_in_whole_microseconds() -> None:
    entry, detail = say("start", 1, "a", 7)
    assert known((msgspec.structs.replace(entry, boottime_ns=7999), detail)).timeline.boots == [Boot("a", 7)]


def test_recordings_are_told_by_name_and_a_deleted_one_no_more() -> None:
    entries = [START, say("recording_opened", 1, "a", 5, recording=OTHER), OPENED, SEALED, CLOSED]
    assert [r.id for r in known(*entries).recordings()] == [ONE, OTHER]
    deleting = [*entries, say("deleting", 1, "a", 40, recording=ONE)]
    assert [(r.id, r.deleting) for r in known(*deleting).recordings()] == [(ONE, True), (OTHER, False)]
    deleted = known(*deleting, say("hold_added", 1, "a", 41, recording=ONE), say("deleted", 1, "a", 42, recording=ONE))
    assert [r.id for r in deleted.recordings()] == [OTHER]
    assert deleted.holds == {}
    assert known(START, say("deleted", 1, "a", 42, recording=ONE)).recordings() == [], "what it does not know is not deleted twice"


HOLD = Hold(ID, ONE, "complaint", "K-1", "E-03", "2026-01-03", WALL + 2 * DAY, "2026-01-01T00:00:00.000050Z")
ADD = say("hold_added", 1, "a", 50, recording=ONE, hold=ID)
OLDER = replace(HOLD, id=f"{ONE}.complaint")
SECOND = replace(HOLD, id=ID_2, ground="access-request")
ADD_SECOND = say("hold_added", 1, "a", 50, recording=ONE, hold=ID_2, ground="access-request")


@pytest.mark.parametrize(
    ("entries", "holds"),
    [
        ([ADD], [HOLD]),
        ([ADD, ADD_SECOND], [HOLD, SECOND]),
        ([ADD, ADD], [HOLD]),  # the same id again: one hold, as it was said last
        (
            [ADD, ADD_SECOND, say("hold_added", 1, "a", 50, recording=ONE, hold=ID, reference="K-2")],
            [SECOND, replace(HOLD, reference="K-2")],
        ),
        ([say("hold_added", 1, "a", 50, recording=ONE)], [OLDER]),  # older software: one for each ground
        ([say("hold_added", 1, "a", 50, recording=ONE), say("hold_released", 1, "a", 60, recording=ONE)], []),
        (
            [say("hold_added", 1, "a", 50, recording=ONE, hold=ID, review_on="2026-02-30")],
            [replace(HOLD, review_on="2026-02-30", review_us=0)],
        ),
        ([say("hold_added", 1, "a", 50, recording=OTHER, hold=ID)], []),  # nobody knows of such a recording
        # a release ends the hold that it names, on the recording that it names, and no other
        ([ADD, say("hold_released", 1, "a", 60, recording=ONE, hold=ID)], []),
        ([ADD, ADD_SECOND, say("hold_released", 1, "a", 60, recording=ONE, hold=ID)], [SECOND]),
        ([ADD, say("hold_released", 1, "a", 60, recording=ONE, hold=ID_2)], [HOLD]),
        ([ADD, say("hold_released", 1, "a", 60, recording=OTHER, hold=ID)], [HOLD]),
        ([ADD, say("hold_released", 1, "a", 60, recording=ONE)], [HOLD]),
        ([say("hold_released", 1, "a", 60, recording=ONE, hold=ID)], []),
        # a reminder is of one hold
        ([ADD, ADD_SECOND, say("hold_review_due", 1, "a", 60, recording=ONE, hold=ID)], [replace(HOLD, reminded=True), SECOND]),
        ([ADD, ADD_SECOND, say("hold_review_due", 1, "a", 60, recording=ONE, hold=ID_2)], [HOLD, replace(SECOND, reminded=True)]),
        ([ADD, say("hold_review_due", 1, "a", 60, recording=OTHER, hold=ID)], [HOLD]),
        ([say("hold_review_due", 1, "a", 60, recording=ONE, hold=ID)], []),
    ],
)
def test_holds(entries: list[Said], holds: list[Hold]) -> None:
    assert known(START, OPENED, *entries).holds == ({ONE: holds} if holds else {})


def time(at_us: int, confirmed: bool, start: int = 1, boot: str = "a", wall_us: int | None = None) -> Said:
    return say("time", start, boot, at_us, wall_us=wall_us, confirmed=confirmed)


@pytest.mark.parametrize(
    ("entries", "confirmed", "stated_us", "offset_us"),
    [  # what the newest `time` says, when that was, and what the boot's clock was confirmed as
        ([], False, None, None),
        ([time(70, True)], True, 70, WALL),
        ([time(70, False)], False, 70, None),
        ([time(70, True), time(80, False)], False, 80, WALL),
        ([time(70, True), time(80, True, wall_us=WALL + 83)], True, 80, WALL + 3),
        ([time(70, True), AGAIN], False, None, WALL),  # a start has stated nothing yet
        ([time(70, True), AGAIN, time(90, False, 2)], False, 90, WALL),
    ],
)
def test_what_the_clock_was_worth(entries: list[Said], confirmed: bool, stated_us: int | None, offset_us: int | None) -> None:
    facts = known(START, *entries)
    assert (facts.confirmed, facts.time_stated_us, facts.timeline.boots[0].offset_us) == (confirmed, stated_us, offset_us)


def test_a_confirmed_time_that_is_no_time_confirms_nothing() -> None:
    entry, detail = time(70, True)
    facts = known(START, (msgspec.structs.replace(entry, wall="2026-02-30T00:00:00.000000Z"), detail))
    assert (facts.confirmed, facts.time_stated_us, facts.timeline.boots) == (False, 70, [Boot("a", 70)])
    assert facts.starts == {1: StartFacts(0)}


def test_the_newest_rules_are_in_force() -> None:
    rules = [say("retention_rules", 1, "a", 5, days=days, keep_months=months, legal_basis=basis) for days, months, basis in RULES]
    assert known(START).rules is None
    assert known(START, *rules).rules == Rules(14, 12, None)
    assert known(START, *rules[:1]).rules == Rules(30, 24, "APV 2:1")


RULES = [(30, 24, "APV 2:1"), (14, 12, None)]
BEGUN = say("deleting", 1, "a", 50, recording=ONE)


@pytest.mark.parametrize(
    ("entries", "starts"),
    [  # of each start: its boot, its first confirmed time, what it began to delete, and whether it finished what an earlier one began
        ([], {1: StartFacts(0)}),
        ([AGAIN], {1: StartFacts(0), 2: StartFacts(0)}),
        ([NEXT], {1: StartFacts(0), 2: StartFacts(1)}),
        ([time(70, False)], {1: StartFacts(0)}),
        ([time(70, True), time(80, True)], {1: StartFacts(0, WALL + 70)}),
        ([BEGUN], {1: StartFacts(0, None, {ONE})}),
        ([BEGUN, say("deleted", 1, "a", 60, recording=ONE)], {1: StartFacts(0, None, {ONE})}),
        ([BEGUN, NEXT, say("deleted", 2, "b", 60, recording=ONE)], {1: StartFacts(0, None, {ONE}), 2: StartFacts(1, unfinished=True)}),
        (
            [BEGUN, NEXT, say("deleted", 2, "b", 60, recording=ONE), *[say(s, 2, "b", 70, recording=TWO) for s in ("deleting", "deleted")]],
            {1: StartFacts(0, None, {ONE}), 2: StartFacts(1, None, {TWO}, unfinished=True)},
        ),
        ([NEXT, say("start", 3, "c", 4), say("ledger_shortened", 3, "c", 5, first_kept=2)], {2: StartFacts(1), 3: StartFacts(2)}),
    ],
)
def test_the_starts_of_the_ledger(entries: list[Said], starts: dict[int, StartFacts]) -> None:
    facts = known(START, *entries)
    assert facts.starts == starts
    assert list(facts.starts) == sorted(starts)


def test_what_no_start_precedes_is_taken_all_the_same() -> None:
    assert known(time(70, True)).starts == {0: StartFacts(0, WALL + 70)}
    assert known(OPENED).recordings() == [StatedRecording(ONE, None)]


def test_a_recording_that_is_of_no_start_has_ended_and_does_not_count() -> None:
    """Start 0 has never been."""
    opened = say("recording_opened", 1, "a", 10, recording="000000-0001")
    for entries in ([START, opened], [opened, START]):
        facts = known(*entries)
        assert facts.recordings() == [StatedRecording("000000-0001", Moment(0, 3))]
        facts.begin_at(1)
        assert facts.recordings() == []


def three_starts() -> Facts:
    return known(
        START,
        *(OPENED, CLOSED, ADD, time(60, True)),
        NEXT,
        *(say("recording_opened", 2, "b", 5, recording=TWO), say("hold_added", 2, "b", 6, recording=TWO, hold=ID_2), time(7, True, 2, "b")),
        say("start", 3, "b", 8),
    )


@pytest.mark.parametrize(
    ("first", "recordings", "offsets"),
    [(0, [ONE, TWO], [WALL, WALL]), (1, [ONE, TWO], [WALL, WALL]), (2, [TWO], [None, WALL]), (3, [], [None, WALL]), (4, [], [None, None])],
)
def test_what_lies_before_the_first_start_that_counts_is_forgotten(first: int, recordings: list[str], offsets: list[int | None]) -> None:
    """How long the boots lasted stays known, and a boot keeps its clock for as long as one of its starts counts."""
    facts = three_starts()
    facts.begin_at(first)
    assert [r.id for r in facts.recordings()] == recordings
    assert sorted(facts.holds) == recordings
    assert [boot.offset_us for boot in facts.timeline.boots] == offsets
    assert [boot.last_us for boot in facts.timeline.boots] == [60, 8]


@pytest.mark.parametrize(
    ("starts", "oldest", "first"),
    [  # in order, from start 1 on: whether its clock was confirmed
        ("", None, 0),
        ("", 7, 7),
        ("cccc", 3, 1),
        ("cccc", None, 1),
        (".", None, 1),
        ("c" * 30, 25, 25 - CONTEXT),
        ("c" * 30, 21, 1),
        ("c" * 30, 22, 2),
        ("c" * 30, None, 30 - CONTEXT),
        ("." * 30, 25, 1),
        ("c." * 25, 45, 45 - 2 * CONTEXT),
        ("c." * 25, 46, 45 - 2 * (CONTEXT - 1)),
    ],
)
def test_the_first_start_that_counts_for_the_oldest_footage(starts: str, oldest: int | None, first: int) -> None:
    """So many before it that `CONTEXT` of them had a confirmed clock."""
    facts = Facts(starts={n: StartFacts(n, WALL if clock == "c" else None) for n, clock in enumerate(starts, 1)})
    assert facts.first_start_of(oldest) == first


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1970-01-02", DAY),
        ("2026-01-01", WALL),
        ("2026-07-01", WALL + 181 * DAY),
        ("2024-02-29", 1_709_164_800_000_000),
        ("2026-02-29", None),
        ("2026-1-1x", None),
        ("2026-1-1", None),
        ("٢٠٢٧-01-01", None),
        ("2026-01-01\n", None),
        ("", None),
    ],
)
def test_a_day_begins_at_midnight_utc(text: str, day: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the camera believes to be."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Europe/Amsterdam")
        tzset()
        assert day_us(text) == day
    tzset()


def test_the_index_follows_the_ledger_and_forgets_what_was_before_once() -> None:
    confirmed = [said for n in range(2, 40) for said in (say("start", n, f"boot-{n}", 1), time(2, True, n, f"boot-{n}"))]
    index = LedgerIndex(cast(VerifiedLedger, ledger := Growing(START, OPENED, CLOSED, *confirmed)))
    assert index.refresh(2) is index.facts
    assert index.facts.recordings() == [StatedRecording(ONE, Moment(0, 25))]
    ledger.unread = [say("recording_opened", 39, "boot-39", 80, recording=TWO)]
    assert [r.id for r in index.refresh(39).recordings()] == [ONE, TWO], "what was read once stays, whatever has gone from the store"
    assert index.broken == ""
    ledger.broken = "000039.jsonl: line 7 does not verify"
    assert index.broken == "000039.jsonl: line 7 does not verify"


def test_the_index_goes_on_with_what_was_read_before() -> None:
    facts = known(START, OPENED, CLOSED, *[say("start", n, "b", n) for n in range(2, 30)])
    facts.starts = {n: StartFacts(n, WALL) for n in range(1, 30)}
    assert LedgerIndex(cast(VerifiedLedger, Growing()), facts).refresh(29) is facts
    assert facts.recordings() == [], "of a start before those that count"
