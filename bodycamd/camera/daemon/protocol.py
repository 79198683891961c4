"""What is said over the control socket: requests, their answers, and events. One line of JSON each, the same types at both ends.

A request is `{"command": NAME, …}`; the answer is one line, `{"ok": true, "result": …}` or `{"ok": false, "error": TEXT, "exit_code": N}`.
After `subscribe` each event follows as a line `{"event": NAME, …}`.

Requests are judged in two steps. Here: their form, and how long a text or how large a number may be; unknown fields are refused. By whoever
carries them out: what they mean. Answers are read leniently where they say more than is known here: a newer daemon may.
"""

from functools import cache
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from bodycamd.camera.control.events import Event, Happening
from bodycamd.camera.control.state import StateName
from bodycamd.camera.daemon.answer_types import AnchorLine as AnchorLine
from bodycamd.camera.daemon.answer_types import LedgerPart as LedgerPart
from bodycamd.camera.daemon.answer_types import Logged as Logged
from bodycamd.camera.daemon.answer_types import PartsSeen as PartsSeen
from bodycamd.camera.daemon.answer_types import StorePage as StorePage
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.help_calls import CallWaiting
from bodycamd.camera.keeping.update_orders import WaitingUpdates
from bodycamd.camera.keeping.waiting import Opened, Waiting, WaitingSegment, WantedBundles
from bodycamd.camera.recorder.shift import Shift
from bodycamd.errors import BodycamError, UnavailableError, UsageError
from bodycamd.evidence.statements import Count
from bodycamd.foreign_text import shown
from bodycamd.retention.holds import HoldInfo, HoldRequest, ReleasedHold, ReleaseRequest
from bodycamd.retention.outlook import Plan
from bodycamd.store.reader import Measured

MAX_LINE_BYTES = 64 * 1024
"""Of a request and an event; also of an answer to who listens to the events."""
MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Of any other answer: a list has a part for each hold or recording of the store."""
MAX_PART_BYTES = 45_000
"""Of what is delivered, in one request: 60,000 characters of base64."""
Word = Annotated[str, Meta(max_length=200)]
A = TypeVar("A")

# --- answers ----------------------------------------------------------------------------------------------------------------------------

Answer = (
    PartsSeen
    | Status
    | AnchorLine
    | Logged
    | Shift
    | HoldInfo
    | ReleasedHold
    | list[HoldInfo]
    | Plan
    | StorePage
    | LedgerPart
    | Measured
    | Delivered
    | Waiting
    | list[WaitingSegment]
    | Opened
    | CallWaiting
    | WaitingUpdates
    | WantedBundles
)

# --- requests ---------------------------------------------------------------------------------------------------------------------------


class Request(Struct, Generic[A], frozen=True, kw_only=True, tag_field="command", forbid_unknown_fields=True):
    """Base of the requests that are answered with an `A`. Those marked `admin` are for the admin group only."""

    admin: ClassVar[bool] = False
    offload: ClassVar[bool] = False
    """Of the `admin` ones: also for members of the group that may take footage off the camera."""
    courier: ClassVar[bool] = False
    """Also for the uplink's user, where it is `admin`."""
    uplink_only: ClassVar[bool] = False
    """Of the `courier` ones: not for the admin group."""
    root_only: ClassVar[bool] = False
    """Of the `admin` ones: for root alone."""
    answer_seconds: ClassVar[float] = 5.0
    """Within which the daemon answers, or says that it cannot."""


class AskStatus(Request[Status], frozen=True, kw_only=True, tag="status"):
    """How the camera is."""


class Subscribe(Request[Literal["subscribed"]], frozen=True, kw_only=True, tag="subscribe"):
    """From here on every event is sent."""


class AskAnchor(Request[AnchorLine], frozen=True, kw_only=True, tag="anchor"):
    """Sign where the ledger ends now."""


class BeginShift(Request[Shift], frozen=True, kw_only=True, tag="shift_begin"):
    """From here on the ledger names this officer."""

    admin: ClassVar[bool] = True
    officer: Word


class EndShift(Request[Shift], frozen=True, kw_only=True, tag="shift_end"):
    """The open shift is over; it is the answer."""

    admin: ClassVar[bool] = True


class LogOffload(Request[Logged], frozen=True, kw_only=True, tag="offloaded"):
    """What `bodycamd offload` copied and verified: where to, up to which ledger line, and how much."""

    admin: ClassVar[bool] = True
    offload: ClassVar[bool] = True
    to: Word
    head: Word
    recordings: Count
    copied: Count
    already_there: Count
    bytes: Count
    failed: Count


