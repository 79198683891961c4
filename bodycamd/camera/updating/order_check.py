"""Whether root installs a bundle because of an order: from values to values, without trust in whoever handed the order over.

The recorder has judged the order and stated it. It runs as another user, and what it says is looked at again here: the roster by the root
that the card brought, the order by that roster, and that it names this camera and this very bundle. So who has taken over the recorder
installs nothing: that takes a release key's signature and a technician's.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    for raw in waiting:
        try:
            order = orders.decode(raw, "an order")
        except DataError as error:
            why = str(error)
            continue
        if not isinstance(order.order.body, Update) or order.order.body.bundle != bundle:
            continue
        verdict = judge_order(order, by, Here(camera, 0), Now(at_us, trusted=False), done={})
        if verdict.accepted:
            return order
        why = verdict.why
    if why:
        raise PermissionDeniedError(f"no order to install bundle {bundle[:16]}… counts: {why}")
    raise NotFoundError(f"no order that waits on this camera names bundle {bundle}: bodycamd order deliver")
