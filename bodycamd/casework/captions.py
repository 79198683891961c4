"""What the film itself tells beside picture and sound: the wall clock as a subtitle for every second, and markers as chapters. Nothing is
burned in: picture and sound stay as they were sealed.

The time is the camera's wall clock at the moment of capture: that of the fragment's statement, less the time that passed since by
CLOCK_BOOTTIME. It is worth what the statement says of the clock, so every subtitle gives the uncertainty, or that there is none to give.
"""

from __future__ import annotations

from dataclasses import dataclass

from bodycamd.evidence.statements import ClockQuality, FragmentStatement, wall_text, wall_us

SECOND_US = 1_000_000


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
    """Takes the statements of a recording in order and gives the subtitles: one for each second of the wall clock in which there is
    picture. Memory grows by about 200 bytes for each second of footage.
    """

    def __init__(self) -> None:
        self.cues: list[Cue] = []

    def add(self, statement: FragmentStatement) -> None:
        """The next fragment."""
        offset_us = wall_offset_us(statement)
        suffix = f" UTC {uncertainty(statement.clock)}\n{statement.device} {statement.recording}"
        at_us = statement.pts_us
        while at_us < statement.end_us:
            second = (at_us + offset_us) // SECOND_US
            ends_us = min((second + 1) * SECOND_US - offset_us, statement.end_us)
            self._add(at_us, ends_us, seconds_text(second * SECOND_US) + suffix)
            at_us = ends_us

    def _add(self, begins_us: int, ends_us: int, text: str) -> None:
        last = self.cues[-1] if self.cues else None
        if last is not None and last.text == text and begins_us - last.ends_us < SECOND_US // 10:
            last.ends_us = ends_us
        else:
            self.cues.append(Cue(begins_us, ends_us, text))


def wall_offset_us(statement: FragmentStatement) -> int:
    """What to add to CLOCK_BOOTTIME to have the camera's wall clock, by this statement."""
    return wall_us(statement.wall, "wall") - statement.boottime_ns // 1000


def uncertainty(clock: ClockQuality) -> str:
    """What the wall clock was worth, in the few words that fit below a picture."""
    if clock.error_ms is None:
        return f"± ? ({clock.source})"
    return f"± {clock.error_ms / 1000:g} s ({clock.source})"


def seconds_text(at_us: int) -> str:
    """Microseconds since 1970 (UTC) as `2026-06-01 12:00:00`."""
    return wall_text(at_us)[:19].replace("T", " ")
