"""What the pins did, held against the indicator's own tables: a pattern of the lamp, a word of the motor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import PULSES, TABLE, LampPattern, RowName

Change = tuple[int, bool]
"""When (µs), and whether it is on from then."""
LATE_US = 45_000
"""By so much each step may be longer or shorter: timers of a busy machine. Neighbouring patterns differ by more (see `test_judge`)."""
STEADY_US = 1_000_000
"""For so long a lamp is steady, or dark."""
SHORT_ROUND_US = 500_000
"""Of a shorter round two are wanted: one might be a part of another pattern."""
BEFORE_US = 600_000
"""Dark before what is shown once: else it is the end of something longer."""
APART_US = 400_000
"""Stillness between two words of the motor."""


def runs(changes: Sequence[Change], until_us: int) -> list[tuple[bool, int]]:
    """Levels and for how long, the last one until now."""
    ends = [*(at_us for at_us, _ in changes[1:]), until_us]
    return [(on, end - at_us) for (at_us, on), end in zip(changes, ends, strict=True)]


def shows(row: RowName, changes: Sequence[Change], until_us: int) -> bool:
    """Whether the lamp has shown one whole round of this row, or is steady as it says. `changes` begin with the level
    at which the watching began."""
    pattern = TABLE[row].lamp
    seen = runs(changes, until_us)
    if len(pattern.steps) == 1:
        return bool(seen) and seen[-1][0] == pattern.steps[0][0] and seen[-1][1] >= STEADY_US
    rounds = 2 if pattern.length_us < SHORT_ROUND_US else 1
    steps = [(on, milliseconds * 1000) for on, milliseconds in pattern.steps] * rounds
    whole = [at for at in range(len(seen)) if pattern.repeat or at <= 1 or seen[at - 1][1] >= BEFORE_US]
    return any(_fits(seen[at:], steps, pattern) for at in whole)


def ready_lamp_fits(row: RowName, changes: Sequence[Change]) -> bool:
    """Whether the lamp for the officer is as beside this row now. The other lamp is dark for seven seconds of *cannot record* too: only
    this one tells that from *ready*. Beside a row that is shown once it is not looked at: that may be over."""
    shown = TABLE[row]
    return not shown.lamp.repeat or (bool(changes) and changes[-1][1]) == shown.ready_lamp.steps[0][0]


def _fits(seen: Sequence[tuple[bool, int]], steps: Sequence[tuple[bool, int]], pattern: LampPattern) -> bool:
    """The last dark of what is shown once runs into the dark after it."""
    if len(seen) < len(steps):
        return False
    for number, ((on, length_us), (level, wanted_us)) in enumerate(zip(seen, steps, strict=False)):
        open_end = number == len(steps) - 1 and not pattern.repeat
        right = length_us >= wanted_us - LATE_US if open_end else abs(length_us - wanted_us) <= LATE_US
        if on != level or not right:
            return False
    return True


def felt(changes: Sequence[Change], until_us: int) -> list[HapticName]:
    """The words of the motor that are over, in order. A train that is no word is left out."""
    trains: list[list[int]] = [[]]
    for (at_us, on), (next_us, _) in pairwise([*changes, (until_us, False)]):
        if on:
            trains[-1].append(next_us - at_us)
        elif next_us - at_us >= APART_US and trains[-1]:
            trains.append([])
    words = {name: [ms * 1000 for on, ms in pattern.steps if on] for name, pattern in PULSES.items()}
    found = []
    for train in trains[:-1]:
        alike = [
            name
            for name, lengths in words.items()
            if len(lengths) == len(train) and all(abs(a - b) <= LATE_US for a, b in zip(train, lengths, strict=True))
        ]
        found += alike
    return found
