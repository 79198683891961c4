"""What an emulated Pi recorded is judged on this computer, of another processor: verified twice, opened and played with stock tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.camera.capture.films import marked_film
from tests.kit import stock_tools

pytestmark = [pytest.mark.arm64, pytest.mark.root, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[3]
MARKER = b"recorded by another processor"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the program inside told, and the folder that it left."""

    told: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recorded]:
    """`BODYCAMD_ARM64_ROOT` names the root; `scripts/test-arm64` makes it and sets this."""
    if "BODYCAMD_ARM64_ROOT" not in os.environ:
        pytest.skip("needs the root that scripts/test-arm64 makes")
    root = Path(os.environ["BODYCAMD_ARM64_ROOT"]).resolve()
    bench = root / "bench"
    shutil.rmtree(bench, ignore_errors=True)
    bench.mkdir()
    marked_film(bench / "film.h264", MARKER, seconds=300)
    program = ["/opt/bodycamd/bin/python", "-m", "tests.system.arm64.record", "/bench/camera", "/bench/film.h264"]
    inside = [str(REPOSITORY / "scripts/inside"), str(root), "env", "-C", "/usr/src/bodycamd", "HOME=/root", *program]
    done = subprocess.run(inside, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    yield Recorded(json.loads(done.stdout), bench / "camera")
    shutil.rmtree(bench)


def test_the_processor_is_a_pis_and_the_daemon_ends_in_order(recorded: Recorded) -> None:
    assert recorded.told["machine"] == "aarch64"
    assert recorded.told["exit_code"] == 0
    assert len(recorded.told["recordings"]) == 1


def test_what_is_not_in_force_there_is_stated(recorded: Recorded) -> None:
    """QEMU passes neither Landlock nor seccomp on to the kernel: the worker says so, and records."""
    assert "no Landlock" in recorded.told["sandbox"]


def test_both_verifiers_find_nothing_amiss_but_gaps_that_are_stated(recorded: Recorded) -> None:
    """An emulated processor keeps no time: pictures that it missed are stated as gaps, and nothing else may be missing."""
    store, key = recorded.folder / "store", recorded.folder / "device.pem"
    codes = []
    for verifier in ([".venv/bin/bodycamd", "verify"], ["scripts/verify.sh"]):
        done = subprocess.run([*verifier, "--store", store, "--device-key", key], cwd=REPOSITORY, capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode in (0, 3), said
        assert (done.returncode == 3) == ("stated gaps of" in said), said
        assert recorded.told["recordings"][0] in said
        codes.append(done.returncode)
    assert codes[0] == codes[1]


def test_the_film_plays_and_is_what_was_filmed(recorded: Recorded, tmp_path: Path) -> None:
    segments = sorted((recorded.folder / "store/recordings").glob("*/*.tar"))
    assert segments
    for number, segment in enumerate(segments):
        film = stock_tools.play(segment, recorded.folder / "identity.txt", tmp_path / f"{number}.mp4")
        stock_tools.decodes(film)
        assert MARKER in film.read_bytes()
        (stream,) = stock_tools.probe(film)["streams"]
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 320, 240)
