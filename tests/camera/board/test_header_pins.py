"""The Pi's parts on the kernel's lines, as far as this machine has them: the chip is a stand-in, its descriptors and its types are real.

The same parts on a real chip of the kernel: the virtual camera (docs/hil.md).
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gpiod
import pytest
from gpiod.line import Bias, Clock, Direction, Edge, Value
from gpiozero.exc import PinFixedPull, PinInvalidBounce, PinInvalidEdges, PinInvalidFunction, PinInvalidPull, PinPWMUnsupported, PinSetInput

from bodycamd.camera.board import header_pins
from bodycamd.camera.board.header_pins import EVENTS_KEPT, HeaderPins
from bodycamd.camera.board.pi import pi_board
from bodycamd.camera.board.ports import Board
from bodycamd.config.settings import BoardSettings, GpioSettings, SpeakerSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import SystemClock, boottime_us
from tests.camera.board.conftest import WARNINGS, Heard
from tests.kit.waiting import wait_for

BUTTON, LAMP, READY, MOTOR = 17, 27, 5, 22


class Line:
    """A line that was asked for: levels, settings, and edges behind a descriptor, of which the kernel keeps the newest."""

    def __init__(self, offset: int, settings: gpiod.LineSettings, kept: int) -> None:
        self.offset, self.kept, self.level = offset, kept, False
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.events: list[gpiod.EdgeEvent] = []
        self.gone = False
        self.lock, self.released, self.history = threading.Lock(), False, [settings]
        self.levels: list[bool] = []
        self._take(settings)

    def _take(self, settings: gpiod.LineSettings) -> None:
        self.settings = settings
        if settings.direction is Direction.OUTPUT:
            self.level = bool(settings.output_value)
            self.levels.append(self.level)
        elif settings.bias is Bias.PULL_UP:
            self.level = True

    @property
    def fd(self) -> int:
        return self.ours.fileno()

    def reconfigure_lines(self, config: dict[int, gpiod.LineSettings]) -> None:
        self.history.append(config[self.offset])
        self._take(config[self.offset])

    def get_value(self, line: int) -> Value:
        return Value.ACTIVE if self.level else Value.INACTIVE

    def set_value(self, line: int, value: Value) -> None:
        assert self.settings.direction is Direction.OUTPUT
        self.level = bool(value)
        self.levels.append(self.level)

    def read_edge_events(self, most: int) -> list[gpiod.EdgeEvent]:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        with self.lock:
            taken, self.events[:most] = self.events[:most], []
            for _ in taken:
                self.ours.recv(1)
        return taken

    def release(self) -> None:
        self.released = True
        self.ours.close()
        self.theirs.close()

    def happens(self, high: bool, at_ns: int | None = None) -> None:
        """An edge, now or at that time of the kernel's clock."""
        assert self.settings.edge_detection is Edge.BOTH
        assert self.settings.event_clock is Clock.MONOTONIC
        kind = gpiod.EdgeEvent.Type.RISING_EDGE if high else gpiod.EdgeEvent.Type.FALLING_EDGE
        event = gpiod.EdgeEvent(kind.value, time.monotonic_ns() if at_ns is None else at_ns, self.offset, 1, 1)
        with self.lock:
            self.level = high
            self.events.append(event)
            if len(self.events) > self.kept:
                self.events.pop(0)
            else:
                self.theirs.send(b".")


class Chip:
    """One that gives its lines to one at a time."""

    def __init__(self) -> None:
        self.lines: dict[int, Line] = {}
        self.held: set[int] = set()
        self.closed = False

    def request_lines(self, config: dict[int, gpiod.LineSettings], consumer: str, event_buffer_size: int) -> Line:
        ((offset, settings),) = config.items()
        if offset in self.held or (offset in self.lines and not self.lines[offset].released):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.lines[offset] = Line(offset, settings, event_buffer_size)
        return self.lines[offset]

    def close(self) -> None:
        self.closed = True


@dataclass
class Made:
    chip: Chip
    factory: HeaderPins
    boards: list[Board]

    def board(self, gpio: GpioSettings | None = None) -> Board:
        settings = BoardSettings(gpio=gpio or GpioSettings(button=BUTTON, led=LAMP, ready_led=READY, haptic=MOTOR))
        made = pi_board(
            settings, SpeakerSettings(), wav=WARNINGS / "nl.wav", post=Heard().post, clock=SystemClock(), pin_factory=self.factory
        )
        self.boards.append(made)
        return made


