"""A store with one long recording, as a camera at 8 Mbit/s leaves it: the benches' film muxed, sealed, signed and chained by the product's
own parts, on the disk. And how a program's cost is taken over it.

How much: BODYCAMD_TEST_SCALE in gigabytes, 10 at most (0.1 by default, 10 in the nightly run), beside a quarter of it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from bodycamd.camera.capture.sources.film import read_film
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.worker.muxer import Muxer
from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.evidence.keys import provision
from bodycamd.evidence.ledger import Ledger
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.footage import EncryptedFragment, EncryptedInit, FragmentFacts
from bodycamd.linux.clock import SystemClock
from tests.bench.film import FRAME_RATE, HEIGHT, WIDTH, Film
from tests.kit.scale import SCALE

LARGE_BYTES = round(min(max(SCALE, 0.1), 10.0) * 1e9)
SMALL_BYTES = LARGE_BYTES // 4
ROUNDS = 1 if SCALE >= 1 else 2
"""Small ones are measured twice: there a moment in which the machine does something else counts."""
TIMEOUT_SECONDS = 600 if SCALE <= 1 else 3600
SEGMENT_SECONDS = 60
SECOND = 1_000_000
BEGINS_US = 3600 * SECOND
LEFT_FREE_BYTES = 5_000_000_000
"""Others need the disk too."""


def need_room(folder: Path) -> None:
    """Skip where the disk has no room for both stores, a film and what is made beside it."""
    free = shutil.disk_usage(folder).free
    needed = 3 * LARGE_BYTES + LEFT_FREE_BYTES
    if free < needed:
        pytest.skip(f"{needed / 1e9:.0f} GB of disk are needed at {folder}, {free / 1e9:.0f} GB are free")


class LongStore:
    """In `folder`: the store, the camera's key and the identity. `files` are all its files, `segments` the footage."""

    def __init__(self, folder: Path, film: Film, size: int) -> None:
        folder.mkdir()
        identity = pyrage.x25519.Identity.generate()
        self._recipient = identity.to_public()
        self.folder, self.store, self.identity, self.device_key = folder, folder / "store", folder / "identity.txt", folder / "device.pem"
        self.identity.write_text(f"{identity}\n")
        self.device_key.write_bytes(provision(folder / "keys"))
        self._frames = read_film(film.loop).frames
        keys = folder / "keys"
        opened = Store.open(self.store, signing=keys, device_id="bench", clock=SystemClock(), config_sha256="0" * 64, boot_id="boot-1")
        self.recording = f"{opened.start:06d}-0001"
        self.segments: list[Path] = []
        self._record(opened, size)
        opened.close()
        self.files = sorted(path for path in self.store.rglob("*") if path.is_file())
        self.bytes = sum(path.stat().st_size for path in self.files)

    @property
    def gigabytes(self) -> float:
        """Of all files."""
        return self.bytes / 1e9

    def _record(self, store: Store, size: int) -> None:
        """One generation, as a worker would make it: one init segment, repeated at the head of every segment."""
        folder = store.recordings_folder / self.recording
        folder.mkdir(mode=0o700)
        store.ledger.note(RecordingOpened(recording=self.recording, keep_from_us=0, warning="none"))
        writing = _Writing(store.ledger, folder, self.recording, self._recipient)
        muxer = Muxer(
            writing, generation=1, width=WIDTH, height=HEIGHT, frame_rate=FRAME_RATE, audio_bit_rate=None, sound_of=lambda *_: "off"
        )
        index = 0
        while writing.sealed_bytes < size:
            data, keyframe = self._frames[index % len(self._frames)]
            muxer.put_frame(EncodedFrame(data, BEGINS_US + index * SECOND // FRAME_RATE, keyframe))
            index += 1
        self.segments = writing.segments
        count = len(self.segments)
        store.ledger.note(
            RecordingClosed(recording=self.recording, reason="officer", duration_us=count * SEGMENT_SECONDS * SECOND, segments=count)
        )


class _Writing:
    """Seals what the muxer gives, a segment for each minute."""

    def __init__(self, ledger: Ledger, folder: Path, recording: str, recipient: pyrage.x25519.Recipient) -> None:
        self.segments: list[Path] = []
        self.sealed_bytes = 0
        self._ledger = ledger
        self._folder = folder
        self._recording = recording
        self._recipient = recipient
        self._init: EncryptedInit | None = None
        self._growing: GrowingSegment | None = None
        self._pieces: list[bytes] = []
        self._seq = 0

    def put_init(self, plain: bytes) -> None:
        """The muxer's init segment."""
        sealed = pyrage.encrypt(plain, [self._recipient])
        self._init = EncryptedInit(1, sealed, (str(self._recipient),), "libx264", WIDTH, HEIGHT, FRAME_RATE, False)

    def put_fragment(self, facts: FragmentFacts, data: bytes) -> bool:
        """A fragment; with the last one of its minute the segment is written and stated."""
        if self._growing is None:
            assert self._init is not None
            self._growing = GrowingSegment(
                self._ledger.start, recording=self._recording, segment=len(self.segments), ledger_head=self._ledger.head
            )
            self._pieces.extend(self._growing.init(self._init))
        self._seq += 1
        sealed = pyrage.encrypt(data, [self._recipient])
        self._pieces.extend(self._growing.fragment(EncryptedFragment(facts, self._seq, sealed), gap_us=facts.gap_us))
        if self._growing.fragments == SEGMENT_SECONDS:
            self._seal(self._growing)
            self._growing = None
        return True

    def _seal(self, growing: GrowingSegment) -> None:
        path = self._folder / f"{len(self.segments):06d}.tar"
        with path.open("wb") as file:
            file.writelines([*self._pieces, *growing.end()])
        self._pieces = []
        self._ledger.note(
            SegmentSealed(
                recording=self._recording,
                segment=len(self.segments),
                file=path.name,
                last=growing.last_sha256,
                sha256=growing.file_sha256,
                size=growing.size,
                fragments=growing.fragments,
            )
        )
        self._ledger.change_key()
        self.segments.append(path)
        self.sealed_bytes += growing.size


@dataclass(frozen=True)
class Cost:
    """Of one run: seconds by the clock, of processor (user and system, all children), and the largest process in megabytes."""

    wall: float
    processor: float
    megabytes: float

    def better(self, other: Cost | None) -> Cost:
        """The smaller of each, and the larger memory."""
        if other is None:
            return self
        megabytes = max(self.megabytes, other.megabytes)
        return Cost(min(self.wall, other.wall), min(self.processor, other.processor), megabytes)


_RUN = """
import json, os, sys, time
began = time.monotonic()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(json.dumps([time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, status]))
"""


def cost(*command: str | Path) -> Cost:
    """Run a program to its end, its start included. What it prints is dropped.

    It is started by a small process: a child's largest size is never less than that of who forked it.
    """
    program = shutil.which(command[0])
    assert program is not None, command[0]
    measured = subprocess.run([sys.executable, "-S", "-c", _RUN, program, *command[1:]], check=True, capture_output=True, text=True)
    wall, processor, megabytes, status = json.loads(measured.stdout.splitlines()[-1])
    assert status == 0, (command, measured.stdout[-2000:], measured.stderr[-2000:])
    return Cost(wall, processor, megabytes)
