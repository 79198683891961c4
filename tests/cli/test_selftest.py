"""`bodycamd selftest` as a technician calls it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bodycamd.camera.selftest.verdict import CHECKS
from bodycamd.cli.main import main
from bodycamd.workshop.simulation.folder import prepare
from tests.kit.camera import WARNING, Camera
from tests.kit.scale import only_in_full

HEARS_THE_WARNING = {"microphone": {"source": "file", "file": str(WARNING)}}


@only_in_full
def test_the_target_is_a_page_that_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "target.svg"
    assert main(["selftest", "--target", str(target)]) == 0
    page = ElementTree.fromstring(target.read_text())
    assert page.attrib["width"] == "210mm"
    assert "this side up / deze kant boven" in "".join(page.itertext())
    assert main(["selftest", "--target", str(target)]) == 73, "it is not overwritten"
    assert main(["selftest", "--target", str(tmp_path / "target.png")]) == 2


@only_in_full
@pytest.mark.skipif(None in (shutil.which("chromium"), shutil.which("pdftoppm")), reason="takes Chromium and poppler-utils")
def test_the_printed_target_is_one_page_of_its_exact_size(tmp_path: Path) -> None:
    """As a printer sees it at 100 %: A4, and the square of 170 mm where it is drawn, to a third of a millimetre."""
    target, dots = tmp_path / "target.pdf", 300 / 25.4
    assert main(["selftest", "--target", str(target)]) == 0
    told = subprocess.run(["pdfinfo", target], capture_output=True, text=True, check=True).stdout
    assert "Pages:           1\n" in told
    size = next(line for line in told.splitlines() if line.startswith("Page size:")).split()
    assert [round(float(size[at]) / 72 * 25.4) for at in (2, 4)] == [210, 297]
    subprocess.run(["pdftoppm", "-r", "300", "-gray", "-singlefile", target, tmp_path / "page"], check=True)
    kind, dimensions, _, pixels = (tmp_path / "page.pgm").read_bytes().split(b"\n", 3)
    width, height = map(int, dimensions.split())
    assert kind == b"P5"
    across = pixels[round(60 * dots) * width :][:width]  # amid the second row of blocks, whose right four fifths are black
    dark = [x / dots for x, level in enumerate(across) if level < 128]
    assert abs(dark[0] - 19.5) < 0.34, "the frame, 1 mm wide"
    assert abs(dark[-1] - 190.5) < 0.34
    down = [pixels[y * width + round(185 * dots)] for y in range(round(215 * dots))]
    dark = [y / dots for y, level in enumerate(down) if level < 128]
    assert abs(dark[0] - 39.5) < 0.34
    assert abs(dark[-1] - 210.5) < 0.34
    margin = round(8 * dots)
    edges = b"".join(pixels[y * width :][:margin] + pixels[(y + 1) * width - margin :][:margin] for y in range(height))
    assert min(edges) == 255, "printers leave the edge white: nothing may stand there"


def test_a_running_daemon_keeps_its_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = Camera(tmp_path)
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(str(camera.device / "control.sock"))
        daemon.listen()
        assert main(["selftest", "--config", str(camera.config)]) == 75
    assert "stop it first: systemctl stop bodycamd" in capsys.readouterr().err
    assert not (camera.device / "board.jsonl").exists(), "no part was touched"


@only_in_full
@pytest.mark.parametrize("language", ["nl", "en"])
def test_all_of_it_without_a_terminal(tmp_path: Path, language: str) -> None:
    """Nobody is there to press or to notice: what is left is checked, and the daemon can start afterwards."""
    camera = Camera(tmp_path, HEARS_THE_WARNING)
    command = [sys.executable, "-m", "bodycamd.cli.main", "selftest", "--config", str(camera.config)]
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = json.loads(told.stdout)
    assert found["device"] == "test-1"
    assert abs(datetime.fromisoformat(found["at"]).timestamp() - time.time()) < 600
    outcomes = {verdict["check"]: verdict["outcome"] for verdict in found["checks"]}
    assert set(outcomes) == set(CHECKS)
    failed = {check for check, outcome in outcomes.items() if outcome == "failed"}
    assert failed <= {"clock", "space", "swap", "disk"}, "what this machine may lack"
    assert (told.returncode, found["go"]) == ((3, False) if failed else (0, True))
    read = subprocess.run([*command, "--language", language], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert read.stdout.splitlines()[-1] == ("NO GO" if failed else "GO")
    assert ("Er is niemand om de knop" if language == "nl" else "There is nobody to press") in read.stdout
    with camera:
        assert camera.status()["state"] == "standby"


@only_in_full
def test_a_simulated_camera_as_it_is_made_fails_in_nothing_that_is_simulated(tmp_path: Path) -> None:
    """The folder of `bodycamd simulate`, test tone and all: what is left is this computer's own."""
    folder, _ = prepare(tmp_path / "demo", None, None)
    command = [sys.executable, "-m", "bodycamd.cli.main", "selftest", "--config", str(folder.config), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout)
    assert {verdict["check"] for verdict in told["checks"] if verdict["outcome"] == "failed"} <= {"clock", "space", "swap", "disk"}
    outcomes = {verdict["check"]: verdict["outcome"] for verdict in told["checks"]}
    assert (outcomes["movement"], outcomes["microphone"], outcomes["speaker"]) == ("passed", "passed", "not_checked")
