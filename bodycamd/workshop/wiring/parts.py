"""Which parts hang on the header, and between what: from the configuration.

What the configuration does not know is not drawn: which USB sound card, the battery's own wiring, the supply. `notes` says where those go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from bodycamd.config.board_settings import DEFAULT_CARD_PORT
from bodycamd.config.hats import HATS
from bodycamd.config.i2c_addresses import CLOCKS, HEADER_BUS, USUAL, gauge_address, hat_gauge
from bodycamd.config.settings import Config
from bodycamd.workshop.wiring.header import Rail, number

LED_OHMS = 330
"""At 3.3 V a red LED (about 2 V) gets 4 mA, a quarter of what a pin may give."""
BASE_OHMS = 1000
"""At 3.3 V the base of the transistor gets 2.6 mA: enough for 100 mA of a small motor, and no burden for a pin."""

Symbol: TypeAlias = Literal["button", "led", "motor", "motor_low", "chip"]


class Terminal(Struct, frozen=True):
    """A connection of a part: its name there, and the GPIO number or the supply that it goes to."""

    name: str
    to: int | Rail


class Part(Struct, frozen=True):
    """A part. `key` chooses its colour; `short` is what stands beside its pins."""

    key: str
    title: str
    short: str
    symbol: Symbol
    terminals: tuple[Terminal, ...]
    lines: tuple[str, ...] = ()

    @property
    def gpios(self) -> list[int]:
        """The GPIO numbers that it is connected to."""
        return [terminal.to for terminal in self.terminals if isinstance(terminal.to, int)]


def parts(config: Config) -> Iterator[Part]:
    """Everything that is wired to the header by hand."""
    gpio = config.board.gpio
    to_ground = gpio.button_to == "ground"
    pin, supply = Terminal("", gpio.button), Terminal("", "ground" if to_ground else "3v3")
    yield Part("button", "Button", "button", "button", (pin, supply), ("normally open; no resistor",))
    yield _led("led", "Red lamp, outward", "red lamp", gpio.led, gpio.led_active == "high")
    if gpio.ready_led is not None:
        yield _led("ready", "Green lamp, to the officer", "green lamp", gpio.ready_led, gpio.ready_led_active == "high")
    if gpio.haptic is not None and gpio.haptic_active == "high":
        terminals = (Terminal("", "5v"), Terminal("", gpio.haptic), Terminal("", "ground"))
        yield Part("haptic", "Vibration motor", "motor", "motor", terminals, ("NPN, such as PN2222A; diode 1N4001",))
    elif gpio.haptic is not None:
        terminals = (Terminal("", "3v3"), Terminal("", gpio.haptic), Terminal("", "ground"))
        yield Part("haptic", "Vibration motor", "motor", "motor_low", terminals, ("PNP, such as PN2907A; diode 1N4001",))
    yield from _on_i2c(config)
    if config.board.hat == "i2s":
        yield from _on_i2s(config)
    if config.board.card_reader == "pn532" and config.board.card_port == DEFAULT_CARD_PORT:
        lines = (Terminal("VCC", "3v3"), Terminal("GND", "ground"), Terminal("RX", 14), Terminal("TX", 15))
        yield Part("serial", "Card reader PN532", "serial", "chip", lines, ("set to HSU;", "3.3 V on its lines"))


def reserved(config: Config) -> dict[int, str]:
    """What a board on the header, or its driver, does with pins that no wire of ours goes to, by GPIO number: what stands beside them. An
    I2S microphone is drawn as a part.
    """
    if config.board.hat is None:
        return {}
    hat = HATS[config.board.hat]
    of_board = {} if config.board.hat == "i2s" else {pin: f"HAT: {what.removeprefix('its ')}" for pin, what in hat.pins.items()}
    return {**of_board, **dict.fromkeys(hat.driver_pins, "for the driver")}


def notes(config: Config) -> Iterator[str]:
    """What is not on the header, or not by a wire."""
    yield "Camera module: the camera socket, by its ribbon."
    if config.board.hat is not None and config.board.hat not in ("i2s", "pisugar"):
        yield f"{HATS[config.board.hat].title}: sits on the header; take its pins (grey) for nothing else."
    if config.board.hat == "i2s":
        yield "Microphone and amplifier: `dtoverlay=googlevoicehat-soundcard` in config.txt, which takes GPIO 16 too."
    if config.board.hat in (None, "pisugar", "ups-hat-c"):
        yield "Microphone and speaker: a USB sound card."
    if config.board.card_reader == "pcsc":
        yield "Card reader: USB."
    gauge = config.board.battery.gauge
    if gauge == "kernel":
        yield f"Battery gauge {config.board.battery.supply}: with a driver of the kernel, where its maker says."
    if config.clock.rtc == "pi5":
        yield "Clock: the Pi 5's own; its cell in the socket J5."
    if gauge.startswith("pisugar") or config.board.hat == "pisugar":
        yield "PiSugar: underneath, by its spring pins on 5 V, ground, GPIO 2 and 3; no wire. It is the supply, and charges at its socket."
    else:
        yield "Supply: 5 V at the USB socket, or from the charger's output to a 5 V pin and ground. Never both."


def _led(key: str, title: str, short: str, gpio: int, active_high: bool) -> Part:
    """Its first terminal is the more positive one."""
    pin = Terminal("", gpio)
    ends = (pin, Terminal("", "ground")) if active_high else (Terminal("", "3v3"), pin)
    return Part(key, title, short, "led", ends)


def _on_i2c(config: Config) -> Iterator[Part]:
    power = (Terminal("VIN", "3v3"), Terminal("GND", "ground"), Terminal("SDA", 2), Terminal("SCL", 3))
    battery, address = config.board.battery, gauge_address(config.board)
    wired = battery.gauge in USUAL and not battery.gauge.startswith("pisugar") and hat_gauge(config.board) is None
    if wired and battery.bus == HEADER_BUS:
        cell = "in the battery's plus" if battery.gauge == "ina219" else "the cell at its own sockets"
        lines = (f"I2C address {address:#04x}", cell)
        yield Part("i2c", f"Battery gauge {battery.gauge.upper()}", "I2C", "chip", power, lines)
    if config.clock.rtc in CLOCKS:
        lines = (f"I2C address {CLOCKS[config.clock.rtc]:#04x}", "with its cell")
        yield Part("i2c", f"Clock {config.clock.rtc.upper()}", "I2C", "chip", power, lines)


def _on_i2s(config: Config) -> Iterator[Part]:
    select: Rail = "3v3" if config.microphone.channel == "right" else "ground"
    clocks = (Terminal("BCLK", 18), Terminal("LRCL", 19))
    microphone = (Terminal("3V", "3v3"), Terminal("GND", "ground"), Terminal("SEL", select), *clocks, Terminal("DOUT", 20))
    yield Part(
        "i2s", "Microphone, I2S", "I2S", "chip", microphone, ("SEL chooses the side:", f"{'right' if select == '3v3' else 'left'} here")
    )
    amplifier = (Terminal("VIN", "5v"), Terminal("GND", "ground"), *clocks, Terminal("DIN", 21))
    yield Part("i2s", "Amplifier, I2S", "I2S", "chip", amplifier, ("speaker at + and \N{MINUS SIGN},", "neither to ground"))


def used(config: Config) -> dict[int, Part]:
    """The part at each header pin that a part is wired to by a GPIO; the first where several share it."""
    found: dict[int, Part] = {}
    for part in parts(config):
        for gpio in part.gpios:
            found.setdefault(number(gpio), part)
    return found
