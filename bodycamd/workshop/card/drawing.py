"""Patterns of the lamp and words of the motor as bars on a line of time: drawn from the very steps that the camera plays.

A drawing is in milliseconds: the template gives it as many columns as its time is long, so that a bar's place and width are the pattern's.
"""

from __future__ import annotations

from dataclasses import dataclass

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import PULSES, TABLE, LampPattern, RowName

LAMP_MS = 3000
"""So much of every lamp's pattern is drawn: all of a refusal. Of a longer pattern it is the time around its shortest step."""
MOTOR_MS = max(pattern.length_us for pattern in PULSES.values()) // 1000
"""The longest word of the motor; all are drawn to one scale."""


@dataclass(frozen=True, slots=True)
class Bar:
    """From when and for how long it is on."""

    at_ms: int
    for_ms: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is on, of so many milliseconds. `name`: the row or the word that is drawn."""

    name: str
    bars: list[Bar]
    length_ms: int


def lamp(row: RowName) -> Drawing:
    """The outward lamp of a row."""
    pattern = TABLE[row].lamp
    long = pattern.repeat and pattern.length_us > LAMP_MS * 1000
    return Drawing(row, _bars(pattern, _around_the_shortest(pattern) if long else 0, LAMP_MS), LAMP_MS)


def motor(name: HapticName, alone: bool = False) -> Drawing:
    """A word of the motor; `alone`: as long as it takes, not as the longest."""
    length_ms = PULSES[name].length_us // 1000 if alone else MOTOR_MS
    return Drawing(name, _bars(PULSES[name], 0, length_ms), length_ms)


def _around_the_shortest(pattern: LampPattern) -> int:
    """Where to begin, so that the shortest step is in the middle."""
    lengths = [milliseconds for _, milliseconds in pattern.steps]
    shortest = lengths.index(min(lengths))
    middle_ms = sum(lengths[:shortest]) + lengths[shortest] // 2
    return (middle_ms - LAMP_MS // 2) % (pattern.length_us // 1000)


def _bars(pattern: LampPattern, from_ms: int, length_ms: int) -> list[Bar]:
    bars: list[Bar] = []
    at_ms = 0
    while at_ms < length_ms:
        on, change_us = pattern.level((from_ms + at_ms) * 1000)
        for_ms = length_ms - at_ms if change_us is None else min(change_us // 1000, length_ms - at_ms)
        if on and bars and bars[-1].at_ms + bars[-1].for_ms == at_ms:
            bars[-1] = Bar(bars[-1].at_ms, bars[-1].for_ms + for_ms)
        elif on:
            bars.append(Bar(at_ms, for_ms))
        at_ms += for_ms
    return bars
