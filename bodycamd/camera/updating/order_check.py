"""Whether root installs a bundle because of an order: from values to values, without trust in whoever handed the order over.

The recorder has judged the order and stated it. It runs as another user, and what it says is looked at again here: the roster by the root
that the card brought, the order by that roster, and that it names this camera and this very bundle. So who has taken over the recorder
installs nothing: that takes a release key's signature and a technician's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError
from bodycamd.evidence import orders, roster
from bodycamd.evidence.order_acceptance import Here, judge_order
from bodycamd.evidence.orders import SignedOrder, Update
from bodycamd.evidence.roster import Root, SignedRoster, signed_enough
from bodycamd.evidence.roster_acceptance import Now


def in_force(raw: bytes | None, root: Root) -> SignedRoster:
    """The roster that the recorder handed over. Raises `PermissionDeniedError` where the card's root has not signed it, `DataError`."""
    if raw is None:
        raise PermissionDeniedError("no roster is in force on this camera: no order counts")
    found = roster.decode(raw, "the roster in force")
    if not signed_enough(found.document, root):
        raise PermissionDeniedError("the root of keys.root has not signed the roster in force: after a change of the root, change that too")
    return found


def ordered(waiting: Iterable[bytes], by: SignedRoster, camera: str, bundle: str, at_us: int) -> SignedOrder:
    """The order that names this bundle, of those that wait. `at_us`: it is so late at least. Raises `NotFoundError` where none does,
    `PermissionDeniedError` with the reason where the one that does is not to be carried out."""
    why = ""
    for order, named, refused in _judged(waiting, by, camera, at_us):
        if order is not None and named == bundle and not refused:
            return order
        if order is None or named == bundle:
            why = refused
    if why:
        raise PermissionDeniedError(f"no order to install bundle {bundle[:16]}… counts: {why}")
    raise NotFoundError(f"no order that waits on this camera names bundle {bundle}: bodycamd order deliver")


def bundles(waiting: Iterable[bytes], by: SignedRoster, camera: str, at_us: int) -> list[str]:
    """The names of the bundles whose orders are to be carried out, of those that wait; the newest order's first, each once."""
    named = [name for order, name, refused in _judged(waiting, by, camera, at_us) if order is not None and not refused]
    return list(dict.fromkeys(reversed(named)))


def _judged(waiting: Iterable[bytes], by: SignedRoster, camera: str, at_us: int) -> Iterator[tuple[SignedOrder | None, str, str]]:
    """Of each that is to update: the order, which bundle it names, and why it is not to be carried out, empty where it is. What is no order
    is none."""
    for raw in waiting:
        try:
            order = orders.decode(raw, "an order")
        except DataError as error:
            yield None, "", str(error)
            continue
        if isinstance(order.order.body, Update):
            verdict = judge_order(order, by, Here(camera, 0), Now(at_us, trusted=False), done={})
            yield order, order.order.body.bundle, "" if verdict.accepted else verdict.why
