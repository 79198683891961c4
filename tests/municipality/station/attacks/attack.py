"""What an attack is: what is done, what the attacker holds for it, who refuses or finds it, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.municipality.station.attacks.ground import Ground

Carried: TypeAlias = Callable[[Ground], str]
"""Carries the attack out, asserts that nothing came of it, and returns what was answered or found."""
NETWORK = "the network between the two"
UPLINK_KEY = "the camera's uplink key"
COURIER = "the uplink or the station: it carries, and may do with it what it likes"
STATION_KEY = "the station, with its key"
STATION = "the station's disk and database, without its key in use"


@dataclass(frozen=True)
class Attack:
    """`by` refuses or finds it; `outcome` is what `carried` must return."""

    group: str
    title: str
    holds: str
    by: str
    outcome: str
    carried: Carried


ATTACKS: list[Attack] = []


def attack(group: str, title: str, *, holds: str, by: str, outcome: str) -> Callable[[Carried], Carried]:
    """Register the decorated attack."""

    def register(carried: Carried) -> Carried:
        ATTACKS.append(Attack(group, title, holds, by, outcome, carried))
        return carried

    return register
