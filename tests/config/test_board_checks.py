"""What hangs on the header: pins, addresses, gauge. Found without a disk, told with the key and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.config.board_checks import board_contradictions, board_doubts
from bodycamd.config.hats import BUSES, HATS, I2C_PINS, HatName
from bodycamd.config.i2c_addresses import USUAL, gauge_address
from bodycamd.config.load import judge
from bodycamd.config.settings import BatterySettings, BoardSettings, ClockSettings, Config, GpioSettings
from tests.config.conftest import GOOD
from tests.config.hats_table import MARKED, PAGE, with_table
from tests.kit.scale import count

PINS = [0, 1, 2, 3, 7, 8, 9, 10, 11, 14, 15, 17, 18, 21, 23, 27]


def told(lines: str) -> list[str]:
    return [problem.text("f") for problem in judge((GOOD + lines + "\n").encode(), Path("/etc/bodycamd/f")).problems]


@pytest.mark.parametrize(
    ("lines", "key", "words"),
    [
        ("board: {battery: {gauge: kernel}}", "board.battery.supply", "missing, but gauge is kernel"),
        ("board: {battery: {gauge: none, supply: BAT0}}", "board.battery.supply", "given, but gauge is none"),
        ("board: {battery: {gauge: max17048, supply: BAT0}}", "board.battery.supply", "given, but gauge is max17048"),
        ("board: {battery: {gauge: max17048, address: '0x40'}}", "board.battery.address", "a max17048 has 0x36 only"),
        ("board: {battery: {gauge: ina219, address: '0x36'}}", "board.battery.address", "allowed: 0x40 to 0x4f"),
        ("board: {battery: {gauge: kernel, supply: x, address: '0x36'}}", "board.battery.address", "given, but gauge is kernel"),
        ("board: {battery: {gauge: ina219, address: 0x40}}", "board.battery.address", "0x40"),
        ("board: {battery: {gauge: ina219, address: '0x4G'}}", "board.battery.address", "in quotes, from '0x08' to '0x77'"),
        ("board: {battery: {gauge: ina219, address: '0x07'}}", "board.battery.address", "in quotes"),
        ("board: {battery: {gauge: max17048, bus: simulated}}", "board.battery.bus", "no simulation_directory"),
        (
            "board: {battery: {gauge: pisugar3}}\nclock: {rtc: ds3231}",
            "clock.rtc",
            "0x68 of I2C bus 1, and so does the PiSugar 3's own clock",
        ),
        ("board: {battery: {gauge: pisugar3}}\nclock: {rtc: pcf8523}", "clock.rtc", "0x68"),
        (
            "board: {hat: hifiberry-dacplus, battery: {gauge: ina219, address: '0x4d'}}",
            "board.hat",
            "0x4d of I2C bus 1, and so does the gauge",
        ),
        (
            "board: {hat: ups-hat-c, battery: {gauge: ina219, address: '0x40'}}",
            "board.battery.address",
            "0x40: the ina219 of the Waveshare UPS HAT (C) is at 0x43; allowed: null, or 0x43",
        ),
        ("board: {hat: pisugar}\nclock: {rtc: ds3231}", "board.hat", "the clock of a PiSugar 3 answers at 0x68"),
        ("board: {hat: codec-zero, gpio: {ready_led: 5}}", "board.gpio.led", "GPIO 27 belongs to the Raspberry Pi Codec Zero: its button"),
        ("board: {hat: respeaker-2mic}", "board.gpio.button", "GPIO 17 belongs to the ReSpeaker 2-Mics Pi HAT: its button"),
        ("board: {hat: i2s, gpio: {haptic: 18}}", "board.gpio.haptic", "sound (I2S)"),
        ("board: {gpio: {led: 3}, battery: {gauge: max17048}}", "board.gpio.led", "which board.battery.gauge needs"),
        ("board: {gpio: {led: 2}}\nclock: {rtc: ds3231}", "board.gpio.led", "which clock.rtc needs"),
        ("board: {gpio: {led: 17}}", "board.gpio.led", "pin 17 is already the pin of button"),
    ],
)
def test_a_contradiction_is_one_line_with_its_key_and_reason(lines: str, key: str, words: str) -> None:
    found = told(lines)
    assert len(found) == 1, found
    assert f"{key}: " in found[0]
    assert words in found[0]
    assert "; allowed: " in found[0]


@pytest.mark.parametrize(
    ("lines", "line", "pin", "other"),
    [
        ("board:\n  gpio:\n    button: 23", 5, 23, "pin 23 is already the pin of button"),
        ("board:\n  gpio:\n    led: 5\n    haptic: 23", 6, 23, "pin 23 is already the pin of haptic"),
        ("board:\n  gpio:\n    led: 4\n  hat: codec-zero", 6, 23, "GPIO 23 belongs to the Raspberry Pi Codec Zero: its green LED"),
    ],
)
def test_a_file_of_before_the_green_led_is_told_where_and_what_to_do(lines: str, line: int, pin: int, other: str) -> None:
    (found,) = told(lines)
    assert found.startswith(
        f"f: line {line}: board.gpio.ready_led: (default {pin}): {other}; allowed: null where no green LED is fitted, or"
    )


@given(
    pins=st.lists(st.sampled_from(PINS), min_size=4, max_size=4),
    hat=st.sampled_from([None, *HATS]),
    gauge=st.sampled_from(["none", *USUAL]),
)
@settings(max_examples=count(600))
def test_every_pin_that_is_offered_is_free(pins: list[int], hat: HatName | None, gauge: str) -> None:
    battery = BatterySettings(gauge=gauge)  # type: ignore[arg-type]
    parts = ("button", "led", "ready_led", "haptic")

    def config(pins: list[int]) -> Config:
        gpio = GpioSettings(button=pins[0], led=pins[1], ready_led=pins[2], haptic=pins[3])
        return Config(device_id="c", board=BoardSettings(gpio=gpio, hat=hat, battery=battery))

    for problem in [*board_contradictions(config(pins)), *board_doubts(config(pins))]:
        if "a free pin: " not in problem.allowed:
            continue
        offered = [int(pin) for pin in problem.allowed.rpartition(": ")[2].split(", ")]
        assert offered
        for pin in offered:
            changed = [pin if problem.key == f"board.gpio.{part}" else old for part, old in zip(parts, pins, strict=True)]
            left = [*board_contradictions(config(changed)), *board_doubts(config(changed))]
            assert problem.key not in {other.key for other in left}


@pytest.mark.parametrize(
    "lines",
    [
        "board: {battery: {gauge: max17048}}\nclock: {rtc: ds3231}",
        "board: {battery: {gauge: pisugar3, bus: 3}}\nclock: {rtc: ds3231}",
        "board: {battery: {gauge: pisugar2}}\nclock: {rtc: rv3028}",
        "board: {hat: ups-hat-c, battery: {gauge: ina219, address: '0x43'}}\nclock: {rtc: pi5}",
        "board: {hat: ups-hat-c, battery: {gauge: ina219}}",
        "board: {hat: pisugar, battery: {gauge: pisugar2}}\nclock: {rtc: ds3231}",
        "board: {hat: hifiberry-dacplus, battery: {gauge: ina219}}",
        "board: {hat: pisugar, battery: {gauge: pisugar3}}",
        "board: {hat: codec-zero, adapter: simulated}\nsimulation_directory: /tmp",
        "board: {battery: {gauge: kernel, supply: ina219}}",
    ],
)
def test_what_fits_together_is_not_refused(lines: str) -> None:
    assert told(lines) == []


@given(pin=st.sampled_from(PINS), hat=st.sampled_from([None, *HATS]), gauge=st.sampled_from(["none", *USUAL]))
@settings(max_examples=count(600))
def test_a_pin_is_refused_exactly_where_something_declared_has_it(pin: int, hat: HatName | None, gauge: str) -> None:
    """And where it is not refused but part of a bus, it is warned of; never both."""
    gpio = GpioSettings(button=4, led=pin, ready_led=5, haptic=6)
    battery = BatterySettings(gauge=gauge)  # type: ignore[arg-type]
    config = Config(device_id="c", board=BoardSettings(gpio=gpio, hat=hat, battery=battery), clock=ClockSettings())
    refused = {problem.key for problem in board_contradictions(config)} & {"board.gpio.led"}
    warned = {problem.key for problem in board_doubts(config)}
    taken = (hat is not None and pin in HATS[hat].pins) or (gauge != "none" and pin in I2C_PINS)
    assert (refused == {"board.gpio.led"}) is taken
    of_a_driver = hat is not None and pin in HATS[hat].driver_pins
    assert (warned == {"board.gpio.led"}) is ((pin in BUSES or of_a_driver) and not taken)


def test_a_pin_that_the_sound_driver_takes_is_warned_of() -> None:
    config = Config(device_id="c", board=BoardSettings(gpio=GpioSettings(ready_led=16), hat="i2s"))
    [doubt] = board_doubts(config)
    assert (doubt.key, doubt.reason) == (
        "board.gpio.ready_led",
        "GPIO 16 is the amplifier's switch with dtoverlay=googlevoicehat-soundcard: the part works only with another driver",
    )
    assert list(board_doubts(Config(device_id="c", board=BoardSettings(gpio=GpioSettings(ready_led=16))))) == []


def test_the_gauge_of_a_hat_is_read_where_the_hat_has_it() -> None:
    for hat, board in HATS.items():
        for gauge, address in board.gauges.items():
            battery = BatterySettings(gauge=gauge)  # type: ignore[arg-type]
            assert gauge_address(BoardSettings(hat=hat, battery=battery)) == address
            assert address in board.addresses
    assert gauge_address(BoardSettings(hat="ups-hat-c", battery=BatterySettings(gauge="ina219", bus=3))) == USUAL["ina219"]


def test_every_hat_leaves_room_for_the_four_parts_and_names_its_source() -> None:
    for hat in HATS.values():
        assert len(set(range(2, 28)) - set(hat.pins) - set(BUSES)) >= 4
        assert all(0 <= pin <= 27 for pin in hat.pins)
        assert all(0x08 <= address <= 0x77 for address in hat.addresses)
        assert hat.source
        assert hat.title


def test_the_page_on_wiring_has_the_table_of_now() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert MARKED.search(page)
    assert with_table(page) == page


@pytest.mark.parametrize(
    ("board", "shift", "told"),
    [
        ("{card_reader: pcsc}", "{}", {"shift.cards", "shift.salt"}),
        ("{card_reader: pcsc}", "{cards: cards.txt}", {"shift.salt"}),
        ("{card_reader: pcsc}", f'{{cards: cards.txt, salt: "{"0" * 32}"}}', set()),
        ("{card_reader: none}", "{cards: cards.txt}", set()),
        ("{card_port: /dev/ttyUSB0}", "{}", {"board.card_port"}),
        ("{card_reader: simulated}", f'{{cards: cards.txt, salt: "{"0" * 32}"}}', {"board.card_reader"}),
        ("{card_reader: pn532, gpio: {haptic: 14}}", f'{{cards: cards.txt, salt: "{"0" * 32}"}}', {"board.gpio.haptic"}),
        ("{card_reader: pn532, card_port: /dev/ttyUSB0, gpio: {haptic: 14}}", f'{{cards: cards.txt, salt: "{"0" * 32}"}}', set()),
    ],
)
def test_a_card_reader_and_what_it_needs(board: str, shift: str, told: set[str], tmp_path: Path) -> None:
    problems = judge(f"device_id: c\nboard: {board}\nshift: {shift}\n".encode(), tmp_path / "bodycamd.yaml").problems
    assert {problem.key for problem in problems} == told


@pytest.mark.parametrize("salt", ["0" * 31, "0" * 33, "G" * 32, "'" + "A" * 32 + "'"])
def test_a_salt_is_hex(salt: str, tmp_path: Path) -> None:
    [problem] = judge(f"device_id: c\nshift: {{salt: '{salt.strip(chr(39))}'}}\n".encode(), tmp_path / "bodycamd.yaml").problems
    assert (problem.key, problem.allowed) == ("shift.salt", "32 hex digits in quotes or null")
