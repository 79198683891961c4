"""Clocks that a test sets: the trigger `clock` is JSON of `wall_us` and `boottime_us` (added to the real clocks), `trusted`, `source`.

CLOCK_BOOTTIME is moved in every process of the camera, as a suspended machine moves it: only forward. The wall clock and the kernel's word
on it are moved in the daemon, the only process that reads them.
"""

from __future__ import annotations

import json
import time
from typing import Any

from bodycamd.linux.clock import ClockReading, SystemClock, quality
from tests.system.faults.triggers import told

LOOK_NS = 5_000_000
_real_ns = time.clock_gettime_ns


class Moved:
    """What the trigger says, read at most every 5 ms."""

    def __init__(self) -> None:
        self._looked_ns = 0
        self._now: dict[str, Any] = {}

    def get(self, name: str, otherwise: Any) -> Any:
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns > LOOK_NS:
            self._looked_ns = now_ns
            self._now = json.loads(told("clock") or "{}")
        return self._now.get(name, otherwise)


moved = Moved()


def install() -> None:
    """Move CLOCK_BOOTTIME of this process."""

    def clock_gettime_ns(clock: int) -> int:
        shift_us: int = moved.get("boottime_us", 0) if clock == time.CLOCK_BOOTTIME else 0
        return _real_ns(clock) + shift_us * 1000

    time.clock_gettime_ns = clock_gettime_ns


class FaultyClock(SystemClock):
    """The machine's clocks, as moved. A synchronised wall clock where the trigger says nothing else."""

    def read(self) -> ClockReading:
        trusted, source, error_ms = quality(0, 0, 1000)
        trusted = moved.get("trusted", trusted)
        wall_us = time.time_ns() // 1000 + moved.get("wall_us", 0)
        return ClockReading(self.now_us(), wall_us, trusted, moved.get("source", source), error_ms if trusted else None)
