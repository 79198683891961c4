"""`copy.jsonl`, beside the folders of a copied store: what people of the municipality state of the copy. Format `bodycam-copy/1`.

A line is `base64(signature) SP json LF`, as in the ledger: Ed25519 by a person's key over the json; `n` counts from 1 without a gap, `prev`
is the SHA-256 of the whole line before it without its line end, 64 zeros in the first. `head` is the SHA-256 of the last line of the copied
ledger when it was signed: it binds the line to this camera and this time. `wall` is the clock of the person's computer and worth what that
is worth.

Whoever can write the copy can cut off the newest lines unseen, as he can remove the footage itself. What is in between holds together.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Literal

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.pseudonyms import Decider, Reference, ReleaseReason
from bodycamd.evidence.retention_entries import Day, Ground, NewHoldId
from bodycamd.evidence.signed_line import MAX_LINE_BYTES, join, split
from bodycamd.evidence.statements import ZERO_HASH, Count, EntryType, JsonValue, Positive, RecordingId, Sha256, Stated, Wall, wall_us
from bodycamd.foreign_text import shown

COPY_FILE = "copy.jsonl"
COPY_PART = "copy.jsonl.part"
"""While a line is written; what a crash leaves of it was never stated."""
COPY_FORMAT: Literal["bodycam-copy/1"] = "bodycam-copy/1"
MAX_INVENTORIED = 4000


class Inventory(Stated, frozen=True, kw_only=True):
    """`inventory`: these segments of the recording have come to this copy, whole. Several of one recording add up."""

    recording: RecordingId
    segments: Annotated[tuple[Annotated[int, Meta(ge=0, le=999_999)], ...], Meta(min_length=1, max_length=MAX_INVENTORIED)]


class Deletion(Stated, frozen=True, kw_only=True):
    """`deletion`: the camera's own entry `deleting` has come with its ledger; `line` is the SHA-256 of that line."""

    recording: RecordingId
    line: Sha256


class CopyHoldAdded(Stated, frozen=True, kw_only=True):
    """`hold_added`: this copy of the recording is not pruned until this hold is released, whatever the camera does."""

    hold: NewHoldId
    recording: RecordingId
    ground: Ground
    reference: Reference
    by: Decider
    review_on: Day


class CopyHoldReleased(Stated, frozen=True, kw_only=True):
    """`hold_released`: the hold at this copy with this id is over."""

    hold: NewHoldId
    recording: RecordingId
    ground: Ground
    reason: ReleaseReason
    by: Decider


class Pruning(Stated, frozen=True, kw_only=True):
    """`pruning`: from here on the files of the recording go from this copy, because the camera states its deletion in `line`."""

    recording: RecordingId
    line: Sha256
    segments: Count
    bytes: Count


class Pruned(Stated, frozen=True, kw_only=True):
    """`pruned`: no segment of the recording is left in this copy. `strays_left` counts what else lay in its folder and was left alone."""

    recording: RecordingId
    strays_left: Count = 0


Detail = Inventory | Deletion | CopyHoldAdded | CopyHoldReleased | Pruning | Pruned
DETAILS: Mapping[str, type[Detail]] = {
    "inventory": Inventory,
    "deletion": Deletion,
    "hold_added": CopyHoldAdded,
    "hold_released": CopyHoldReleased,
    "pruning": Pruning,
    "pruned": Pruned,
}
"""Other types are passed over; what they mean is not for this version."""
_TYPE_NAMES = {kind: name for name, kind in DETAILS.items()}


class CopyEntry(Stated, frozen=True, kw_only=True):
    """One line's json. `key` is the id of the person's key."""

    format: Literal["bodycam-copy/1"]
    n: Positive
    prev: Sha256
    key: Sha256
    head: Sha256
    wall: Wall
    type: EntryType
    detail: dict[str, JsonValue]


_entries: msgspec.json.Decoder[CopyEntry] = msgspec.json.Decoder(CopyEntry)


@dataclass(frozen=True, slots=True)
class CopyLine:
    """One line. `signer` is the pseudonym of whose key counts and verifies; empty where nobody knows the key: then nothing shows who wrote
    the line. `detail` is `None` for a type of a later version.
    """

    entry: CopyEntry
    detail: Detail | None
    signer: str
    sha256: str
    where: str


def copy_lines(file: BinaryIO, people: Mapping[str, tuple[str, PublicKey]]) -> Iterator[CopyLine]:
    """Every line, strict in form and chained; those of `people` (by key id) have verified signatures. One line in memory at a time.

    Raises `DataError` with the line where the first one is wrong, after those before it were given; `OSError`.
    """
    number, previous = 0, ZERO_HASH
    while raw := file.readline(MAX_LINE_BYTES):
        number += 1
        where = f"{COPY_FILE}: line {number}"
        if raw[-1:] != b"\n":
            raise DataError(f"{where}: not a whole line")
        line = _line(raw[:-1], people, where)
        if line.entry.n != number or line.entry.prev != previous:
            raise DataError(f"{where}: it does not follow the line before it")
        previous = line.sha256
        yield line


def signed_line(detail: Detail, signer: Signer, name: str, *, n: int, prev: str, head: str, wall: str) -> tuple[bytes, CopyLine]:
    """The line, signed, without its line end, and as it is read by who knows the key as that of `name` (empty: does not know it). Raises
    `DataError` for values that a reader would refuse.
    """
    fields = msgspec.to_builtins(detail)
    entry = CopyEntry(
        format=COPY_FORMAT, n=n, prev=prev, key=signer.public.id, head=head, wall=wall, type=_TYPE_NAMES[type(detail)], detail=fields
    )
    json = strict_json.encode(entry, "to be signed")
    line = join(signer.sign(json), json)
    return line, _line(line, {signer.public.id: (name, signer.public)}, "to be signed")


def _line(raw: bytes, people: Mapping[str, tuple[str, PublicKey]], where: str) -> CopyLine:
    signature, json = split(raw, where)
    entry = strict_json.decode(json, _entries, where)
    wall_us(entry.wall, where)
    detail: Detail | None = None
    if kind := DETAILS.get(entry.type):
        try:
            detail = msgspec.convert(entry.detail, kind)
        except msgspec.ValidationError as error:
            raise DataError(f"{where}: detail of {entry.type!r}: {shown(error)}") from error
    signer = ""
    if entry.key in people:
        signer, key = people[entry.key]
        if not key.verifies(signature, json):
            raise DataError(f"{where}: the signature is not {signer}'s")
    return CopyLine(entry, detail, signer, hashlib.sha256(raw).hexdigest(), where)
