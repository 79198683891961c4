"""A station's receipt: that it has stored a segment, or a ledger up to a line, and how long it keeps it. Format `bodycam-receipt/1`.

It is a signed document (`signed_document`) with the signature of one station of the roster. The receipts for a camera are a chain of their
own: each names the one before. So a station that forgets one, or gives two cameras the same, is found by what it signed itself; and
`audit_head` anchors its audit log in the camera's ledger, which states each receipt whole (`uploaded`).

A receipt is the station's word and no more. That the bytes are still there it shows by answering a challenge; what follows from a receipt
for footage is not decided here.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.roster import KeyName, SignedRoster
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import LAST_NUMBER, ZERO_HASH, Count, DeviceId, Positive, RecordingId, Sha256, Stated, Wall, wall_us

RECEIPT_TYPE: Final = "bodycam-receipt/1"
MAX_RECEIPT_BYTES: Final = 4096

Outcome: TypeAlias = Literal["accepted", "repeated", "not_a_station", "not_signed", "other_device", "not_next"]


class Receipt(Stated, frozen=True, kw_only=True):
    """`head` is the last line of the camera's ledger that the station has verified and stored. With `recording`, `segment`, `sha256` and
    `size` (all or none) it is for that segment's file; without them for the ledger up to `head`. `n` counts the receipts of the station for
    this camera, `prev` is the id of the one before: 64 zeros in the first.
    """

    station: KeyName
    device: DeviceId
    n: Positive
    prev: Sha256
    head: Sha256
    stored_at: Wall
    kept_until: Wall
    audit_head: Sha256
    recording: RecordingId | None = None
    segment: Annotated[int, Meta(ge=0, le=LAST_NUMBER)] | None = None
    sha256: Sha256 | None = None
    size: Count | None = None


class SignedReceipt(msgspec.Struct, frozen=True):
    """A receipt that is consistent in itself, with the bytes that are signed. The signature is not checked yet."""

    receipt: Receipt
    document: SignedDocument

    @property
    def id(self) -> str:
        """What the next receipt names as `prev`."""
        return self.document.sha256


class Received(msgspec.Struct, frozen=True):
    """Where the chain of one station's receipts for a camera ends, and what they are for: the newest receipt of each segment."""

    n: int = 0
    last: str = ZERO_HASH
    segments: Mapping[tuple[str, int], Receipt] = {}


_receipts: msgspec.json.Decoder[Receipt] = msgspec.json.Decoder(Receipt)


def decode(raw: bytes, where: str) -> SignedReceipt:
    """The receipt in the bytes of a file. Raises `DataError` for what is none, or contradicts itself."""
    document = signed_document.read(raw, RECEIPT_TYPE, MAX_RECEIPT_BYTES, where)
    receipt = strict_json.decode(document.json, _receipts, where, MAX_RECEIPT_BYTES)
    for what in contradictions(receipt):
        raise DataError(f"{where}: {what}")
    return SignedReceipt(receipt, document)


def sign(receipt: Receipt, signer: Signer) -> SignedReceipt:
    """The receipt, signed. Raises `DataError` for one that no reader would take."""
    return decode(signed_document.signed_file(RECEIPT_TYPE, receipt, [signer]), "to be signed")


def split(raw: bytes) -> list[bytes]:
    """Receipts one behind the other, as a station answers with them: each one's bytes. What is none is for `decode` to say."""
    begin = f"{RECEIPT_TYPE}\n".encode()
    return [begin + rest for rest in raw.split(begin)[1:]] if raw.startswith(begin) else [raw] if raw else []


def contradictions(receipt: Receipt) -> Iterator[str]:
    """What is wrong with a receipt whoever signed it, a clause each."""
    try:
        if wall_us(receipt.kept_until, "kept_until") < wall_us(receipt.stored_at, "stored_at"):
            yield "kept_until is before stored_at"
    except DataError as error:
        yield str(error)
    if len({value is None for value in (receipt.recording, receipt.segment, receipt.sha256, receipt.size)}) > 1:
        yield "recording, segment, sha256 and size: all of them, or none"
    if (receipt.n == 1) != (receipt.prev == ZERO_HASH):
        yield "the first receipt alone has no receipt before it"


def judge_receipt(candidate: SignedReceipt, in_force: SignedRoster, device: str, received: Received) -> Outcome:
    """Whether the receipt is taken: for this camera, by an active station of the roster in force, and the next of its chain."""
    receipt = candidate.receipt
    station = next((one for one in in_force.roster.stations if one.id == receipt.station and one.state == "active"), None)
    if station is None:
        return "not_a_station"
    key = PublicKey.from_hex(station.key)
    try:
        if key.id not in candidate.document.signers([key]):
            return "not_signed"
    except DataError:
        return "not_signed"
    if receipt.device != device:
        return "other_device"
    if candidate.id == received.last:
        return "repeated"
    return "accepted" if (receipt.n, receipt.prev) == (received.n + 1, received.last) else "not_next"


def received(after: Received, accepted: Iterable[SignedReceipt]) -> Received:
    """What is received with these receipts too, which were accepted one after the other."""
    segments = dict(after.segments)
    n, last = after.n, after.last
    for one in accepted:
        n, last = one.receipt.n, one.id
        if one.receipt.recording is not None and one.receipt.segment is not None:
            segments[one.receipt.recording, one.receipt.segment] = one.receipt
    return Received(n, last, segments)
