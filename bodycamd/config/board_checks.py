"""Contradictions between what hangs on the header: pins, I2C addresses, battery gauge. No disk is touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bodycamd.config.board_settings import DEFAULT_CARD_PORT, READY_LED
from bodycamd.config.hats import BUSES, HATS, I2C_PINS, SERIAL_PINS
from bodycamd.config.i2c_addresses import CLOCKS, HEADER_BUS, INA219_ADDRESSES, USUAL, hat_gauge, on_header_bus
from bodycamd.config.problems import Problem

if TYPE_CHECKING:
    from bodycamd.config.board_settings import GpioSettings
    from bodycamd.config.settings import Config

PLAIN_PINS = tuple(pin for pin in range(4, 28) if pin not in BUSES)
"""The pins of the header that are of no bus."""


def board_contradictions(config: Config) -> Iterator[Problem]:
    """Every pair of keys of the board that cannot both be meant."""
    yield from _battery(config)
    yield from _same_pin(config)
    yield from _taken_pins(config)
    yield from _addresses(config)
    yield from _cards(config)


def board_doubts(config: Config) -> Iterator[Problem]:
    """Pins that are part of a bus, which may be off, or of a driver, which may be another: to be told, not refused."""
    hat = HATS[config.board.hat] if config.board.hat is not None and config.board.adapter == "pi" else None
    refused = {problem.key for problem in _taken_pins(config)}
    for part, pin in fitted_pins(config.board.gpio).items():
        key = f"board.gpio.{part}"
        if pin in BUSES and key not in refused and config.board.adapter == "pi":
            yield Problem(key, f"GPIO {pin} is {BUSES[pin]}: the part works only while that is off", _free(config, part))
        elif hat is not None and pin in hat.driver_pins:
            yield Problem(key, f"GPIO {pin} is {hat.driver_pins[pin]}: the part works only with another driver", _free(config, part))


def fitted_pins(gpio: GpioSettings) -> dict[str, int]:
    """The pins of the parts that are fitted, by the names of their keys."""
    pins = {"button": gpio.button, "led": gpio.led, "ready_led": gpio.ready_led, "haptic": gpio.haptic}
    return {part: pin for part, pin in pins.items() if pin is not None}


def _battery(config: Config) -> Iterator[Problem]:
    battery = config.board.battery
    if battery.critical_percent >= battery.low_percent:
        reason = f"{battery.critical_percent} is not below low_percent"
        allowed = f"1 to {battery.low_percent - 1}"
        yield Problem("board.battery.critical_percent", reason, allowed, others=("board.battery.low_percent",))
    gauge = ("board.battery.gauge",)
    if battery.gauge == "kernel" and battery.supply is None:
        yield Problem("board.battery.supply", "missing, but gauge is kernel", "a name from /sys/class/power_supply", others=gauge)
    if battery.gauge != "kernel" and battery.supply is not None:
        reason = f"given, but gauge is {battery.gauge}"
        yield Problem("board.battery.supply", reason, "null, or board.battery.gauge: kernel", others=gauge)
    if battery.address is not None and battery.gauge not in USUAL:
        yield Problem("board.battery.address", f"given, but gauge is {battery.gauge}", "null, or a gauge on the I2C bus", others=gauge)
    elif battery.address is not None:
        address = int(battery.address, 16)
        if battery.gauge == "ina219" and address not in INA219_ADDRESSES:
            yield Problem("board.battery.address", f"{battery.address}: an INA219 cannot have it", "0x40 to 0x4f", others=gauge)
        if battery.gauge != "ina219" and address != USUAL[battery.gauge]:
            only = f"{USUAL[battery.gauge]:#04x}"
            yield Problem(
                "board.battery.address", f"{battery.address}: a {battery.gauge} has {only} only", f"null, or {only}", others=gauge
            )
        on_hat = hat_gauge(config.board)
        if on_hat is not None and address != on_hat and config.board.hat is not None:
            reason = f"{battery.address}: the {battery.gauge} of the {HATS[config.board.hat].title} is at {on_hat:#04x}"
            yield Problem("board.battery.address", reason, f"null, or {on_hat:#04x}", others=("board.hat", *gauge))
    if battery.bus == "simulated" and config.simulation_directory is None:
        others = ("simulation_directory",)
        yield Problem("board.battery.bus", "simulated, but there is no simulation_directory", "the number of a bus", others=others)


def _cards(config: Config) -> Iterator[Problem]:
    """A reader without cards would refuse every one."""
    reader, of_reader = config.board.card_reader, ("board.card_reader",)
    if reader == "simulated" and config.simulation_directory is None:
        yield Problem(
            "board.card_reader", "simulated, but there is no simulation_directory", "none, pcsc, pn532", others=("simulation_directory",)
        )
    if reader != "pn532" and config.board.card_port != DEFAULT_CARD_PORT:
        yield Problem(
            "board.card_port", f"given, but card_reader is {reader}", "no such line, or board.card_reader: pn532", others=of_reader
        )
    for key, value, wanted in (
        ("shift.cards", config.shift.cards, "the path of the officers' cards, or board.card_reader: none"),
        ("shift.salt", config.shift.salt, "32 hex digits in quotes: openssl rand -hex 16; or board.card_reader: none"),
    ):
        if reader != "none" and value is None:
            yield Problem(key, f"missing, but board.card_reader is {reader}", wanted, others=of_reader)


def _free(config: Config, part: str = "") -> str:
    """What to do about the pin of a part: the pins that neither the HAT nor another part has; or none, where the part may be absent."""
    hat = None if config.board.hat is None else HATS[config.board.hat]
    taken = {*fitted_pins(config.board.gpio).values(), *(() if hat is None else (*hat.pins, *hat.driver_pins))}
    pins = f"a free pin: {', '.join(str(pin) for pin in PLAIN_PINS if pin not in taken)}"
    return f"null where no {_ABSENT[part]} is fitted, or {pins}" if part in _ABSENT else pins


_ABSENT = {"ready_led": "green LED", "haptic": "vibration motor"}


def _default(part: str, pin: int) -> str:
    """A file of before the green LED does not name its pin."""
    return f"(default {READY_LED}): " if part == "ready_led" and pin == READY_LED else ""


def _same_pin(config: Config) -> Iterator[Problem]:
    """The part that may be absent is to blame: it is the one that a file may not name."""
    taken: dict[int, str] = {}
    for part, pin in sorted(fitted_pins(config.board.gpio).items(), key=lambda item: item[0] == "ready_led"):
        if pin in taken:
            reason = f"{_default(part, pin)}pin {pin} is already the pin of {taken[pin]}"
            yield Problem(f"board.gpio.{part}", reason, _free(config, part), others=(f"board.gpio.{taken[pin]}",))
        else:
            taken[pin] = part


def _taken_pins(config: Config) -> Iterator[Problem]:
    """Parts on a pin that the configuration itself gives to something else. A simulation has no pins."""
    if config.board.adapter != "pi":
        return
    hat = None if config.board.hat is None else HATS[config.board.hat]
    chips = [key for key, taken in (("board.battery.gauge", _gauge_on_header(config)), ("clock.rtc", config.clock.rtc in CLOCKS)) if taken]
    for part, pin in fitted_pins(config.board.gpio).items():
        key = f"board.gpio.{part}"
        if hat is not None and pin in hat.pins:
            reason = f"{_default(part, pin)}GPIO {pin} belongs to the {hat.title}: {hat.pins[pin]}"
            yield Problem(key, reason, _free(config, part), others=("board.hat",))
        elif pin in I2C_PINS and chips:
            reason = f"GPIO {pin} is {BUSES[pin]}, which {chips[0]} needs"
            yield Problem(key, reason, _free(config, part), others=tuple(chips))
        elif pin in SERIAL_PINS and config.board.card_reader == "pn532" and not config.board.card_port.startswith("/dev/ttyUSB"):
            reason = f"GPIO {pin} is {BUSES[pin]}, which board.card_reader needs"
            yield Problem(key, reason, _free(config, part), others=("board.card_reader",))


def _gauge_on_header(config: Config) -> bool:
    return config.board.battery.gauge in USUAL and config.board.battery.bus == HEADER_BUS


def _addresses(config: Config) -> Iterator[Problem]:
    """Two chips at one address answer at once, and neither can be read."""
    taken: dict[int, tuple[str, str]] = {}
    for key, address, what in on_header_bus(config.board, config.clock):
        if address in taken:
            other, there = taken[address]
            reason = f"{what} answers at {address:#04x} of I2C bus {HEADER_BUS}, and so does {there}"
            others = tuple(dict.fromkeys([other, "board.battery.gauge"]) if other != key else ["board.battery.gauge"])
            yield Problem(key, reason, "one of them, or another address or bus", others=others)
        else:
            taken[address] = (key, what)
