"""The script of a simulation: what a hand does with the button, and when.

One action a line, `SECONDS ACTION`: seconds from the moment the camera is ready, never less than on the line before. Actions: `down`, `up`,
`tap` (down, and up 0.15 s later), `hold SECONDS`, `quit` (the last line; the camera is stopped as by systemd). Blank lines and `#` comments
are passed over. Anything else is refused with the line's number before the camera starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bodycamd.errors import UsageError

TAP_SECONDS = 0.15
MAX_SECONDS = 86_400.0
MAX_LINES = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """One movement at one moment."""

    at_seconds: float
    action: Literal["down", "up", "quit"]


def parse(text: str, name: str) -> list[Step]:
    """The steps of a script in order. Raises `UsageError` with the file's name and the line's number."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise UsageError(f"{name}: more than {MAX_LINES} lines")
    steps: list[Step] = []
    before = 0.0
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{name}: line {number}"
        at = _seconds(words[0], where)
        if at < before:
            raise UsageError(f"{where}: {at:g} s lies before the line above ({before:g} s); write the lines in the order of time")
        if steps and steps[-1].action == "quit":
            raise UsageError(f"{where}: nothing may follow quit")
        _add(steps, at, words[1:], where)
        before = at
    return steps


def _add(steps: list[Step], at: float, words: list[str], where: str) -> None:
    pressed = bool(steps) and steps[-1].action == "down"
    if steps and at < steps[-1].at_seconds:
        raise UsageError(f"{where}: at {at:g} s the button is still held until {steps[-1].at_seconds:g} s")
    match words:
        case ["down"] | ["tap"] | ["hold", _] if pressed:
            raise UsageError(f"{where}: the button is down already; `up` first")
        case ["down"]:
            steps.append(Step(at, "down"))
        case ["up"] if not pressed:
            raise UsageError(f"{where}: the button is not down")
        case ["up"]:
            steps.append(Step(at, "up"))
        case ["tap"]:
            steps += [Step(at, "down"), Step(at + TAP_SECONDS, "up")]
        case ["hold", length]:
            steps += [Step(at, "down"), Step(at + _seconds(length, where), "up")]
        case ["quit"]:
            steps.append(Step(at, "quit"))
        case _:
            raise UsageError(f"{where}: unknown action; allowed: SECONDS down | up | tap | hold SECONDS | quit")


def _seconds(word: str, where: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_SECONDS:
        raise UsageError(f"{where}: the line must begin with, and hold must name, seconds from 0 to {MAX_SECONDS:g}")
    return seconds
