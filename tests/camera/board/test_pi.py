"""The Pi's parts on gpiozero's own mock pins: the same lines run as on a Pi, up to lgpio."""

from __future__ import annotations

import os
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from bodycamd.camera.board import pi
from bodycamd.camera.board.battery import NoBattery
from bodycamd.camera.board.pi import LOOK_SLACK_SECONDS, lgpio_factory, pi_board
from bodycamd.camera.board.ports import Board
from bodycamd.config.settings import BatterySettings, BoardSettings, GpioSettings, SpeakerSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import SettableClock, SystemClock
from tests.camera.board.conftest import WARNINGS, Heard


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    factory = MockFactory(pin_class=MockPWMPin)
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


def fake_lgpio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_chip: object) -> None:
    """Put a module `lgpio` in the place of the real one, which is there on a Pi only."""
    lgpio = types.ModuleType("lgpio")
    lgpio.error = type("error", (Exception,), {"__module__": "lgpio"})  # type: ignore[attr-defined]
    for number, name in enumerate(("SET_PULL_NONE", "SET_PULL_UP", "SET_PULL_DOWN", "BOTH_EDGES", "RISING_EDGE", "FALLING_EDGE")):
        setattr(lgpio, name, number)
    lgpio.gpiochip_open = open_chip  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setenv("LG_WD", str(tmp_path))
    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", lambda: 0xA02082)


def test_without_lgpio_nothing_else_is_used(monkeypatch: pytest.MonkeyPatch, settings: BoardSettings, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setenv("LG_WD", str(tmp_path))
    with pytest.raises(UnavailableError, match="python3-lgpio"):
        build(settings, None)
    assert gpiozero.Device.pin_factory is None, "gpiozero did not choose one by itself"


def test_without_a_gpio_chip(monkeypatch: pytest.MonkeyPatch, settings: BoardSettings, tmp_path: Path) -> None:
    def open_chip(number: int) -> int:
        raise sys.modules["lgpio"].error("can not open gpiochip")

    fake_lgpio(monkeypatch, tmp_path, open_chip)
    with pytest.raises(UnavailableError, match=r"can not open gpiochip.*group gpio"):
        build(settings, None)


def test_a_line_that_another_process_holds(monkeypatch: pytest.MonkeyPatch, settings: BoardSettings, tmp_path: Path) -> None:
    fake_lgpio(monkeypatch, tmp_path, lambda number: 7)

    def busy(*arguments: int) -> int:
        raise sys.modules["lgpio"].error("GPIO busy")

    sys.modules["lgpio"].gpio_claim_input = busy  # type: ignore[attr-defined]
    sys.modules["lgpio"].gpiochip_close = lambda handle: 0  # type: ignore[attr-defined]
    with pytest.raises(UnavailableError, match=r"board\.gpio\.button: GPIO 17 cannot be claimed \(GPIO busy\)"):
        build(settings, None)


def test_lgpio_does_not_move_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At its import lgpio 0.2 makes LG_WD the current folder; relative paths of the daemon would point there."""
    here = Path.cwd()
    (tmp_path / "lgpio.py").write_text("import os\nos.chdir(os.environ['LG_WD'])\nraise ImportError('as on a broken installation')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("lgpio", "gpiozero.pins.lgpio"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("LG_WD", str(tmp_path))
    with pytest.raises(UnavailableError, match="as on a broken installation"):
        lgpio_factory()
    assert Path.cwd() == here


@pytest.mark.parametrize(
    ("variables", "expected"), [({"LG_WD": "/a"}, "/a"), ({"RUNTIME_DIRECTORY": "/run/b:/run/c"}, "/run/b"), ({}, None)]
)
def test_where_lgpio_puts_its_pipe(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setenv("LG_WD", "restored at the end")
    for name in ("LG_WD", "RUNTIME_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnavailableError):
        lgpio_factory()
    if expected is None:
        assert Path(os.environ["LG_WD"]).is_dir()
        assert Path(os.environ["LG_WD"]) != Path.cwd()
    else:
        assert os.environ["LG_WD"] == expected


def test_what_looks_for_edges_need_not_be_woken_on_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """lgpio makes its threads when it opens the chip."""

    def own() -> str:
        return Path(f"/proc/{threading.get_native_id()}/timerslack_ns").read_text()

    before, seen = own(), []

    class Opened:
        def __init__(self) -> None:
            looks = threading.Thread(target=lambda: seen.append(own()))
            looks.start()
            looks.join()

    monkeypatch.setattr(pi, "import_lgpio", lambda: Opened)
    assert isinstance(lgpio_factory(), Opened)
    assert seen == [f"{LOOK_SLACK_SECONDS * 1e9:.0f}\n"] != [before]
    assert own() == before


def test_an_edge_is_told_well_within_what_the_lamp_may_take() -> None:
    """lgpio tells it in the look after the one that it ends, half a millisecond later and by as much as the slack."""
    assert 0.0005 + LOOK_SLACK_SECONDS <= 0.020 / 3
