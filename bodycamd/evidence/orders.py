"""An order to cameras: hold, release, shift, configuration, update, answer; or to a station: forward, once, standing, or no more. Format
`bodycam-order/1`.

It is a signed document (`signed_document`), signed by the person that it names, and by a second one where its kind asks for two. Whoever
carries it has no say: the station, the uplink and the network can lose it or delay it, and nothing else. Its id is the SHA-256 of the
signed bytes. A hold's id is that of its order.

This module reads an order and holds it to what can be said of it alone. Whether a camera carries it out is decided by `order_acceptance`,
and for holds by `retention.ordered_holds`.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.noted_entries import OrderKind
from bodycamd.evidence.pseudonyms import Pseudonym, Reference, ReleaseReason
from bodycamd.evidence.retention_entries import Day, Ground, HoldId
from bodycamd.evidence.roster import DAY_US, KeyName, Municipality, Recipient
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import DeviceId, Positive, RecordingId, Sha256, Stated, Wall, wall_us

ORDER_TYPE: Final = "bodycam-order/1"
MAX_ORDER_BYTES: Final = 16 * 1024
"""Of its JSON: with its signatures, in base64, it fits into one line of the ledger."""
MAX_INTERVAL_DAYS: Final = 31

Kind: TypeAlias = OrderKind
MAX_DAYS: Final[dict[Kind, int]] = {"release": 31, "shift": 1, "configuration": 31, "update": 31, "answer": 1, "forward": 31}
"""Between `made_at` and `not_after`: so long at most can a courier keep an order back and still have it carried out. Holds have no end."""
MAX_STANDING_DAYS: Final = 90
"""The same of a standing order to forward: as long as a roster lasts."""
Nonce = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
SettingPath = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){0,3}\Z")]
SettingValue: TypeAlias = Annotated[str, Meta(max_length=200)] | int | float | bool


class RosterNumber(Stated, frozen=True, kw_only=True):
    """Which roster the signer had: the versions of its root and of itself."""

    root: Positive
    version: Positive

    @property
    def order(self) -> tuple[int, int]:
        """To be compared with `Roster.order`."""
        return self.root, self.version


class Interval(Stated, frozen=True, kw_only=True):
    """From `since` to `until`, both included, in UTC."""

    since: Wall
    until: Wall


class Hold(Stated, frozen=True, kw_only=True, tag_field="type", tag="hold"):
    """Keep a recording, or all that may overlap an interval, until this hold is released."""

    ground: Ground
    reference: Reference
    review_on: Day
    recording: RecordingId | None = None
    interval: Interval | None = None


class Release(Stated, frozen=True, kw_only=True, tag_field="type", tag="release"):
    """End these holds, each wherever the camera has it. One that comes before its hold ends it all the same."""

    holds: Annotated[tuple[HoldId, ...], Meta(min_length=1, max_length=16)]
    reason: ReleaseReason


class ShiftChange(Stated, frozen=True, kw_only=True, tag_field="type", tag="shift"):
    """Begin the shift of an officer, or end it; the shift of nobody else is ended by it."""

    change: Literal["begin", "end"]
    officer: Pseudonym


class Configuration(Stated, frozen=True, kw_only=True, tag_field="type", tag="configuration"):
    """Change these settings of the configuration whose SHA-256 is `base`, as the ledger's start states it."""

    base: Sha256
    changes: Annotated[dict[SettingPath, SettingValue], Meta(min_length=1, max_length=32)]


class Update(Stated, frozen=True, kw_only=True, tag_field="type", tag="update"):
    """Install the bundle of this name. The release signature on the bundle is asked for besides."""

    bundle: Sha256


class Answer(Stated, frozen=True, kw_only=True, tag_field="type", tag="answer"):
    """Somebody takes care of this call for help: the officer feels it."""

    call: Sha256


class Forward(Stated, frozen=True, kw_only=True, tag_field="type", tag="forward"):
    """Give a recording, sealed as it is, to a receiver of the station's configuration. For the station: a camera carries none out."""

    recording: RecordingId
    receiver: KeyName
    ground: Ground
    reference: Reference


class StandingForward(Stated, frozen=True, kw_only=True, tag_field="type", tag="forward_standing"):
    """Give a receiver of the station's configuration by itself, sealed as it is, each recording that was sealed to the receiver's own
    `recipient` when it was recorded; with an interval those alone that were recorded within it. For the station, as `Forward` is."""

    receiver: KeyName
    recipient: Recipient
    ground: Ground
    reference: Reference
    interval: Interval | None = None


class EndForward(Stated, frozen=True, kw_only=True, tag_field="type", tag="forward_end"):
    """End a standing order to forward, for good, for the cameras that this one names. One that comes before it ends it all the same."""

    order: Sha256


Body: TypeAlias = Hold | Release | ShiftChange | Configuration | Update | Answer | Forward | StandingForward | EndForward
FORWARDING: Final = (Forward, StandingForward, EndForward)
"""For the station itself: no camera gets them."""


