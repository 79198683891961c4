"""`python -m tests.chaos.launcher station run FILE`: `bodycamd` where the kernel calls its clock synchronised, and it is believed at once.

A station with a bucket locks nothing while its clock is not confirmed, and a test machine's seldom is.
"""

from __future__ import annotations

from bodycamd.cli.entry import run
from bodycamd.linux.clock import ClockReading, SystemClock, quality
from bodycamd.municipality.station import process
from bodycamd.retention import clock_trust
from tests.kit.parts import replace


class SynchronisedClock(SystemClock):
    """The machine's clocks; the wall clock is synchronised."""

    def read(self) -> ClockReading:
        reading, (trusted, source, error_ms) = super().read(), quality(0, 0, 1000)
        return ClockReading(reading.boottime_us, reading.wall_us, trusted, source, error_ms)


if __name__ == "__main__":
    replace(process, "SystemClock", SynchronisedClock)
    replace(clock_trust, "CONTINUOUS_US", 0)
    run()
