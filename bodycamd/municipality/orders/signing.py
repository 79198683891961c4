"""An order from what a person wants: made, judged as a camera would, shown, and signed.

A camera judges by its own roster and its own ledger. What is refused here no camera with this roster would take; what is signed here may
still find a camera with another roster, or without the recording.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from bodycamd.errors import PermissionDeniedError, UsageError
from bodycamd.evidence import orders
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.order_acceptance import DAYS, Here, judge_content
from bodycamd.evidence.orders import (
    Answer,
    Body,
    Configuration,
    EndForward,
    Forward,
    Hold,
    Order,
    Release,
    RosterNumber,
    ShiftChange,
    SignedOrder,
    StandingForward,
    Update,
    contradictions,
)
from bodycamd.evidence.roster import DAY_US, SignedRoster
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import wall_text
from bodycamd.foreign_text import shown
from bodycamd.municipality.words.times import LocalTime

RELEASE_DAYS: Final = 14
"""So long a release may be on its way, where nothing else is asked for."""
MOST_DAYS: Final = 3650
"""How long footage may be kept at all: what a camera keeps now is for the camera to say."""


def make(
    body: Body, roster: SignedRoster, *, cameras: Sequence[str], person: str, second: str | None, now_us: int, days: int | None = None
) -> Order:
    """The order that `person` gives now. `days`: until it ends; a hold never does. Raises `UsageError` for one that contradicts itself."""
    root, version = roster.roster.order
    unended = Order(
        municipality=roster.roster.municipality,
        cameras=tuple(cameras),
        body=body,
        person=person,
        second=second,
        roster=RosterNumber(root=root, version=version),
        made_at=wall_text(now_us),
        nonce=secrets.token_hex(16),
    )
    order = unended if isinstance(body, Hold) else _ending(unended, now_us, days)
    try:
        msgspec.convert(msgspec.to_builtins(order), Order)
    except msgspec.ValidationError as error:
        raise UsageError(f"no camera would take this order: {shown(error)}") from error
    for what in contradictions(order):
        raise UsageError(f"no camera would take this order: {what}")
    if isinstance(body, Configuration) and DAYS in body.changes:
        raise UsageError(f"{DAYS}: no camera changes how long footage is kept by an order: do it in its file, at the camera")
    return order


def sign(order: Order, roster: SignedRoster, key: Signer, now_us: int) -> SignedOrder:
    """The order with the signature of its `person`. Raises `PermissionDeniedError` where the key is not that person's in the roster, and
    for what a camera with this roster would refuse.
    """
    _check_taken(order, roster, now_us)
    check_whose(order.person, roster, key)
    return orders.sign(order, [key])


def cosign(signed: SignedOrder, roster: SignedRoster, key: Signer, now_us: int) -> SignedOrder:
    """The same order with the signature of its `second` too. Raises as `sign` does, and `UsageError` where one is all it needs."""
    if signed.order.second is None:
        raise UsageError(f"a {signed.order.kind} order of one person needs no second signature")
    _check_taken(signed.order, roster, now_us)
    check_whose(signed.order.second, roster, key)
    return SignedOrder(signed.order, signed.document.also_signed_by([key]))


def missing(signed: SignedOrder, roster: SignedRoster) -> list[str]:
    """Who has still to sign it. Raises `DataError` where a signature does not hold."""
    return unsigned(signed.document, signed.order.people, roster)


def unsigned(document: SignedDocument, people: Iterable[str], roster: SignedRoster) -> list[str]:
    """Who of these people has not signed a document. Raises `DataError` where a signature does not hold."""
    found = []
    for name in people:
        person = roster.roster.person(name)
        key = PublicKey.from_hex(person.key) if person is not None else None
        if key is None or key.id not in document.signers([key]):
            found.append(name)
    return found


def told(order: Order, local: LocalTime) -> Iterator[tuple[str, str]]:
    """All that an order says, for who signs it: a name and a value each."""
    yield "order", order.kind
    yield "municipality", order.municipality
    yield "cameras", ", ".join(order.cameras)
    match order.body:
        case Hold() as hold:
            if hold.interval is not None:
                yield "from", local.wall_beside_utc(hold.interval.since)
                yield "until", local.wall_beside_utc(hold.interval.until)
            yield from (("recording", hold.recording),) if hold.recording else ()
            yield from (("ground", hold.ground), ("reference", hold.reference), ("review on", hold.review_on))
        case Release() as release:
            yield from (("hold", hold_id) for hold_id in release.holds)
            yield "reason", release.reason
        case ShiftChange() as change:
            yield "shift", f"{change.change}, officer {change.officer}"
        case Configuration() as configuration:
            yield "of configuration", configuration.base
            yield from ((path, str(value)) for path, value in sorted(configuration.changes.items()))
        case Update() as update:
            yield "bundle", update.bundle
        case Answer() as answer:
            yield "answers call", answer.call
        case Forward() as forward:
            yield "forward", forward.recording
            yield from (("to", forward.receiver), ("ground", forward.ground), ("reference", forward.reference))
        case StandingForward() as standing:
            yield "forward", "by itself, each recording that was sealed to the recipient when it was recorded"
            yield from (("recipient", standing.recipient), ("to", standing.receiver))
            yield from (("ground", standing.ground), ("reference", standing.reference))
            if standing.interval is None:
                yield "recorded", "at any time: what the station has already, and what comes"
            else:
                yield "recorded from", local.wall_beside_utc(standing.interval.since)
                yield "until", local.wall_beside_utc(standing.interval.until)
        case EndForward() as ending:
            yield "forward no more", f"by standing order {ending.order}"
    yield "signed by", " and ".join(order.people)
    yield "made", local.wall_beside_utc(order.made_at)
    yield "ends", local.wall_beside_utc(order.not_after) if order.not_after else "never"


def _ending(order: Order, now_us: int, days: int | None) -> Order:
    longest = order.most_days
    assert longest is not None, "a hold has no end, and is not given one"
    usual = longest if isinstance(order.body, StandingForward) else RELEASE_DAYS
    wanted = min(longest, usual) if days is None else days
    if not 1 <= wanted <= longest:
        raise UsageError(f"--days {wanted}: a {order.kind} order ends after 1 to {longest} days")
    return replace(order, not_after=wall_text(now_us + wanted * DAY_US))


def check_whose(pseudonym: str, roster: SignedRoster, key: Signer) -> None:
    """Raises `PermissionDeniedError` unless the roster lists this key as that person's."""
    person = roster.roster.person(pseudonym)
    if person is None:
        raise PermissionDeniedError(f"{pseudonym} is not in roster {roster.roster.version}")
    if PublicKey.from_hex(person.key) != key.public:
        raise PermissionDeniedError(f"this key is not {pseudonym}'s in roster {roster.roster.version}: {key.public.raw.hex()[:16]}…")


def _check_taken(order: Order, roster: SignedRoster, now_us: int) -> None:
    """Raises `PermissionDeniedError` where a camera that has this roster would refuse it."""
    for camera in order.cameras:
        verdict = judge_content(order, roster, Here(camera, MOST_DAYS), Now(now_us, trusted=True))
        if not verdict.accepted:
            raise PermissionDeniedError(f"{camera} would refuse this order: {verdict.why}")
