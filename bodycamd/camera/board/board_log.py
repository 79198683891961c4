"""The simulated board's time line: what the officer would see, hear and feel, one JSON line per change in `board.jsonl`.

    {"at_us": 81234567890, "part": "lamp", "on": true}
    {"at_us": 81234569001, "part": "voice", "event": "started"}

`at_us` is CLOCK_BOOTTIME in microseconds. Parts: `lamp`, `ready_lamp`, `haptic`, `button` (with `on`: pressed or lit), `voice` (with
`event`: `started`, `ended`, `silenced`, `failed`) and `battery` (with `percent`). Each line is one append, so that readers never see half
of one; lines of different threads may be in another order than their times.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict

import msgspec
from msgspec import Struct

FILE_NAME = "board.jsonl"


class Timeline:
    """Appends to the time line. Raises `OSError` where the folder does not take it."""

    def __init__(self, directory: Path) -> None:
        self._fd = os.open(directory / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def note(self, part: str, at_us: int, **fields: bool | str | int | float) -> None:
        """Append one line, unbuffered."""
        os.write(self._fd, msgspec.json.encode({"at_us": at_us, "part": part, **fields}) + b"\n")

    def close(self) -> None:
        """No line after this."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class BoardChange(Struct, frozen=True, kw_only=True):
    """One line: what does not apply is `None`."""

    at_us: int
    part: str
    on: bool | None = None
    event: str | None = None
    percent: float | None = None


class BoardLine(TypedDict, total=False):
    """One line as it stands. `at_us` and `part` are in all of them, `sent_us` in those of a button whose sender told."""

    at_us: int
    part: str
    on: bool
    sent_us: int
    event: str
    percent: float | None


def read(directory: Path) -> list[BoardLine]:
    """The whole lines written so far, in the order of the file; empty where there is no file yet."""
    try:
        data = (directory / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line, type=BoardLine) for line in data.split(b"\n")[:-1]]
