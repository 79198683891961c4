"""From what a gauge measured to charge and minutes left. Pure.

The percentage is the gauge's own word, or else an estimate from the voltage of one cell. Minutes come from the gauge; else from the current
and the capacity that the configuration states; else from how the charge fell over the last minutes. All of them are estimates: a cold or an
old battery ends sooner.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from typing import Literal

from bodycamd.camera.sensors.readings import Charge

CELL_CURVE = (
    (3.000, 0.0),
    (3.610, 5.0),
    (3.690, 10.0),
    (3.710, 15.0),
    (3.730, 20.0),
    (3.750, 25.0),
    (3.770, 30.0),
    (3.790, 35.0),
    (3.800, 40.0),
    (3.820, 45.0),
    (3.840, 50.0),
    (3.850, 55.0),
    (3.870, 60.0),
    (3.910, 65.0),
    (3.950, 70.0),
    (3.980, 75.0),
    (4.020, 80.0),
    (4.080, 85.0),
    (4.110, 90.0),
    (4.150, 95.0),
    (4.200, 100.0),
)
"""Volts at rest and charge in percent of one LiCoO2 cell of 3.7 V, 2,500 mAh, at 20 °C: the example `ocv-capacity-table-0` that SolidRun's
notes on the `monitored-battery` of their RZ/G2L system controller print; the tables in the kernel's own device trees (sp9860g-1h10,
msm8916-longcheer-l8150) have the same shape. Under load the voltage is lower, so the camera errs on the side of an early alarm."""

CURRENT_WINDOW_US = 60_000_000
"""The current is averaged over this: a camera's load swings with each fragment."""
SLOPE_WINDOW_US = 1_800_000_000
SLOPE_LEAST_US = 300_000_000
SLOPE_LEAST_PERCENT = 1.0
"""A slope takes five minutes and one per cent to mean anything."""
IDLE_MILLIAMPERES = 5.0
"""Less than this is neither charging nor discharging: the offset of an INA219 over 0.1 ohm."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one look at a gauge gave; `None`: it does not measure that. `milliamperes` above 0 flow into the battery. `volts` is of the
    whole battery. `minutes_left` and `percent` are the gauge's own words."""

    percent: float | None = None
    volts: float | None = None
    milliamperes: float | None = None
    charging: bool | None = None
    minutes_left: float | None = None


def cell_percent(volts: float) -> float:
    """The charge of one cell at this voltage, by `CELL_CURVE`, 0 to 100."""
    if volts <= CELL_CURVE[0][0]:
        return 0.0
    if volts >= CELL_CURVE[-1][0]:
        return 100.0
    at = bisect_left(CELL_CURVE, (volts, 0.0))
    (low_volts, low), (high_volts, high) = CELL_CURVE[at - 1], CELL_CURVE[at]
    return low + (high - low) * (volts - low_volts) / (high_volts - low_volts)


class ChargeEstimate:
    """Remembers the last half hour of one battery of `cells` in series, and of `capacity_mah` where that is known."""

    def __init__(self, cells: int, capacity_mah: int | None) -> None:
        self._cells, self._capacity_mah = cells, capacity_mah
        self._currents: deque[tuple[int, float]] = deque(maxlen=256)
        self._charges: deque[tuple[int, float]] = deque(maxlen=1024)

    def take(self, measured: Measured, at_us: int) -> Charge | None:
        """The charge after this look; `None` where it measured neither charge nor voltage."""
        if measured.percent is not None:
            percent, estimated = min(100.0, max(0.0, measured.percent)), False
        elif measured.volts is not None:
            percent, estimated = cell_percent(measured.volts / self._cells), True
        else:
            return None
        charging = measured.charging
        if charging is None and measured.milliamperes is not None:
            charging = measured.milliamperes > IDLE_MILLIAMPERES
        self._remember(at_us, percent, measured.milliamperes, charging)
        minutes, source = (None, None) if charging else self._minutes(measured, percent)
        return Charge(
            percent=percent,
            estimated=estimated,
            charging=charging,
            minutes_left=minutes,
            minutes_from=source,
            volts=measured.volts if measured.volts is not None and 0 <= measured.volts <= 60 else None,
        )

    def _remember(self, at_us: int, percent: float, milliamperes: float | None, charging: bool | None) -> None:
        """A battery that charges, or whose charge rose by more than a gauge trembles, begins a new slope."""
        if charging or (self._charges and percent > min(charge for _, charge in self._charges) + SLOPE_LEAST_PERCENT):
            self._charges.clear()
        self._charges.append((at_us, percent))
        while at_us - self._charges[0][0] > SLOPE_WINDOW_US:
            self._charges.popleft()
        if milliamperes is None or (self._currents and (milliamperes > 0) != (self._currents[-1][1] > 0)):
            self._currents.clear()
        if milliamperes is not None:
            self._currents.append((at_us, milliamperes))
            while at_us - self._currents[0][0] > CURRENT_WINDOW_US:
                self._currents.popleft()

    def _minutes(self, measured: Measured, percent: float) -> tuple[int | None, Literal["gauge", "current", "slope"] | None]:
        if measured.minutes_left is not None:
            return _bounded(measured.minutes_left), "gauge"
        drawn = -sum(current for _, current in self._currents) / len(self._currents) if self._currents else 0.0
        if self._capacity_mah is not None and drawn > IDLE_MILLIAMPERES:
            return _bounded(self._capacity_mah * percent / 100 / drawn * 60), "current"
        (first_us, first), (last_us, last) = self._charges[0], self._charges[-1]
        if last_us - first_us >= SLOPE_LEAST_US and first - last >= SLOPE_LEAST_PERCENT:
            return _bounded(percent / (first - last) * (last_us - first_us) / 60e6), "slope"
        return None, None


def _bounded(minutes: float) -> int:
    return int(min(100_000.0, max(0.0, minutes)))