@pytest.fixture(autouse=True)
def a_pi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", lambda: 0x902120)


@pytest.fixture
def made() -> Iterator[Made]:
    threads = threading.active_count()
    made = Made(chip := Chip(), HeaderPins(chip), [])  # type: ignore[arg-type]
    yield made
    for board in made.boards:
        for part in (board.button, board.lamp, board.ready_lamp, board.haptic, board.voice):
            if part is not None:
                part.close()
    made.factory.close()
    assert all(line.released for line in chip.lines.values())
    assert chip.closed
    assert threading.active_count() == threads


def told(board: Board) -> list[tuple[bool, int]]:
    edges: list[tuple[bool, int]] = []
    board.button.watch(lambda pressed, at_us: edges.append((pressed, at_us)))
    return edges


def test_a_press_has_the_kernels_length(made: Made) -> None:
    board = made.board()
    edges, line = told(board), made.chip.lines[BUTTON]
    assert (line.settings.bias, line.settings.direction) == (Bias.PULL_UP, Direction.INPUT)
    assert not board.button.is_pressed()
    began_us, began_ns = boottime_us(), time.monotonic_ns()
    for number in range(101):
        line.happens(number % 2 == 1, began_ns - 3_000_000_000 + number * 20_000_000)
    wait_for(lambda: len(edges) == 101, 10, "all edges")
    assert [pressed for pressed, _ in edges] == [number % 2 == 0 for number in range(101)]
    assert board.button.is_pressed()
    # A process that is held up between its two looks at the clocks tells an edge that much later, and never earlier.
    between = boottime_us() - began_us + 1
    for number, (_, at_us) in enumerate(edges):
        assert -1 <= at_us - (began_us - 3_000_000 + number * 20_000) <= between


