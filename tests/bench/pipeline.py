"""From the encoder to the disk, on the product's own parts: worker process → link → supervisor → ring → writer → segments."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pyrage

from bodycamd.camera.capture.first_worker import start
from bodycamd.camera.capture.protocol import Prepare
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.control.events import BeginRecording, Event, FragmentDurable
from bodycamd.camera.recorder.ring import Ring
from bodycamd.camera.recorder.store import Store
from bodycamd.camera.recorder.writer import Writer
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.evidence.keys import provision
from bodycamd.footage import EncryptedFragment, EncryptedInit
from bodycamd.linux.clock import SystemClock
from bodycamd.linux.disk import Disk
from tests.bench.film import Film
from tests.kit.waiting import wait_for


@dataclass(frozen=True)
class Cost:
    """Processor time (user and system) for `seconds` of footage, from the first frame to the last acknowledgement."""

    worker: float
    recorder: float
    seconds: int
    syncs: int
    wall_seconds: float

    @property
    def ms_per_second(self) -> float:
        return (self.worker + self.recorder) * 1000 / self.seconds


class _CountingDisk(Disk):
    def __init__(self) -> None:
        self.syncs = 0

    def fdatasync(self, descriptor: int) -> None:
        self.syncs += 1
        super().fdatasync(descriptor)


class _Sink:
    """The ring, and this process' time when the first fragment arrived."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self.first: tuple[float, float] | None = None

    def put_init(self, init: EncryptedInit) -> None:
        self._ring.put_init(init)

    def put(self, fragment: EncryptedFragment) -> None:
        if self.first is None:
            self.first = time.process_time(), time.monotonic()
        self._ring.put(fragment)


def record(folder: Path, film: Film, *, seconds: int, interval_ms: float) -> Cost:
    """Record `seconds` of the film into a store in `folder`."""
    provision(folder / "signing")
    clock = SystemClock()
    disk = _CountingDisk()
    store = Store.open(
        folder / "store", signing=folder / "signing", device_id="bench", clock=clock, config_sha256="0" * 64, boot_id="bench", disk=disk
    )
    done = threading.Event()
    ended: tuple[float, float] = (0.0, 0.0)

    def post(event: Event) -> None:
        nonlocal ended
        if isinstance(event, FragmentDurable) and event.seq == seconds:
            ended = time.process_time(), time.monotonic()
            done.set()

    ring = Ring(seconds=seconds + 10, max_bytes=2 << 30, pre_event_seconds=0, on_overflow=post)
    writer = Writer(store=store, ring=ring, clock=clock, post=post, segment_seconds=60, low_minutes=0, expected_bytes_per_second=1e6)
    figures = folder / "worker.json"
    sink = _Sink(ring)
    supervisor = Supervisor(
        prepare=Prepare(
            video=VideoSettings(),
            microphone=MicrophoneSettings(),
            audio=False,
            recipients_text=str(pyrage.x25519.Identity.generate().to_public()),
        ),
        sink=sink,
        post=post,
        clock=clock,
        start=lambda: start(
            (sys.executable, "-m", "tests.bench.film_worker", str(film.loop), str(figures), str(seconds), str(interval_ms))
        ),
    )
    writer.start()
    supervisor.start()
    try:
        wait_for(lambda: supervisor.status().prepared, 30, "the prepared worker")
        writer.submit(BeginRecording(1, 0, 0, "skipped", None))
        supervisor.open(microphone=False)
        assert done.wait(60 + seconds * interval_ms / 1000), supervisor.status()
        wait_for(figures.exists, 10, "the worker's figures")
    finally:
        supervisor.stop()
        writer.stop()
        store.close()
    assert sink.first is not None
    worker = json.loads(figures.read_text())["cpu_seconds"]
    return Cost(worker, ended[0] - sink.first[0], seconds, disk.syncs, ended[1] - sink.first[1])
