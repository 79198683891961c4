"""Making a package: what a person sees meanwhile, and a disk that is too small."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.municipality.report.test_package import RECORDING, export

pytestmark = only_in_full


@pytest.fixture(scope="module")
def camera(eventful_camera: Camera) -> Camera:
    return eventful_camera


def test_a_bar_is_shown_to_a_person_and_to_nobody_else(camera: Camera, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bodycamd.cli.main", "export", RECORDING, "--store", str(camera.store)]
    command += ["--identity", str(camera.identity), "--out", str(tmp_path / "case"), "--overwrite"]
    quiet = subprocess.run(command, capture_output=True, text=True)
    assert RECORDING not in quiet.stderr.replace("000001.cut.tar", "")
    main_end, other_end = pty.openpty()
    shown = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=other_end, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
    os.close(other_end)
    said = b""
    try:
        while piece := os.read(main_end, 65536):
            said += piece
    except OSError:  # the other end is closed: how a terminal ends
        said += b""
    os.close(main_end)
    assert shown.wait(60) == 0
    assert RECORDING.encode() in said


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_leaves_nothing(camera: Camera, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small"
    small.mkdir()
    needed = sum(path.stat().st_size for path in camera.segments())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={needed // 2}", "none", small], check=True)
    try:
        for name in ("case", "film.mp4"):
            assert export(camera, small / name) == 73
            assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)
    assert "No space left" in capsys.readouterr().err
