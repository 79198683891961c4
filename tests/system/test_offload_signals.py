"""Offload, ended by a signal at any moment: it never states that all is there while it is not, and the next one completes it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bodycamd.evidence.keys import PublicKey
from bodycamd.municipality.verify.verify import verify
from tests.kit.camera import Camera
from tests.kit.scale import nightly_count, only_in_full

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BLOCKED_AT_FIRST = """
import signal, sys
from bodycamd.cli import main
import bodycamd.camera.keeping.offload, bodycamd.camera.keeping.opening, bodycamd.linux.clock, bodycamd.config.settings
print("imported", flush=True)
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    made = Camera(tmp_path_factory.mktemp("camera"))
    with made:
        for _ in range(3):
            made.skip_warning_and_record()
            made.stop_recording()
            made.wait_state("standby")
        assert made.stop() == 0, made.journal
    return made


def offload(camera: Camera, disk: Path) -> subprocess.Popen[str]:
    """Started, and about to begin."""
    arguments = ["offload", "--to", str(disk), "--store", str(camera.store), "--same-disk", "--config", str(camera.config)]
    arguments += ["--socket", str(camera.device / "none.sock")]
    command = [sys.executable, "-c", BLOCKED_AT_FIRST, *arguments]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TERM": "dumb"})
    assert started.stdout is not None
    assert started.stdout.readline() == "imported\n"
    return started


@only_in_full
@pytest.mark.timeout(1200)
def test_a_signal_never_makes_less_look_like_all(camera: Camera, tmp_path: Path) -> None:
    registered = PublicKey.from_pem(camera.device_pem)
    (whole := tmp_path / "whole").mkdir()
    began = time.monotonic()
    first = offload(camera, whole)
    first.communicate(timeout=30)
    assert first.returncode == 0
    lasts = time.monotonic() - began
    files = {str(path.relative_to(whole)) for path in whole.glob("recordings/*/*")}
    chance = random.Random(8)
    for number in range(nightly_count(50)):
        disk = tmp_path / "disk"
        shutil.rmtree(disk, ignore_errors=True)
        disk.mkdir()
        stated = len(camera.ledger("offloaded"))
        running = offload(camera, disk)
        time.sleep(chance.uniform(0, lasts))  # no condition is waited for: any moment will do
        running.send_signal(SIGNALS[number % len(SIGNALS)])
        _, said = running.communicate(timeout=30)
        there = {str(path.relative_to(disk)) for path in disk.glob("recordings/*/*.tar")}
        assert "Traceback" not in said
        assert running.returncode != 0 or there == files
        for entry in camera.ledger("offloaded")[stated:]:
            assert entry["detail"]["failed"] == 0
            assert there == files
        again = offload(camera, disk)
        again.communicate(timeout=30)
        assert again.returncode == 0
        assert {str(path.relative_to(disk)) for path in disk.glob("recordings/*/*")} == files
        assert not [path for path in disk.rglob("*") if path.name.endswith(".part")]
        assert verify(disk, registered).verdict in ("intact", "incomplete"), "a busy machine may have cost a picture: a stated gap"
