"""`bodycamd simulate` with the real daemon: the folder it makes, the time line it prints, what the evidence officer gets out of it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shlex
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.camera.control.state import CALM_US
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.cli.main import main
from bodycamd.cli.simulate import _next_steps
from bodycamd.errors import BodycamError
from bodycamd.evidence.keys import PublicKey
from bodycamd.linux.readable import readable
from bodycamd.workshop.simulation.folder import prepare
from tests.config.conftest import write_wav
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

BODYCAMD = [sys.executable, "-m", "bodycamd.cli.main"]
SMALL = """device_id: test-07
record_warning: true
pre_event_seconds: 2
video: {width: 320, height: 180, frame_rate: 15, bit_rate: 300000}
board: {gpio: {ready_led: 5}}
warning: {file: short.wav}
"""
SCRIPT = "3 tap\n5 tap\n7.1 hold 2.1\n9.6 tap\n12.5 quit\n"


@dataclass(frozen=True)
class Ran:
    folder: Path
    lines: list[dict[str, Any]]
    status: dict[str, Any]

    def all_at(self, text: str) -> list[float]:
        found = [float(line["at_seconds"]) for line in self.lines if text in line["text"]]
        assert found, f"{text!r} not in {[line['text'] for line in self.lines]}"
        return found

    def at(self, text: str) -> float:
        return self.all_at(text)[0]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One simulated press, warning, recording, marker, hold, press that stops."""
    folder = tmp_path_factory.mktemp("s")
    write_wav(folder / "short.wav", 1.0)
    (folder / "policy.yaml").write_text(SMALL)
    command = [*BODYCAMD, "simulate", "--dir", str(folder / "d"), "--script", "-", "--config", str(folder / "policy.yaml"), "--json"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdin is not None
    child.stdin.write(SCRIPT)
    child.stdin.close()
    child.stdin = None

    def recording() -> dict[str, Any] | None:
        """Asked without a command of its own: that may take longer on a busy machine than the recording lasts."""
        try:
            with ControlClient(folder / "d/device/control.sock") as client:
                answer: dict[str, Any] = json.loads(bytes(client.ask(b'{"command":"status"}\n')))
        except BodycamError:
            return None
        return answer if answer.get("recording") else None

    try:
        status = wait_for(recording, 40, "a recording")
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0, err
    assert err == ""
    assert status is not None
    return Ran(folder / "d", [json.loads(line) for line in out.splitlines()], status)


def test_the_folder(ran: Ran) -> None:
    keys = ran.folder / "keys"
    comment, public, secret = (keys / "identity.txt").read_text().splitlines()
    assert comment.startswith("# created: 20")
    assert secret.startswith("AGE-SECRET-KEY-1")
    assert stat.S_IMODE((keys / "identity.txt").stat().st_mode) == 0o600
    keygen = ["age-keygen", "-y", str(keys / "identity.txt")]
    derived = subprocess.run(keygen, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    assert public == f"# public key: {derived}"
    assert (keys / "recipients.txt").read_text() == f"{derived}\n" == (ran.folder / "device/recipients.txt").read_text()
    PublicKey.from_pem((keys / "device.pem").read_bytes())
    for name in ("bodycamd.yaml", "signing", "board.jsonl", "warnings/nl.wav"):
        assert (ran.folder / "device" / name).exists()
    held = b"".join(path.read_bytes() for path in (ran.folder / "device").rglob("*") if path.is_file())
    assert b"AGE-SECRET-KEY" not in held
    assert secret.encode() not in held


def test_the_configuration_keeps_the_policy_and_names_no_place_outside(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ran.folder / "device/bodycamd.yaml").read_text()
    assert str(ran.folder) not in text
    for words in ("device_id: test-07", "pre_event_seconds: 2", "width: 320", "adapter: simulated", "ready_led: 5", "../store"):
        assert words in text
    assert main(["config", "check", str(ran.folder / "device/bodycamd.yaml")]) == 0


def test_the_time_line(ran: Ran) -> None:
    assert ran.at("ready") == 0
    assert ran.at("presses the button") == pytest.approx(3.0, abs=0.3)
    assert ran.at("presses the button") <= ran.at("LED: blinks fast") <= ran.at("LED: steady on")
    assert -0.01 <= ran.at("the warning has been spoken") - ran.at("speaks the warning (1.0 s)") - 1.0 < 2.0  # as noticed
    safe = ran.at("The first part of recording 000001-0001 is safe on the disk.")
    assert any(at == pytest.approx(safe, abs=0.5) for at in ran.all_at("LED: steady on"))
    assert ran.at("Recording 000001-0001 begins") < ran.at("arker") < ran.at("Recording 000001-0001 ends after")
    facts = [line["text"] for line in ran.lines if line["sense"] == "footage"]
    assert [text for text in facts if "_" in text or not (text[0].isupper() and text.endswith("."))] == []
    assert ran.at("vibrates: two short pulses") == pytest.approx(safe, abs=0.5)
    assert ran.at("short flash") < 3.0
    assert ran.at("green LED: on") < 1
    assert ran.lines[-1]["text"] == "ended with exit code 0"
    assert {line["sense"] for line in ran.lines} >= {"does", "sees", "hears", "feels", "footage", "camera"}
    board = [line["at_us"] for line in ran.lines if line["sense"] in ("does", "sees", "hears", "feels")]
    assert board == sorted(board)


def test_the_status_while_it_recorded(ran: Ran) -> None:
    assert ran.status["state"] in ("warning", "recording", "closing")
    assert ran.status["device_id"] == "test-07"
    assert ran.status["recording"] == "000001-0001"


@only_in_full
def test_the_evidence_officers_commands(ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(ran.folder / "store")]
    assert main(["recordings", "list", *store, "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["recording"], listed["state"]) == ("000001-0001", "closed")
    assert main(["recordings", "show", "000001-0001", *store, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["files"]) == listed["segments"]
    for line in (["list"], ["show", "000001-0001"]):
        assert main(["recordings", *line, *store]) == 0
        assert "000001-0001" in capsys.readouterr().out

    identity = ["--identity", str(ran.folder / "keys/identity.txt")]
    film, sheet = tmp_path / "film.mp4", tmp_path / "sheet.png"
    assert main(["export", "000001-0001", *store, *identity, "--out", str(film), "--contact-sheet", str(sheet), "--json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert exported["parts"][0]["path"] == str(film)
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert main(["export", "000001-0001", *store, *identity, "--out", str(film)]) == 73
    assert main(["export", "000001-0009", *store, *identity, "--out", str(tmp_path / "b.mp4")]) == 66
    assert main(["contact-sheet", str(film), str(tmp_path / "second.png"), "--columns", "2", "--rows", "1"]) == 0
    if listed["segments"] > 1:  # the camera was stalled by a busy machine and replaced; film/test_export.py has the packets of parts
        return
    hashes = []
    stock = f"tar -xf {ran.folder}/store/recordings/000001-0001/000000.tar --wildcards '*.age' --to-command='age -d -i {identity[1]}'"
    for source in (f"cat {film}", stock):
        command = f"{source} > {tmp_path}/x.mp4 && ffmpeg -v error -i {tmp_path}/x.mp4 -map 0 -c copy -f streamhash -hash sha256 -"
        hashes.append(subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=60).stdout)
    assert hashes[0] == hashes[1] != b""


@only_in_full
def test_used_again_it_keeps_keys_and_configuration_and_stops_on_ctrl_c(ran: Ran) -> None:
    kept = {path: path.read_bytes() for path in (*(ran.folder / "keys").iterdir(), ran.folder / "device/bodycamd.yaml")}
    socket = ran.folder / "device/control.sock"
    assert not socket.exists()
    command = [*BODYCAMD, "simulate", "--dir", str(ran.folder), "--script", "-"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.write(b"0 tap\n60 quit\n")
    child.stdin.close()
    child.stdin = None
    try:
        wait_for(lambda: any((ran.folder / "store/recordings").glob("000002-0001/*.tar.part")), 40, "a recording of the second start")
        second = subprocess.run(command, input=b"", capture_output=True, timeout=40)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=40)
    finally:
        child.kill()
        child.wait()
    assert second.returncode == 69, second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert b"another simulation" in second.stderr
    assert child.returncode == 0
    assert b"ends after" in out
    assert not any((ran.folder / "store/recordings").glob("*/*.part"))
    assert {path: path.read_bytes() for path in kept} == kept


@only_in_full
def test_a_terminal_that_is_closed_takes_the_camera_along(tmp_path: Path) -> None:
    """SIGHUP: the camera seals what it records and ends; it does not record on alone."""
    write_wav(tmp_path / "short.wav", 1.0)
    (tmp_path / "policy.yaml").write_text(SMALL)
    command = [*BODYCAMD, "simulate", "--dir", str(tmp_path / "d"), "--script", "-", "--config", str(tmp_path / "policy.yaml")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.write(b"0 tap\n60 quit\n")
    child.stdin.close()
    child.stdin = None
    recordings = tmp_path / "d/store/recordings"
    try:
        wait_for(lambda: any(recordings.glob("000001-0001/*.tar.part")), 40, "a recording")
        child.send_signal(signal.SIGHUP)
        out, _ = child.communicate(timeout=40)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0
    assert b"ends after" in out
    assert not (tmp_path / "d/device/control.sock").exists()
    assert not any(recordings.glob("*/*.part"))


@only_in_full
def test_sigterm_takes_the_camera_along_and_a_script_without_quit_ends_by_itself(tmp_path: Path) -> None:
    write_wav(tmp_path / "short.wav", 1.0)
    (tmp_path / "policy.yaml").write_text(SMALL)
    command = [*BODYCAMD, "simulate", "--dir", str(tmp_path / "d"), "--script", "-"]
    script = b"0 tap\n2.1 hold 2.1\n4.7 tap\n"
    run = subprocess.run([*command, "--config", str(tmp_path / "policy.yaml")], input=script, capture_output=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"ends after" in run.stdout
    kept, shown = run.stdout.decode().splitlines()[-2:]
    assert kept.startswith(f"kept in {tmp_path / 'd'}: ")
    pasted = shown.removeprefix("to watch it: bodycamd ")
    subprocess.run(["bash", "-c", f"{shlex.join(BODYCAMD)} {pasted}"], check=True, capture_output=True, timeout=60)
    assert (tmp_path / "d/000001-0001.mp4").read_bytes()[4:8] == b"ftyp"

    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.write(b"60 quit\n")
    child.stdin.close()
    try:
        wait_for((tmp_path / "d/device/control.sock").exists, 40, "the control socket")
        child.terminate()
        assert child.wait(40) in (0, 130)
    finally:
        child.kill()
        child.wait()
    assert not (tmp_path / "d/device/control.sock").exists()


@only_in_full
def test_by_hand_on_a_terminal(tmp_path: Path) -> None:
    write_wav(tmp_path / "short.wav", 1.0)
    (tmp_path / "policy.yaml").write_text(SMALL)
    command = [*BODYCAMD, "simulate", "--dir", str(tmp_path / "d"), "--config", str(tmp_path / "policy.yaml")]
    controller, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    child = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    seen = bytearray()

    def sees(words: bytes) -> bool:
        with contextlib.suppress(OSError):  # EIO: the other end of the terminal is closed
            while readable(controller):
                seen.extend(os.read(controller, 65536))
        return words in seen

    def looks_on(seconds: float) -> None:
        """The officer's time."""
        end = time.monotonic() + seconds
        wait_for(lambda: sees(b"") and time.monotonic() > end, seconds + 20, "the time")

    try:
        wait_for(lambda: sees(b"standby"), 40, "the view")
        os.write(controller, b" ")
        wait_for(lambda: sees(b"speaks the warning"), 20, "the warning in the view")
        wait_for(lambda: sees("●".encode()), 20, "the LED lit")
        wait_for(lambda: sees(b"Recording 000001-0001 begins"), 20, "the recording")
        looks_on(CALM_US / 1e6)
        os.write(controller, b"d")
        wait_for(lambda: sees(b"pressed"), 20, "the button pressed")
        looks_on(2.5)
        os.write(controller, b"d")
        looks_on(0.6)
        os.write(controller, b" ")
        wait_for(lambda: sees(b"Recording 000001-0001 ends"), 20, "the recording sealed by hold, release and press")
        os.write(controller, b"q")
        end = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < end:
            sees(b"")
        assert child.returncode == 0
    finally:
        child.kill()
        child.wait()
        os.close(controller)
    assert b"Traceback" not in seen


def test_a_folder_with_too_long_a_name_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script").write_text("1 quit\n")
    assert main(["simulate", "--dir", str(tmp_path / ("x" * 100)), "--script", str(tmp_path / "script")]) == 78
    assert "control.socket" in capsys.readouterr().err


@only_in_full
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--source", "webcam"], 78, "pattern, file:PATH"),
        (["--source", "file:/nowhere.h264"], 66, "no such film"),
        (["--config", "/nowhere.yaml"], 78, "No such file"),
    ],
)
def test_wrong_options(tmp_path: Path, options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script").write_text("1 quit\n")
    assert main(["simulate", "--dir", str(tmp_path / "d"), "--script", str(tmp_path / "script"), *options]) == code
    err = capsys.readouterr().err
    assert words in err
    assert len(err.splitlines()) == 1


@only_in_full
def test_a_daemon_that_does_not_start_passes_its_code_on(ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script").write_text("1 quit\n")
    assert main(["simulate", "--dir", str(tmp_path / "d"), "--script", str(tmp_path / "none")]) == 66
    folder = tmp_path / "d"
    (folder / "store").mkdir(parents=True)
    (folder / "store" / ".lock").mkdir()  # the store cannot be opened
    assert main(["simulate", "--dir", str(folder), "--script", str(tmp_path / "script")]) == 65
    assert "the camera did not start" in capsys.readouterr().err


def test_the_last_line_names_the_simulations_identity_only_where_it_opens(tmp_path: Path) -> None:
    folder, settings = prepare(tmp_path / "d", None, None)
    (folder.store / "recordings" / "000001-0001").mkdir()
    own = str(folder.keys / "identity.txt")
    assert own in "\n".join(_next_steps(folder, settings))
    by_roster = "\n".join(_next_steps(folder, replace(settings, keys=replace(settings.keys, root="root.json"))))
    assert own not in by_roster
    assert "IDENTITY is that of somebody whom the roster names" in by_roster
    (folder.device / "recipients.txt").write_text("age1another\n")
    assert "recipients.txt names: nothing was sealed to the key in keys" in "\n".join(_next_steps(folder, settings))
