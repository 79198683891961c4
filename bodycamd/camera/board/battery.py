"""The battery gauge: a percentage and three levels.

The kernel's gauges stand below `/sys/class/power_supply/NAME`; the file `capacity` holds the charge in percent. Where no gauge is
configured the level is always `ok` and the percentage unknown: the camera then runs until the power goes, which the footage survives.
"""

from __future__ import annotations

from pathlib import Path

from bodycamd.camera.control.events import BatteryLevel
from bodycamd.config.settings import BatterySettings
from bodycamd.errors import UnavailableError

POWER_SUPPLY = Path("/sys/class/power_supply")
HYSTERESIS_PERCENT = 3.0
"""A level is left upwards only this far above its threshold: a gauge that trembles does not repeat its alarm."""

_ORDER: tuple[BatteryLevel, ...] = ("critical", "low", "ok")


class BatteryThresholds:
    """Turns percentages into levels, with hysteresis upwards. Falling is reported at once."""

    def __init__(self, low_percent: float, critical_percent: float) -> None:
        self._low, self._critical = low_percent, critical_percent
        self._level: BatteryLevel = "ok"

    def level(self, percent: float) -> BatteryLevel:
        """The level for this reading, given the ones before."""
        falling = self._at(percent)
        rising = self._at(percent - HYSTERESIS_PERCENT) if percent < 100 else falling
        if _ORDER.index(falling) < _ORDER.index(self._level):
            self._level = falling
        elif _ORDER.index(rising) > _ORDER.index(self._level):
            self._level = rising
        return self._level

    def _at(self, percent: float) -> BatteryLevel:
        if percent <= self._critical:
            return "critical"
        return "low" if percent <= self._low else "ok"


class NoBattery:
    """No gauge is configured."""

    def read(self) -> tuple[BatteryLevel, float | None]:
        """Always `ok`, percentage unknown."""
        return "ok", None


class SysfsBattery:
    """A gauge that the kernel knows. Raises `UnavailableError` when it is made without such a gauge, naming the ones that exist."""

    def __init__(self, settings: BatterySettings, root: Path = POWER_SUPPLY) -> None:
        if settings.supply is None or "/" in settings.supply or settings.supply in (".", ".."):
            raise UnavailableError(f"board.battery.supply: {settings.supply!r} is not the name of a folder in {root}")
        self._capacity = root / settings.supply / "capacity"
        self._thresholds = BatteryThresholds(settings.low_percent, settings.critical_percent)
        if not self._capacity.is_file():
            found = sorted(path.parent.name for path in root.glob("*/capacity"))
            raise UnavailableError(
                f"board.battery.supply: no gauge {settings.supply!r} in {root}; "
                f"found: {', '.join(found) or 'none'}. Set the name of one, or null where the camera has no gauge"
            )

    def read(self) -> tuple[BatteryLevel, float | None]:
        """The level and the percentage, 0 to 100.

        Raises `UnavailableError` while the gauge cannot be read (a loose wire on its bus): the caller keeps the last level and says so.
        """
        try:
            percent = float(self._capacity.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise UnavailableError(f"the battery gauge {self._capacity} cannot be read ({error}); check its wiring") from error
        if not 0 <= percent <= 100:
            raise UnavailableError(f"the battery gauge {self._capacity} says {percent:g} %; check its wiring and calibration")
        return self._thresholds.level(percent), percent


def battery(settings: BatterySettings, root: Path = POWER_SUPPLY) -> NoBattery | SysfsBattery:
    """The gauge that the configuration names, or none."""
    return NoBattery() if settings.supply is None else SysfsBattery(settings, root)
