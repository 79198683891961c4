"""The ledger's entry types whose fields verification checks. Any other type may be noted too: its detail is free, within the limits of
strict JSON (`noted_entries` has those that somebody reads).
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence.noted_entries import NOTED, NOTED_NAMES
from bodycamd.evidence.pseudonyms import Pseudonym
from bodycamd.evidence.retention_entries import (
    HoldAdded,
    HoldAdded2,
    HoldReleased,
    HoldReleased2,
    HoldReviewDue,
    HoldReviewDue2,
    LedgerShortened,
    RecordingDeleted,
    RecordingDeleting,
    RetentionRules,
    SweepRequested,
    TimeStated,
)
from bodycamd.evidence.statements import (
    Caller,
    Count,
    Entry,
    JsonValue,
    Officer,
    RawPublicKey,
    RecordingId,
    Sha256,
    ShiftCaller,
    ShortText,
    Stated,
)
from bodycamd.foreign_text import shown

LedgerFormat: TypeAlias = Literal["bodycam-ledger/1", "bodycam-ledger/2"]
LEDGER_FORMAT: LedgerFormat = "bodycam-ledger/2"
"""Of the starts that are begun now."""
Segment = Annotated[int, Meta(ge=0, le=999_999)]


class TornFile(Stated, frozen=True, kw_only=True):
    """A file of an earlier start that a cut left torn: its first `good_bytes` stand and have this SHA-256, the `torn_bytes` after them have
    `torn_sha256`; the file itself is never changed.
    """

    file: ShortText
    good_bytes: Count
    sha256: Sha256
    torn_bytes: Count
    torn_sha256: Sha256


class StartDetail(Stated, frozen=True, kw_only=True):
    """`start`, the first entry of each start: signed by the key that the previous start named (`public_key`), which signs nothing else.

    It names the key that signs the next start entry (`next_public_key`) and the one that signs what follows in this start
    (`ram_public_key`), up to and including the entry `key_changed`. The keys are raw Ed25519 public keys in hex. `torn_ledgers` states what
    cuts left of earlier starts' ledger files; where there are more than fit, `torn_ledgers_unlisted` counts the older ones. `bundle` is the
    name of the bundle that runs: with it anyone finds the commit and builds the same bytes. Absent where a development checkout runs, of
    which nobody can say what it holds.
    """

    format: LedgerFormat
    public_key: RawPublicKey
    next_public_key: RawPublicKey
    ram_public_key: RawPublicKey
    software: ShortText
    config_sha256: Sha256
    bundle: Sha256 | None = None
    torn_ledgers: tuple[TornFile, ...] = ()
    torn_ledgers_unlisted: Count = 0


class KeyChanged(Stated, frozen=True, kw_only=True):
    """`key_changed`: the last thing that a key of this start signs. Everything after it is signed by `public_key`."""

    public_key: RawPublicKey


class RecordingOpened(Stated, frozen=True, kw_only=True):
    """`recording_opened`: an officer's press (`caller`), or what continues another one (`resumes`): by itself, or by a press.

    `officer` is the pseudonym of the shift that is open; absent where none is. Times are CLOCK_BOOTTIME microseconds.
    """

    recording: RecordingId
    keep_from_us: Count
    warning: Literal["played_to_device", "skipped", "failed", "none"]
    pressed_us: Count | None = None
    resumes: RecordingId | None = None
    officer: Officer | None = None
    caller: Caller | None = None


class RecordingOpened2(RecordingOpened, frozen=True, kw_only=True):
    """`recording_opened` of `bodycam-ledger/2`: the officer is a pseudonym in form too."""

    officer: Pseudonym | None = None


class ShiftStated2(Stated, frozen=True, kw_only=True):
    """`shift_begin` and `shift_end` of `bodycam-ledger/2`; free before."""

    officer: Pseudonym
    caller: ShiftCaller | None = None


class RecordingClosed(Stated, frozen=True, kw_only=True):
    """`recording_closed`: why it ended (`officer`, `storage_full`, `battery_critical`, `shutdown`, `write_failed`, `replaced`,
    `interrupted`), and what was written. `duration_us` is of the picture, from the first kept frame to the end of the
    last: what an export lasts. What the first fragment holds before the recording's start is in its `pre_start_us`.

    `end_us` is the end of the last frame, in CLOCK_BOOTTIME of the boot that opened the recording: retention counts from it. Absent where
    nothing was written.
    """

    recording: RecordingId
    reason: ShortText
    duration_us: Count
    segments: Count
    end_us: Count | None = None


class SegmentSealed(Stated, frozen=True, kw_only=True):
    """`segment_sealed`: the finished file. `last` is the SHA-256 of its last `.json`, `sha256` and `size` are of the whole file."""

    recording: RecordingId
    segment: Segment
    file: ShortText
    last: Sha256
    sha256: Sha256
    size: Count
    fragments: Count


class SegmentRecovered(Stated, frozen=True, kw_only=True):
    """`segment_recovered`: a segment that a cut left open. Its first `good_bytes` have this SHA-256 and hold whole, verified fragments.

    `last` is the SHA-256 of the last good `.json`; absent where not even the init segment is whole. `torn_sha256` is of the rest of the
    file; absent where there is none.
    """

    recording: RecordingId
    segment: Segment
    file: ShortText
    good_bytes: Count
    sha256: Sha256
    torn_bytes: Count
    fragments: Count
    reason: ShortText = ""
    last: Sha256 | None = None
    torn_sha256: Sha256 | None = None


DETAILS: dict[str, type[Stated]] = {
    "start": StartDetail,
    "key_changed": KeyChanged,
    "recording_opened": RecordingOpened,
    "recording_closed": RecordingClosed,
    "segment_sealed": SegmentSealed,
    "segment_recovered": SegmentRecovered,
    "deleting": RecordingDeleting,
    "deleted": RecordingDeleted,
    "hold_added": HoldAdded,
    "hold_released": HoldReleased,
    "hold_review_due": HoldReviewDue,
    "ledger_shortened": LedgerShortened,
    "retention_rules": RetentionRules,
    "sweep_requested": SweepRequested,
    "time": TimeStated,
}
IN_FORMAT_2: Mapping[str, type[Stated]] = {
    "hold_added": HoldAdded2,
    "hold_released": HoldReleased2,
    "hold_review_due": HoldReviewDue2,
    "recording_opened": RecordingOpened2,
    "shift_begin": ShiftStated2,
    "shift_end": ShiftStated2,
}
"""What a start of `bodycam-ledger/2` holds these types to, beside what is in `DETAILS`."""
NEW_IN_FORMAT_2: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("hold_added", "hold_released", "hold_review_due"), frozenset({"hold"})),
    "start": frozenset({"bundle"}),
}
"""Fields that a start of `bodycam-ledger/1` cannot have."""
NEW_VALUES_IN_FORMAT_2: Mapping[tuple[str, str], str] = {("deleting", "proof"): "receipt"}
"""Of a type and its field: the value that a start of `bodycam-ledger/1` cannot have."""
TYPE_NAMES: dict[type[Stated], str] = {**NOTED_NAMES, **{detail: name for name, detail in DETAILS.items()}}

D = TypeVar("D", bound=Stated)


def detail_as(entry: Entry, kind: type[D], where: str) -> D:
    """The detail of an entry as its typed fields. Raises `DataError` where type or fields are others."""
    if DETAILS.get(entry.type) is not kind:
        raise DataError(f"{where}: type {entry.type!r} is not {TYPE_NAMES[kind]!r}")
    try:
        return msgspec.convert(entry.detail, kind)
    except msgspec.ValidationError as error:
        raise DataError(f"{where}: detail of {entry.type!r}: {shown(error)}") from error


def typed_detail(entry: Entry, where: str) -> Stated | None:
    """The detail as the struct of its type; `None` for a type that this version does not know, and for a free one that does not fit.
    Raises `DataError` where the fields of a fixed type are others.
    """
    if kind := DETAILS.get(entry.type):
        return detail_as(entry, kind, where)
    if free := NOTED.get(entry.type):
        try:
            return msgspec.convert(entry.detail, free)
        except msgspec.ValidationError:
            return None
    return None


def check_format(entry: Entry, format: str, where: str) -> None:
    """Check the detail by the format that its start states. Raises `DataError`."""
    if format == "bodycam-ledger/1":
        if unknown := NEW_IN_FORMAT_2.get(entry.type, frozenset()) & entry.detail.keys():
            raise DataError(f"{where}: detail of {entry.type!r}: {min(unknown)} is no field of {format}")
        for (type, field), value in NEW_VALUES_IN_FORMAT_2.items():
            if entry.type == type and entry.detail.get(field) == value:
                raise DataError(f"{where}: detail of {entry.type!r}: {field} is never {value} in {format}")
    elif kind := IN_FORMAT_2.get(entry.type):
        try:
            msgspec.convert(entry.detail, kind)
        except msgspec.ValidationError as error:
            raise DataError(f"{where}: detail of {entry.type!r} in {format}: {shown(error)}") from error


def detail_fields(detail: Stated) -> dict[str, JsonValue]:
    """The fields of a typed detail as they are in the entry: what does not apply is left out."""
    fields = msgspec.to_builtins(detail)
    assert isinstance(fields, dict)
    return fields