class AddHold(HoldRequest, Request[HoldInfo], frozen=True, kw_only=True, tag="hold_add"):
    """See `HoldRequest`. Signed and durable when the answer is there."""

    admin: ClassVar[bool] = True


class ReleaseHold(ReleaseRequest, Request[ReleasedHold], frozen=True, kw_only=True, tag="hold_release"):
    """See `ReleaseRequest`. Signed and durable when the answer is there."""

    admin: ClassVar[bool] = True


class ListHolds(Request[list[HoldInfo]], frozen=True, kw_only=True, tag="hold_list"):
    """Every hold, by recording."""


class AskPlan(Request[Plan], frozen=True, kw_only=True, tag="retention_plan"):
    """What a sweep would delete now. Changes nothing."""


class Sweep(Request[Plan], frozen=True, kw_only=True, tag="sweep"):
    """Delete at once what may go; the answer says what that is, before it is deleted."""

    admin: ClassVar[bool] = True


class ListStore(Request[StorePage], frozen=True, kw_only=True, tag="store_files"):
    """The files of the store whose paths come after this one."""

    after: Word


class ReadLedger(Request[LedgerPart], frozen=True, kw_only=True, tag="store_ledger"):
    """Bytes of a ledger file, from this offset on."""

    file: Word
    offset: Count


class Measure(Request[Measured], frozen=True, kw_only=True, tag="store_measure"):
    """What is in a recording's segments after the first `stated` ones."""

    recording: Word
    stated: Count


class CheckParts(Request[PartsSeen], frozen=True, kw_only=True, tag="check_parts"):
    """In standby, and there only: look through the camera and listen while the warning is spoken. Nothing is recorded; a press ends it."""

    admin: ClassVar[bool] = True
    answer_seconds: ClassVar[float] = 15.0


class ShowCheck(Request[Logged], frozen=True, kw_only=True, tag="show_check"):
    """The verdict of a check, for lamp, motor and ledger: which checks failed; empty: passed."""

    admin: ClassVar[bool] = True
    failed: Word


class Deliver(Request[Delivered], frozen=True, kw_only=True, tag="deliver"):
    """An order, a suspension, a roster, a receipt or an answer, as a file's bytes, base64 in JSON: what counts is who signed it. A roster
    may come in parts: `offset` of this one, and `size` of them all. At most five requests a second are taken."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    document: Annotated[bytes, Meta(max_length=MAX_PART_BYTES)]
    offset: Count = 0
    size: Count | None = None


class AskWaiting(Request[Waiting], frozen=True, kw_only=True, tag="uplink_waiting"):
    """What may be sent to the station. `doing` is what the uplink says of itself, for `status`. At most five a second are taken of this and
    `uplink_segments` together."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    uplink_only: ClassVar[bool] = True
    doing: Word = ""


class AskSegments(Request[list[WaitingSegment]], frozen=True, kw_only=True, tag="uplink_segments"):
    """A recording's segments that no receipt has come for."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    uplink_only: ClassVar[bool] = True
    recording: Word


class OpenLedger(Request[Opened], frozen=True, kw_only=True, tag="uplink_ledger"):
    """A start's ledger file, as a descriptor (SCM_RIGHTS) that comes with the answer. At most twenty a second are opened, with
    `uplink_segment`."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    uplink_only: ClassVar[bool] = True
    start: Count


class OpenCheckpoint(Request[Opened], frozen=True, kw_only=True, tag="uplink_checkpoint"):
    """The file that leads to the first start of a shortened ledger, as a descriptor that comes with the answer."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    uplink_only: ClassVar[bool] = True
    start: Count


class OpenSegment(Request[Opened], frozen=True, kw_only=True, tag="uplink_segment"):
    """A segment's file by the names that `uplink_waiting` and `uplink_segments` have, as a descriptor that comes with the answer."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    uplink_only: ClassVar[bool] = True
    recording: Word
    file: Word


