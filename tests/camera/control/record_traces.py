"""Records the stories in `traces/` by the real daemon on a simulated board:
`python -m tests.camera.control.record_traces FOLDER [STORY …]`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.camera.control.keep_trace import TRACES
from tests.kit.camera import Camera
from tests.kit.waiting import wait_for


def markers_and_a_hold(camera: Camera) -> None:
    """Press, the whole warning, a recording with two markers, a hold that stops it, a press while it closes."""
    camera.tap()
    camera.wait_event("WarningEnded")
    camera.wait_event("FragmentDurable", 2)
    camera.tap()
    camera.wait_event("FragmentDurable", 4)
    camera.tap()
    camera.stop_recording()


def a_worker_that_dies(camera: Camera) -> None:
    camera.skip_warning_and_record()
    os.kill(camera.status()["capture"]["pid"], signal.SIGKILL)
    camera.wait_event("CaptureStalled")
    camera.wait_event("FragmentDurable", 3, where=lambda event: event["segment"] == 1)
    camera.stop_recording()


def a_resume(camera: Camera) -> None:
    """What the daemon that died had traced is in the second file."""
    camera.skip_warning_and_record()
    camera.kill()
    camera.start(ready=False)
    camera.wait_state("recording")
    wait_for(lambda: camera.status()["lamp"] == "recording")


def an_empty_battery(camera: Camera) -> None:
    camera.skip_warning_and_record()
    camera.hand.battery(12)
    camera.wait_event("BatteryChanged")
    camera.hand.battery(2)
    camera.process.wait(60)


def a_shutdown_while_recording(camera: Camera) -> None:
    camera.skip_warning_and_record()


STORIES: dict[str, Callable[[Camera], None]] = {
    story.__name__: story for story in (markers_and_a_hold, a_worker_that_dies, a_resume, an_empty_battery, a_shutdown_while_recording)
}


def record(story: str, folder: Path) -> Path:
    """The trace of one story, as the daemon wrote it."""
    with Camera(folder, {"control": {"trace": "trace.jsonl", "socket": "control.sock"}}) as camera:
        STORIES[story](camera)
        if camera.process.poll() is None:
            camera.stop()
    return camera.device / "trace.jsonl"


if __name__ == "__main__":
    for name in sys.argv[2:] or STORIES:
        shutil.copyfile(record(name, Path(sys.argv[1]) / name), TRACES / f"{name}.jsonl")
