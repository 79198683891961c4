"""Verification against `sha256sum` over the same files, and whether it stays linear."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bodycamd.board.clock import SystemClock
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.evidence.keys import provision
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.footage import AGE_MAGIC, SealedFragment
from bodycamd.recorder.store import Store
from tests.bench.figures import Table
from tests.recorder.footage import SECOND, init

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

FRAGMENT_BYTES = 1_000_000
"""One second of 8 Mbit/s."""
SEGMENT_FRAGMENTS = 60
SMALL, LARGE = 2, 17
"""Segments: 120 MB and 1 GB."""
ROUNDS = 3


def fill(root: Path, segments: int) -> list[Path]:
    """A store with one recording of so many segments; its files."""
    (root / "device.pem").write_bytes(provision(root / "keys"))
    keys = root / "keys"
    store = Store.open(root / "store", signing=keys, device_id="bench", clock=SystemClock(), config_sha256="0" * 64, boot_id="boot-1")
    ledger, recording = store.ledger, f"{store.start:06d}-0001"
    folder = store.recordings_folder / recording
    folder.mkdir()
    ledger.note(RecordingOpened(recording=recording, keep_from_us=0, warning="none"))
    seq, noise = 0, os.urandom(FRAGMENT_BYTES)
    for number in range(segments):
        growing = GrowingSegment(ledger.start, recording=recording, segment=number, ledger_head=ledger.head)
        path = folder / f"{number:06d}.tar"
        with path.open("wb") as file:
            file.writelines(growing.init(init()))
            for _ in range(SEGMENT_FRAGMENTS):
                seq += 1
                age = AGE_MAGIC + b"%08d" % seq + noise
                file.writelines(growing.fragment(SealedFragment(1, seq, seq * SECOND, SECOND, 30, "off", None, 0, 0, age), gap_us=0))
            file.writelines(growing.end())
        last, sha256, size = growing.last_sha256, growing.file_sha256, growing.size
        sealed = SegmentSealed(recording=recording, segment=number, file=path.name, last=last, sha256=sha256, size=size, fragments=60)
        ledger.note(sealed)
        ledger.change_key()
    ledger.note(RecordingClosed(recording=recording, reason="officer", duration_us=seq * SECOND, segments=segments))
    store.close()
    return sorted(path for path in (root / "store").rglob("*") if path.is_file())


def cost(command: Sequence[str | Path]) -> tuple[float, float]:
    """Processor seconds of a program, its start included, and its largest size in megabytes; the better of some rounds."""
    best, megabytes = float("inf"), 0.0
    for _ in range(ROUNDS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        best, megabytes = min(best, usage.ru_utime + usage.ru_stime), usage.ru_maxrss * 1024 / 1e6
    return best, megabytes


def measure(root: Path, segments: int) -> tuple[float, float, float, float]:
    """Bytes, seconds of verify, megabytes of verify, seconds of sha256sum."""
    root.mkdir()
    files = fill(root, segments)
    program: list[str | Path] = [sys.executable, "-m", "bodycamd.cli.main", "verify"]
    verify = [*program, "--store", root / "store", "--device-key", root / "device.pem"]
    mine, megabytes = cost(verify)
    peer, _ = cost(["sha256sum", *files])
    size = sum(path.stat().st_size for path in files)
    shutil.rmtree(root)
    return size, mine, megabytes, peer


def test_verify(table: Table, tmp_path: Path) -> None:
    small = measure(tmp_path / "small", SMALL)
    large = measure(tmp_path / "large", LARGE)
    for size, mine, megabytes, peer in (small, large):
        table.add(
            f"verify: {size / 1e6:.0f} MB, CPU",
            mine / peer,
            f"{mine:.2f} s, {megabytes:.0f} MB of memory",
            peer=f"sha256sum {peer:.2f} s",
            ratio=f"{mine / peer:.2f}x",
            at_most=2,
            target="<= 2x",
        )
    growth = (large[1] / large[0]) / (small[1] / small[0])
    table.add(
        "verify: linear, seconds per byte of 1 GB against 120 MB",
        growth,
        f"{large[1] / large[0] * 1e9:.2f} against {small[1] / small[0] * 1e9:.2f} s per GB, start included",
        ratio=f"{growth:.2f}x",
        at_most=1.2,
        target="<= 1.2x",
    )
    table.add("verify: memory of 1 GB against 120 MB", large[2] - small[2], f"{large[2] - small[2]:+.1f} MB", at_most=5, target="<= 5 MB")
