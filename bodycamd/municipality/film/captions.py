"""What the film itself says beside picture and sound: the wall clock as a subtitle for every second, and markers as chapters. Nothing is
burned in: picture and sound stay as they were sealed.

The time is local, with UTC beside it. It is the camera's wall clock at the moment of capture: that of the fragment's statement, less what
passed since by CLOCK_BOOTTIME. It is worth what the statement says of the clock, so every subtitle states the uncertainty, or that it is
not known.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from bodycamd.evidence.statements import FragmentStatement, wall_text, wall_us
from bodycamd.foreign_text import shown
from bodycamd.municipality.words.clock_words import clock_source

if TYPE_CHECKING:  # the film maker's process words nothing, and loads no Babel
    from bodycamd.municipality.words.formats import Formats

SECOND_US = 1_000_000
MAX_NAME = 64
"""Characters of a name that stands under the picture."""
LAST_US = 253_402_300_799_999_999
"""The end of the year 9999."""


@dataclass(slots=True)
class Cue:
    """A subtitle, in CLOCK_BOOTTIME microseconds."""

    begins_us: int
    ends_us: int
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Where a chapter begins (CLOCK_BOOTTIME), and its title."""

    at_us: int
    title: str


class Captions:
    """Takes cues in order, and returns the subtitles: cues that touch and say the same are one. Those that are written can be forgotten, so
    that memory does not grow with the recording.
    """

    def __init__(self) -> None:
        self._cues: deque[Cue] = deque()
        self._forgotten = 0

    def __len__(self) -> int:
        """How many came, forgotten ones included."""
        return self._forgotten + len(self._cues)

    def __getitem__(self, number: int) -> Cue:
        """Counted from 0, forgotten ones included."""
        return self._cues[number - self._forgotten]

    def first_after(self, instant_us: Fraction) -> int:
        """The first cue that is kept and ends after this instant."""
        return next((self._forgotten + n for n, cue in enumerate(self._cues) if cue.ends_us > instant_us), len(self))

    def forget(self, number: int) -> None:
        """The cues before this one are not asked for any more."""
        while self._forgotten < number:
            self._cues.popleft()
            self._forgotten += 1

    def add(self, begins_us: int, ends_us: int, text: str) -> None:
        """The next cue."""
        last = self._cues[-1] if self._cues else None
        if last is not None and last.text == text and begins_us - last.ends_us < SECOND_US // 10:
            last.ends_us = ends_us
        else:
            self._cues.append(Cue(begins_us, ends_us, text))


def cues(statement: FragmentStatement, write: Formats) -> list[tuple[int, int, str]]:
    """What stands below a fragment: one cue for each second of the wall clock, as begin, end and text."""
    offset_us = wall_offset_us(statement)
    clock = statement.clock
    worth = f"{write.uncertainty(clock.error_ms)} ({clock_source(clock.source, write.language)})"
    suffix = f"\n{worth}\n{shown(statement.device, MAX_NAME)} {shown(statement.recording, MAX_NAME)}"
    at_us, found = statement.pts_us, []
    while at_us < statement.end_us:
        second = (at_us + offset_us) // SECOND_US
        ends_us = min((second + 1) * SECOND_US - offset_us, statement.end_us)
        found.append((at_us, ends_us, write.local.beside_utc(second * SECOND_US) + suffix))
        at_us = ends_us
    return found


def wall_offset_us(statement: FragmentStatement) -> int:
    """What to add to CLOCK_BOOTTIME to have the camera's wall clock, by this statement."""
    return wall_us(statement.wall, "wall") - statement.boottime_ns // 1000


def clock_text(at_us: int) -> str:
    """`wall_text`, and for what is no time of a calendar the nearest that is: only a forged statement says so."""
    return wall_text(min(max(0, at_us), LAST_US))
