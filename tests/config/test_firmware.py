"""The firmware's lines are those that the configured parts need, and lamps and motor are off in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.config.board_settings import BoardSettings, GpioSettings
from bodycamd.config.firmware import firmware_lines
from bodycamd.config.i2c_addresses import CLOCKS
from bodycamd.config.load import load
from bodycamd.config.settings import Config
from tests.kit.scale import count, one_in

ROOT = Path(__file__).parents[2]


@one_in(3)
@pytest.mark.parametrize(
    ("file", "needed"),
    [
        ("config/bodycamd.yaml", {"gpio=27=op,dl", "gpio=23=op,dl", "gpio=22=op,dl", "gpio=17=ip,pu"}),
        (
            "hardware/zero-2-w.yaml",
            {"dtparam=i2c_arm=on", "dtoverlay=i2c-rtc,ds3231", "dtoverlay=googlevoicehat-soundcard", "dtparam=audio=off"},
        ),
        ("hardware/pi-4.yaml", {"dtparam=i2c_arm=on", "dtoverlay=i2c-rtc,rv3028", "gpio=5=op,dl", "gpio=6=op,dl"}),
    ],
)
def test_a_build_gets_what_its_parts_need(file: str, needed: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "firmware", str(ROOT / file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert needed <= set(lines)
    assert lines == list(firmware_lines(load(ROOT / file)))
    assert len(set(lines)) == len(lines)


def test_the_shipped_configuration_needs_no_bus_and_no_sound_board() -> None:
    assert not any("dt" in line.partition("=")[0] for line in firmware_lines(load(ROOT / "config/bodycamd.yaml")))


LEVEL = st.sampled_from(["high", "low"])


@settings(max_examples=count(200))
@given(LEVEL, LEVEL, st.sampled_from(["ground", "3v3"]), st.booleans())
def test_what_it_sets_is_off_and_not_pressed(led: str, haptic: str, button_to: str, fitted: bool) -> None:
    gpio = GpioSettings(led_active=led, haptic_active=haptic, button_to=button_to, ready_led=23 if fitted else None)  # type: ignore[arg-type]
    lines = set(firmware_lines(Config(device_id="c", board=BoardSettings(gpio=gpio))))
    assert f"gpio=27=op,{'dl' if led == 'high' else 'dh'}" in lines
    assert f"gpio=22=op,{'dl' if haptic == 'high' else 'dh'}" in lines
    assert f"gpio=17=ip,{'pu' if button_to == 'ground' else 'pd'}" in lines
    assert ("gpio=23=op,dl" in lines) is fitted


def test_a_simulated_board_needs_nothing() -> None:
    assert list(firmware_lines(Config(device_id="c", board=BoardSettings(adapter="simulated")))) == []


def test_the_clocks_are_those_of_the_overlay() -> None:
    """raspberrypi/firmware, overlays/README: parameters of i2c-rtc."""
    assert set(CLOCKS) <= {
        "abx80x",
        "ds1307",
        "ds1339",
        "ds1340",
        "ds3231",
        "pcf2127",
        "pcf2129",
        "pcf8523",
        "pcf85063",
        "pcf8563",
        "rv3028",
        "rv8803",
    }
