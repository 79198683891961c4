"""What the camera states and signs: one line of JSON for each init segment, each fragment and each ledger entry.

A statement is written once, as sorted JSON in UTF-8, and from then on only its bytes count: signatures and hashes are over the stored
bytes. In a segment these are the whole `.json` member, line end included; in the ledger the text between the space and the line end. What
does not apply is absent.

Times are CLOCK_BOOTTIME; `wall` is the wall clock as it stood, worth what `clock` says. `n` counts everything that one start signs, in
order.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import strict_json
from bodycamd.footage import MAX_AGE_BYTES, MAX_FRAGMENT_FRAMES, MAX_FRAGMENT_SAMPLES, MAX_FRAGMENT_US, MAX_SIDE_PIXELS, AudioState
from bodycamd.foreign_text import shown

SEGMENT_FORMAT: Literal["bodycam-segment/1"] = "bodycam-segment/1"
ZERO_HASH = "0" * 64
"""`prev` of the very first ledger entry."""

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
else:
    from typing import Any as JsonValue  # msgspec takes no alias that names itself; what JSON can hold is all that it decodes

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Pixels = Annotated[int, Meta(ge=1, le=MAX_SIDE_PIXELS)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
RawPublicKey = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
DeviceId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
LAST_NUMBER = 999_999
"""Of starts and of segments: their names have six digits."""
StartNumber = Annotated[int, Meta(ge=1, le=LAST_NUMBER)]
RecordingId = Annotated[str, Meta(pattern=r"^[0-9]{6}-[0-9]{4}\Z")]
BootId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{1,64}\Z")]
Wall = Annotated[str, Meta(pattern=r"^(19[7-9]|2[0-2][0-9])[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z")]
"""The wall clock, from 1970 (what an unset clock shows) to 2299: more than Linux's clock, 64 bits of nanoseconds, can show. Far enough from
the years 1 and 9999 that what is reckoned from it and CLOCK_BOOTTIME is a date too.
"""
ShortText = Annotated[str, Meta(max_length=200)]
Officer = Annotated[str, Meta(min_length=1, max_length=64)]
"""An officer's pseudonymous id."""
Uid = Annotated[int, Meta(ge=0, le=2**32 - 1)]
EntryType = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]


class Stated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all that is stated: immutable, no unknown keys, `None` is left out."""


class ClockQuality(Stated, frozen=True, kw_only=True):
    """What the wall clock was worth: who set it, and the kernel's bound of its error (absent where there is none)."""

    source: ShortText
    error_ms: Count | None = None


class Caller(Stated, frozen=True, kw_only=True):
    """On whose word an entry was made: the officer's `button`; a command over the `control_socket`, with the user id that the kernel gave
    for the connection; or a `command` that wrote by itself while no daemon ran, with the user id of who started it.

    Absent where the camera made the entry by itself.
    """

    via: Literal["button", "control_socket", "command"]
    uid: Uid | None = None


class ShiftCaller(Stated, frozen=True, kw_only=True):
    """As `Caller`, of a shift: also a `card` that was shown, which selects a pseudonym and proves nothing."""

    via: Literal["button", "control_socket", "command", "card"]
    uid: Uid | None = None


class Video(Stated, frozen=True, kw_only=True):
    """The picture as the worker opened it."""

    encoder: ShortText
    width: Pixels
    height: Pixels
    frame_rate: Annotated[float, Meta(gt=0, le=1000)]


class Common(Stated, frozen=True, kw_only=True):
    """What every statement and every ledger entry says."""

    n: Positive
    prev: Sha256
    key: Sha256
    device: DeviceId
    start: StartNumber
    boot_id: BootId
    boottime_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    wall: Wall
    clock: ClockQuality


class InitStatement(Common, tag_field="type", tag="init", frozen=True, kw_only=True):
    """About the init segment that opens a segment: `index` 0. `prev` is the ledger's head when the segment was opened.

    `recipients` holds the age public keys to which all of this segment is sealed. `audio_track` says whether the stream has sound at all.
    """

    format: Literal["bodycam-segment/1"]
    recording: RecordingId
    segment: Annotated[int, Meta(ge=0, le=999_999)]
    index: Literal[0]
    generation: Positive
    size: Annotated[int, Meta(ge=1, le=MAX_AGE_BYTES)]
    sha256: Sha256
    recipients: Annotated[list[Annotated[str, Meta(min_length=1, max_length=500)]], Meta(min_length=1, max_length=64)]
    video: Video
    audio_track: bool


