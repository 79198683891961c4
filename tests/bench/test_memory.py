"""A camera that records 8 Mbit/s in real time: what it holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.figures import Table, memory_megabytes
from tests.bench.film import BIT_RATE, FRAME_RATE, HEIGHT, WIDTH, Film
from tests.kit.camera import Camera

pytestmark = [
    pytest.mark.bench,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the worker hides its memory from everybody else"),
]

SECONDS = 15


def test_memory_while_recording(table: Table, film: Film, tmp_path: Path) -> None:
    """With a pre-event buffer, so that the ring is not empty."""
    video = {"source": "file", "file": str(film.loop), "width": WIDTH, "height": HEIGHT, "frame_rate": FRAME_RATE, "bit_rate": BIT_RATE}
    with Camera(tmp_path, {"video": video, "pre_event_seconds": 10, "record_warning": True}) as camera:
        camera.skip_warning_and_record()
        camera.wait_event("FragmentDurable", 5)
        recorder, worker = camera.process.pid, camera.status()["capture"]["pid"]
        camera.wait_event("FragmentDurable", len(camera.of("FragmentDurable")) + SECONDS, seconds=SECONDS + 15)
        ring = camera.status()["ring"]["bytes"] / 1e6
        memory, worker_memory = memory_megabytes(recorder), memory_megabytes(worker)
        camera.stop_recording()
    without_ring = memory - ring
    table.add(
        "memory: recorder without the ring's footage",
        without_ring,
        f"{without_ring:.0f} MB (PSS {memory:.0f}, of it ring {ring:.0f})",
        at_most=60,
        target="<= 60 MB",
    )
    loop = film.loop.stat().st_size / 1e6
    table.add(
        "memory: worker",
        worker_memory,
        f"{worker_memory:.0f} MB (of it the film it plays {loop:.0f})",
        at_most=120,
        target="<= 120 MB",
    )
