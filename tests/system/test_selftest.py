"""Go or no go, asked of a daemon that runs: what lamp, motor and ledger say of it, and that a press goes first."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.control.indicator import TABLE
from bodycamd.cli.main import main
from tests.kit.camera import WARNING, Camera
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

SECONDS = 0.6


HUM = "hum.wav"
"""A microphone that hears the mains, and no loudspeaker."""


def hears(folder: Path, **settings: Any) -> Camera:
    """A camera with a short warning, and a microphone that hears it."""
    warning = folder / "warning.wav"
    with wave.open(str(WARNING)) as whole, wave.open(str(warning), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(round(SECONDS * whole.getframerate())))
    file = {"warning": {"file": str(warning)}, "microphone": {"source": "file", "file": str(warning)}}
    return Camera(folder / "camera", {**file, **settings})


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    with hears(tmp_path) as running:
        yield running


def asked(camera: Camera) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bodycamd.cli.main", "selftest", "--officer", "--json", "--config", str(camera.config)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def flashes(camera: Camera, since_us: int) -> list[bool]:
    return [line["on"] for line in camera.timeline("lamp") if line["at_us"] >= since_us and line["on"]]


@only_in_full
def test_go_is_shown_felt_and_in_the_ledger(camera: Camera) -> None:
    told, said = asked(camera).communicate(timeout=60)
    found = json.loads(told)
    failed = [verdict["check"] for verdict in found["checks"] if verdict["outcome"] == "failed"]
    assert set(failed) <= {"space", "swap"}, (failed, said, "what this machine may lack")
    assert camera.status()["state"] == "standby"
    [entry] = wait_for(lambda: camera.ledger("self_tested"), 10, "the entry")
    assert entry["detail"]["outcome"] == ("failed" if failed else "passed")
    assert [entry["detail"]["caller"]["via"] for entry in camera.ledger("parts_checked")] == ["control_socket"]
    row = TABLE["check_failed" if failed else "check_passed"]
    wait_for(lambda: len(flashes(camera, 0)) >= sum(on for on, _ in row.lamp.steps), 10, "the flashes")
    assert camera.ledger("recording_opened") == [], "nothing was recorded"


@only_in_full
def test_a_press_goes_first(camera: Camera) -> None:
    asking = asked(camera)
    wait_for(lambda: any(line["event"] == "started" for line in camera.timeline("voice")), 60, "the check's warning")
    camera.tap()
    _, said = asking.communicate(timeout=60)
    assert asking.returncode == 75
    assert "the button was pressed" in said
    camera.wait_state("recording")
    wait_for(lambda: camera.of("FragmentDurable"), 30, "footage")


@only_in_full
def test_while_it_records_nothing_is_checked(camera: Camera, capsys: pytest.CaptureFixture[str]) -> None:
    camera.tap()
    camera.wait_state("recording")
    assert main(["selftest", "--officer", "--config", str(camera.config)]) == 75
    assert "checked in standby only, and never while it records" in capsys.readouterr().err
    assert camera.ledger("self_tested") == []


@only_in_full
@pytest.mark.parametrize(
    ("settings", "check"),
    [
        ({"microphone": {"source": "file", "file": HUM}}, "speaker"),
        ({"microphone": {"source": "alsa", "device": "plughw:CARD=Nowhere,DEV=0"}}, "microphone"),
        ({"speaker": {"output": "alsa", "device": "plughw:CARD=Nowhere,DEV=0"}}, "voice"),
        ({"storage": {"directory": "../store", "reserve_minutes": 240}, "video": {"bit_rate": 10_000_000}}, "space"),
    ],
)
def test_a_broken_part_is_no_go(tmp_path: Path, settings: dict[str, Any], check: str) -> None:
    with wave.open(str(tmp_path / HUM), "wb") as hum:
        hum.setparams((1, 2, 48_000, 0, "NONE", ""))
        hum.writeframes(b"".join(struct.pack("<h", round(8000 * math.sin(at * math.tau / 960))) for at in range(48_000)))
    if settings.get("microphone", {}).get("file") == HUM:
        settings = {"microphone": {"source": "file", "file": str(tmp_path / HUM)}}
    with hears(tmp_path, **settings) as camera:
        asking = asked(camera)
        told, _ = asking.communicate(timeout=60)
        outcomes = {verdict["check"]: verdict["outcome"] for verdict in json.loads(told)["checks"]}
        if check != "space" or camera.status()["storage"]["minutes_left"] < 240:
            assert (asking.returncode, outcomes[check]) == (3, "failed")


def test_without_a_daemon_there_is_nobody_to_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = Camera(tmp_path)
    assert main(["selftest", "--officer", "--config", str(camera.config)]) == 69
    assert "no daemon listens here" in capsys.readouterr().err
