"""What a camera takes of the processor while it records in real time, and while it waits: all its processes together."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.bench.figures import Table
from tests.bench.film import BIT_RATE, FRAME_RATE, HEIGHT, WIDTH, Film, sound
from tests.bench.usage import Usage, over, together
from tests.kit.camera import Camera

pytestmark = pytest.mark.bench

SECONDS = 20.0
ROUNDS = 2
"""The quieter of two stretches counts: whoever works beside it only adds."""
SETTLE_SECONDS = 3.0


def settings(film: Film) -> dict[str, Any]:
    return {
        "video": {
            "source": "file",
            "file": str(film.loop),
            "width": WIDTH,
            "height": HEIGHT,
            "frame_rate": FRAME_RATE,
            "bit_rate": BIT_RATE,
        },
        "microphone": {"source": "file", "file": str(sound())},
    }


def add(table: Table, what: str, stretches: list[dict[str, Usage]], *, cpu_ms: float, wakeups: float) -> None:
    used = min(stretches, key=lambda stretch: together(stretch).cpu_ms)
    parts = ", ".join(f"{name.split()[0]} {usage.cpu_ms:.2f}" for name, usage in used.items())
    whole = together(used).cpu_ms
    table.add(f"{what}: CPU per s", whole, f"{whole:.2f} ms ({parts})", at_most=cpu_ms, target=f"<= {cpu_ms:g} ms")
    used = min(stretches, key=lambda stretch: together(stretch).wakeups)
    parts = ", ".join(f"{name.split()[0]} {usage.wakeups:.1f}" for name, usage in used.items())
    often = together(used).wakeups
    table.add(f"{what}: wakeups per s", often, f"{often:.1f} ({parts})", at_most=wakeups, target=f"<= {wakeups:g}")


def test_standby_and_recording(table: Table, film: Film, tmp_path: Path) -> None:
    """The frames come from memory and the sound from a WAV file: the two threads that do so are told, and no part of the sum."""
    with Camera(tmp_path, settings(film)) as camera:
        time.sleep(SETTLE_SECONDS)  # what the start still had to do
        waiting = [over(SECONDS, camera.process.pid) for _ in range(ROUNDS)]
        camera.skip_warning_and_record()
        camera.wait_event("FragmentDurable", 3)
        time.sleep(SETTLE_SECONDS)  # the next spare starts
        recording = [over(SECONDS, camera.process.pid, recording=True) for _ in range(ROUNDS)]
        camera.stop_recording()
    add(table, "standby", waiting, cpu_ms=1, wakeups=5)
    add(table, "the whole camera recording live (8 Mbit/s and AAC), sources aside", recording, cpu_ms=20, wakeups=100)
