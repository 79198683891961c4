"""No key, no plaintext: what a thief of the camera, or of its memory card, or a reader of the recorder's memory finds."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

import pytest

from tests.camera.capture.films import marked_film
from tests.kit import stock_tools
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

MARKER_BYTES = 32


def occurrences(pid: int, needle: bytes) -> int:
    """How often the bytes stand in the readable memory of a process."""
    found = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            bounds, rights, *_ = line.split()
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            first, last = (int(bound, 16) for bound in bounds.split("-"))
            memory.seek(first)
            left, tail = last - first, b""
            while left:
                chunk = memory.read(min(left, 4 * 1024 * 1024))
                if not chunk:
                    break
                found += (tail + chunk).count(needle)
                tail, left = chunk[-len(needle) + 1 :], left - len(chunk)
    return found


@pytest.fixture(scope="module")
def marker() -> bytes:
    return bytes(byte or 1 for byte in secrets.token_bytes(MARKER_BYTES))


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory, marker: bytes) -> Camera:
    """A camera in the middle of a recording whose every frame holds the marker."""
    folder = tmp_path_factory.mktemp("camera")
    film = marked_film(folder / "marked.h264", marker)
    camera = Camera(folder, {"video": {"source": "file", "file": str(film), "frame_rate": 10}})
    camera.start()
    camera.skip_warning_and_record()
    camera.wait_event("FragmentDurable", 3)
    return camera


@pytest.fixture(autouse=True, scope="module")
def ended(camera: Camera) -> object:
    yield
    camera.kill()


@only_in_full
def test_the_recorders_memory_holds_no_plaintext(camera: Camera, marker: bytes) -> None:
    worker = camera.status()["capture"]["pid"]
    assert occurrences(worker, marker) > 0, "the marker must be in the worker, else this test finds nothing anywhere"
    assert occurrences(camera.process.pid, marker) == 0
    for child in Path(f"/proc/{camera.process.pid}/task").glob("*/children"):
        for pid in child.read_text().split():
            if "voice" in Path(f"/proc/{pid}/cmdline").read_text():
                assert occurrences(int(pid), marker) == 0


@only_in_full
def test_the_worker_is_not_dumpable_and_leaves_no_core(camera: Camera) -> None:
    worker = camera.status()["capture"]["pid"]
    limits = Path(f"/proc/{worker}/limits").read_text()
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]
    assert "not dumpable" in camera.status()["capture"]["sandbox"]
    assert os.stat(f"/proc/{worker}/mem").st_uid == 0, "the kernel gives a process that may not be dumped to root"


@only_in_full
def test_its_memory_and_the_recorders_are_kept_out_of_swap(camera: Camera) -> None:
    """Locked where this machine allows it; in any case `status` says what is in force. tests/machine has a kernel that swaps."""
    status = camera.status()
    locked = [int(_field(pid, "VmLck").split()[0]) for pid in (camera.process.pid, status["capture"]["pid"])]
    assert (locked[1] > 10_000) is (status["capture"]["unlocked"] is None)
    assert (min(locked) > 10_000) is ("memory is locked" in status["swap"]["because"])
    assert (status["swap"]["state"] == "degraded") is ("swap_degraded" in status["flags"])
    assert os.geteuid() != 0 or status["swap"]["state"] == "closed"


def _field(pid: int, name: str) -> str:
    return next(line.split(":", 1)[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name + ":"))


@only_in_full
def test_another_user_cannot_read_the_workers_memory(camera: Camera) -> None:
    worker = camera.status()["capture"]["pid"]
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            Path(f"/proc/{worker}/mem").read_bytes()
        return
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "cat", f"/proc/{worker}/environ"], capture_output=True)
    assert done.returncode != 0


def test_nothing_on_the_card_is_plaintext_or_opens_it(camera: Camera, marker: bytes, tmp_path: Path) -> None:
    camera.stop_recording()
    wait_for(lambda: camera.segments() and camera.segments()[-1].suffix == ".tar", what="the sealed segment")
    segment = camera.segments()[-1]
    film = stock_tools.play(segment, camera.identity, tmp_path / "film.mp4").read_bytes()
    assert marker in film, "with the private key the marker is there"
    # More than a box's four letters: those come up by chance, also in the base64 of an age file's head.
    heads = (film[4:12], b"moof\0\0\0\x10mfhd")
    assert heads[0].startswith(b"ftyp")
    assert heads[1] in film
    files = [path for folder in (camera.device, camera.store) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        data = path.read_bytes()
        assert marker not in data, path
        assert b"AGE-SECRET-KEY" not in data.upper(), path
        if path.suffix != ".wav":
            assert not any(head in data for head in heads), path
    (age_file, *_) = [member for member in stock_tools.extract(segment, tmp_path / "members") if member.suffix == ".age"]
    for path in files:
        done = subprocess.run(["age", "-d", "-i", str(path), str(age_file)], capture_output=True, stdin=subprocess.DEVNULL)
        assert done.returncode != 0, f"{path} opens the footage"
