"""The drawing of the wiring: every wire joins what the configuration says, and nothing else; the pictures in hardware/ are those of now."""

from __future__ import annotations

import itertools
import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml
from gpiozero.pins.pi import PiBoardInfo
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.config.board_checks import fitted_pins
from bodycamd.config.hats import HATS
from bodycamd.config.load import judge, load
from bodycamd.config.settings import Config
from bodycamd.errors import UnavailableError
from bodycamd.workshop import chromium
from bodycamd.workshop.wiring import header, layout
from bodycamd.workshop.wiring.diagram import picture, wire
from bodycamd.workshop.wiring.layout import BOARD, MIDDLE, Half, half
from bodycamd.workshop.wiring.parts import BASE_OHMS, LED_OHMS, parts, used
from bodycamd.workshop.wiring.shapes import Line
from tests.hardware.bill import DATA, read
from tests.kit.scale import count, only_in_full
from tests.workshop.wiring.pictures import PICTURES, ROOT

Point = tuple[float, float]
Segment = tuple[Point, Point]
SHIPPED = ROOT / "config/bodycamd.yaml"


def configured(**board: Any) -> Config | None:
    """A configuration with this board, if it is one."""
    other: dict[str, Any] = {key: board.pop(key) for key in ("clock", "microphone", "shift") if key in board}
    return judge(yaml.safe_dump({"device_id": "camera-17", "board": board, **other}).encode(), Path("/etc/camera.yaml")).config


def segments(side: Half, place: int) -> list[Segment]:
    lines = [shape for shape in wire(side, place, side.nets[place]) if isinstance(shape, Line)]
    return [pair for line in lines for pair in itertools.pairwise(line.points) if pair[0] != pair[1]]


def on(point: Point, segment: Segment) -> bool:
    (x1, y1), (x2, y2) = segment
    return min(x1, x2) <= point[0] <= max(x1, x2) and min(y1, y2) <= point[1] <= max(y1, y2)


def joined(wires: list[Segment]) -> bool:
    """Whether all of it hangs together: an end of each piece lies on another one that is reached."""
    reached, rest = wires[:1], wires[1:]
    while rest:
        touching = [
            piece for piece in rest if any(on(p, r) for p in piece for r in reached) or any(on(p, piece) for r in reached for p in r)
        ]
        if not touching:
            return False
        reached += touching
        rest = [piece for piece in rest if piece not in touching]
    return True


def beside(one: Segment, other: Segment) -> bool:
    """Whether two pieces run along each other, closer than 3: a reader could not tell them apart."""
    for axis in (0, 1):
        if all(piece[0][axis] == piece[1][axis] for piece in (one, other)) and abs(one[0][axis] - other[0][axis]) < 3:
            along = [sorted(point[1 - axis] for point in piece) for piece in (one, other)]
            return min(along[0][1], along[1][1]) - max(along[0][0], along[1][0]) > 0
    return False


def check(config: Config) -> None:
    """Everything that the drawing of a configuration must do."""
    sides = [half("left", parts(config)), half("right", parts(config))]
    wires: dict[tuple[str, str | int], list[Segment]] = {}
    drawn = set()
    for side in sides:
        for place, net in enumerate(side.nets):
            pieces = segments(side, place)
            assert joined(pieces), net
            wires[side.side, net.to] = pieces
            own = header.side(net.pin) == side.side
            start = (MIDDLE + (side.outward if own else -side.outward) * BOARD, layout.row_height(net.pin))
            assert any(start in piece for piece in pieces), net
            assert header.HEADER[net.pin - 1] == net.to
            for box in side.boxes:
                for terminal, y in zip(box.part.terminals, box.terminals, strict=True):
                    if terminal.to == net.to:
                        assert any((side.edge, y) in piece for piece in pieces), (box.part.title, terminal)
                        drawn.add((box.part.title, terminal))
        for one, other in itertools.pairwise(side.boxes):
            assert one.y + one.height < other.y
    assert drawn == {(part.title, terminal) for part in parts(config) for terminal in part.terminals}
    for (name, pieces), (other_name, others) in itertools.combinations(wires.items(), 2):
        if name[1] != other_name[1]:
            assert not any(beside(a, b) for a in pieces for b in others), (name, other_name)


