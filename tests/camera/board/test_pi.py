"""The Pi's parts on gpiozero's own mock pins: the same lines run as on a Pi, up to the pins (`test_header_pins.py`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from gpiozero.pins.pi import PiPin

from bodycamd.camera.board.battery import NoBattery
from bodycamd.camera.board.pi import pi_board
from bodycamd.camera.board.ports import Board
from bodycamd.config.settings import BatterySettings, BoardSettings, GpioSettings, SpeakerSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import SettableClock, SystemClock
from tests.camera.board.conftest import WARNINGS, Heard


class Pins(MockFactory):  # type: ignore[misc]
    """Mock pins whose edges are told at once, whatever the machine does between."""

    now = 0.0

    @staticmethod
    def ticks() -> float:
        return Pins.now


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    factory = Pins(pin_class=MockPWMPin)
    yield factory
    factory.close()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(boottime_us=5_000_000)


@pytest.fixture
def settings() -> BoardSettings:
    return BoardSettings(gpio=GpioSettings(button=17, led=27, ready_led=5, haptic=22))


def build(settings: BoardSettings, factory: MockFactory | None, clock: SettableClock | None = None) -> Board:
    return pi_board(
        settings, SpeakerSettings(), wav=WARNINGS / "nl.wav", post=Heard().post, clock=clock or SystemClock(), pin_factory=factory
    )


def history(factory: MockFactory, pin: int) -> list[float]:
    return [state.state for state in factory.pin(pin).states]


def close(board: Board) -> None:
    for part in (board.button, board.lamp, board.ready_lamp, board.haptic, board.voice):
        if part is not None:
            part.close()


def test_every_edge_of_the_button_is_told_with_its_time(settings: BoardSettings, factory: MockFactory, clock: SettableClock) -> None:
    board = build(settings, factory, clock)
    pin = factory.pin(17)
    assert (pin.function, pin.pull, pin.bounce) == ("input", "up", None)
    edges: list[tuple[bool, int]] = []
    board.button.watch(lambda pressed, at_us: edges.append((pressed, at_us)))
    assert not board.button.is_pressed()
    expected = []
    for bounce in range(100):
        clock.advance(137)
        pin.drive_low() if bounce % 2 == 0 else pin.drive_high()
        expected.append((bounce % 2 == 0, clock.now_us()))
    assert edges == expected, "bounce and all: removing it is not the board's part"
    pin.drive_low()
    assert board.button.is_pressed()
    close(board)


def test_an_edge_that_is_told_late_has_the_time_at_which_it_was(
    settings: BoardSettings, factory: MockFactory, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is held up for three seconds learns of a press of two only after it."""
    board = build(settings, factory, clock)
    edges: list[tuple[bool, int]] = []
    board.button.watch(lambda pressed, at_us: edges.append((pressed, at_us)))
    pin, began_us = factory.pin(17), clock.now_us()
    clock.advance(3_000_000)
    monkeypatch.setattr(Pins, "now", 3.0)
    for at_seconds, high in ((0.5, False), (2.5, True), (2.4, False)):
        PiPin._call_when_changed(pin, at_seconds, high)
    assert edges == [(True, began_us + 500_000), (False, began_us + 2_500_000), (True, began_us + 2_500_000)], "never back in time"
    close(board)


def test_no_edge_after_close(settings: BoardSettings, factory: MockFactory, clock: SettableClock) -> None:
    board = build(settings, factory, clock)
    edges: list[bool] = []
    board.button.watch(lambda pressed, at_us: edges.append(pressed))
    close(board)
    pin = factory.pin(17)
    pin.drive_high()
    pin.drive_low()
    assert edges == []


def test_lamps_and_motor(settings: BoardSettings, factory: MockFactory) -> None:
    board = build(settings, factory)
    threads = threading.active_count()
    assert board.ready_lamp is not None
    for part, pin in ((board.lamp, 27), (board.ready_lamp, 5), (board.haptic, 22)):
        assert history(factory, pin)[-1] == 0, "dark from the first moment"
        factory.pin(pin).clear_states()
        for on in (True, True, False, False, True):
            part.set(on)
        assert history(factory, pin) == [0, 1, 0, 1]
        part.close()
        assert history(factory, pin)[-1] == 0, "dark after close"
    assert threading.active_count() == threads, "no blink threads"
    close(board)


def test_parts_that_are_not_fitted(factory: MockFactory) -> None:
    board = build(BoardSettings(gpio=GpioSettings(ready_led=None, haptic=None)), factory)
    assert board.ready_lamp is None
    board.haptic.set(True)
    assert isinstance(board.battery, NoBattery)
    close(board)


def test_a_pin_that_fails_later_does_not_stop_the_recording(
    settings: BoardSettings, factory: MockFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = build(settings, factory)

    def broken(self: MockPWMPin, value: float) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(MockPWMPin, "_set_state", broken)
        board.lamp.set(True)
        board.lamp.set(False)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "board.gpio.led" in caplog.text
    board.lamp.set(True)
    assert history(factory, 27)[-1] == 1
    close(board)


def test_a_pin_given_twice(factory: MockFactory) -> None:
    with pytest.raises(UnavailableError, match=r"board\.gpio\.haptic: GPIO 17 already belongs to another part"):
        build(BoardSettings(gpio=GpioSettings(button=17, haptic=17)), factory)
    close(build(BoardSettings(), factory))  # nothing was left claimed


def test_a_gauge_whose_process_is_not_there(factory: MockFactory, tmp_path: Path) -> None:
    """No reason not to start: the camera records, and says that it does not know its battery."""
    settings = BatterySettings(gauge="kernel", supply="nonesuch")
    board = build(BoardSettings(sensors=str(tmp_path / "none"), battery=settings), factory)
    with pytest.raises(UnavailableError, match="no reading of the sensors"):
        board.battery.read()
    close(board)


@pytest.mark.parametrize("part", ["led", "ready_led", "haptic"])
def test_a_part_that_is_on_while_its_pin_is_low(part: str, factory: MockFactory) -> None:
    """Off is high from the first moment on, and after the end."""
    active = {f"{part}_active": "low"}
    board = build(BoardSettings(gpio=GpioSettings(ready_led=23, **active)), factory)  # type: ignore[arg-type]
    output, pin = {"led": (board.lamp, 27), "ready_led": (board.ready_lamp, 23), "haptic": (board.haptic, 22)}[part]
    assert output is not None
    assert history(factory, pin)[-1] == 1
    output.set(True)
    assert history(factory, pin)[-1] == 0
    output.set(False)
    assert history(factory, pin)[-1] == 1
    output.set(True)
    output.close()
    assert 1 in history(factory, pin)[-2:], "driven high before it is let go"
    assert factory.pin(pin).function == "input", "without a pull: nothing flows"
    close(board)


def test_a_button_to_three_volts_is_pressed_while_its_pin_is_high(factory: MockFactory) -> None:
    board = build(BoardSettings(gpio=GpioSettings(button_to="3v3")), factory)
    edges: list[bool] = []
    board.button.watch(lambda pressed, at_us: edges.append(pressed))
    pin = factory.pin(17)
    assert (pin.pull, board.button.is_pressed()) == ("down", False)
    pin.drive_high()
    assert (edges, board.button.is_pressed()) == ([True], True)
    pin.drive_low()
    assert (edges, board.button.is_pressed()) == ([True, False], False)
    close(board)
