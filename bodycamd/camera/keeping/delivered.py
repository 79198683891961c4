"""What a courier is told of what it brought: an order, a suspension, a roster."""

from __future__ import annotations

from msgspec import Struct


class Delivered(Struct, frozen=True, kw_only=True):
    """What became of something that was delivered: its id, and the outcome. `done`: the ledger has its `order_done`, or it is in force.
    `why` is one clause where it was not taken."""

    id: str
    outcome: str
    done: bool
    why: str = ""
