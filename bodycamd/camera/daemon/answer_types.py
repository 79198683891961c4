"""What the recorder answers with over the control socket, where no other part of it has a type for that already."""

from msgspec import Struct

from bodycamd.camera.capture.look import LookFacts
from bodycamd.camera.control.events import WarningOutcome


class AnchorLine(Struct, frozen=True, kw_only=True):
    """An anchor, signed: a line as of the ledger."""

    line: str


class Logged(Struct, frozen=True, kw_only=True):
    """An entry was queued for the ledger; it is not durable yet."""

    logged: str


class StorePage(Struct, frozen=True, kw_only=True):
    """Paths below the store with their sizes in bytes, in order; a recording's folder ends with `/`. `more`: ask again, after the last."""

    files: list[tuple[str, int]]
    more: bool


class LedgerPart(Struct, frozen=True, kw_only=True):
    """Bytes of a ledger file, base64 in JSON; none at its end."""

    base64: bytes


class PartsSeen(Struct, frozen=True, kw_only=True):
    """What came of a look through the camera, and what the voice said of the warning that was spoken meanwhile; `None`: nothing in time."""

    look: LookFacts
    outcome: WarningOutcome | None
    detail: str
