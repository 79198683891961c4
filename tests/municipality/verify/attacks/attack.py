"""What an attack is: a change to a store, what the attacker needs for it, and what `bodycamd verify` must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bodycamd.municipality.verify.verdicts import Verdict
from tests.municipality.verify.attacks.scene import Scene

STORE = "store"
"""`where` of what is found in the ledger, the anchor or beside the recordings."""


@dataclass(frozen=True)
class Attack:
    """`where` is the recording, or `STORE`, whose verdict must be `verdict`. With `anchor_only` the store looks to `verify` as if nothing
    had happened, or as after a power cut, and `verdict` is what it says with the anchor.
    """

    group: str
    title: str
    holds: str
    where: str
    verdict: Verdict
    change: Callable[[Scene], object]
    anchor: str = ""
    anchor_only: bool = False


ATTACKS: list[Attack] = []


def attack(
    group: str,
    title: str,
    *,
    where: str,
    verdict: Verdict = "altered",
    holds: str = "the card",
    anchor: str = "",
    anchor_only: bool = False,
) -> Callable[[Callable[[Scene], object]], Callable[[Scene], object]]:
    """Register the decorated change."""

    def register(change: Callable[[Scene], object]) -> Callable[[Scene], object]:
        ATTACKS.append(Attack(group, title, holds, where, verdict, change, anchor, anchor_only))
        return change

    return register
