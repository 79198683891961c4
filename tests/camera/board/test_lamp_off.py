"""After the daemon's end nothing shines: the same module that the unit's ExecStopPost starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from bodycamd.camera.board import board_log as timeline
from bodycamd.camera.board import lamp_off, pi
from tests.kit.scale import only_in_full


def configuration(directory: Path, adapter: str) -> Path:
    path = directory / "bodycamd.yaml"
    simulation = f"simulation_directory: {directory}\nspeaker: {{output: simulated}}\n" if adapter == "simulated" else ""
    board = f"board: {{adapter: {adapter}, gpio: {{haptic: null}}}}\n"
    path.write_text(f"device_id: camera-01\n{simulation}{board}", encoding="utf-8")
    return path


@only_in_full
def test_the_simulated_board_goes_dark_even_when_its_daemon_was_killed(tmp_path: Path) -> None:
    config = configuration(tmp_path, "simulated")
    ended = subprocess.run([sys.executable, "-m", "bodycamd.camera.board.lamp_off", "--config", config], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [(line["part"], line["on"]) for line in timeline.read(tmp_path)] == [("lamp", False), ("ready_lamp", False)]


def test_the_pins_of_a_pi_are_driven_low_and_given_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = MockFactory()
    monkeypatch.setattr(pi, "header_pins", lambda: factory)
    for number in (27, 23):
        factory.pin(number).function = "output"
        factory.pin(number).state = True
    assert lamp_off.main(["--config", str(configuration(tmp_path, "pi"))]) == 0
    for number in (27, 23):
        assert factory.pin(number).states[-1].state == 0
        pi.GpioOutput(number, factory, "test").close()  # free for the next daemon


def test_a_lamp_that_cannot_be_reached_leaves_no_other_lit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = MockFactory()
    monkeypatch.setattr(pi, "header_pins", lambda: factory)
    factory.pin(23).function = "output"
    factory.pin(23).state = True
    taken = pi.GpioOutput(27, factory, "another")
    assert lamp_off.main(["--config", str(configuration(tmp_path, "pi"))]) == 69
    assert factory.pin(23).states[-1].state == 0
    taken.close()


def test_a_lamp_that_is_lit_while_its_pin_is_low_is_left_high(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = MockFactory()
    monkeypatch.setattr(pi, "header_pins", lambda: factory)
    factory.pin(27).function = "output"
    factory.pin(27).state = False  # lit
    path = tmp_path / "bodycamd.yaml"
    path.write_text("device_id: camera-01\nboard: {gpio: {led_active: low, haptic_active: low}}\n", encoding="utf-8")
    assert lamp_off.main(["--config", str(path)]) == 0
    assert [factory.pin(number).states[-1].state for number in (27, 22)] == [1, 1]


BROKEN = "device_id: [\n"
NO_FOLDER = "device_id: a\nboard: {adapter: simulated}\nsimulation_directory: /none\n"


@pytest.mark.parametrize(("text", "code"), [(BROKEN, 78), (NO_FOLDER, 69)])
def test_what_is_wrong_is_one_line_and_an_exit_code(tmp_path: Path, text: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bodycamd.yaml"
    path.write_text(text, encoding="utf-8")
    assert lamp_off.main(["--config", str(path)]) == code
    assert len(capsys.readouterr().err.splitlines()) == 1
