"""Battery gauges on an I2C bus, by SMBus words and bytes. The chips are only read, never written: an INA219 needs no calibration, because
its current is worked out from the voltage over its shunt.

Facts: MAX17048 (registers VCELL 0x02, 78.125 µV; SOC 0x04, 1/256 %; CRATE 0x16, 0.208 %/h, signed): Analog Devices' data sheet 19-6171, and
the kernel's `drivers/power/supply/max17040_battery.c`. INA219 (shunt 0x01, 10 µV signed; bus 0x02, 4 mV in bits 15 to 3): Texas
Instruments' SBOS448 and the kernel's `drivers/hwmon/ina2xx.c`. PiSugar 2 (IP5209: 0xa2 to 0xa5, 14 bits signed) and PiSugar 3 (0x02 bit 7
plugged, bit 6 may charge; 0x22/0x23 mV; 0x2a %): PiSugar/pisugar-power-manager-rs, `pisugar-core/src/ip5209.rs` and `pisugar3.rs`.
SMBus words come low byte first, these chips send the high byte first.
"""

from __future__ import annotations

from typing import Protocol

from bodycamd.camera.sensors.charge import Measured
from bodycamd.config.settings import BatterySettings
from bodycamd.errors import UnavailableError

CRATE_CHARGING_PERCENT_PER_HOUR = 1.0
"""Below this a MAX17048 that hibernates cannot tell charging from rest."""
CRATE_DISCHARGING_PERCENT_PER_HOUR = -1.0


class SmBus(Protocol):
    """Reads of one bus. Raises `UnavailableError` where nothing answers."""

    def byte(self, address: int, register: int) -> int:
        """One byte, 0 to 255."""

    def word(self, address: int, register: int) -> int:
        """Two bytes as SMBus has them, the low one first: 0 to 65,535."""


class Gauge(Protocol):
    """One battery gauge."""

    def read(self) -> Measured:
        """One look. Raises `UnavailableError` with the next step where it does not answer, or says what cannot be."""


class Max17048:
    """A fuel gauge with a model of the cell: charge, voltage, and the rate of change."""

    def __init__(self, bus: SmBus, address: int) -> None:
        self._bus, self._address = bus, address

    def read(self) -> Measured:
        """Charge and minutes by the chip's own model."""
        volts = _word(self._bus, self._address, 0x02) * 78.125e-6
        percent = _word(self._bus, self._address, 0x04) / 256
        rate = _signed(_word(self._bus, self._address, 0x16), 16) * 0.208
        _within(self._address, "V", volts, 2.0, 5.5)
        _within(self._address, "%", percent, 0, 110)  # the model overshoots a little when it is full
        minutes = percent / -rate * 60 if rate < CRATE_DISCHARGING_PERCENT_PER_HOUR else None
        return Measured(percent=percent, volts=volts, charging=rate > CRATE_CHARGING_PERCENT_PER_HOUR, minutes_left=minutes)


class Ina219:
    """A meter of voltage and current: the charge is an estimate."""

    def __init__(self, bus: SmBus, address: int, settings: BatterySettings) -> None:
        self._bus, self._address, self._settings = bus, address, settings

    def read(self) -> Measured:
        """Voltage, and current by the shunt."""
        volts = (_word(self._bus, self._address, 0x02) >> 3) * 0.004
        shunt_millivolts = _signed(_word(self._bus, self._address, 0x01), 16) * 0.01
        cells = self._settings.cells
        _within(self._address, "V", volts, 2.0 * cells, 5.0 * cells)
        milliamperes = shunt_millivolts / self._settings.shunt_milliohm * 1000
        return Measured(volts=volts, milliamperes=into_battery(milliamperes, self._settings))


class PiSugar2:
    """An IP5209 on a PiSugar 2: voltage and current."""

    def __init__(self, bus: SmBus, address: int, settings: BatterySettings) -> None:
        self._bus, self._address, self._settings = bus, address, settings

    def read(self) -> Measured:
        """Voltage and current. The voltage is 2.6 V plus a signed step of 268.55 µV."""
        volts = (2600 + self._value(0xA2) * 0.26855) / 1000
        _within(self._address, "V", volts, 2.0, 5.0)
        return Measured(volts=volts, milliamperes=into_battery(self._value(0xA4) * 0.745985, self._settings))

    def _value(self, register: int) -> int:
        low, high = self._bus.byte(self._address, register), self._bus.byte(self._address, register + 1)
        return _signed((high & 0x3F) << 8 | low, 14)


class PiSugar3:
    """A PiSugar 3: its own percentage, voltage, and whether it is plugged in."""

    def __init__(self, bus: SmBus, address: int) -> None:
        self._bus, self._address = bus, address

    def read(self) -> Measured:
        """The board's own word on all of it."""
        control = self._bus.byte(self._address, 0x02)
        volts = (self._bus.byte(self._address, 0x22) << 8 | self._bus.byte(self._address, 0x23)) / 1000
        percent = self._bus.byte(self._address, 0x2A)
        _within(self._address, "V", volts, 2.0, 5.0)
        _within(self._address, "%", percent, 0, 100)
        return Measured(percent=float(percent), volts=volts, charging=bool(control & 0x80 and control & 0x40))


def into_battery(milliamperes: float, settings: BatterySettings) -> float:
    """The current with the sign of this project: above 0 into the battery. Which way round a board measures, its wiring decides."""
    return milliamperes if settings.positive_current == "charging" else -milliamperes


def _word(bus: SmBus, address: int, register: int) -> int:
    word = bus.word(address, register)
    return (word & 0xFF) << 8 | word >> 8


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value & 1 << bits - 1 else value


def _within(address: int, unit: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise UnavailableError(
            f"the gauge at {address:#04x} says {value:.2f} {unit}: check its wires, and board.battery.gauge and board.battery.cells"
        )
