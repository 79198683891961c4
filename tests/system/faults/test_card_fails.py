"""Real disks that fail, under the whole real daemon: a full one, a mount that vanishes, a card that is slow or fails every write, a store
of another owner. Needs root, for the mounts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bodycamd.linux.clock import boottime_us
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for
from tests.system.faults import launch
from tests.system.faults.camera import FaultyCamera, figure, long_one
from tests.system.faults.card import SLOW, Card, missing

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(missing()), reason=missing())]
RESERVE = 4 << 20


@long_one
def test_full_and_emptied(tmp_path: Path) -> None:
    """A real full disk: the recording is closed and sealed above the ledger's reserve; a press is refused, seen, felt and noted."""
    with (
        tmpfs(tmp_path / "disk", "24M") as disk,
        FaultyCamera(tmp_path / "camera", {"storage": {"directory": str(disk / "store")}}, {launch.RESERVE_BYTES: str(RESERVE)}) as camera,
    ):
        camera.store = disk / "store"
        camera.recording()
        at_us = boottime_us()
        free = os.statvfs(disk)
        subprocess.run(["fallocate", "-l", str(free.f_bavail * free.f_frsize - RESERVE - 200_000), disk / "ballast"], check=True)
        camera.feels_refused(camera.wait_event("RecordingSealed")["at_us"])
        camera.shown("cannot_record")
        assert [path.name for path in camera.segments()] == ["000000.tar"]
        at_us = camera.tap()
        wait_for(lambda: camera.ledger("press_refused"), what="the refusal in the ledger")
        camera.feels_refused(at_us)
        (disk / "ballast").unlink()
        camera.shown("ready")
        camera.recording()
        camera.stop_recording()
        assert camera.stop() == 0
        camera.judged()


@only_in_full
def test_a_mount_that_vanishes_is_shown_and_used_again(tmp_path: Path) -> None:
    """It is moved away under the running daemon, and back again."""
    with tmpfs(tmp_path / "disk", "80M") as disk:
        subprocess.run(["mount", "--make-private", disk], check=True)
        (disk / "pocket").mkdir()
        card = disk / "card"
        card.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80M", "tmpfs", card], check=True)
        camera = FaultyCamera(tmp_path / "camera", {"storage": {"directory": str(card / "store")}})
        camera.store = card / "store"
        with camera:
            camera.recording()
            subprocess.run(["mount", "--move", card, disk / "pocket"], check=True)
            camera.shown("missing")
            wait_for(lambda: "disk_unusable" in camera.status()["flags"], what="the flag")
            back_us = boottime_us()
            subprocess.run(["mount", "--move", disk / "pocket", card], check=True)
            durable = camera.durable_after(back_us)
            figure("disk: a mount that vanished, back again", f"footage durable again {(durable['at_us'] - back_us) / 1e6:.1f} s after")
            camera.stop_recording()
            assert camera.of("RecordingSealed")[-1]["whole"]
            assert camera.stop() == 0
            camera.judged()


@long_one
def test_a_slow_card_loses_nothing(tmp_path: Path) -> None:
    """2 MB/s, at eight times the bit rate that a small picture needs."""
    with Card(tmp_path / "card") as card:
        camera = FaultyCamera(tmp_path / "camera", {"storage": {"directory": str(card.disk / "store")}})
        camera.store = card.disk / "store"
        with camera:
            card.speed(SLOW)
            camera.recording()
            camera.wait_event("FragmentDurable", 6)
            late = [(event["at_us"] - event["pts_us"] - event["duration_us"]) / 1e6 for event in camera.of("FragmentDurable")]
            figure("disk: a card of 2 MB/s", f"durable {max(late):.2f} s after its last frame at most")
            camera.shown("recording", "low")
            assert not camera.of("RingOverflowed")
            camera.stop_recording()
            assert camera.stop() == 0
            camera.judged()


@long_one
def test_a_card_that_fails_every_write_is_shown_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    """Real I/O errors below a real file system, which becomes read-only by itself."""
    with Card(tmp_path / "card") as card:
        camera = FaultyCamera(tmp_path / "camera", {"storage": {"directory": str(card.disk / "store")}})
        camera.store = card.disk / "store"
        with camera:
            camera.recording()
            camera.wait_event("FragmentDurable", 2)
            card.fail_writes()
            camera.shown("missing")
            camera.stop_by_hand()
            assert not camera.wait_event("RecordingSealed")["whole"]
            camera.shown("cannot_record")
            camera.kill()
        camera.judged()


@only_in_full
def test_a_store_of_another_owner_stops_the_start_with_one_line(tmp_path: Path) -> None:
    """As root without the right to pass by permissions, so that it is anybody. The lamp is dark: the daemon does not run."""
    camera = FaultyCamera(tmp_path)
    camera.command = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", sys.executable, "-m", "tests.system.faults.launch")
    camera.store.mkdir()
    subprocess.run(["chown", "-R", "12345:12345", camera.store], check=True)
    camera.store.chmod(0o700)
    camera.start(ready=False)
    assert camera.process.wait(60) == 77
    (line,) = [line for line in camera.journal.splitlines() if line.startswith("bodycamd: ")]
    assert "belongs to user 12345, and user 0 may not write it" in line
    assert not camera.timeline("lamp")
    subprocess.run(["chown", "-R", "0:0", camera.store], check=True)
    with camera:
        camera.recording()
        camera.stop_recording()


class tmpfs:
    """A small disk of its own."""

    def __init__(self, where: Path, size: str) -> None:
        self._where, self._size = where, size

    def __enter__(self) -> Path:
        self._where.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self._size}", "tmpfs", self._where], check=True)
        return self._where

    def __exit__(self, *_: Any) -> None:
        subprocess.run(["umount", "--recursive", "--lazy", self._where], check=True)
