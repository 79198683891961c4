"""An hour of recording on a busy machine: MINUTES (60) of 8 Mbit/s and sound, with the unit's weight and priority, while busy loops take
all they get of the processors. No worker is replaced, nothing acknowledged is lost, and of the picture less than a hundredth is missing:
the film's thread, which stands in for a camera that waits for nobody, is sometimes late for a frame.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.bench.film import BIT_RATE, FRAME_RATE, HEIGHT, WIDTH, film, sound
from tests.bench.test_priorities import setting
from tests.kit.camera import Camera
from tests.system.load.groups import Group, missing
from tests.system.load.hogs import Hog

INCOMPLETE_AS_STATED = 3
"""Of `bodycamd verify`: pictures that the film's thread was late for."""
MINUTES = float(os.environ.get("MINUTES", "60"))

pytestmark = [
    pytest.mark.soak,
    pytest.mark.root,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


def test_no_worker_is_replaced_in_an_hour_under_load(tmp_path: Path) -> None:
    picture = {"source": "file", "file": str(film().loop), "width": WIDTH, "height": HEIGHT, "frame_rate": FRAME_RATE, "bit_rate": BIT_RATE}
    camera = Camera(tmp_path, {"video": picture, "microphone": {"source": "file", "file": str(sound())}})
    camera.command = ("nice", "-n", str(setting("Nice")), sys.executable, "-m", "bodycamd.camera.daemon")
    with ExitStack() as stack:
        group = stack.enter_context(Group("cpu", "hour"))
        group.share(setting("CPUWeight"))
        group.join()
        try:
            stack.enter_context(camera)
        finally:
            group.leave()
        camera.skip_warning_and_record()
        camera.wait_event("FragmentDurable")
        with Hog("cpu"), Hog("cpu"), Hog("cpu"):  # three loops for each processor
            end = time.monotonic() + MINUTES * 60
            while time.monotonic() < end and camera.process.poll() is None:
                time.sleep(1)
        replaced = camera.of("CaptureStalled")
        camera.stop_recording()
        assert camera.stop() == 0, camera.journal
    assert not replaced, camera.journal
    pem = tmp_path / "device.pem"
    pem.write_bytes(camera.device_pem)
    verify = [str(Path(sys.executable).parent / "bodycamd"), "verify", "--store", str(camera.store), "--device-key", str(pem)]
    judged = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert judged.returncode in (0, INCOMPLETE_AS_STATED), judged.stdout + judged.stderr
    kept, missing_us = _statements(camera.segments())
    acknowledged = camera.of("FragmentDurable")
    for event in acknowledged:
        assert kept[event["segment"], event["index"]] == event["sha256"], f"acknowledged and lost: {event}"
    assert missing_us < MINUTES * 600_000
    left_out = f"{missing_us / 1e6:.2f} s of picture missing"
    print(f"\n{MINUTES:g} minutes: {len(acknowledged)} fragments acknowledged, 0 lost; 0 workers replaced; {left_out}")


def _statements(segments: list[Path]) -> tuple[dict[tuple[int, int], str], int]:
    """The SHA-256 that each fragment's statement names, by segment and index, and the picture time missing in all, in microseconds."""
    kept: dict[tuple[int, int], str] = {}
    missing_us = 0
    for path in segments:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if member.name.endswith(".json") and (source := archive.extractfile(member)) is not None:
                    statement: dict[str, Any] = json.load(source)
                    kept[statement["segment"], statement["index"]] = statement["sha256"]
                    missing_us += statement.get("gap_us", 0)
    return kept, missing_us