class Order(Stated, frozen=True, kw_only=True):
    """All of it. `cameras` are the very ones that it is for. `second` signs too, where two must. `not_after`: absent of a hold."""

    municipality: Municipality
    cameras: Annotated[tuple[DeviceId, ...], Meta(min_length=1, max_length=64)]
    body: Body
    person: Pseudonym
    roster: RosterNumber
    made_at: Wall
    nonce: Nonce
    not_after: Wall | None = None
    second: Pseudonym | None = None

    @property
    def kind(self) -> Kind:
        """What is ordered."""
        match self.body:
            case Hold():
                return "hold"
            case Release():
                return "release"
            case ShiftChange():
                return "shift"
            case Configuration():
                return "configuration"
            case Update():
                return "update"
            case Answer():
                return "answer"
            case Forward() | StandingForward() | EndForward():
                return "forward"

    @property
    def most_days(self) -> int | None:
        """Between `made_at` and `not_after`; `None` of a hold, which has no end."""
        return MAX_STANDING_DAYS if isinstance(self.body, StandingForward) else MAX_DAYS.get(self.kind)

    @property
    def people(self) -> tuple[str, ...]:
        """Who must have signed."""
        return (self.person,) if self.second is None else (self.person, self.second)


class SignedOrder(msgspec.Struct, frozen=True):
    """An order that is consistent in itself, with the bytes that are signed. The signatures are not checked yet."""

    order: Order
    document: SignedDocument

    @property
    def id(self) -> str:
        """The order's id; of a hold also that of the hold."""
        return self.document.sha256


_orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


def decode(raw: bytes, where: str) -> SignedOrder:
    """The order in the bytes of a file. Raises `DataError` for what is no order, or contradicts itself (`contradictions`)."""
    document = signed_document.read(raw, ORDER_TYPE, MAX_ORDER_BYTES, where)
    order = strict_json.decode(document.json, _orders, where, MAX_ORDER_BYTES)
    for what in contradictions(order):
        raise DataError(f"{where}: {what}")
    return SignedOrder(order, document)


def sign(order: Order, signers: Iterable[Signer]) -> SignedOrder:
    """The order, signed. Raises `DataError` for one that no reader would take."""
    return decode(signed_document.signed_file(ORDER_TYPE, order, signers), "to be signed")


def contradictions(order: Order) -> Iterator[str]:
    """What is wrong with an order whoever signed it, a clause each."""
    if len(set(order.cameras)) < len(order.cameras):
        yield "a camera is listed twice"
    if order.second == order.person:
        yield f"{order.person} is both of the people who sign"
    yield from _about_time(order)
    match order.body:
        case Hold():
            yield from _about_hold(order, order.body)
        case Release(holds=holds):
            if order.second is None:
                yield "a release is signed by two people"
            if len(set(holds)) < len(holds):
                yield "a hold is listed twice"
        case ShiftChange() if len(order.cameras) > 1:
            yield "a shift is of one camera"
        case Answer() if len(order.cameras) > 1:
            yield "a call for help is of one camera"
        case Forward() if len(order.cameras) > 1:
            yield "a recording is of one camera: others have recordings of the same name"
        case StandingForward(interval=Interval() as interval):
            yield from _about_interval(interval, MAX_STANDING_DAYS)
    if order.second is not None and not isinstance(order.body, Release | Configuration):
        yield f"a {order.kind} order is signed by one person"


def _about_time(order: Order) -> Iterator[str]:
    try:
        made_us = wall_us(order.made_at, "made_at")
        if (most := order.most_days) is None:
            if order.not_after is not None:
                yield "a hold has no not_after"
        elif order.not_after is None:
            yield f"a {order.kind} order needs not_after"
        elif not 0 < wall_us(order.not_after, "not_after") - made_us <= most * DAY_US:
            yield f"not_after is not within {most} days after made_at"
    except DataError as error:
        yield str(error)


def _about_hold(order: Order, hold: Hold) -> Iterator[str]:
    if (hold.recording is None) == (hold.interval is None):
        yield "a hold names either a recording or an interval"
    if hold.recording is not None and len(order.cameras) > 1:
        yield "a hold of a recording is for one camera: others have recordings of the same name"
    try:
        date.fromisoformat(hold.review_on)
    except ValueError:
        yield "review_on is no date"
    if hold.interval is not None:
        yield from _about_interval(hold.interval, MAX_INTERVAL_DAYS)
        try:
            if wall_us(hold.interval.until, "until") > wall_us(order.made_at, "made_at"):
                yield "the interval ends after the order was made: what is not recorded yet is not held"
        except DataError as error:
            yield str(error)


def _about_interval(interval: Interval, most_days: int) -> Iterator[str]:
    try:
        if not 0 <= wall_us(interval.until, "until") - wall_us(interval.since, "since") <= most_days * DAY_US:
            yield f"until is not within {most_days} days after since"
    except DataError as error:
        yield str(error)
