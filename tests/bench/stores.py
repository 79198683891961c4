"""A store as it is after 28 days: real segments with small fragments, signed and chained, and the ledgers of their starts."""

from __future__ import annotations

from pathlib import Path

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.linux.clock import SystemClock
from tests.kit.fragments import SECOND, fragment, init

STARTS, RECORDINGS, SEGMENTS, FRAGMENTS = 28, 24, 3, 50
"""One start a day; 28 times 24 times 3 is 2,016 segments of 50 fragments: 100,800."""


def fill(store: Path, signing: Path, *, device_id: str) -> int:
    """Make the store; returns the number of its fragments. On tmpfs this takes about 20 s of processor."""
    encrypted_init = init()
    seq = 0
    for _ in range(STARTS):
        opened = Store.open(store, signing=signing, device_id=device_id, clock=SystemClock(), config_sha256="0" * 64, boot_id="earlier")
        ledger = opened.ledger
        for number in range(1, RECORDINGS + 1):
            recording = f"{opened.start:06d}-{number:04d}"
            folder = opened.recordings_folder / recording
            folder.mkdir(mode=0o700)
            ledger.note(RecordingOpened(recording=recording, keep_from_us=0, warning="played_to_device"))
            for segment in range(SEGMENTS):
                growing = GrowingSegment(ledger.start, recording=recording, segment=segment, ledger_head=ledger.head)
                buffers = list(growing.init(encrypted_init))
                for _ in range(FRAGMENTS):
                    seq += 1
                    buffers += growing.fragment(fragment(seq, size=300), gap_us=0)
                buffers += growing.end()
                name = f"{segment:06d}.tar"
                (folder / name).write_bytes(b"".join(buffers))
                ledger.note(
                    SegmentSealed(
                        recording=recording,
                        segment=segment,
                        file=name,
                        last=growing.last_sha256,
                        sha256=growing.file_sha256,
                        size=growing.size,
                        fragments=growing.fragments,
                    )
                )
            duration_us = SEGMENTS * FRAGMENTS * SECOND
            ledger.note(RecordingClosed(recording=recording, reason="officer", duration_us=duration_us, segments=SEGMENTS))
        opened.close()
    return seq
