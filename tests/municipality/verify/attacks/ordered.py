"""Attacks on orders by who has the key in use: he writes what he likes into the ledger, and cannot sign for people."""

from __future__ import annotations

from bodycamd.evidence import orders
from tests.municipality.verify.attacks.attack import attack
from tests.municipality.verify.attacks.ordered_entries import hold, release, signed, state_order, to_hold, to_release
from tests.municipality.verify.attacks.scene import INTACT, SECOND_INTACT, Scene

ORDERS = "Orders"
RAM = "the card and the memory: the key in use"


@attack(ORDERS, "state a hold by an order that there is not", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    hold(scene, "ab" * 32)


@attack(ORDERS, "state an order under another id, and its hold", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    state_order(scene, signed(scene, to_hold()), "ab" * 32)
    hold(scene, "ab" * 32)


@attack(ORDERS, "hold another recording than was ordered", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    hold(scene, state_order(scene, signed(scene, to_hold(SECOND_INTACT))))


@attack(
    ORDERS,
    "write an order in a person's name, signed with another key",
    where=INTACT,
    verdict="contradictory",
    holds=RAM,
)
def _(scene: Scene) -> None:
    hold(scene, state_order(scene, signed(scene, to_hold(), "own")))


@attack(ORDERS, "alter an order that was signed, and its hold", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    raw = signed(scene, to_hold(SECOND_INTACT)).document.file_bytes.replace(SECOND_INTACT.encode(), INTACT.encode())
    hold(scene, state_order(scene, orders.decode(raw, "x")))


@attack(ORDERS, "release what was held by order without an order", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    id = state_order(scene, signed(scene, to_hold()))
    hold(scene, id)
    release(scene, id)


@attack(ORDERS, "release what was held by order, by the release of another hold", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    id = state_order(scene, signed(scene, to_hold()))
    hold(scene, id)
    state_order(scene, signed(scene, to_release("cd" * 32)))
    release(scene, id)


@attack(ORDERS, "release what was held by order, and order it afterwards", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    id = state_order(scene, signed(scene, to_hold()))
    hold(scene, id)
    release(scene, id)
    state_order(scene, signed(scene, to_release(id)))
