"""Ring, writer and store on a real folder, with a camera that can be told what to film and a list of what was posted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bodycamd.camera.control.events import (
    BeginRecording,
    EndRecording,
    Event,
    FragmentDurable,
    RecordingSealed,
    SealNow,
    StopReason,
    StorageChanged,
    WriteFailed,
)
from bodycamd.camera.recorder.ring import Ring
from bodycamd.camera.recorder.store import Store
from bodycamd.camera.recorder.writer import Writer
from bodycamd.evidence.keys import PublicKey, provision
from bodycamd.linux.clock import ClockReading, SystemClock
from bodycamd.linux.disk import Disk, FileOperations
from bodycamd.municipality.verify.verify import verify
from tests.camera.recorder import judge
from tests.kit.fragments import SECOND, fragment, init
from tests.kit.waiting import wait_for

E = TypeVar("E")


class MovedClock(SystemClock):
    """The machine's clocks, CLOCK_BOOTTIME moved by `offset_us`; always synchronised."""

    def __init__(self, offset_us: int = 0) -> None:
        super().__init__()
        self.offset_us = offset_us

    def now_us(self) -> int:
        return super().now_us() + self.offset_us

    def read(self) -> ClockReading:
        return ClockReading(self.now_us(), time.time_ns() // 1000, True, "kernel-ntp", 12)


def open_store(root: Path, *, disk: FileOperations | None = None, boot_id: str | None = "boot-1", clock: MovedClock | None = None) -> Store:
    if not (root / "keys").exists():
        provision(root / "keys")
    return Store.open(
        root / "store",
        signing=root / "keys",
        device_id="cam-7",
        clock=clock or MovedClock(),
        config_sha256="0" * 64,
        boot_id=boot_id,
        disk=disk,
    )


class Rig:
    """One start of the recorder. Films one second per `film(1)`, from 1 s of boot time on."""

    def __init__(
        self,
        root: Path,
        *,
        disk: FileOperations | None = None,
        seconds: float = 150,
        max_bytes: int = 50_000_000,
        pre_event_seconds: float = 0,
        segment_seconds: float = 60,
        reserve_bytes: int = 0,
        low_minutes: float = 0,
        rate: float = 1.0,
        boot_id: str | None = "boot-1",
    ) -> None:
        self.root = root
        self.tampered_with = False
        """Set by a test that does what no camera does."""
        self.on_post: Callable[[Event], None] = lambda event: None
        """Called by the writer's thread after each of its events, when nothing is half done by anybody else."""
        self.clock = MovedClock()
        self.events: list[Event] = []
        self.disk = disk or Disk()
        self.store = open_store(root, boot_id=boot_id)
        self.ring = Ring(seconds=seconds, max_bytes=max_bytes, pre_event_seconds=pre_event_seconds, on_overflow=self.events.append)
        self.writer = Writer(
            store=self.store,
            ring=self.ring,
            clock=self.clock,
            post=self._post,
            segment_seconds=segment_seconds,
            low_minutes=low_minutes,
            expected_bytes_per_second=rate,
            ledger_reserve_bytes=reserve_bytes,
            disk=self.disk,
        )
        self.seq = 0
        self.generation = 0
        self.now_us = SECOND
        self.writer.start()

    def _post(self, event: Event) -> None:
        self.events.append(event)
        self.on_post(event)

    def camera(self) -> None:
        """A new worker."""
        self.generation += 1
        self.ring.put_init(init(self.generation))

    def film(self, seconds: int = 1, *, size: int = 1000, gap_us: int = 0) -> None:
        for _ in range(seconds):
            self.seq += 1
            self.ring.put(fragment(self.seq, pts_us=self.now_us, generation=self.generation, size=size, gap_us=gap_us))
            self.now_us += SECOND

    def begin(self, number: int = 1, keep_from_us: int = 0, resumes: str | None = None, *, pressed: bool | None = None) -> str:
        """By a press, unless it resumes; `pressed`: by a press though it resumes."""
        pressed_us = keep_from_us if pressed or resumes is None else None
        self.writer.submit(BeginRecording(number, pressed_us, keep_from_us, "played_to_device", resumes))
        return f"{self.store.start:06d}-{number:04d}"

    def end(self, end_us: int | None = None, reason: StopReason = "officer") -> None:
        self.writer.submit(EndRecording(self.now_us if end_us is None else end_us, reason))

    def seal_now(self) -> None:
        self.writer.submit(SealNow())

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def wait(self, condition: Callable[[], object], what: str = "the condition") -> None:
        wait_for(condition, 15, what)

    def wait_turn(self) -> None:
        """Wait until the writer has turned once more."""
        turns = self.writer.progress().turns
        self.wait(lambda: self.writer.progress().turns > turns)

    def wait_written(self) -> None:
        """Wait until everything filmed is acknowledged, or something failed, or the disk is full."""
        full = [StorageChanged("full", 0.0)]
        self.wait(lambda: self.of(WriteFailed) or self.of(StorageChanged) == full or len(self.of(FragmentDurable)) >= self.seq)

    def wait_durable(self, count: int) -> list[FragmentDurable]:
        """Wait until so many different fragments are acknowledged."""
        self.wait(lambda: len({event.seq for event in self.of(FragmentDurable)}) >= count, f"{count} durable fragments")
        return self.of(FragmentDurable)

    def wait_sealed(self, count: int = 1) -> RecordingSealed:
        self.wait(lambda: len(self.of(RecordingSealed)) >= count, "RecordingSealed")
        return self.of(RecordingSealed)[count - 1]

    def failures(self) -> list[str]:
        return [event.operation for event in self.of(WriteFailed)]

    def stop(self) -> judge.Found:
        """Stop in order, and read the store with other eyes."""
        assert self.writer.stop(20)
        self.store.close()
        return self.read()

    def read(self) -> judge.Found:
        """Read the store with other eyes; and whatever faults there were, verification must not take them for somebody's doing."""
        found = judge.read(self.root / "store")
        registered = PublicKey.from_hex(found.entries("start")[0]["public_key"])
        report = verify(self.root / "store", registered)
        assert self.tampered_with or report.verdict in ("intact", "open", "incomplete") or report.findings.worst == "unverifiable", report
        for event in self.of(FragmentDurable):
            piece = found.pieces[event.recording, event.segment, event.index]
            assert (piece.statement["seq"], piece.statement["sha256"]) == (event.seq, event.sha256)
            assert piece.age == fragment(event.seq, size=len(piece.age)).age
            assert (piece.statement["pts_us"], piece.statement["duration_us"]) == (event.pts_us, event.duration_us)
        return found

    def copy(self, name: str) -> Path:
        """The store and the keys as they stand now, as if the power went."""
        target = self.root.with_name(name)
        shutil.copytree(self.root, target)
        return target
