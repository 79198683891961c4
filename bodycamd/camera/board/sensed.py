"""The recorder's end of the sensors process: the latest reading that can be believed, and the battery as it tells of it.

It connects to `board.sensors` and takes what has come, without ever waiting: a few messages at each look. A process that is not there, says
nothing, or says what cannot be costs the reading and nothing else; that there is none is stated, and never counts as *ok*.
"""

from __future__ import annotations

from pathlib import Path

from bodycamd.camera.board.battery import BatteryThresholds
from bodycamd.camera.control.events import BatteryLevel
from bodycamd.camera.sensors.readings import MAX_BYTES, STALE_US, Reading, believed, decode
from bodycamd.config.settings import BatterySettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import Clock
from bodycamd.linux.hearing import Hearer


class SensorsLink:
    """Reads `path` from the control loop. Never raises and never waits, but for `reading`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._hearer = Hearer(path, MAX_BYTES)
        self._sequence = 0
        self._reading: Reading | None = None
        self.disbelieved = 0
        """Messages that were no readings, since the start."""

    def look(self) -> None:
        """Take what has come."""
        for message in self._hearer.look():
            if message is None:  # a process that begins anew numbers from 1
                self._sequence = 0
            else:
                self._take(message)

    def reading(self) -> Reading:
        """The latest one that can be believed. Raises `UnavailableError` where there is none of the last 20 s."""
        if self._reading is None or self._clock.now_us() - self._reading.at_us >= STALE_US:
            raise UnavailableError(
                f"no reading of the sensors for {STALE_US // 1_000_000} s; look at: systemctl status bodycamd-sensors, and {self._path}"
            )
        return self._reading

    @property
    def heard(self) -> bool:
        """Whether there has been any reading since the start."""
        return self._reading is not None

    def close(self) -> None:
        """Hang up."""
        self._hearer.close()
        self._sequence = 0

    def _take(self, message: bytes) -> None:
        reading = decode(message)
        if reading is not None and believed(reading, self._clock.now_us(), self._sequence):
            self._reading, self._sequence = reading, reading.sequence
        else:
            self.disbelieved += 1


class SensedBattery:
    """The battery by the sensors' readings."""

    def __init__(self, settings: BatterySettings, link: SensorsLink) -> None:
        self._settings, self._link = settings, link
        self._thresholds = BatteryThresholds(settings.low_percent, settings.critical_percent, low_minutes=settings.low_minutes)

    def read(self) -> tuple[BatteryLevel, float | None]:
        """The level and the charge in percent.

        Raises `UnavailableError` while there is no reading, or none of the gauge: the caller keeps the last level and says so.
        """
        reading = self._link.reading()
        charge = reading.charge
        if charge is None:
            raise UnavailableError(f"the battery cannot be read: {reading.fault or 'bodycamd-sensors has no gauge; restart it'}")
        level = self._thresholds.confirmed(
            charge.percent, minutes_left=charge.minutes_left, charging=charge.charging is True, at_us=reading.at_us
        )
        return level, charge.percent
