"""The levels of the battery, by charge and by minutes left. Pure.

Where no gauge is configured the level is always `ok` and the percentage unknown: the camera then runs until the power goes, which the
footage survives.
"""

from __future__ import annotations

from bodycamd.camera.control.events import BatteryLevel

HYSTERESIS_PERCENT = 3.0
"""A level is left upwards only this far above its threshold: a gauge that trembles does not repeat its alarm."""
HYSTERESIS_MINUTES = 5
CRITICAL_READINGS = 3
CRITICAL_US = 8_000_000
"""*Critical* ends the recording and shuts down, so it takes three different readings over this time: one wrong word on the bus does not."""

_ORDER: tuple[BatteryLevel, ...] = ("critical", "low", "ok")


class BatteryThresholds:
    """Turns readings into levels, with hysteresis upwards. Falling is told at once. `low_minutes`: so few minutes left are *low* too."""

    def __init__(self, low_percent: float, critical_percent: float, *, low_minutes: int | None = None) -> None:
        self._low, self._critical, self._low_minutes = low_percent, critical_percent, low_minutes
        self._level: BatteryLevel = "ok"
        self._critical_at_us: list[int] = []

    def level(self, percent: float, *, minutes_left: float | None = None, charging: bool = False) -> BatteryLevel:
        """The level for this reading, given the ones before. A battery that charges is *low* at the least: it need not be saved from."""
        falling = self._at(percent, minutes_left)
        rising = self._at(
            percent - HYSTERESIS_PERCENT if percent < 100 else percent, None if minutes_left is None else minutes_left - HYSTERESIS_MINUTES
        )
        before = "low" if charging and self._level == "critical" else self._level
        if _ORDER.index(falling) < _ORDER.index(before):
            self._level = "low" if charging and falling == "critical" else falling
        elif _ORDER.index(rising) > _ORDER.index(before):
            self._level = rising
        else:
            self._level = before
        return self._level

    def confirmed(self, percent: float, *, minutes_left: float | None, charging: bool, at_us: int) -> BatteryLevel:
        """As `level`, for a reading taken at `at_us`; *critical* only once several readings in a row say so, and *low* until then. The same
        reading again counts once."""
        level = self.level(percent, minutes_left=minutes_left, charging=charging)
        if level != "critical":
            self._critical_at_us = []
            return level
        if at_us not in self._critical_at_us:
            self._critical_at_us = [*self._critical_at_us, at_us][-CRITICAL_READINGS:]
        spread_us = self._critical_at_us[-1] - self._critical_at_us[0]
        return level if len(self._critical_at_us) == CRITICAL_READINGS and spread_us >= CRITICAL_US else "low"

    def _at(self, percent: float, minutes_left: float | None) -> BatteryLevel:
        if percent <= self._critical:
            return "critical"
        few = self._low_minutes is not None and minutes_left is not None and minutes_left <= self._low_minutes
        return "low" if percent <= self._low or few else "ok"


class NoBattery:
    """No gauge is configured."""

    def read(self) -> tuple[BatteryLevel, float | None]:
        """Always `ok`, percentage unknown."""
        return "ok", None
