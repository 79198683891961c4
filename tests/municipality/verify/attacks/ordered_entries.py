"""What the ledger of a scene says of orders, signed with the key in use: as the camera writes it, and otherwise."""

from __future__ import annotations

import base64
from typing import Any

from msgspec.structs import replace

from bodycamd.evidence import orders
from bodycamd.evidence.orders import Hold, Order, Release, SignedOrder
from tests.evidence.ordering import HOLD, RELEASE
from tests.municipality.verify.attacks.scene import INTACT, Scene


def to_hold(recording: str = INTACT) -> Order:
    body = HOLD.body
    assert isinstance(body, Hold)
    return replace(HOLD, person="E-03", body=replace(body, recording=recording))


def to_release(*holds: str) -> Order:
    return replace(RELEASE, person="E-03", body=Release(holds=holds, reason="settled"))


def signed(scene: Scene, order: Order, signer: str = "person") -> SignedOrder:
    return orders.sign(order, [scene.keys[signer]])


def state(scene: Scene, kind: str, detail: dict[str, Any]) -> None:
    scene.append_entry(3, scene.keys["ram"], kind, detail)


def state_order(scene: Scene, order: SignedOrder, id: str = "") -> str:
    """As the camera states it, or under another `id`; returns its id."""
    document = base64.b64encode(order.document.file_bytes).decode()
    fields = {"order": id or order.id, "kind": order.order.kind, "by": "E-03", "document": document, "roster_sha256": "0" * 64}
    state(scene, "order", fields)
    return fields["order"]


def hold(scene: Scene, id: str, recording: str = INTACT) -> None:
    body = to_hold().body
    assert isinstance(body, Hold)
    held = {"ground": body.ground, "reference": body.reference, "by": "E-03", "review_on": body.review_on}
    state(scene, "hold_added", {"recording": recording, "hold": id, **held})


def release(scene: Scene, id: str) -> None:
    state(scene, "hold_released", {"recording": INTACT, "ground": "complaint", "reason": "settled", "by": "E-03", "hold": id})


def good_orders(scene: Scene) -> None:
    """What the camera writes when all is as it should be."""
    id = state_order(scene, signed(scene, to_hold()))
    hold(scene, id)
    state_order(scene, signed(scene, to_release(id)))
    release(scene, id)
