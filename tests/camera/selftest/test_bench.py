"""The test on the bench: a whole simulated camera without a daemon, and a hand on its button. Each part is broken in turn."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.camera.board.ports import Board
from bodycamd.camera.capture.look import LookFacts
from bodycamd.camera.control.events import Event
from bodycamd.camera.selftest import bench, judge_hands, judge_machine, probes
from bodycamd.camera.selftest.bench import Bench, Nobody, board_of, press, release
from bodycamd.camera.selftest.measured import VoiceFacts
from bodycamd.camera.selftest.verdict import CHECKS, Verdict
from bodycamd.config.load import load
from bodycamd.config.settings import Config
from tests.kit.camera import Camera
from tests.kit.waiting import wait_for


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


@pytest.fixture
def config(camera: Camera) -> Config:
    return load(camera.config)


@pytest.fixture
def board(config: Config) -> Iterator[Board]:
    made = board_of(config, lambda _: None)
    yield made
    release(made)


class Pressed:
    """The simulated button, which a hand presses as soon as somebody watches it."""

    def __init__(self, camera: Camera, board: Board, edges: list[bool]) -> None:
        self._button, self.is_pressed, self.close = board.button, board.button.is_pressed, board.button.close
        self._thread = threading.Thread(target=self._play, args=(camera, edges))

    def watch(self, on_edge: Callable[[bool, int], None]) -> None:
        self._button.watch(on_edge)
        self._thread.start()

    def _play(self, camera: Camera, edges: list[bool]) -> None:
        for down in edges:
            (camera.hand.down if down else camera.hand.up)()
            time.sleep(0.1)  # as long as a hand presses


def test_one_press_passes(camera: Camera, board: Board) -> None:
    facts = press(Pressed(camera, board, [True, False]), 10.0)
    assert judge_hands.button(facts, 20).outcome == "passed"
    assert facts.presses == 1


def test_a_button_that_nobody_can_press_fails(board: Board) -> None:
    assert judge_hands.button(press(board.button, 0.1), 20).en.startswith("No press was seen")


def test_a_button_that_is_down_already_fails(camera: Camera, board: Board) -> None:
    camera.hand.down()
    wait_for(board.button.is_pressed, 5, "the press")
    assert judge_hands.button(press(board.button, 5.0), 20).en.startswith("The button is down")


def test_a_button_that_stays_down_fails(camera: Camera, board: Board) -> None:
    facts = press(Pressed(camera, board, [True]), 0.5)
    assert judge_hands.button(facts, 20).en.startswith("The button did not come up")


class Scripted:
    """A button whose edges are dated by the test."""

    def __init__(self, edges: list[tuple[bool, int]]) -> None:
        self._edges = edges

    def watch(self, on_edge: Callable[[bool, int], None]) -> None:
        for pressed, at_ms in self._edges:
            on_edge(pressed, at_ms * 1000)

    def is_pressed(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(("last_ms", "outcome"), [(20, "passed"), (21, "failed")])
def test_bounce_is_measured_from_the_first_edge_to_the_last_and_is_one_press(last_ms: int, outcome: str) -> None:
    bounces = [(True, 0), (False, 3), (True, 7), (False, 11), (True, last_ms), (False, 400), (True, 402), (False, 404)]
    facts = press(Scripted(bounces), 5.0)
    assert (facts.presses, facts.bounce_ms) == (1, last_ms)
    assert judge_hands.button(facts, 20).outcome == outcome


# --- all of it --------------------------------------------------------------------------------------------------------------------------


def verdicts(config: Config, monkeypatch: pytest.MonkeyPatch, **parts: Any) -> dict[str, Verdict]:
    """All checks but the look, which `test_look` shows, with nobody there and no waiting."""
    monkeypatch.setattr(bench, "SHOWN_SECONDS", 0.0)
    monkeypatch.setattr(probes, "SENSORS_SECONDS", 0.0)
    monkeypatch.setattr(Bench, "look", lambda _: (LookFacts(), VoiceFacts(outcome=None, detail="")))
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    board = replace(board_of(config, heard.put), **parts)
    try:
        return {verdict.check: verdict for verdict in Bench(config, board, heard, Nobody(), target=False).verdicts()}
    finally:
        release(board)


class BrokenPin:
    """An output whose pin another process has taken."""

    def set(self, on: bool) -> None:
        raise OSError("GPIO busy")

    def close(self) -> None:
        """There is nothing to release."""


@pytest.mark.parametrize(("part", "check"), [("lamp", "led"), ("ready_lamp", "ready_led"), ("haptic", "haptic")])
def test_an_output_that_cannot_be_switched_fails_alone(part: str, check: str, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    found = verdicts(config, monkeypatch, **{part: BrokenPin()})
    assert found[check].en.startswith(f"{check} cannot be switched (OSError: GPIO busy)")
    assert {name for name in ("led", "ready_led", "haptic") if found[name].outcome == "failed"} == {check}


def test_a_battery_that_is_low_and_a_gauge_that_is_silent_fail(camera: Camera, board: Board, config: Config) -> None:
    assert judge_machine.battery(probes.battery(config, board.battery, board.sensors)).outcome == "not_checked"
    camera.hand.battery(10)
    wait_for(lambda: board.battery.read()[1] == 10, 5, "the gauge")
    assert judge_machine.battery(probes.battery(config, board.battery, board.sensors)).en.startswith("The battery holds 10 %")


def test_a_gauge_that_nobody_reads_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"board": {"adapter": "simulated", "sensors": "sensors.sock", "battery": {"gauge": "max17048", "bus": "simulated"}}}
    config = load(Camera(tmp_path, settings).config)
    found = verdicts(config, monkeypatch)
    assert found["battery"].en.startswith("The battery gauge does not answer (no reading of the sensors")
    assert found["heat"].outcome == "not_checked"


def test_every_check_is_done_once_and_in_its_order(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(verdicts(config, monkeypatch)) == list(CHECKS)
