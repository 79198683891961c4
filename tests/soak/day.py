"""A day of work, much shortened: recordings one after the other while the parts fail at random, and what the daemon holds meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from bodycamd.camera.board.board_log import BoardLine
from bodycamd.errors import BodycamError
from bodycamd.linux.clock import boottime_us
from tests.bench.figures import memory_megabytes
from tests.kit.camera import Camera, Entry
from tests.kit.waiting import wait_for
from tests.system.load.hogs import Hog
from tests.system.load.officer import Officer

RATE = 15
GROUP = 8
"""Frames from keyframe to keyframe: about two fragments a second."""
DISK_MEGABYTES = 600


def make_film(path: Path) -> None:
    """Four seconds of noise in a small picture."""
    chance = random.Random(1)
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": f"keyint={GROUP}:scenecut=0:repeat-headers=1:qp=40"}
    stream = bytearray()
    for number in range(4 * RATE):
        picture = av.VideoFrame(160, 120, "yuv420p")
        for plane in picture.planes:
            plane.update(chance.randbytes(plane.buffer_size))
        picture.pts = number
        for packet in encoder.encode(picture):
            stream += bytes(packet)
    for packet in encoder.encode(None):
        stream += bytes(packet)
    path.write_bytes(stream)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own, which can be filled."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}M", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@dataclass(frozen=True)
class Held:
    """What the recorder holds in standby, after a recording."""

    megabytes: float
    descriptors: int
    threads: int
    children: int
    ring_bytes: int
    answer_ms: float


class Day:
    """One camera at work. `restart` faults end the daemon; `others` leave it running."""

    def __init__(self, camera: Camera, disk: Path, seed: int) -> None:
        self.camera = camera
        self.officer = Officer(camera)
        self.held: list[Held] = []
        self.done: dict[str, int] = {}
        self.log: list[tuple[int, str]] = []
        """When which fault began."""
        self.deaths: list[BoardLine] = []
        """When the daemon was killed, as lines of the lamp."""
        self._disk = disk
        self._chance = random.Random(seed)
        self.others: dict[str, Callable[[], None]] = {
            "worker killed": lambda: self._signal(b"bodycamd.camera.capture.worker.main", signal.SIGKILL),
            "worker stopped": lambda: self._signal(b"bodycamd.camera.capture.worker.main", signal.SIGSTOP),
            "voice killed": lambda: self._signal(b"bodycamd.camera.board.voice.process", signal.SIGKILL),
            "voice stopped": lambda: self._signal(b"bodycamd.camera.board.voice.process", signal.SIGSTOP),
            "disk full": self._fill_disk,
            "garbage on the socket": self._garbage,
            "battery low": self._battery,
            "nothing": lambda: None,
        }
        self.restarts: dict[str, Callable[[], None]] = {"SIGKILL": self._kill, "SIGTERM": self._stop}

    def work(self, recordings: int, faults: dict[str, Callable[[], None]]) -> None:
        """So many recordings, each with one of the faults: every one in turn, in random order."""
        order: list[str] = []
        for _ in range(recordings):
            order = order or self._chance.sample(sorted(faults), len(faults))
            name = order.pop()
            self._recording(name, faults[name])
            self.done[name] = self.done.get(name, 0) + 1
            self._note()

    def _recording(self, name: str, fault: Callable[[], None]) -> None:
        camera = self.camera
        self.officer.press()
        camera.wait_event("FragmentDurable", len(camera.of("FragmentDurable")) + 2, 30)
        sealed = len(camera.of("RecordingSealed"))
        self.log.append((boottime_us(), name))
        fault()
        if name == "SIGTERM" or len(camera.of("RecordingSealed")) > sealed:
            return  # the fault has ended the recording
        self.officer.stop(1)

    def _note(self) -> None:
        """Quiet again: a spare worker and a voice are ready."""
        status = wait_for(self._quiet, 30, "a camera that is whole again")
        assert status is not None
        pid = self.camera.process.pid
        self.held.append(
            Held(
                memory_megabytes(pid),
                len(list(Path(f"/proc/{pid}/fd").iterdir())),
                len(list(Path(f"/proc/{pid}/task").iterdir())),
                len(children(pid)),
                status["ring"]["bytes"],
                max(self.officer.answers[-2:]),
            )
        )

    def _quiet(self) -> Entry | None:
        try:
            status = self.camera.status()
        except BodycamError:
            return None  # it has just been attacked
        whole = status["capture"]["prepared"] and status["voice"] is not None and status["voice"]["ok"]
        return status if status["state"] == "standby" and whole and len(children(self.camera.process.pid)) == 2 else None

    # --- faults -------------------------------------------------------------------------------------------------------------------------

    def _signal(self, program: bytes, number: signal.Signals) -> None:
        """To all processes of the program: the worker that films and its spare."""
        for pid in children(self.camera.process.pid):
            try:
                if program in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    os.kill(pid, number)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended by itself

    def _fill_disk(self) -> None:
        """Full: the recording is closed. Then there is room again, and the camera sees it."""
        camera = self.camera
        sealed, filler = len(camera.of("RecordingSealed")), self._disk / "filler"
        with filler.open("xb") as file:
            room = os.statvfs(self._disk)
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_bsize)
        try:
            camera.wait_event("RecordingSealed", sealed + 1, 30)
        finally:
            filler.unlink()
        wait_for(lambda: "storage_full" not in camera.status()["flags"], 30, "room")

    def _garbage(self) -> None:
        kind = self._chance.choice(["garbage", "flood", "storm", "deaf", "held"])
        with Hog(kind, self.camera.device / "control.sock"):
            self.camera.wait_event("FragmentDurable", len(self.camera.of("FragmentDurable")) + 2, 30)

    def _battery(self) -> None:
        self.camera.hand.battery(8)
        self.camera.wait_event("BatteryChanged", len(self.camera.of("BatteryChanged")) + 1, 15)
        self.camera.hand.battery(80)
        self.camera.wait_event("BatteryChanged", len(self.camera.of("BatteryChanged")) + 1, 15)

    def _kill(self) -> None:
        """It dies while it records, and goes on by itself."""
        self.camera.kill()
        self.deaths.append({"at_us": boottime_us(), "part": "lamp", "on": False})  # the unit's ExecStopPost puts the lamp out
        self.camera.start()

    def _stop(self) -> None:
        assert self.camera.stop() == 0, self.camera.journal
        self.camera.start()


def children(pid: int) -> list[int]:
    """The processes that a process has started and not yet seen end."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that has ended
    return found
