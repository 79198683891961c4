"""An anchor: where a ledger stands, signed by the key in use, to be kept outside the camera.

What comes later must extend it: a ledger that was cut off, rewritten or replaced by an older copy does not hold the line that it names.
While a recording is open the anchor also pins the newest durable statement of its growing segment.

The form is that of a ledger line, `base64(signature) SP json`. It can never pass for one: it has `head` where an entry has `prev`.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from bodycamd.errors import DataError
from bodycamd.evidence import signed_line, strict_json
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.statements import BootId, ClockQuality, DeviceId, Positive, RecordingId, Sha256, StartNumber, Stated, Wall, wall_us

ANCHOR_FORMAT: Literal["bodycam-anchor/1"] = "bodycam-anchor/1"


class Pin(Stated, frozen=True, kw_only=True):
    """The newest durable statement of the segment that is open: its number and the SHA-256 of its `.json`."""

    recording: RecordingId
    segment: Annotated[int, Meta(ge=0, le=999_999)]
    n: Positive
    sha256: Sha256


class AnchorStatement(Stated, tag_field="type", tag="anchor", frozen=True, kw_only=True):
    """`head` is the SHA-256 of the ledger's last line, `n` the number of this statement: everything before it was durable."""

    format: Literal["bodycam-anchor/1"]
    n: Positive
    head: Sha256
    key: Sha256
    device: DeviceId
    start: StartNumber
    boot_id: BootId
    boottime_ns: Annotated[int, Meta(ge=0)]
    wall: Wall
    clock: ClockQuality
    open: Pin | None = None


_anchors: msgspec.json.Decoder[AnchorStatement] = msgspec.json.Decoder(AnchorStatement)


class SignedAnchor(Struct, frozen=True):
    """An anchor with the bytes that were signed."""

    statement: AnchorStatement
    json: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """What is handed out: one line of text."""
        return signed_line.join(self.signature, self.json).decode()

    def signed_by(self, key: PublicKey) -> bool:
        """Whether this key is the one it names, and signed it."""
        return self.statement.key == key.id and key.verifies(self.signature, self.json)


def encode(statement: AnchorStatement) -> bytes:
    """The bytes to be signed. Raises `DataError` for what a reader would refuse."""
    raw = strict_json.encode(statement, "to be signed")
    strict_json.decode(raw, _anchors, "to be signed")
    return raw


def decode(line: str, where: str) -> SignedAnchor:
    """Read a handed-out line; the signature is not yet checked. Raises `DataError`."""
    try:
        signature, raw = signed_line.split(line.strip().encode(), where)
    except (DataError, UnicodeEncodeError) as error:
        raise DataError(f"{where}: not an anchor: base64 of a signature, a space and JSON") from error
    statement = strict_json.decode(raw, _anchors, where)
    wall_us(statement.wall, where)
    return SignedAnchor(statement, raw, signature)
