"""Whether the station's clock may be relied on for how long footage is kept: as a camera judges its own (`retention.clock_trust`).

The kernel must call it synchronised, and it must continue from what was confirmed before in this process, or be less than a day ahead of
the newest line of the station's log and not before it, or have been trusted for half an hour.
"""

from __future__ import annotations

import threading
from typing import Final

from bodycamd.linux.clock import Clock
from bodycamd.retention.clock_trust import Trust

LOOK_SECONDS: Final = 60


class StationClock:
    """`look` every minute; the others at any time, from any thread."""

    def __init__(self, clock: Clock, newest_us: int | None) -> None:
        """`newest_us`: the time of the newest line of the log, `None` where there is none."""
        self._clock, self._newest_us = clock, newest_us
        self._trust = Trust()
        self._lock = threading.Lock()
        self.look()

    def look(self) -> None:
        """One more reading."""
        reading = self._clock.read()
        with self._lock:
            self._trust = self._trust.step(reading.boottime_us, reading.synchronised_us, self._newest_us)

    def confirmed(self) -> bool:
        """Whether the newest reading may be relied on."""
        return self._trust.confirmed

    def now_us(self) -> int:
        """The wall clock, whatever it is worth."""
        return self._clock.read().wall_us