PINS = st.lists(st.sampled_from(range(2, 28)), min_size=4, max_size=4, unique=True)
LEVEL = st.sampled_from(["high", "low"])


@only_in_full
@settings(max_examples=count(600))
@given(
    PINS, st.booleans(), st.booleans(), LEVEL, LEVEL, LEVEL, st.sampled_from(["ground", "3v3"]), st.sampled_from([None, *HATS]), st.data()
)
def test_every_wire_joins_what_it_should_and_none_hides_another(
    pins: list[int], ready: bool, haptic: bool, led: str, ready_led: str, motor: str, button_to: str, hat: str | None, data: st.DataObject
) -> None:
    levels = {"led_active": led, "ready_led_active": ready_led, "haptic_active": motor, "button_to": button_to}
    gpio = {"button": pins[0], "led": pins[1], "ready_led": pins[2] if ready else None, "haptic": pins[3] if haptic else None, **levels}
    gauge = data.draw(st.sampled_from(["none", "max17048", "ina219", "pisugar3"]))
    clock = {"rtc": data.draw(st.sampled_from(["none", "ds3231", "rv3028", "pi5"]))}
    microphone = {"channel": data.draw(st.sampled_from(["left", "mix", "right"]))}
    reader = data.draw(st.sampled_from(["none", "pn532"]))
    shift = {"cards": "cards.txt", "salt": "0" * 32}
    config = configured(gpio=gpio, hat=hat, battery={"gauge": gauge}, clock=clock, microphone=microphone, card_reader=reader, shift=shift)
    if config is not None:
        check(config)
        ElementTree.fromstring(picture(config)[0])


def test_terminals_find_a_place_between_pins_that_lie_close_together() -> None:
    config = configured(gpio={"button": 24, "led": 16}, hat="i2s", microphone={"channel": "left"})
    assert config is not None
    check(config)


@pytest.mark.parametrize(("file", "configuration"), PICTURES.items(), ids=PICTURES)
def test_the_pictures_in_the_documents_are_those_of_now(file: str, configuration: str) -> None:
    config = load(ROOT / configuration)
    check(config)
    assert (ROOT / file).read_text(encoding="utf-8") == picture(config)[0], "write them anew: python -m tests.workshop.wiring.pictures"


def test_another_pin_is_another_picture() -> None:
    one, other = configured(gpio={"button": 17}), configured(gpio={"button": 4})
    assert one is not None
    assert other is not None
    assert (used(one)[11].key, used(other)[7].key) == ("button", "button")
    assert picture(one)[0] != picture(other)[0]


@pytest.mark.parametrize("revision", [0x902120, 0xC03111, 0xC04170], ids=["Zero 2 W", "4B", "5B"])
def test_the_pins_are_those_that_gpiozero_knows(revision: int) -> None:
    pins = PiBoardInfo.from_revision(revision).headers["J8"].pins
    names: dict[str | int, str] = {"ground": "GND", "3v3": "3V3", "5v": "5V"}
    assert [pins[place].name for place in range(1, 41)] == [names.get(what, f"GPIO{what}") for what in header.HEADER]


def test_resistors_are_those_that_are_bought_and_told() -> None:
    bought = {part.ohms for part in read(DATA.read_text(encoding="utf-8")).part.values() if part.ohms is not None}
    assert bought == {LED_OHMS, BASE_OHMS}
    page = (ROOT / "hardware/README.md").read_text(encoding="utf-8")
    assert f"{LED_OHMS} Ω" in page
    assert f"{BASE_OHMS // 1000} kΩ" in page


def test_no_pin_gives_more_than_it_may() -> None:
    """A red LED drops 1.6 V or more, a transistor 0.6 V; all pins of Raspberry Pi's documentation: 16 mA."""
    assert (3.3 - 1.6) / LED_OHMS < 0.016 / 2
    assert (3.3 - 0.6) / BASE_OHMS < 0.016 / 2


def test_it_says_which_resistor_and_which_pin_each_part_has() -> None:
    texts = [element.text for element in ElementTree.fromstring(picture(load(SHIPPED))[0]).iter() if element.tag.endswith("text")]
    for word in ("330 Ω", "1 kΩ", "pin 11", "pin 13", "pin 15", "pin 16", "ground", "5 V", "button · GPIO 17", "motor · GPIO 22"):
        assert word in texts, word
    assert not any("3.3 V" in (text or "") and "pin" in (text or "") for text in texts)


