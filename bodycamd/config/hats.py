"""Which pins and I2C addresses belong to somebody else: the buses of the 40-pin header, and boards that sit on it. Data, with its sources.

Buses: "GPIO and the 40-pin header" of Raspberry Pi's documentation, and `pinctrl` of the BCM2835 (alternate functions).
Boards: each entry names where its pins are told. The list is short on purpose: an entry that is wrong refuses a good camera. Boards that
are not in it are a `null`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

HatName = Literal["codec-zero", "respeaker-2mic", "wm8960", "hifiberry-dacplus", "i2s", "ups-hat-c", "pisugar"]

I2C_PINS = (2, 3)
I2S_PINS = (18, 19, 20, 21)
SERIAL_PINS = (14, 15)

BUSES: Mapping[int, str] = {
    0: "the HAT's EEPROM",
    1: "the HAT's EEPROM",
    2: "I2C (data)",
    3: "I2C (clock)",
    7: "SPI (select 1)",
    8: "SPI (select 0)",
    9: "SPI (MISO)",
    10: "SPI (MOSI)",
    11: "SPI (clock)",
    14: "the serial console (sends)",
    15: "the serial console (receives)",
    18: "I2S (clock)",
    19: "I2S (frame)",
    20: "I2S (in)",
    21: "I2S (out)",
}
"""What a pin is, besides a pin: a part there works as long as that bus is off."""


class Hat(Struct, frozen=True):
    """A board on the header: its name, the pins that it takes with what they do there, its I2C addresses, where that is told, where its
    own battery gauge answers, by the gauge's name in the configuration, and the pins that it takes with one of its drivers only."""

    title: str
    pins: Mapping[int, str]
    addresses: Mapping[int, str]
    source: str
    gauges: Mapping[str, int] = {}
    driver_pins: Mapping[int, str] = {}


_I2S = dict.fromkeys(I2S_PINS, "sound (I2S)")


_I2C = dict.fromkeys(I2C_PINS, "control (I2C)")

HATS: Mapping[HatName, Hat] = {
    "codec-zero": Hat(
        "Raspberry Pi Codec Zero",
        {**_I2S, **_I2C, 23: "its green LED", 24: "its red LED", 27: "its button"},
        {0x1A: "the DA7212 codec"},
        "Raspberry Pi documentation, Audio: Codec Zero",
    ),
    "respeaker-2mic": Hat(
        "ReSpeaker 2-Mics Pi HAT",
        {**_I2S, **_I2C, 17: "its button", 10: "its LEDs (SPI)", 11: "its LEDs (SPI)"},
        {0x1A: "the WM8960 codec"},
        "Seeed Studio wiki, ReSpeaker 2-Mics Pi HAT",
    ),
    "wm8960": Hat(
        "Waveshare WM8960 Audio HAT",
        {**_I2S, **_I2C, 17: "its button"},
        {0x1A: "the WM8960 codec"},
        "Waveshare wiki, WM8960 Audio HAT",
    ),
    "hifiberry-dacplus": Hat(
        "HiFiBerry DAC+",
        {**_I2S, **_I2C},
        {0x4D: "the PCM5122 converter"},
        "HiFiBerry, GPIO usage of HiFiBerry boards; raspberrypi/linux, hifiberry-dacplus-overlay.dts",
    ),
    "i2s": Hat(
        "an I2S microphone or amplifier",
        dict(_I2S),
        {},
        "raspberrypi/firmware, overlays/README: i2s-mmap, googlevoicehat-soundcard; raspberrypi/linux: that overlay's source",
        driver_pins={16: "the amplifier's switch with dtoverlay=googlevoicehat-soundcard"},
    ),
    "ups-hat-c": Hat(
        "Waveshare UPS HAT (C)",
        dict(_I2C),
        {0x43: "its gauge (INA219)"},
        "Waveshare wiki, UPS HAT (C): INA219 at 0x43",
        {"ina219": 0x43},
    ),
    "pisugar": Hat(
        "PiSugar 2 or 3",
        dict(_I2C),
        {
            0x32: "the clock of a PiSugar 2",
            0x57: "the gauge of a PiSugar 3",
            0x68: "the clock of a PiSugar 3",
            0x75: "the gauge of a PiSugar 2",
        },
        "PiSugar/pisugar-power-manager-rs: gauge 0x75 or 0x57, clock 0x32 or 0x68",
        {"pisugar2": 0x75, "pisugar3": 0x57},
    ),
}
