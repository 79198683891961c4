"""A camera at work on a disk that is watched: recordings, rotations, restarts, deaths; every event noted with the log's position."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import yaml

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import BeginShift, EndShift
from bodycamd.camera.recorder.shift import Shift
from bodycamd.errors import BodycamError
from bodycamd.evidence.keys import PublicKey, provision
from bodycamd.linux.clock import boottime_us
from tests.kit.camera import Camera
from tests.kit.waiting import wait_for

FILM_RATE = 60
FILM = {"source": "file", "frame_rate": FILM_RATE}
"""Every frame is a keyframe, so every frame is a fragment: sixty acknowledgements a second."""
PATTERN = {"source": "pattern", "width": 640, "height": 480, "frame_rate": 15, "bit_rate": 2_000_000}


@dataclass
class Noted:
    """What the daemon promised, each with the position of the disk's log when it was heard."""

    events: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    ready: list[tuple[int, int]] = field(default_factory=list)
    """(position, number of the start)"""
    secrets: dict[int, set[bytes]] = field(default_factory=dict)
    """What must not stand on the disk any more once the start of this number is ready: the text of the keys that were made to sign
    it."""
    start_position: int = 0
    """Where the camera was provisioned and the cuts may begin."""
    times: list[tuple[int, int]] = field(default_factory=list)
    """(position, CLOCK_BOOTTIME in µs), growing"""
    left_out: list[int] = field(default_factory=list)
    """Where a step was left out on purpose."""


class WatchedCamera(Camera):
    """The camera of the system tests with store and signing keys in `disk`. `position` gives the size of the disk's log."""

    def __init__(self, folder: Path, disk: Path, position: Callable[[], int], video: dict[str, Any]) -> None:
        self.position = position
        self.disk = disk
        self.noted = Noted()
        self._sampling = threading.Event()
        super().__init__(folder)
        self.film(video)
        if not (disk / "signing").exists():
            self.device_pem = provision(disk / "signing")
            os.sync()
            self.noted.start_position = position()
        self.note_secrets()
        self.registered = PublicKey.from_pem(self.device_pem).raw
        self.store = disk / "store"

    def film(self, video: dict[str, Any]) -> None:
        """Film this from the next start on. `FILM` has no sound: its fragments are shorter than a block of it."""
        config = yaml.safe_load(self.config.read_text())
        if video["source"] == "file":
            video = {**video, "file": str(self.folder / "film.h264")}
            make_film(self.folder / "film.h264")
        config.update(video=video, audio=video["source"] != "file")
        config["storage"] = {"directory": str(self.disk / "store"), "segment_seconds": 10}
        config["keys"]["signing"] = str(self.disk / "signing")
        self.config.write_text(yaml.safe_dump(config))

    def launch(self, *launcher: str) -> WatchedCamera:
        """Start the daemon, or, with arguments, the daemon in the launcher; does not wait."""
        program = ["-m", "tests.powercut.launcher", *launcher, "--"] if launcher else ["-m", "bodycamd.camera.daemon"]
        self.command = [sys.executable, *program]
        self.start(ready=False)
        return self

    def wait_ready(self) -> None:
        """Until the daemon is ready; then its events are listened to."""
        status = self.wait_state("standby", "recording", "warning")
        self.noted.ready.append((self.position(), status["start"]))
        self.note_secrets()
        self._listen()

    def wait_dead(self, seconds: float = 30.0) -> None:
        """Until the daemon has died at its step; recording, if it comes to that."""

        def dead() -> bool:
            if self.process.poll() is not None:
                return True
            try:
                state = self.status()["state"]
                self._listen_once()
                if state == "standby":
                    press_twice(self)
            except BodycamError:
                return False  # not there yet, or dying
            return False

        wait_for(dead, seconds, "the daemon's death")
        assert self.process.returncode == -9, f"{self.process.returncode}\n{self.journal}"

    def shift(self) -> None:
        """Two entries in the ledger."""
        with ControlClient(self.device / "control.sock") as client:
            client.request(BeginShift(officer="H-12"), Shift)
            client.request(EndShift(), Shift)

    def note_secrets(self) -> None:
        """Remember the keys that are there now, each for the start that it will sign; an erased one is none any more."""
        for path in (self.disk / "signing").glob("*.key"):
            if (content := path.read_bytes()).strip(b"\0"):
                self.noted.secrets.setdefault(int(path.stem), set()).add(secret_of(content))

    def sample_time(self) -> None:
        """Note the log's position against the clock, until `stop_sampling`."""

        def sample() -> None:
            while not self._sampling.wait(0.004):
                self.noted.times.append((self.position(), boottime_us()))

        threading.Thread(target=sample, daemon=True).start()

    def stop_sampling(self) -> None:
        self._sampling.set()

    def _listen_once(self) -> None:
        if getattr(self, "_heard", None) is not self.process:
            self._heard = self.process
            self._listen()

    def heard(self, event: dict[str, Any]) -> None:
        self.noted.events.append((self.position(), event))
        super().heard(event)


