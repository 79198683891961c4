"""Which chips of the configuration answer at which address of the I2C bus."""

from __future__ import annotations

from collections.abc import Mapping

from bodycamd.config.board_settings import BoardSettings, ClockSettings
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


def hat_gauge(board: BoardSettings) -> int | None:
    """Where the HAT's own gauge answers, if it is the one that is configured."""
    if board.hat is None or board.battery.bus not in (HEADER_BUS, "simulated"):
        return None
    return HATS[board.hat].gauges.get(board.battery.gauge)


def gauge_address(board: BoardSettings) -> int | None:
    """Where the gauge answers, `None` for one that is on no bus that bodycamd reads."""
    battery = board.battery
    if battery.gauge not in USUAL:
        return None
    if battery.address is not None:
        return int(battery.address, 16)
    on_hat = hat_gauge(board)
    return USUAL[battery.gauge] if on_hat is None else on_hat


def on_header_bus(board: BoardSettings, clock: ClockSettings) -> list[tuple[str, int, str]]:
    """Everything that answers on the header's I2C bus: the key that says so, its address, what it is."""
    found: list[tuple[str, int, str]] = []
    address = gauge_address(board)
    if address is not None and board.battery.bus == HEADER_BUS:
        found.append(("board.battery.address", address, f"the gauge ({board.battery.gauge})"))
        found += [("board.battery.gauge", at, what) for at, what in BESIDE_GAUGE.get(board.battery.gauge, {}).items()]
    if clock.rtc in CLOCKS:
        found.append(("clock.rtc", CLOCKS[clock.rtc], f"the clock ({clock.rtc})"))
    if board.hat is not None and hat_gauge(board) is None:  # with its own gauge it is counted above
        found += [("board.hat", at, what) for at, what in HATS[board.hat].addresses.items()]
    return found
