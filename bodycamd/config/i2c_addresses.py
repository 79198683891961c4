"""Which chips of the configuration answer at which address of the I2C bus."""

from __future__ import annotations

from collections.abc import Mapping

from bodycamd.config.board_settings import BatterySettings, BoardSettings, ClockSettings
from bodycamd.config.hats import HATS

USUAL: Mapping[str, int] = {"max17048": 0x36, "ina219": 0x40, "pisugar2": 0x75, "pisugar3": 0x57}
INA219_ADDRESSES = range(0x40, 0x50)
"""An INA219's two address pins choose one of these; the others have one address each."""
BESIDE_GAUGE: Mapping[str, Mapping[int, str]] = {
    "pisugar2": {0x32: "the PiSugar 2's own clock (SD3078)"},
    "pisugar3": {0x68: "the PiSugar 3's own clock"},
}
"""What sits on the same board: PiSugar/pisugar-power-manager-rs and PiSugar's wiki, "PiSugar 3 I2C datasheet"."""
CLOCKS: Mapping[str, int] = {"ds3231": 0x68, "pcf8523": 0x68, "pcf85063": 0x51, "rv3028": 0x52}
"""raspberrypi/firmware, overlays/README: i2c-rtc."""
HEADER_BUS = 1


def gauge_address(settings: BatterySettings) -> int | None:
    """Where the gauge answers, `None` for one that is on no bus that bodycamd reads."""
    if settings.gauge not in USUAL:
        return None
    return USUAL[settings.gauge] if settings.address is None else int(settings.address, 16)


def on_header_bus(board: BoardSettings, clock: ClockSettings) -> list[tuple[str, int, str]]:
    """Everything that answers on the header's I2C bus: the key that says so, its address, what it is."""
    found: list[tuple[str, int, str]] = []
    address = gauge_address(board.battery)
    if address is not None and board.battery.bus == HEADER_BUS:
        found.append(("board.battery.address", address, f"the gauge ({board.battery.gauge})"))
        found += [("board.battery.gauge", at, what) for at, what in BESIDE_GAUGE.get(board.battery.gauge, {}).items()]
    if clock.rtc in CLOCKS:
        found.append(("clock.rtc", CLOCKS[clock.rtc], f"the clock ({clock.rtc})"))
    if board.hat is not None:
        found += [("board.hat", at, what) for at, what in HATS[board.hat].addresses.items()]
    return found
