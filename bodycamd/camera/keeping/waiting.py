"""What the uplink is told of what may be sent: messages of the control socket."""

from msgspec import Struct

from bodycamd.evidence.statements import Sha256


class WaitingStart(Struct, frozen=True, array_like=True):
    """A start's ledger file: so many durable bytes of whole lines, and what a cut left behind them."""

    start: int
    size_bytes: int
    rest_bytes: int


class WaitingRecording(Struct, frozen=True, kw_only=True):
    """A recording with segments that no receipt has come for. `bytes` are of those."""

    recording: str
    segments: int
    bytes: int
    held: bool
    marked: bool


class WaitingSegment(Struct, frozen=True, array_like=True):
    """One of a recording's segments that no receipt has come for."""

    number: int
    file: str
    size_bytes: int


class Question(Struct, frozen=True, kw_only=True):
    """Whether the station still has this segment: it answers with what nobody can know who has not got the file."""

    recording: str
    segment: int
    file: str
    nonce: str


class Waiting(Struct, frozen=True, kw_only=True):
    """All that may be sent now. `receipts` is the number of the last receipt that was taken. `receipt_due`: something was stated that the
    station's last receipt says nothing of. `question`: what the station is to be asked, before room is made here."""

    receipts: int
    receipt_due: bool
    starts: list[WaitingStart]
    recordings: list[WaitingRecording]
    question: Question | None = None
    checkpoint: int | None = None
    """The first start that the ledger has whole, where it was shortened: what leads to it is a file of its own."""


class Opened(Struct, frozen=True, kw_only=True):
    """A file that was opened for the uplink, read only; its descriptor comes with this. `size_bytes` are durable, and `sha256` is theirs
    where the ledger states it; `rest_bytes` is what a cut left behind them."""

    size_bytes: int
    rest_bytes: int = 0
    sha256: str = ""


class WantedBundles(Struct, frozen=True, kw_only=True):
    """The bundles that orders to update name, in the order in which those came. `footage_bytes` are free for footage, 0 where there is
    little room, and `file_system` is the number of the one that it lies on."""

    names: list[Sha256]
    file_system: int
    footage_bytes: int


class UplinkStatus(Struct, frozen=True, kw_only=True):
    """What waits to be sent, and what the uplink says of itself; `asked_seconds` ago it was heard last, `None`: not yet."""

    segments: int
    bytes: int
    receipts: int
    stored_at: str
    """By the newest receipt's word; empty without one."""
    asked_seconds: float | None
    doing: str
    bundle: str = ""
    """What becomes of a bundle that an order names; empty: none does, or the uplink has not said anything yet."""
