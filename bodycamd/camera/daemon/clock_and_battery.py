"""What the daemon looks at every few seconds: the wall clock's quality and the battery. Two readings in, an event or nothing out."""

from __future__ import annotations

from bodycamd.camera.control.events import BatteryChanged, BatteryLevel, ClockChanged
from bodycamd.linux.clock import ClockReading

STEP_US = 1_000_000
"""A wall clock that moved this much against CLOCK_BOOTTIME was stepped; slewing stays far below it."""


def clock_event(before: ClockReading | None, now: ClockReading) -> ClockChanged | None:
    """Trust gained or lost, or a step. The first reading is an event too: until then the control counts the clock as untrusted."""
    if before is None:
        return ClockChanged(trusted=now.trusted, source=now.source)
    step_us = (now.wall_us - before.wall_us) - (now.boottime_us - before.boottime_us)
    stepped = abs(step_us) >= STEP_US
    if stepped or now.trusted != before.trusted or now.source != before.source:
        return ClockChanged(trusted=now.trusted, source=now.source, step_us=step_us if stepped else 0)
    return None


def battery_event(before: BatteryLevel, now: tuple[BatteryLevel, float | None]) -> BatteryChanged | None:
    """A changed level. `critical` is final: a battery that recovers a little when the load goes is not trusted again."""
    level, percent = now
    if before == "critical" or level == before:
        return None
    return BatteryChanged(level=level, percent=percent)
