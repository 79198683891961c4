"""Statements and entries, case by case: their bytes, the clock's bounds, and what the two formats of the ledger hold an entry to."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError
from bodycamd.evidence import entries, noted_entries, strict_json
from bodycamd.evidence.entries import KeyChanged, RecordingOpened, SegmentSealed, check_format, detail_as, detail_fields, typed_detail
from bodycamd.evidence.noted_entries import Marked, ShiftBegun
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased, HoldReviewDue
from bodycamd.evidence.statements import (
    ClockQuality,
    FragmentStatement,
    Statement,
    Video,
    decode_entry,
    decode_statement,
    encode_entry,
    encode_statement,
    wall_text,
    wall_us,
)
from tests.evidence.making import brief, encrypted_fragment, encrypted_init, entry, new_start, told
from tests.kit.scale import count

LAST_US = 10_413_792_000_000_000 - 1
"""The last microsecond of 2299."""
ID, HOLD = "000001-0001", "0123456789ab"
INIT = new_start().init(encrypted_init(), recording=ID, segment=0, prev="ab" * 32)
FRAGMENT = new_start().fragment(encrypted_fragment(5), recording=ID, segment=0, index=1, prev="ab" * 32, gap_us=0)


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1970-01-01T00:00:00.000000Z"),
        (-(2**62), "1970-01-01T00:00:00.000000Z"),
        (1_748_779_200_000_000, "2025-06-01T12:00:00.000000Z"),
        (LAST_US, "2299-12-31T23:59:59.999999Z"),
        (LAST_US + 1, "2299-12-31T23:59:59.999999Z"),
        (2**63, "2299-12-31T23:59:59.999999Z"),
    ],
)
def test_the_wall_clock_as_text_is_the_nearest_that_can_be_stated(at_us: int, text: str) -> None:
    assert wall_text(at_us) == text
    assert wall_us(text, "x") == min(max(at_us, 0), LAST_US)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2025-02-30T00:00:00.000000Z", "wall '2025-02-30T00:00:00.000000Z' is no time: day is out of range for month"),
        ("2025-06-01T25:00:00.000000Z", "wall '2025-06-01T25:00:00.000000Z' is no time: hour must be in 0..23"),
        ("noon" * 50, f"wall '{'noon' * 9}noo…' is no time: "),
        ("2025-06-01T12:00:00.000000", "wall '2025-06-01T12:00:00.000000' has no time zone"),
        (f"2025-06-01T12:00:00.{'0' * 60}", f"wall '2025-06-01T12:00:00.{'0' * 19}…' has no time zone"),
        ("1969-12-31T23:59:59.999999Z", "wall '1969-12-31T23:59:59.999999Z' is not between 1970 and 2299"),
        ("2300-01-01T00:00:00.000000Z", "wall '2300-01-01T00:00:00.000000Z' is not between 1970 and 2299"),
        (f"1969-12-31T23:59:59.{'0' * 60}Z", f"wall '1969-12-31T23:59:59.{'0' * 19}…' is not between 1970 and 2299"),
    ],
)
def test_what_is_no_time_is_told(text: str, said: str) -> None:
    assert told(lambda: wall_us(text, "ledger: line 3")).startswith(f"ledger: line 3: {said}")


def test_a_statement_is_one_line_of_sorted_json_and_is_read_back() -> None:
    for signed in (INIT, FRAGMENT):
        assert signed.json == msgspec.json.encode(signed.statement, order="sorted") + b"\n" == encode_statement(signed.statement)
        assert decode_statement(signed.json, "x") == signed.statement
    assert isinstance(FRAGMENT.statement, FragmentStatement)
    assert (FRAGMENT.statement.pts_us, FRAGMENT.statement.end_us) == (5_000_000, 6_000_000)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not one whole line"),
        (FRAGMENT.json[:-1], "not one whole line"),
        (FRAGMENT.json[:-1] + b" ", "not one whole line"),
        (FRAGMENT.json + b"\n", f"control character at byte {len(FRAGMENT.json) - 1}"),
        (FRAGMENT.json.replace(b"2025-06-15", b"2025-06-31"), "wall '2025-06-31T15:06:41.001000Z' is no time: "),
        (FRAGMENT.json.replace(b'"n":1,', b'"n":0,'), "Expected `int` >= 1 - at `$.n`"),
    ],
    ids=brief,
)
def test_what_is_no_statement_is_told(raw: bytes, said: str) -> None:
    assert told(lambda: decode_statement(raw, "s.tar: triple 1")).startswith(f"s.tar: triple 1: {said}")


def test_what_a_reader_would_refuse_is_not_signed() -> None:
    assert (
        told(lambda: encode_statement(msgspec.structs.replace(FRAGMENT.statement, n=0))) == "to be signed: Expected `int` >= 1 - at `$.n`"
    )
    unreadable = msgspec.structs.replace(FRAGMENT.statement, device="\ud800")
    assert told(lambda: encode_statement(unreadable)).startswith("to be signed: 'utf-8' codec can't encode")
    assert told(lambda: encode_entry(entry("Marker", {}))).startswith("to be signed: Expected `str` matching regex")
    assert told(lambda: encode_entry(entry("marker", {"a": "\ud800"}))).startswith("to be signed: 'utf-8' codec can't encode")
    assert told(lambda: encode_entry(entry("marker", {"n": 2**70}))) == "to be signed: integer 1180591620717411303424 does not fit 64 bits"


NUMBERS = [-1, 0, 1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64, 1.5, math.nan, math.inf, True]
TEXTS = [
    "",
    "a",
    "0" * 64,
    "0" * 65,
    "\ud800",
    "\x00",
    "\n",
    '"' * 150,
    "\x01" * 200,
    "\u2028",
    "é" * 200,
    "é" * 201,
    "2025-02-30T00:00:00.000000Z",
]
LISTS = [[], [""], ["a"], ["a" * 501], ["\x01" * 500] * 64, ["a"] * 65, [[[[[[[[["a"]]]]]]]]]]
OTHERS = [ClockQuality(source="\x02" * 200, error_ms=2**53), Video(encoder="e", width=1, height=0, frame_rate=math.nan), {"a": None}, None]
ODD = st.sampled_from([*NUMBERS, *TEXTS, *LISTS, *OTHERS])


@settings(max_examples=count(2000))
@given(data=st.data())
def test_what_is_signed_is_just_what_a_reader_takes(data: st.DataObject) -> None:
    sound: Statement = data.draw(st.sampled_from([INIT.statement, FRAGMENT.statement]))
    changed = data.draw(st.dictionaries(st.sampled_from(type(sound).__struct_fields__), ODD, max_size=3))
    statement = msgspec.structs.replace(sound, **changed)

    def read_again() -> bytes:
        raw = strict_json.encode(statement, "to be signed") + b"\n"
        decode_statement(raw, "to be signed")
        return raw

    try:
        expected = read_again()
    except DataError:
        with pytest.raises(DataError):
            encode_statement(statement)
    else:
        assert encode_statement(statement) == expected


def test_what_is_no_number_is_not_signed_and_the_word_null_is() -> None:
    """It would be spelled as null, which stands for nothing here, where a number may be left out."""
    with pytest.raises(DataError, match="'audio_pts_us' is null"):
        encode_statement(msgspec.structs.replace(FRAGMENT.statement, audio_pts_us=math.nan))
    named = msgspec.structs.replace(INIT.statement, video=Video(encoder="null", width=1, height=1, frame_rate=1))
    assert decode_statement(encode_statement(named), "x") == named


def test_what_is_signed_is_not_read_as_a_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "decode", None)
    assert encode_statement(FRAGMENT.statement) == FRAGMENT.json


def test_an_entry_is_sorted_json_without_line_end_and_a_question_mark_for_what_was_unreadable() -> None:
    raw, as_read = encode_entry(entry("marker", {"b": "x\ufffd", "a": 1}))
    assert raw == msgspec.json.encode(as_read, order="sorted")
    assert as_read == entry("marker", {"a": 1, "b": "x?"}) == decode_entry(raw, "x")
    wrong = raw.replace(b"1970-01-01", b"1970-01-32")
    assert told(lambda: decode_entry(wrong, "l: line 2")).startswith("l: line 2: wall '1970-01-32T00:00:00.000000Z' is no time: ")
    assert told(lambda: decode_entry(raw + b"\n", "l: line 2")) == f"l: line 2: control character at byte {len(raw)}"


OPENED = {"recording": ID, "keep_from_us": 5, "warning": "skipped"}


@pytest.mark.parametrize(
    ("type", "detail", "found"),
    [
        ("recording_opened", OPENED, RecordingOpened(recording=ID, keep_from_us=5, warning="skipped")),
        ("key_changed", {"public_key": "ab" * 32}, KeyChanged(public_key="ab" * 32)),
        ("marker", {"recording": ID, "of later": 1}, Marked(recording=ID)),
        ("marker", {"recording": "1"}, None),
        ("shift_begin", {"officer": "Jansen"}, ShiftBegun(officer="Jansen")),
        ("shift_begin", {}, None),
        ("battery", {"percent": 12}, None),
    ],
)
def test_a_detail_is_typed_where_its_type_is_known(type: str, detail: dict[str, Any], found: object) -> None:
    assert typed_detail(entry(type, detail), "x") == found


def test_a_detail_of_another_type_or_with_other_fields_is_told() -> None:
    opened = entry("recording_opened", OPENED)
    assert told(lambda: detail_as(opened, SegmentSealed, "l: line 2")) == "l: line 2: type 'recording_opened' is not 'segment_sealed'"
    assert told(lambda: detail_as(entry("battery", {}), KeyChanged, "l")) == "l: type 'battery' is not 'key_changed'"
    wrong = entry("recording_opened", OPENED | {"x" * 300: 1})
    for read in (lambda: typed_detail(wrong, "l: line 2"), lambda: detail_as(wrong, RecordingOpened, "l: line 2")):
        assert told(read) == f"l: line 2: detail of 'recording_opened': Object contains unknown field `{'x' * 128}…"


def test_what_does_not_apply_is_left_out() -> None:
    assert detail_fields(RecordingOpened(recording=ID, keep_from_us=5, warning="skipped")) == OPENED


RELEASED = {"recording": ID, "ground": "complaint", "reason": "settled", "by": "E-03"}
ADDED = {"recording": ID, "ground": "complaint", "reference": "Z-1", "by": "E-03", "review_on": "2026-07-01"}
DUE = {"recording": ID, "ground": "complaint", "review_on": "2026-07-01"}
ONE, TWO = "bodycam-ledger/1", "bodycam-ledger/2"


@pytest.mark.parametrize(
    ("type", "detail", "format", "said"),
    [
        ("hold_added", ADDED, ONE, ""),
        ("hold_released", RELEASED, ONE, ""),
        ("hold_review_due", DUE, ONE, ""),
        ("hold_added", ADDED | {"by": "Piet Jansen"}, ONE, ""),
        ("hold_added", ADDED | {"hold": HOLD}, ONE, "detail of 'hold_added': hold is no field of bodycam-ledger/1"),
        ("hold_released", RELEASED | {"hold": HOLD}, ONE, "detail of 'hold_released': hold is no field of bodycam-ledger/1"),
        ("hold_review_due", DUE | {"hold": HOLD}, ONE, "detail of 'hold_review_due': hold is no field of bodycam-ledger/1"),
        ("marker", {"hold": HOLD}, ONE, ""),
        ("shift_begin", {"officer": "Jansen"}, ONE, ""),
        ("hold_added", ADDED | {"hold": HOLD}, TWO, ""),
        ("hold_added", ADDED, TWO, "detail of 'hold_added' in bodycam-ledger/2: Object missing required field `hold`"),
        ("hold_released", RELEASED, TWO, "detail of 'hold_released' in bodycam-ledger/2: Object missing required field `hold`"),
        ("hold_review_due", DUE, TWO, "detail of 'hold_review_due' in bodycam-ledger/2: Object missing required field `hold`"),
        ("hold_added", ADDED | {"hold": HOLD, "by": "Piet"}, TWO, "detail of 'hold_added' in bodycam-ledger/2: Expected `str` matching"),
        ("shift_begin", {"officer": "H-12"}, TWO, ""),
        ("shift_begin", {"officer": "Jansen"}, TWO, "detail of 'shift_begin' in bodycam-ledger/2: Expected `str` matching regex"),
        ("shift_end", {}, TWO, "detail of 'shift_end' in bodycam-ledger/2: Object missing required field `officer`"),
        ("recording_opened", OPENED | {"officer": "Jansen"}, TWO, "detail of 'recording_opened' in bodycam-ledger/2: Expected `str`"),
        ("marker", {"officer": "Piet Jansen"}, TWO, ""),
    ],
)
def test_what_a_format_of_the_ledger_holds_an_entry_to(type: str, detail: dict[str, Any], format: str, said: str) -> None:
    made = entry(type, detail)
    if said:
        assert told(lambda: check_format(made, format, "l: line 2")).startswith(f"l: line 2: {said}")
    else:
        check_format(made, format, "l: line 2")


def test_the_message_of_a_format_is_bounded() -> None:
    made = entry("shift_begin", {"officer": "H-12", "x" * 300: 1})
    assert told(lambda: check_format(made, TWO, "l")).endswith("x" * 125 + "…")


@pytest.mark.parametrize("given", [None, HOLD])
def test_a_hold_has_its_own_id_or_one_of_recording_and_ground(given: str | None) -> None:
    made: list[HoldAdded | HoldReleased | HoldReviewDue] = [
        HoldAdded(recording=ID, ground="complaint", reference="Z-1", by="E-03", review_on="2026-07-01", hold=given),
        HoldReleased(recording=ID, ground="complaint", reason="settled", by="E-03", hold=given),
        HoldReviewDue(recording=ID, ground="complaint", review_on="2026-07-01", hold=given),
    ]
    assert [hold.id for hold in made] == [given or "000001-0001.complaint"] * 3


def test_the_types_are_known_by_name_both_ways() -> None:
    assert {name: kind for kind, name in entries.TYPE_NAMES.items()} == {**noted_entries.NOTED, **entries.DETAILS}
    assert len(set(entries.TYPE_NAMES.values())) == len(entries.TYPE_NAMES)
