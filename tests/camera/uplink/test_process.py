"""The uplink as a process: killed, refused, and with nothing to do."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.camera.installation.manifest import MAX_FETCHED_BYTES
from bodycamd.camera.uplink.__main__ import main
from tests.camera.uplink.sent import Pair, pair
from tests.camera.uplink.served import ROOT, ServedCamera, configured, limit, start, unit_limits
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as found:
        yield found


@only_in_full
def test_a_process_sends_it_all_and_says_so(sent: Pair, tmp_path: Path) -> None:
    sent.camera.record(segments=2)
    with ServedCamera(sent, tmp_path).served() as camera:
        process = start(configured(tmp_path, f"http://127.0.0.1:{sent.station.port}", camera.path))
        try:
            told = camera.commands.uplink
            assert told is not None
            wait_for(lambda: told.status().doing == "everything is sent", 60, "everything is sent")
            assert (told.status().segments, told.status().receipts) == (0, 2)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == -signal.SIGTERM
    sent.check_all_there()
    assert (tmp_path / "uplink.log").read_text() == ""


@only_in_full
def test_away_from_the_dock_it_sends_no_footage_and_still_asks_for_orders(sent: Pair, tmp_path: Path) -> None:
    sent.camera.record(segments=1)
    with ServedCamera(sent, tmp_path).served() as camera:
        config = configured(tmp_path, f"http://127.0.0.1:{sent.station.port}", camera.path, upload="dock", link="no-such-link")
        process = start(config)
        try:
            index = sent.station.orders.index
            wait_for(lambda: [one.device for one in index.presences() if one.state], 60, "it has asked, and said how it is")
            told = camera.commands.uplink
            assert told is not None
            assert told.status().doing == "waits for the dock"
        finally:
            process.kill()
            process.wait(10)
    assert sent.arrived() == {}
    assert not (sent.station.copy("cam-7") / "ledger").exists()


@only_in_full
def test_killed_again_and_again_it_goes_on(sent: Pair, tmp_path: Path) -> None:
    """By SIGKILL, wherever it is: after each thing more that it asked the recorder."""
    for _ in range(3):
        sent.camera.record(segments=2)
    with ServedCamera(sent, tmp_path).served() as camera:
        config = configured(tmp_path, f"http://127.0.0.1:{sent.station.port}", camera.path)
        told = camera.commands.uplink
        assert told is not None
        for kill in range(20):
            process = start(config)
            until = camera.asked + 1 + kill % 9
            wait_for(lambda until=until: camera.asked >= until, 60, "it asks")  # type: ignore[misc]
            process.kill()
            process.wait(10)
            if kill % 6 == 5:
                sent.station.close()
                sent.station.open()
        process = start(config)
        wait_for(lambda: told.status().doing == "everything is sent", 60, "everything is sent")
        process.kill()
        process.wait(10)
    sent.check_all_there()


@only_in_full
def test_without_a_station_or_a_recorder_it_waits_and_goes_on(sent: Pair, tmp_path: Path) -> None:
    sent.camera.record(segments=1)
    config = configured(tmp_path, f"http://127.0.0.1:{sent.station.port}", tmp_path / "control.sock")
    process = start(config)
    log = tmp_path / "uplink.log"
    try:
        wait_for(lambda: "no daemon listens" in log.read_text(), 60, "it says that nobody is there")
        sent.station.close()
        with ServedCamera(sent, tmp_path).served() as camera:
            told = camera.commands.uplink
            assert told is not None
            wait_for(lambda: "Connection refused" in told.status().doing, 60, "the recorder hears of it")
            sent.station.open()
            wait_for(lambda: told.status().doing == "everything is sent", 60, "everything is sent")
    finally:
        process.kill()
        process.wait(10)
    sent.check_all_there()


def test_is_wanted_says_whether_a_station_is_configured(tmp_path: Path) -> None:
    config = configured(tmp_path, "https://station.example.org", tmp_path / "s")
    assert main(["--config", str(config), "--is-wanted"]) == 0
    (tmp_path / "none.yaml").write_text("device_id: cam-7\n")
    assert main(["--config", str(tmp_path / "none.yaml"), "--is-wanted"]) == 1
    (tmp_path / "wrong.yaml").write_text("device: cam-7\n")
    assert main(["--config", str(tmp_path / "wrong.yaml"), "--is-wanted"]) == 78


WRONG = ["", "--is-wanted", "--config", "--config x --key", "--configs x", "--config x y z", "x"]


@pytest.mark.parametrize("words", WRONG)
def test_a_command_line_that_is_none_is_told(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    assert "usage: python -m bodycamd.camera.uplink --config FILE [--key]" in capsys.readouterr().err


@pytest.mark.parametrize(("key", "told"), [(None, "no key: this camera has not made one"), (b"none", "no key"), (b"x" * 4096, "no key")])
def test_without_its_key_it_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str], key: bytes | None, told: str) -> None:
    config = configured(tmp_path, "https://station.example.org", tmp_path / "s")
    (tmp_path / "uplink.key").unlink()
    if key is not None:
        (tmp_path / "uplink.key").write_bytes(key)
    assert main(["--config", str(config), "--key", str(tmp_path / "uplink.key"), "--state", str(tmp_path)]) == 78
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


TAKES: dict[str, str] = {
    "memory of its own": "while True: got.append(bytearray(4 << 20))",
    "memory that it shares": "while True: got.append(mmap.mmap(-1, 4 << 20))",
    "files": "while True: got.append(open('/dev/null'))",
    "a file in its folder": "got.append(open(sys.argv[1], 'wb', 0))\ngot[0].seek(511 << 20)\nwhile True: got[0].write(bytes(65536))",
}


@only_in_full
@pytest.mark.parametrize("what", TAKES)
def test_one_that_is_taken_over_gets_no_more_than_the_unit_says(tmp_path: Path, what: str) -> None:
    """Without the memory controller too: by limits of the process."""
    body = "\n".join(f"    {line}" for line in TAKES[what].splitlines())
    program = f"import mmap, os, sys\ngot = []\ninput()\ntry:\n{body}\nexcept (MemoryError, OSError) as error:\n    os._exit(7)"
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "file")], stdin=subprocess.PIPE)
    limit(process.pid)
    process.communicate(b"\n", timeout=30)
    assert process.returncode == 7


def test_it_has_no_place_to_fill() -> None:
    """Nor memory that nobody's limit counts."""
    unit = (ROOT / "systemd/bodycamd-uplink.service").read_text(encoding="utf-8")
    limits = unit_limits()
    assert limits[resource.RLIMIT_NOFILE] <= 16
    assert limits[resource.RLIMIT_FSIZE] <= MAX_FETCHED_BYTES
    assert limits[resource.RLIMIT_DATA] <= limits[resource.RLIMIT_AS] <= 256 << 20
    closed = " ".join(re.findall(r"^InaccessiblePaths=(.*)$", unit, re.MULTILINE)).replace("-/", "/").split()
    assert {"/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/var/lib/bodycamd"} <= set(closed)
    refused = " ".join(re.findall(r"^SystemCallFilter=~(.*)$", unit, re.MULTILINE)).split()
    assert {"memfd_create", "memfd_secret", "shmget"} <= set(refused)


def test_it_loads_little() -> None:
    """No picture, no sound, nothing that opens footage, no command of people's, and nothing of the station."""
    program = "import sys, bodycamd.camera.uplink.__main__; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ))
    loaded = set(found.stdout.split())
    assert "bodycamd.camera.uplink.station_link" in loaded
    heavy = {"av", "pyrage", "picamera2", "numpy", "typer", "rich", "jinja2", "babel", "httpx", "requests", "starlette", "sqlalchemy"}
    assert loaded & heavy == set()
    assert not {name for name in loaded if name.startswith(("bodycamd.municipality", "bodycamd.cli", "bodycamd.workshop"))}