def secret_of(key_file: bytes) -> bytes:
    """The line of a PEM file that holds the private key."""
    return key_file.split(b"\n")[1]


def make_film(path: Path) -> None:
    """Two seconds of noise, every frame a keyframe of a few thousand bytes."""
    chance = random.Random(1)
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FILM_RATE), Fraction(FILM_RATE)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "keyint=1:repeat-headers=1:annexb=1:qp=40"}
    stream = bytearray()
    for number in range(2 * FILM_RATE):
        picture = av.VideoFrame(160, 120, "yuv420p")
        for plane in picture.planes:
            plane.update(chance.randbytes(plane.buffer_size))
        picture.pts = number
        for packet in encoder.encode(picture):
            stream += bytes(packet)
    for packet in encoder.encode(None):
        stream += bytes(packet)
    path.write_bytes(stream)


def fragments(camera: Camera, more: int) -> None:
    """Wait for so many more acknowledgements."""
    camera.wait_event("FragmentDurable", len(camera.of("FragmentDurable")) + more, 60)


def press_twice(camera: Camera) -> None:
    camera.tap_twice()


def day_of_work(camera: WatchedCamera) -> None:
    """The plain daemon: recordings, ledger entries, a stop while recording, a killed daemon that resumes, and rotations at sixty
    fragments a second."""
    camera.sample_time()
    camera.launch().wait_ready()
    press_twice(camera)
    fragments(camera, 3)
    camera.stop_recording()
    camera.shift()
    press_twice(camera)
    fragments(camera, 2)
    camera.kill()
    camera.launch().wait_ready()
    fragments(camera, 2)
    assert camera.stop() == 0, camera.journal
    camera.film(FILM)
    camera.launch().wait_ready()
    press_twice(camera)
    fragments(camera, 13 * FILM_RATE)
    camera.stop_recording()
    press_twice(camera)
    fragments(camera, FILM_RATE)
    assert camera.stop() == 0, camera.journal
    camera.stop_sampling()


DEATHS: Sequence[tuple[str, int]] = (
    ("fdatasync camera.recorder.recording._write", 20),
    ("fsync camera.recorder.recovery._recover_segment", 1),
    ("fdatasync evidence.ledger.append", 1),
    ("fdatasync evidence.ledger.append", 6),
    ("fsync camera.recorder.recording.seal_segment", 1),
    ("fdatasync linux.durable.create", 1),
    ("fdatasync linux.durable.erase", 1),
    ("fdatasync camera.recorder.recording._write", 10),
)
"""Where the short work dies, just before the step: what it wrote stands in memory only, and the next start must not take it for durable."""


def short_work(camera: WatchedCamera, launcher: Sequence[str]) -> None:
    """The daemon in the launcher, with rotations each second and a half, and deaths at the steps that matter to the next start."""
    camera.launch(*launcher).wait_ready()
    press_twice(camera)
    fragments(camera, 4 * FILM_RATE)
    camera.stop_recording()
    camera.shift()
    press_twice(camera)
    fragments(camera, 10)
    assert camera.stop() == 0, camera.journal
    for step, number in DEATHS:
        camera.launch(*launcher, "--kill", str(number), "--kill-step", step)
        camera.wait_dead()
    camera.launch(*launcher).wait_ready()
    fragments(camera, 10)
    camera.stop_recording()
    assert camera.stop() == 0, camera.journal
