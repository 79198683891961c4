"""A battery-backed real-time clock that the configuration declares: whether the wall clock agrees with it.

The kernel shows clocks below `/sys/class/rtc/rtcN`: `name` is the driver's and the device's name, `since_epoch` the time in whole seconds
(drivers/rtc/sysfs.c). A DS3231 whose oscillator had stopped (an empty cell) is refused by its driver: `since_epoch` cannot be read then.
Reading may take as long as its bus lets it, so a thread of its own looks once a minute, and nobody waits for it.

What is **not** guaranteed: that the clock was ever set right. Who declares one says that it is set at the dock, from a time server, at
least once a year: the stated error is what such a clock may lose or gain in that time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

RTC = Path("/sys/class/rtc")
LOOK_SECONDS = 60.0
FIRST_SECONDS = 1.0
"""The start waits for the first look at most this long."""
FRESH_US = 200_000_000
"""A look that lies further back says nothing about now: three were missed."""
AGREES_US = 2_000_000
"""The wall clock that was set from it lies within this, beside the clock's own whole second; a step since the last look is no more."""
YEAR_SECONDS = 31_536_000


class Kind(Struct, frozen=True):
    """A clock: its drivers' names, and what it may lose or gain, in parts per million, with temperature and age."""

    drivers: tuple[str, ...]
    ppm: int

    @property
    def error_ms(self) -> int:
        """A year's drift, its whole second, and what the wall clock may differ."""
        return self.ppm * YEAR_SECONDS // 1000 + 1000 + AGREES_US // 1000


KINDS = {
    "ds3231": Kind(("rtc-ds1307",), 5),
    "pcf8523": Kind(("rtc-pcf8523",), 50),
    "pcf85063": Kind(("rtc-pcf85063",), 50),
    "rv3028": Kind(("rtc-rv3028",), 30),
    "pi5": Kind(("rpi-rtc",), 100),
}
"""Drivers: raspberrypi/firmware, overlays/README (i2c-rtc), and drivers/rtc/rtc-rpi.c. Drift: 3.5 ppm from -40 to 85 °C and 1 ppm of age
for the DS3231 (its data sheet, temperature-compensated); a tuning-fork crystal of 20 ppm, with 0.035 ppm/°C² away from 25 °C, for the
others (NXP AN11247); the Pi 5's crystal is not specified, so it gets the most."""


class Look(Struct, frozen=True):
    """The wall clock minus CLOCK_BOOTTIME at an instant when the two clocks agreed."""

    at_us: int
    offset_us: int


def judge(rtc_seconds: int, wall_us: int, at_us: int) -> Look | None:
    """Whether the wall clock agrees with the clock's whole second, read at about the same instant. Pure."""
    ahead_us = wall_us - rtc_seconds * 1_000_000
    return Look(at_us, wall_us - at_us) if -AGREES_US <= ahead_us <= 1_000_000 + AGREES_US else None


def holds(look: Look | None, wall_us: int, at_us: int) -> bool:
    """Whether the wall clock still continues from what agreed. Pure."""
    return look is not None and 0 <= at_us - look.at_us < FRESH_US and abs(wall_us - at_us - look.offset_us) < AGREES_US


class RealTimeClock:
    """The declared clock. `begin` starts its thread; until its first look, and wherever it does not answer, it confirms nothing."""

    def __init__(self, kind: str, now_us: Callable[[], int], root: Path = RTC) -> None:
        """`now_us` is CLOCK_BOOTTIME in microseconds; it is asked in this clock's own thread."""
        self._kind, self._root, self._now_us = KINDS[kind], root, now_us
        self._look: Look | None = None
        self._looked, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="real-time clock", daemon=True)

    def begin(self) -> None:
        """Look once a minute from now on; returns after the first look, or after a second."""
        self._thread.start()
        self._looked.wait(FIRST_SECONDS)

    def close(self) -> None:
        """Look no more. A look that hangs in the kernel is left behind."""
        self._stop.set()

    def error_ms(self, wall_us: int, at_us: int) -> int | None:
        """The bound of the wall clock's error, where this clock confirms it; `None` where not. Never waits."""
        return self._kind.error_ms if holds(self._look, wall_us, at_us) else None

    def look(self) -> None:
        """Read the clock. A clock that is not there, or that does not answer, confirms nothing."""
        for folder in sorted(self._root.glob("rtc*")):
            try:
                name = (folder / "name").read_text("ascii")
                if name.split(" ")[0].strip() not in self._kind.drivers:
                    continue
                seconds = int((folder / "since_epoch").read_text("ascii"))
            except (OSError, ValueError):
                continue
            self._look = judge(seconds, time.time_ns() // 1000, self._now_us())
            return
        self._look = None

    def _run(self) -> None:
        while True:
            self.look()
            self._looked.set()
            if self._stop.wait(LOOK_SECONDS):
                return