class FragmentStatement(Common, tag_field="type", tag="fragment", frozen=True, kw_only=True):
    """About one fragment. `prev` is the SHA-256 of the previous `.json` of the segment.

    `size` and `sha256` are of the age file. `gap_us` is the picture time that is missing before and inside this fragment. `pre_start_us`
    is in the first fragment of a recording: how much of it lies before the recording's start. `audio_pts_us` is absent where the
    fragment holds no sound.
    """

    recording: RecordingId
    segment: Annotated[int, Meta(ge=0, le=999_999)]
    index: Annotated[int, Meta(ge=1, le=999_999)]
    generation: Positive
    seq: Positive
    size: Annotated[int, Meta(ge=1, le=MAX_AGE_BYTES)]
    sha256: Sha256
    pts_us: Count
    duration_us: Annotated[int, Meta(ge=1, le=MAX_FRAGMENT_US)]
    frames: Annotated[int, Meta(ge=1, le=MAX_FRAGMENT_FRAMES)]
    audio: AudioState
    audio_samples: Annotated[int, Meta(ge=0, le=MAX_FRAGMENT_SAMPLES)]
    gap_us: Count
    audio_pts_us: Count | None = None
    pre_start_us: Count | None = None

    @property
    def end_us(self) -> int:
        """The instant just after the last frame."""
        return self.pts_us + self.duration_us


class Entry(Common, frozen=True, kw_only=True):
    """One entry of the ledger; `detail` holds the fields of its type (see `entries`)."""

    type: EntryType
    detail: dict[str, JsonValue] = msgspec.field(default_factory=dict)


Statement: TypeAlias = InitStatement | FragmentStatement

_statements: msgspec.json.Decoder[Statement] = msgspec.json.Decoder(InitStatement | FragmentStatement)
_OWN = "to be signed"
_entries: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def encode_statement(statement: Statement) -> bytes:
    """The bytes of the `.json` member: sorted, one line, with its line end. Raises `DataError` for what a reader would refuse.

    The values are held against their types; the spelling is the encoder's own, and not read again as a stranger's.
    """
    raw = strict_json.encode(statement, _OWN)
    strict_json.check_own(raw, _statements, _OWN)
    wall_us(statement.wall, _OWN)
    return raw + b"\n"


def decode_statement(raw: bytes, where: str) -> Statement:
    """The statement that a `.json` member holds. `where` opens the message of the `DataError` that anything else raises."""
    if raw[-1:] != b"\n":
        raise DataError(f"{where}: not one whole line")
    statement = strict_json.decode(raw[:-1], _statements, where)
    wall_us(statement.wall, where)
    return statement


def encode_entry(entry: Entry) -> tuple[bytes, Entry]:
    """The JSON of a ledger line, sorted, without line end; and the entry as it is read from it. Raises `DataError` for what a reader would
    refuse.

    U+FFFD, which stands for unreadable text (of a sound driver, say), becomes `?`: jq shows bytes that are no UTF-8 in the same way, so
    that a verifier made of stock tools takes it for damage.
    """
    raw = strict_json.encode(entry, _OWN).replace("\ufffd".encode(), b"?")
    return raw, decode_entry(raw, _OWN)


def decode_entry(raw: bytes, where: str) -> Entry:
    """The ledger entry that `raw` holds, without line end. The detail is checked by `entries`. Raises `DataError`."""
    entry = strict_json.decode(raw, _entries, where)
    wall_us(entry.wall, where)
    return entry


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_US = (datetime(2300, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) - 1


def wall_text(at_us: int) -> str:
    """Microseconds since 1970 (UTC) as RFC 3339 with microseconds: `2025-06-01T12:00:00.000000Z`. What lies before 1970 or after 2299
    becomes the nearest instant that `Wall` admits: a clock that is beyond reason costs no footage, and no page."""
    return (_EPOCH + timedelta(microseconds=min(max(at_us, 0), _LATEST_US))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wall_us(text: str, where: str) -> int:
    """The inverse of `wall_text`. Raises `DataError` for a day or time that does not exist, or not between 1970 and 2299."""
    try:
        at_us = (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except ValueError as error:
        raise DataError(f"{where}: wall {shown(text, 40)!r} is no time: {error}") from error
    except TypeError as error:
        raise DataError(f"{where}: wall {shown(text, 40)!r} has no time zone") from error
    if not 0 <= at_us <= _LATEST_US:
        raise DataError(f"{where}: wall {shown(text, 40)!r} is not between 1970 and 2299")
    return at_us
