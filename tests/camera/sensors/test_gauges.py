"""Gauges by their registers, as the chips have them: from a register map that a test writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.sensors.bus import RegisterFile, open_bus
from bodycamd.camera.sensors.gauges import Gauge, Ina219, Max17048, PiSugar2, PiSugar3
from bodycamd.config.settings import BatterySettings
from bodycamd.errors import UnavailableError
from tests.camera.sensors.registers import ina219, max17048, pisugar2, pisugar3
from tests.kit.scale import count


class Chip:
    """A bus with one chip on it."""

    def __init__(self, registers: dict[str, int]) -> None:
        self.registers = registers

    def byte(self, address: int, register: int) -> int:
        return self.word(address, register) & 0xFF

    def word(self, address: int, register: int) -> int:
        return self.registers[f"{register:#04x}"]


@given(st.floats(0, 100), st.floats(2.6, 4.3), st.floats(-60, 60))
@settings(max_examples=count(300))
def test_max17048(percent: float, volts: float, rate: float) -> None:
    measured = Max17048(Chip(max17048(percent, volts, rate)), 0x36).read()
    assert measured.percent == pytest.approx(percent, abs=1 / 256)
    assert measured.volts == pytest.approx(volts, abs=0.0001)
    if abs(rate) > 1.5:
        assert measured.charging is (rate > 0)
        assert (measured.minutes_left is None) is (rate > 0)
    if rate < -1.5:
        assert measured.minutes_left == pytest.approx(percent / -rate * 60, rel=0.15, abs=1)


@given(st.floats(2.6, 4.3), st.floats(-3000, 3000), st.sampled_from(["charging", "discharging"]), st.integers(1, 4))
@settings(max_examples=count(300))
def test_ina219(volts: float, milliamperes: float, sign: str, cells: int) -> None:
    settings = BatterySettings(gauge="ina219", positive_current=sign, cells=cells)  # type: ignore[arg-type]
    measured = Ina219(Chip(ina219(volts * cells, milliamperes)), 0x40, settings).read()
    assert measured.volts == pytest.approx(volts * cells, abs=0.004)
    assert measured.milliamperes == pytest.approx(milliamperes if sign == "charging" else -milliamperes, abs=0.11)
    assert measured.percent is None


@given(st.floats(2.6, 4.3), st.floats(-3000, 3000))
@settings(max_examples=count(300))
def test_pisugar2(volts: float, milliamperes: float) -> None:
    measured = PiSugar2(Chip(pisugar2(volts, milliamperes)), 0x75, BatterySettings(gauge="pisugar2")).read()
    assert measured.volts == pytest.approx(volts, abs=0.0003)
    assert measured.milliamperes == pytest.approx(milliamperes, abs=0.75)


@given(st.integers(0, 100), st.floats(2.6, 4.3), st.booleans(), st.booleans())
@settings(max_examples=count(300))
def test_pisugar3(percent: int, volts: float, plugged: bool, allowed: bool) -> None:
    measured = PiSugar3(Chip(pisugar3(percent, volts, plugged, allowed)), 0x57).read()
    assert (measured.percent, measured.charging) == (percent, plugged and allowed)
    assert measured.volts == pytest.approx(volts, abs=0.001)


@pytest.mark.parametrize(
    ("gauge", "words"),
    [
        (Max17048(Chip({"0x02": 0, "0x04": 0, "0x16": 0}), 0x36), "0x36 says 0.00 V"),
        (Max17048(Chip({"0x02": 0xFFFF, "0x04": 0xFFFF, "0x16": 0xFFFF}), 0x36), "says 5.12 V|says 256"),
        (Ina219(Chip({"0x01": 0, "0x02": 0}), 0x40, BatterySettings(gauge="ina219")), "0x40 says 0.00 V"),
        (Ina219(Chip(ina219(3.7, 0)), 0x40, BatterySettings(gauge="ina219", cells=2)), "board.battery.cells"),
        (PiSugar3(Chip(pisugar3(50, 3.7, False, False) | {"0x2a": 255}), 0x57), "says 255.00 %"),
    ],
)
def test_what_cannot_be_is_no_reading(gauge: Gauge, words: str) -> None:
    """A bus that reads as ones or zeros throughout: nothing is there, or a wire is loose."""
    with pytest.raises(UnavailableError, match=words):
        gauge.read()


def test_registers_from_a_file_are_read_anew(tmp_path: Path) -> None:
    gauge = Max17048(open_bus("simulated", tmp_path), 0x36)
    file = tmp_path / "registers.json"
    for percent in (80.0, 79.0):
        file.write_text(json.dumps({"0x36": max17048(percent, 3.9, -10)}))
        assert gauge.read().percent == percent


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"0x36": 3}', '{"0x36": {"0x02": 70000}}', '{"0x36": {"0x02": -1}}', "\xff"])
def test_a_register_file_that_is_none_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "registers.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UnavailableError, match=r"registers\.json"):
        RegisterFile(tmp_path).word(0x36, 0x02)


def test_a_bus_that_this_machine_has_not_is_one_line() -> None:
    with pytest.raises(UnavailableError, match=r"/dev/i2c-19|nothing answers at 0x36 on I2C bus 19"):
        open_bus(19, None).word(0x36, 0x02)
