"""Figures, printed: CPU of ring, writer, hashes and signatures on tmpfs; opening and listing a large store."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.store.reader import StoreReader
from tests.camera.recorder.rig import Rig, open_store
from tests.kit.fragments import fragment


@pytest.fixture
def memory_root() -> Iterator[Path]:
    """A folder on tmpfs."""
    root = Path(f"/dev/shm/bodycamd-bench-{os.getpid()}")
    root.mkdir()
    yield root
    shutil.rmtree(root)


@pytest.mark.bench
def test_cpu_per_megabyte_of_footage(memory_root: Path) -> None:
    rig = Rig(memory_root / "root")
    rig.camera()
    rig.begin()
    megabytes = 100
    age = fragment(1, size=1_000_000).age
    waiting = [replace(fragment(seq), age=age) for seq in range(1, megabytes + 1)]
    before = time.process_time()
    for item in waiting:
        rig.ring.put(item)
        while rig.ring.stats().unwritten > 4:
            time.sleep(0.001)
    rig.wait_durable(megabytes)
    writing = (time.process_time() - before) * 1000 / megabytes
    block = bytes(1_000_000)
    before = time.process_time()
    for _ in range(megabytes):
        hashlib.sha256(block).digest()
    hashing = (time.process_time() - before) * 1000 / megabytes
    rig.writer.stop()
    rig.store.close()
    print(f"\nring, statement, two SHA-256, signature, write on tmpfs: {writing:.2f} ms CPU per MB; one SHA-256 alone: {hashing:.2f} ms")


@pytest.mark.bench
def test_opening_and_listing_a_store_of_two_thousand_segments(memory_root: Path) -> None:
    root = memory_root / "root"
    recordings, each = 100, 20
    store = open_store(root)
    for number in range(1, recordings + 1):
        recording = f"{store.start:06d}-{number:04d}"
        (store.recordings_folder / recording).mkdir(mode=0o700)
        store.ledger.note(RecordingOpened(recording=recording, keep_from_us=0, warning="played_to_device"))
        for segment in range(each):
            name = f"{segment:06d}.tar"
            (store.recordings_folder / recording / name).write_bytes(b"")
            sealed = SegmentSealed(
                recording=recording, segment=segment, file=name, last="0" * 64, sha256="0" * 64, size=60_000_000, fragments=50
            )
            store.ledger.note(sealed)
        store.ledger.note(RecordingClosed(recording=recording, reason="officer", duration_us=1, segments=each))
    store.close()
    before = time.perf_counter()
    first = open_store(root)
    middle = time.perf_counter()
    first.close()
    open_store(root).close()
    second = time.perf_counter()
    infos = StoreReader.open(root / "store").recordings()
    done = time.perf_counter()
    assert (len(infos), sum(info.fragments for info in infos)) == (recordings, recordings * each * 50)
    assert (first.recovered_segments, first.strays) == (0, ())
    print(
        f"\n{recordings * each} sealed segments, {recordings * each * 50} fragments: opened in {middle - before:.2f} s after a long start, "
        f"{second - middle:.2f} s after a short one; listed in {done - second:.2f} s"
    )
    assert middle - before < 5, "five times the target"