def test_a_card_reader_on_the_serial_port_is_crossed() -> None:
    """What the one sends, the other receives: GPIO 14 is the Pi's TXD."""
    shift = {"cards": "cards.txt", "salt": "0" * 32}
    config = configured(card_reader="pn532", shift=shift)
    assert config is not None
    [reader] = [part for part in parts(config) if "PN532" in part.title]
    assert {terminal.name: terminal.to for terminal in reader.terminals} == {"VCC": "3v3", "GND": "ground", "RX": 14, "TX": 15}
    elsewhere = configured(card_reader="pn532", card_port="/dev/ttyUSB0", shift=shift)
    assert elsewhere is not None
    assert not any("PN532" in part.title for part in parts(elsewhere))


def test_what_a_board_on_the_header_has_is_marked() -> None:
    config = load(ROOT / "hardware/pi-4.yaml")
    assert "HAT: green LED" in picture(config)[0]
    assert "Raspberry Pi Codec Zero: sits on the header" in picture(config)[0]
    assert "It is the supply" in picture(config)[0]


@pytest.mark.parametrize("file", [*sorted(set(PICTURES.values())), *(f"hat: {name}" for name in HATS)])
def test_no_pin_that_somebody_has_is_drawn_as_free(file: str) -> None:
    """Grey and pale is what may be taken: every pin of a part, of the HAT and of its driver is another colour."""
    gpio = {"button": 5, "led": 6, "ready_led": 12, "haptic": 13}
    config = configured(hat=file.removeprefix("hat: "), gpio=gpio) if file.startswith("hat: ") else load(ROOT / file)
    assert config is not None
    hat = HATS[config.board.hat] if config.board.hat is not None else None
    had = {*fitted_pins(config.board.gpio).values(), *(() if hat is None else (*hat.pins, *hat.driver_pins))}
    had |= {gpio for part in parts(config) for gpio in part.gpios}
    free = {element.text for element in ElementTree.fromstring(picture(config)[0]).iter() if "free" in element.get("class", "")}
    assert {f"GPIO {gpio}" for gpio in range(28) if gpio not in had} == {text for text in free if text and text.startswith("GPIO")}


def test_the_table_of_the_page_has_the_pins_of_the_configuration() -> None:
    """Ground and supply are whichever the drawing takes: every one of them is the same."""
    config, page = load(SHIPPED), (ROOT / "hardware/README.md").read_text(encoding="utf-8")
    pins = fitted_pins(config.board.gpio)
    rows = {key: next(line for line in page.splitlines() if f"`board.gpio.{key}: {gpio}`" in line).split("|") for key, gpio in pins.items()}
    rails = {"button": "ground", "led": "ground", "ready_led": "ground", "haptic": "5 V, ground"}
    assert {key: row[3].strip() for key, row in rows.items()} == {key: f"{header.number(pins[key])}, {rails[key]}" for key in rows}
    for rail, name in header.RAIL_NAMES.items():
        assert f"{name} {', '.join(map(str, header.numbers(rail)))}" in page, name


@only_in_full
def test_the_command_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "wiring.svg"
    assert main(["config", "wiring", str(SHIPPED), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == picture(load(SHIPPED))[0]
    capsys.readouterr()
    assert main(["config", "wiring", str(SHIPPED), "--out", str(out)]) == 73
    assert main(["config", "wiring", str(SHIPPED), "--out", str(tmp_path / "wiring.gif")]) == 2
    assert "ends in .svg or .png" in capsys.readouterr().err


def test_a_simulated_board_has_nothing_to_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "camera.yaml"
    file.write_text("device_id: camera-17\nsimulation_directory: here\nboard: {adapter: simulated}\n")
    assert main(["config", "wiring", str(file), "--out", str(tmp_path / "wiring.svg")]) == 2
    assert "board.adapter: simulated" in capsys.readouterr().err


@only_in_full
def test_a_png_has_the_pictures_size() -> None:
    svg, size = picture(load(SHIPPED))
    try:
        png = chromium.print_png(svg, *size)
    except UnavailableError:
        pytest.skip("no Chromium on this machine")
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24]) == size


def test_the_picture_loads_nothing() -> None:
    svg = picture(load(SHIPPED))[0]
    assert re.findall(r"(?:href|src|url\(|@import)", svg) == []
