"""What one start states and signs, field by field."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from bodycamd.evidence.entries import KeyChanged, RecordingOpened
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.signing import SignedStatement, Start
from bodycamd.evidence.statements import ClockQuality, Entry, FragmentStatement, InitStatement, Video
from bodycamd.footage import AGE_MAGIC, EncryptedInit
from bodycamd.linux.clock import SettableClock
from tests.evidence.making import BOOT_ID, RECIPIENT, told
from tests.kit.fragments import sealed_piece

KEY = SigningKey.generate()
PREV, ID = "ab" * 32, "000042-0001"
AGE = AGE_MAGIC + b"something"


def start(wall_us: int = 1_748_779_200_000_000, error_ms: int | None = 12) -> Start:
    clock = SettableClock(5_000_001, wall_us, source="chrony", error_ms=error_ms)
    return Start(number=42, device="cam-9", boot_id=BOOT_ID, signer=KEY, clock=clock)


COMMON: dict[str, Any] = {
    "prev": PREV,
    "key": KEY.public.id,
    "device": "cam-9",
    "start": 42,
    "boot_id": BOOT_ID,
    "boottime_ns": 5_000_001_000,
    "wall": "2025-06-01T12:00:00.000000Z",
    "clock": ClockQuality(source="chrony", error_ms=12),
}
INIT = EncryptedInit(7, AGE, (RECIPIENT,), "h264_v4l2m2m", 1920, 1080, 25.5, False)
FRAGMENT = sealed_piece(7, 31, 1_000, 2_000, 50, "live", 1_010, 96_000, 0, AGE)


def check_signed(signed: SignedStatement) -> None:
    assert signed.json == msgspec.json.encode(signed.statement, order="sorted") + b"\n"
    assert signed.json_sha256 == hashlib.sha256(signed.json).hexdigest()
    assert KEY.public.verifies(signed.signature, signed.json)


def test_an_init_segment_is_stated() -> None:
    made = start()
    signed = made.init(INIT, recording=ID, segment=3, prev=PREV)
    assert signed.statement == InitStatement(
        **COMMON,
        n=1,
        format="bodycam-segment/1",
        recording=ID,
        segment=3,
        index=0,
        generation=7,
        size=len(AGE),
        sha256=hashlib.sha256(AGE).hexdigest(),
        recipients=[RECIPIENT],
        video=Video(encoder="h264_v4l2m2m", width=1920, height=1080, frame_rate=25.5),
        audio_track=False,
    )
    check_signed(signed)


@pytest.mark.parametrize(("sound", "pre_start_us"), [(1_010, None), (None, 400), (None, 0)])
def test_a_fragment_is_stated(sound: int | None, pre_start_us: int | None) -> None:
    sealed = sealed_piece(7, 31, 1_000, 2_000, 50, "live" if sound else "lost", sound, 96_000 if sound else 0, 0, AGE)
    signed = start().fragment(sealed, recording=ID, segment=3, index=9, prev=PREV, gap_us=77, pre_start_us=pre_start_us)
    assert signed.statement == FragmentStatement(
        **COMMON,
        n=1,
        recording=ID,
        segment=3,
        index=9,
        generation=7,
        seq=31,
        size=len(AGE),
        sha256=hashlib.sha256(AGE).hexdigest(),
        pts_us=1_000,
        duration_us=2_000,
        frames=50,
        audio="live" if sound else "lost",
        audio_pts_us=sound,
        audio_samples=96_000 if sound else 0,
        gap_us=77,
        pre_start_us=pre_start_us,
    )
    check_signed(signed)


@pytest.mark.parametrize(
    ("type", "detail", "fields"),
    [
        ("battery", {"percent": 12, "level": None}, {"percent": 12}),
        ("marker", {}, {}),
        ("key_changed", KeyChanged(public_key="cd" * 32), {"public_key": "cd" * 32}),
        (
            "recording_opened",
            RecordingOpened(recording=ID, keep_from_us=5, warning="none", officer="H-12"),
            {"recording": ID, "keep_from_us": 5, "warning": "none", "officer": "H-12"},
        ),
    ],
)
def test_an_entry_is_stated(type: str, detail: Any, fields: dict[str, Any]) -> None:
    signed = start().entry(type, detail, prev=PREV)
    assert signed.entry == Entry(**COMMON, n=1, type=type, detail=fields)
    assert signed.json == msgspec.json.encode(signed.entry, order="sorted")
    assert KEY.public.verifies(signed.signature, signed.json)


@pytest.mark.parametrize(
    ("type", "detail", "said"),
    [
        ("key_changed", {}, "to be signed: detail of 'key_changed': Object missing required field `public_key`"),
        ("shift_end", {}, "to be signed: detail of 'shift_end' in bodycam-ledger/2: Object missing required field `officer`"),
        (
            "shift_end",
            {"officer": None},
            "to be signed: detail of 'shift_end' in bodycam-ledger/2: Object missing required field `officer`",
        ),
        ("Marker", {}, "to be signed: Expected `str` matching regex '^[a-z][a-z0-9_]{0,63}\\\\Z' - at `$.type`"),
    ],
)
def test_what_a_reader_would_refuse_is_not_signed(type: str, detail: dict[str, Any], said: str) -> None:
    assert told(lambda: start().entry(type, detail, prev=PREV)) == said


def test_every_statement_has_a_number_of_its_own_and_a_refused_one_too() -> None:
    made = start()
    assert made.entry("marker", {}, prev=PREV).entry.n == 1
    told(lambda: made.entry("key_changed", {}, prev=PREV))
    told(lambda: made.fragment(FRAGMENT, recording=ID, segment=0, index=1, prev=PREV, gap_us=-1))
    assert made.anchor(PREV, None).statement.n == 4
    assert made.init(INIT, recording=ID, segment=0, prev=PREV).statement.n == 5
    assert made.fragment(FRAGMENT, recording=ID, segment=0, index=1, prev=PREV, gap_us=0).statement.n == 6


def test_only_statements_of_segments_are_footage() -> None:
    made = start()
    assert made.key_signed_footage is False
    made.entry("marker", {}, prev=PREV)
    made.anchor(PREV, None)
    told(lambda: made.init(INIT, recording="1", segment=0, prev=PREV))
    assert made.key_signed_footage is False
    made.init(INIT, recording=ID, segment=0, prev=PREV)
    assert made.key_signed_footage is True


def test_a_clock_beyond_reason_costs_no_statement() -> None:
    entry = start(wall_us=-1, error_ms=None).entry("marker", {}, prev=PREV).entry
    assert (entry.wall, entry.clock) == ("1970-01-01T00:00:00.000000Z", ClockQuality(source="chrony"))
    assert start(wall_us=2**60).entry("marker", {}, prev=PREV).entry.wall == "2299-12-31T23:59:59.999999Z"
