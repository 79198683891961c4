"""The process itself, as its unit starts it: readings over the socket, a clean end, one line and an exit code where it cannot run."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bodycamd.camera.board.sensed import SensedBattery, SensorsLink
from bodycamd.camera.sensors.readings import READ_SECONDS
from bodycamd.config.load import load
from bodycamd.linux.clock import SystemClock
from tests.camera.sensors.registers import max17048
from tests.kit.scale import one_in, only_in_full
from tests.kit.waiting import wait_for


def start(config: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "bodycamd.camera.sensors", "--config", str(config)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def configuration(folder: Path, battery: str = "{gauge: max17048, bus: simulated}", sensors: str = "readings.sock") -> Path:
    path = folder / "bodycamd.yaml"
    path.write_text(
        f"device_id: c\nsimulation_directory: .\nspeaker: {{output: simulated}}\n"
        f"board: {{adapter: simulated, sensors: {sensors}, battery: {battery}}}\n"
    )
    return path


def test_it_tells_what_the_gauge_says_and_ends_when_it_is_asked(tmp_path: Path) -> None:
    (tmp_path / "registers.json").write_text(json.dumps({"0x36": max17048(61, 3.9, -20)}))
    config = load(configuration(tmp_path))
    process = start(tmp_path / "bodycamd.yaml")
    link = SensorsLink(Path(config.board.sensors), SystemClock())
    battery = SensedBattery(config.board.battery, link)

    def read() -> tuple[str, float | None] | None:
        link.look()
        return battery.read() if link.heard else None

    assert wait_for(read) == ("ok", 61.0)
    assert link.reading().celsius is None or -60 <= link.reading().celsius <= 150  # type: ignore[operator]
    link.close()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not Path(config.board.sensors).exists()


@only_in_full
def test_a_gauge_that_fails_is_logged_once_and_told_every_time(tmp_path: Path) -> None:
    process = start(configuration(tmp_path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as reader:
        reader.settimeout(READ_SECONDS * 6)
        wait_for(lambda: reader.connect_ex(str(tmp_path / "readings.sock")) == 0)
        faults = [json.loads(reader.recv(2000))["fault"] for _ in range(2)]
    assert len(set(faults)) == 1
    assert "registers.json" in faults[0]
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said.count("registers.json") == 1, said


@one_in(3)
@pytest.mark.parametrize(
    ("battery", "sensors", "code", "words"),
    [
        ("{gauge: kernel}", "readings.sock", 78, "board.battery.supply"),
        ("{gauge: none}", "none/readings.sock", 69, "check board.sensors"),
        ("{gauge: none}", "x" * 120, 78, "board.sensors: the path"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(battery: str, sensors: str, code: int, words: str, tmp_path: Path) -> None:
    process = start(configuration(tmp_path, battery, sensors))
    _, said = process.communicate(timeout=60)
    assert (process.returncode, len(said.splitlines())) == (code, 1), said
    assert words in said
