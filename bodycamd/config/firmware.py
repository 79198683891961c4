"""What the firmware's config.txt must say for the parts of a configuration: buses, clock, sound board, lamps and motor off.

Read in: raspberrypi/firmware, boot/overlays/README (`i2c_arm`, `audio`, `i2c-rtc`, `googlevoicehat-soundcard`, `hifiberry-dacplus`);
Raspberry Pi documentation, "config.txt", `gpio`, and "Audio": a board of Raspberry Pi's own brings its overlay in its memory. Lines are
appended; a later one goes before an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bodycamd.config.hats import I2C_PINS, HatName
from bodycamd.config.i2c_addresses import CLOCKS, HEADER_BUS, USUAL
from bodycamd.config.settings import Config

SOUND: Mapping[HatName, str] = {
    "i2s": "dtoverlay=googlevoicehat-soundcard",
    "hifiberry-dacplus": "dtoverlay=hifiberry-dacplus",
    "codec-zero": "# Codec Zero: its own memory names its overlay; set its mixer as Raspberry Pi's documentation says",
    "wm8960": "# WM8960: as its maker says",
    "respeaker-2mic": "# ReSpeaker: as its maker says",
}
"""By `board.hat`."""


def firmware_lines(config: Config) -> Iterator[str]:
    """The lines, in any order; none for a simulated board."""
    board, battery = config.board, config.board.battery
    if board.adapter != "pi":
        return
    on_bus = battery.gauge in USUAL and battery.bus == HEADER_BUS
    if on_bus or config.clock.rtc in CLOCKS:
        yield "dtparam=i2c_arm=on"
    if config.clock.rtc in CLOCKS:
        yield f"dtoverlay=i2c-rtc,{config.clock.rtc}"
    if board.hat is not None and board.hat in SOUND:
        yield "dtparam=audio=off"
        yield SOUND[board.hat]
    gpio = board.gpio
    for pin, active in ((gpio.led, gpio.led_active), (gpio.ready_led, gpio.ready_led_active), (gpio.haptic, gpio.haptic_active)):
        if pin is not None:  # off until the daemon drives it
            yield f"gpio={pin}=op,{'dh' if active == 'low' else 'dl'}"
    if gpio.button not in I2C_PINS:
        yield f"gpio={gpio.button}=ip,{'pu' if gpio.button_to == 'ground' else 'pd'}"
