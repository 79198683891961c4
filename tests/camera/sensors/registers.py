"""The registers of the gauges for what they measure: the other way round than the product, from the data sheets."""

from __future__ import annotations


def _word(value: int) -> int:
    """As SMBus hands over a register that is sent high byte first."""
    return (value & 0xFF) << 8 | (value >> 8) & 0xFF


def _fit(value: float, bits: int) -> int:
    return round(value) & ((1 << bits) - 1)


def max17048(percent: float, volts: float, percent_per_hour: float) -> dict[str, int]:
    return {
        "0x02": _word(_fit(volts / 78.125e-6, 16)),
        "0x04": _word(_fit(percent * 256, 16)),
        "0x16": _word(_fit(percent_per_hour / 0.208, 16)),
    }


def ina219(volts: float, milliamperes: float, shunt_milliohm: float = 100) -> dict[str, int]:
    return {"0x01": _word(_fit(milliamperes * shunt_milliohm / 1000 / 0.01, 16)), "0x02": _word(_fit(volts / 0.004, 13) << 3 | 2)}


def pisugar2(volts: float, milliamperes: float) -> dict[str, int]:
    voltage, current = _fit((volts * 1000 - 2600) / 0.26855, 14), _fit(milliamperes / 0.745985, 14)
    return {"0xa2": voltage & 0xFF, "0xa3": voltage >> 8, "0xa4": current & 0xFF, "0xa5": current >> 8}


def pisugar3(percent: int, volts: float, plugged: bool, allowed: bool) -> dict[str, int]:
    millivolts = round(volts * 1000)
    return {"0x02": plugged << 7 | allowed << 6, "0x22": millivolts >> 8, "0x23": millivolts & 0xFF, "0x2a": percent}
