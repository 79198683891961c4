"""Keeping time: what stands in for a camera or a microphone delivers at the instants at which the real one would."""

from __future__ import annotations

import threading

from bodycamd.linux.clock import boottime_us


class Pacer:
    """Waits for instant after instant, `interval_us` apart.

    Instants that were missed (a stalled process) are left out and counted in `missed`, never made up for.
    """

    def __init__(self, interval_us: float, stop: threading.Event, *, start_us: int | None = None) -> None:
        self._interval_us, self._stop = interval_us, stop
        self.start_us = boottime_us() if start_us is None else start_us
        self._index = -1
        self.missed = 0

    def wait(self) -> tuple[int, int] | None:
        """The number and the time of the next instant, once it has come; `None` once `stop` is set."""
        self._index += 1
        behind = int((boottime_us() - self.start_us) / self._interval_us) - self._index
        if behind >= 1:
            self._index += behind
            self.missed += behind
        due_us = self.start_us + round(self._index * self._interval_us)
        while (left_us := due_us - boottime_us()) > 0:
            if self._stop.wait(left_us / 1e6):
                return None
        return None if self._stop.is_set() else (self._index, due_us)
