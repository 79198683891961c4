"""What presses a button on a chest: five models, each a generator of contacts. A contact is (down, up) in microseconds, sorted, apart.

A figure without a source is assumed: nobody has measured contacts on a worn camera. `MODELS` has each parameter in words, for the table.

[1] fepsy.com/tests/tapping: fast tapping with one finger, 45 to 60 in 10 s; the upper bound is two fingers or a shaking hand.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

S = 1_000_000
Contact = tuple[int, int]


def _log_uniform(chance: random.Random, low: float, high: float) -> float:
    return math.exp(chance.uniform(math.log(low), math.log(high)))


def _broken(chance: random.Random, length: float, breaks: int, gap: tuple[float, float]) -> list[tuple[float, float]]:
    """One contact of `length` seconds that opens so many times for a moment."""
    found, at = list[tuple[float, float]](), 0.0
    for opens in sorted(chance.uniform(0, length) for _ in range(breaks)):
        if opens > at:
            found.append((at, opens))
            at = opens + _log_uniform(chance, *gap)
    return [*found, (at, max(length, at + 0.03))]


def _in_us(contacts: list[tuple[float, float]], at_us: int) -> list[Contact]:
    return [(at_us + round(begin * S), at_us + round(end * S)) for begin, end in contacts]


def press(chance: random.Random, at_us: int, double: float) -> list[Contact]:
    """One press of a gloved hand; with the probability `double` the contact opens and closes again."""
    length = min(1.4, max(0.08, chance.lognormvariate(math.log(0.35), 0.4)))
    if chance.random() >= double:
        return _in_us([(0.0, length)], at_us)
    again = length + _log_uniform(chance, 0.02, 0.25)
    return _in_us([(0.0, length), (again, again + chance.uniform(0.03, 0.2))], at_us)


def fall(chance: random.Random, at_us: int) -> list[Contact]:
    length = _log_uniform(chance, 0.3, 15)
    return _in_us(_broken(chance, length, chance.randint(1, 3) if chance.random() < 0.4 else 0, (0.02, 0.3)), at_us)


def seat_belt(chance: random.Random, at_us: int) -> list[Contact]:
    length = _log_uniform(chance, 10, 120)
    return _in_us(_broken(chance, length, round(length * chance.uniform(0, 0.6)), (0.02, 1.0)), at_us)


def struggle(chance: random.Random, at_us: int) -> list[Contact]:
    contacts, at, end = list[tuple[float, float]](), 0.0, chance.uniform(5, 60)
    while at < end:
        length = max(0.03, chance.lognormvariate(math.log(0.25), 1.0))
        contacts.append((at, at + length))
        at += length + max(0.03, chance.expovariate(1 / 1.0))
    return _in_us(contacts, at_us)


def mashing(chance: random.Random, at_us: int) -> list[Contact]:
    contacts, at = list[tuple[float, float]](), 0.0
    for _ in range(chance.randint(1, 4)):
        period, share = 1 / chance.uniform(5, 12), chance.uniform(0.3, 0.6)
        for _press in range(chance.randint(2, 20)):
            contacts.append((at, at + period * share))
            at += period
        if chance.random() < 0.2:
            contacts[-1] = (contacts[-1][0], contacts[-1][0] + chance.uniform(0.5, 5))
            at = contacts[-1][1]
        at += chance.uniform(0.3, 3)
    return _in_us(contacts, at_us)


@dataclass(frozen=True)
class Model:
    """One kind of hand; `accident` makes contacts that mean nothing, from an instant on. None: only the officer's own gestures."""

    name: str
    parameters: str
    accident: Callable[[random.Random, int], list[Contact]] | None
    double: float = 0.0
    """How often a contact of the officer's own is a double one."""


MODELS = (
    Model("glove", "press 0.08-1.4 s (median 0.35), 1 in 4 is a double contact 20-250 ms apart, 1 in 10 holds slips; assumed", None, 0.25),
    Model("fall", "one contact of 0.3-15 s, 4 in 10 open 1-3 times for 20-300 ms; assumed", fall),
    Model("seat belt", "pressed for 10-120 s, opens up to 0.6 times a second for 20-1000 ms; assumed", seat_belt),
    Model("struggle", "5-60 s of contacts (median 0.25 s, sigma 1.0) with pauses of 1 s on average; assumed", struggle),
    Model("mashing", "1-4 bursts of 2-20 presses at 5-12 Hz [1], 1 in 5 ends in a clench of 0.5-5 s; pauses 0.3-3 s; assumed", mashing),
)


def start(chance: random.Random, model: Model, at_us: int) -> list[Contact]:
    """The officer's press that starts a recording, or marks."""
    return press(chance, at_us, model.double)


def stop(chance: random.Random, model: Model, at_us: int, confirm: bool) -> list[Contact]:
    """The officer's stop: a hold and, where it takes one, the press that confirms it."""
    length = chance.uniform(2.3, 4.0)
    slips = 1 if chance.random() < model.double * 0.4 else 0
    contacts = _in_us(_broken(chance, length, slips, (0.02, 0.2)), at_us)
    if chance.random() < model.double:
        again_us = contacts[-1][1] + round(_log_uniform(chance, 0.02, 0.25) * S)
        contacts.append((again_us, again_us + round(chance.uniform(0.03, 0.2) * S)))
    return [*contacts, *press(chance, contacts[-1][1] + round(chance.uniform(0.6, 2.5) * S), model.double)] if confirm else contacts