class AskBundles(Request[WantedBundles], frozen=True, kw_only=True, tag="uplink_bundles"):
    """Which bundles orders to update name. `doing` is what becomes of them, for `status`. At most five a second are taken, with
    `uplink_waiting`."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    uplink_only: ClassVar[bool] = True
    doing: Word = ""


class AskCall(Request[CallWaiting], frozen=True, kw_only=True, tag="uplink_call"):
    """The call for help that is to be carried to the station; the question is held for so long while there is none."""

    admin: ClassVar[bool] = True
    courier: ClassVar[bool] = True
    uplink_only: ClassVar[bool] = True
    answer_seconds: ClassVar[float] = 25.0
    wait_seconds: Annotated[int, Meta(ge=0, le=20)] = 0


class AskUpdates(Request[WaitingUpdates], frozen=True, kw_only=True, tag="updates"):
    """Which orders to update wait, for root's updater."""

    admin: ClassVar[bool] = True
    root_only: ClassVar[bool] = True


class TellUpdate(Request[Delivered], frozen=True, kw_only=True, tag="update_told"):
    """What came of an order to update, by the updater's word."""

    admin: ClassVar[bool] = True
    root_only: ClassVar[bool] = True
    order: Word
    outcome: Word


AnyRequest = (
    AskStatus
    | CheckParts
    | ShowCheck
    | Subscribe
    | AskAnchor
    | BeginShift
    | EndShift
    | LogOffload
    | AddHold
    | ReleaseHold
    | ListHolds
    | AskPlan
    | Sweep
    | ListStore
    | ReadLedger
    | Measure
    | Deliver
    | AskWaiting
    | AskSegments
    | OpenLedger
    | OpenCheckpoint
    | OpenSegment
    | AskBundles
    | AskCall
    | AskUpdates
    | TellUpdate
)

# --- events -----------------------------------------------------------------------------------------------------------------------------


class StateChanged(Happening, frozen=True):
    """The control is in another state than before."""

    state: StateName
    at_us: int


Published = Event | StateChanged

# --- lines ------------------------------------------------------------------------------------------------------------------------------


class Reply(Struct, frozen=True, kw_only=True):
    """A line of the daemon that answers a request: `result` where it is `ok`, else `error`, and the exit code of the command line."""

    ok: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = "the daemon refused without a reason"
    exit_code: int | None = None


class _Success(Struct, frozen=True, kw_only=True):
    ok: Literal[True] = True
    result: Answer | Literal["subscribed"]


class _Failure(Struct, frozen=True, kw_only=True):
    ok: Literal[False] = False
    error: str
    exit_code: int


class _Named(Struct, frozen=True):
    command: str


@cache
def _requests() -> msgspec.json.Decoder[AnyRequest]:
    """Made for the first request: no start waits for it."""
    return msgspec.json.Decoder(AnyRequest)


_NAMES = msgspec.json.Decoder(_Named)
_BY_NAME = {str(kind.__struct_config__.tag): kind for kind in Request.__subclasses__()}


def encode_line(message: Request[A] | Published) -> bytes:
    """A request or an event as a line."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(line: bytes) -> AnyRequest:
    """A request, from whoever sent it. Raises `UsageError`: no JSON, no such command, or arguments that it does not take."""
    try:
        return _requests().decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(_what_is_wrong(line, shown(error, 300))) from error


def _what_is_wrong(line: bytes, reason: str) -> str:
    try:
        name = _NAMES.decode(line).command
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f'a request is one JSON object on a line, with a "command": {reason}'
    if name not in _BY_NAME:
        return f"unknown command {shown(repr(name), 60)}: {', '.join(sorted(_BY_NAME))} exist"
    return f"{name} takes {', '.join(sorted(_BY_NAME[name].__struct_fields__)) or 'no arguments'}: {reason}"


def success(result: Answer | Literal["subscribed"], *, listening: bool = False) -> bytes:
    """The line of an answer, to a client that is `listening` to the events or not. Raises `UnavailableError` where it is too long."""
    line = msgspec.json.encode(_Success(result=result)) + b"\n"
    if len(line) <= (MAX_LINE_BYTES if listening else MAX_ANSWER_BYTES):
        return line
    done = f"the request was carried out, but its answer has {len(line)} bytes"
    if listening:
        raise UnavailableError(f"{done}, and beside the events at most {MAX_LINE_BYTES} are sent: ask on a connection of its own")
    why = f"{done}, and at most {MAX_ANSWER_BYTES} are sent"
    raise UnavailableError(f"{why}: stop the daemon (systemctl stop bodycamd) and ask again; the command then works on the store itself")


def failure(error: BodycamError) -> bytes:
    """The line of a refusal."""
    return msgspec.json.encode(_Failure(error=str(error), exit_code=error.exit_code)) + b"\n"