def test_whoever_reads_the_level_has_been_told_every_edge_before_it(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the thread that waits for edges has had no time for them."""
    held, go_on = threading.Event(), threading.Event()

    def held_up(watch: header_pins._Watch) -> None:
        held.set()
        assert go_on.wait(10)

    monkeypatch.setattr(header_pins._Watch, "_run", held_up)
    board = made.board()
    edges, line = told(board), made.chip.lines[BUTTON]
    assert held.wait(10)
    began_us, began_ns = boottime_us(), time.monotonic_ns()
    line.happens(False, began_ns - 2_300_000_000)
    line.happens(True, began_ns)
    assert not board.button.is_pressed()
    assert [pressed for pressed, _ in edges] == [True, False]
    assert abs(edges[1][1] - edges[0][1] - 2_300_000) < 2 + boottime_us() - began_us
    go_on.set()


def test_an_edge_between_the_level_and_the_look_is_the_newer_level(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    board = made.board()
    edges, line = told(board), made.chip.lines[BUTTON]

    def read(number: int) -> Value:
        line.happens(False)
        return Value.ACTIVE

    monkeypatch.setattr(line, "get_value", read)
    assert board.button.is_pressed()
    assert [pressed for pressed, _ in edges] == [True]


def test_it_sleeps_until_there_is_an_edge(made: Made) -> None:
    edges = told(made.board())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == f"GPIO{BUTTON}"]
    status = Path(f"/proc/self/task/{thread.native_id}/status")

    def switches() -> int:
        return sum(int(line.split()[1]) for line in status.read_text().splitlines() if "ctxt_switches" in line)

    wait_for(lambda: "S (sleeping)" in status.read_text(), 10, "a thread that sleeps")
    before = switches()
    time.sleep(0.3)
    assert switches() == before
    made.chip.lines[BUTTON].happens(False)
    wait_for(lambda: len(edges) == 1, 10, "the edge")


def test_of_more_edges_than_are_kept_the_newest_count(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the camera knows how the button stands."""
    board = made.board()
    held, tell = threading.Event(), threading.Event()
    edges: list[bool] = []

    def on_edge(pressed: bool, at_us: int) -> None:
        held.set()
        assert tell.wait(10)
        edges.append(pressed)

    board.button.watch(on_edge)
    line = made.chip.lines[BUTTON]
    line.happens(False)
    assert held.wait(10)
    for number in range(2 * EVENTS_KEPT + 1):
        line.happens(number % 2 == 0)
    tell.set()
    wait_for(lambda: len(edges) == EVENTS_KEPT + 1, 10, "what was kept")
    assert edges[-1] is False is board.button.is_pressed()


def test_no_edge_after_the_end(made: Made) -> None:
    board = made.board()
    edges, line = told(board), made.chip.lines[BUTTON]
    line.happens(False)
    wait_for(lambda: len(edges) == 1, 10, "the edge")
    board.button.close()
    assert line.released
    assert len(edges) == 1
    assert line.history[-1].edge_detection is Edge.NONE


def test_a_pin_that_goes_away_is_told_once(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    board = made.board()
    told(board)
    line = made.chip.lines[BUTTON]
    line.gone = True
    line.theirs.send(b".")
    wait_for(lambda: "no press is seen" in caplog.text, 10, "the log")
    board.button.close()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_lamps_and_motor(made: Made) -> None:
    board = made.board()
    assert board.ready_lamp is not None
    for part, number in ((board.lamp, LAMP), (board.ready_lamp, READY), (board.haptic, MOTOR)):
        line = made.chip.lines[number]
        assert line.levels == [False], "dark from the first moment: no input before, no level between"
        for on in (True, False, True):
            part.set(on)
        part.close()
        assert line.levels == [False, True, False, True, False]
        assert line.released
        assert line.settings.direction is Direction.OUTPUT, "let go as it is"


@pytest.mark.parametrize(("key", "number"), [("led", LAMP), ("ready_led", READY), ("haptic", MOTOR)])
def test_a_part_that_is_on_while_its_pin_is_low(key: str, number: int, made: Made) -> None:
    active = {f"{key}_active": "low"}
    board = made.board(GpioSettings(button=BUTTON, led=LAMP, ready_led=READY, haptic=MOTOR, **active))  # type: ignore[arg-type]
    part = {"led": board.lamp, "ready_led": board.ready_lamp, "haptic": board.haptic}[key]
    assert part is not None
    assert made.chip.lines[number].levels == [True]
    part.set(True)
    part.close()
    assert made.chip.lines[number].levels == [True, False, True]


def test_a_button_to_three_volts(made: Made) -> None:
    edges = told(made.board(GpioSettings(button=BUTTON, button_to="3v3", ready_led=None, haptic=None)))
    line = made.chip.lines[BUTTON]
    assert line.settings.bias is Bias.PULL_DOWN
    line.happens(True)
    wait_for(lambda: len(edges) == 1, 10, "the edge")
    assert edges[0][0] is True


@pytest.mark.parametrize(("number", "key"), [(BUTTON, "button"), (LAMP, "led"), (READY, "ready_led"), (MOTOR, "haptic")])
def test_a_line_that_somebody_else_holds(number: int, key: str, made: Made) -> None:
    made.chip.held.add(number)
    with pytest.raises(UnavailableError, match=rf"board\.gpio\.{key}: GPIO {number} cannot be claimed \(.*busy\).*gpioinfo"):
        made.board()
    made.chip.held.clear()
    made.board()  # nothing was left claimed


def test_what_a_camera_does_not_use_is_refused(made: Made) -> None:
    pin = made.factory.pin(4)
    with pytest.raises(PinInvalidFunction, match="neither an input nor an output yet"):
        _ = pin.state
    pin.input_with_pull("up")
    assert (pin.function, pin.pull, pin.edges, pin.bounce, pin.frequency, pin.state) == ("input", "up", "both", None, None, True)
    refused: list[tuple[str, object, type[Exception]]] = [
        ("function", "spi", PinInvalidFunction),
        ("pull", "sideways", PinInvalidPull),
        ("edges", "none", PinInvalidEdges),
        ("bounce", 0.1, PinInvalidBounce),
        ("frequency", 100, PinPWMUnsupported),
        ("state", True, PinSetInput),
    ]
    for name, value, kind in refused:
        with pytest.raises(kind):
            setattr(pin, name, value)
    pin.bounce = pin.frequency = None
    pin.function = "output"
    with pytest.raises(PinFixedPull):
        pin.pull = "up"
    with pytest.raises(PinFixedPull, match="resistor of its own"):
        made.factory.pin(2).input_with_pull("down")  # which is I2C's


def test_edges_of_one_kind(made: Made) -> None:
    pin = made.factory.pin(BUTTON)
    pin.input_with_pull("up")
    heard: list[bool] = []
    handler: Callable[[float, bool], None] = lambda ticks, state: heard.append(state)  # noqa: E731
    pin.when_changed = handler
    pin.edges = "falling"
    assert made.chip.lines[BUTTON].settings.edge_detection is Edge.FALLING
    pin.when_changed = None
    assert made.chip.lines[BUTTON].settings.edge_detection is Edge.NONE
