"""A recording with everything in it: a shift, a warning, markers, a worker that is killed and replaced, and a power cut that tears the
newest fragment. By the real daemon; `python -m tests.kit.eventful FOLDER` makes one by hand.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import BeginShift
from bodycamd.camera.recorder.shift import Shift
from bodycamd.camera.recorder.store import Store
from bodycamd.linux.clock import SystemClock
from tests.kit.camera import Camera

TORN_BYTES = 700
OFFICER = "H-0417"


def eventful(folder: Path, settings: Mapping[str, Any] | None = None) -> Camera:
    """Make it. The store is at rest afterwards, recovered by a start of another boot."""
    camera = Camera(folder, settings)
    with camera:
        with ControlClient(camera.device / "control.sock") as client:
            client.request(BeginShift(officer=OFFICER), Shift)
        camera.tap()
        camera.wait_event("WarningEnded")
        camera.wait_event("FragmentDurable", 3)
        camera.tap()
        replaced = camera.status()["capture"]
        os.kill(replaced["pid"], signal.SIGKILL)
        camera.wait_event("FragmentDurable", 3, where=lambda event: event["segment"] == 1)
        camera.tap()
        camera.wait_event("FragmentDurable", 6, where=lambda event: event["segment"] == 1)
        camera.kill()
    cut(camera)
    return camera


def cut(camera: Camera) -> None:
    """What a power cut leaves: the newest bytes torn; found by the next start, after another boot."""
    (part,) = camera.store.glob("recordings/*/*.tar.part")
    os.truncate(part, part.stat().st_size - TORN_BYTES)
    store = Store.open(
        camera.store,
        signing=camera.device / "signing",
        device_id="test-1",
        clock=SystemClock(),
        config_sha256="0" * 64,
        boot_id="11111111-2222-4333-8444-555555555555",
    )
    store.close()


if __name__ == "__main__":
    made = eventful(Path(sys.argv[1]), {"video": {"width": 1280, "height": 720, "frame_rate": 30, "bit_rate": 2_000_000}})
    (made.folder / "device.pem").write_bytes(made.device_pem)
