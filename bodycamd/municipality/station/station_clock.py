"""Whether the station's clock may be relied on for how long footage is kept: as a camera judges its own (`retention.clock_trust`).

The kernel must call it synchronised, and it must continue from what was confirmed before in this process, or be less than a day ahead of
the newest line of the station's log that a confirmed clock dated and not before it, or have been trusted for half an hour.

A time and the word on it are one reading: a clock that is set a moment after it was looked at dates nothing and deletes nothing.
"""

from __future__ import annotations

import threading
from typing import Final

from msgspec import Struct

from bodycamd.linux.clock import Clock
from bodycamd.retention.clock_trust import Trust

LOOK_SECONDS: Final = 60


class StationTime(Struct, frozen=True):
    """One reading: the wall clock, and whether that may be relied on."""

    wall_us: int
    confirmed: bool

    @property
    def confirmed_us(self) -> int | None:
        """The wall clock, `None` where it may not be relied on."""
        return self.wall_us if self.confirmed else None


class StationClock:
    """`read` every minute at least, and whenever a time is needed; from any thread."""

    def __init__(self, clock: Clock, newest_us: int | None) -> None:
        """`newest_us`: the time of the newest line of the log that a confirmed clock dated, `None` where there is none."""
        self._clock, self._newest_us = clock, newest_us
        self._trust = Trust()
        self._lock = threading.Lock()
        self.read()

    def read(self) -> StationTime:
        """The wall clock now, and what it is worth."""
        with self._lock:
            reading = self._clock.read()
            after = self._trust.step(reading.boottime_us, reading.synchronised_us, self._newest_us)
            # Readings that many requests cause in one minute do not add up to more than the minute that a clock may be off in it.
            if not (after.confirmed and self._trust.confirmed and reading.boottime_us - self._trust.read_us < LOOK_SECONDS * 1_000_000):
                self._trust = after
            return StationTime(reading.wall_us, after.confirmed)
