"""Inside the root: the whole worker under the real supervisor, on the virtual camera: `record.py SECONDS stop|run FOLDER RECIPIENTS_FILE`.

`stop` sends the worker SIGSTOP half-way. Sealed footage goes to the folder, one JSON object of what came to standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from bodycamd.camera.capture.first_worker import start
from bodycamd.camera.capture.protocol import Prepare
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.control.events import CaptureClosed, CaptureStalled, Event
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.footage import EncryptedFragment, EncryptedInit
from bodycamd.linux.clock import SystemClock, boottime_us


class Folder:
    """Sealed footage into files, as it comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inits: list[dict[str, Any]] = []
        self.fragments: list[dict[str, Any]] = []

    def put_init(self, init: EncryptedInit) -> None:
        (self.folder / f"{init.generation}-0000.age").write_bytes(init.age)
        self.inits.append({"generation": init.generation, "encoder": init.encoder, "size": [init.width, init.height]})

    def put(self, fragment: EncryptedFragment) -> None:
        (self.folder / f"{fragment.facts.generation}-{fragment.seq:04}.age").write_bytes(fragment.age)
        facts = msgspec.structs.asdict(fragment.facts)
        self.fragments.append({**facts, "seq": fragment.seq, "arrived_us": boottime_us()})


def main(seconds: float, stop: bool, folder: Path, recipients: Path) -> None:
    events: list[Event] = []
    sink = Folder(folder)
    supervisor = Supervisor(
        prepare=Prepare(
            video=VideoSettings(width=1280, height=720, frame_rate=30, bit_rate=6_000_000),
            microphone=MicrophoneSettings(source="tone"),
            audio=True,
            recipients_text=recipients.read_text(),
        ),
        sink=sink,
        post=events.append,
        clock=SystemClock(),
        start=lambda: start([sys.executable, str(Path(__file__).with_name("virtual_camera.py")), "bodycamd.camera.capture.worker.main"]),
    )
    done = threading.Event()

    def tick() -> None:
        while not done.wait(0.1):
            supervisor.tick(boottime_us())

    loop = threading.Thread(target=tick)
    supervisor.start()
    loop.start()

    def wait(condition: Any, at_most: float) -> None:
        end = time.monotonic() + at_most
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)

    wait(lambda: supervisor.status().prepared, 60)
    sandbox = supervisor.status().sandbox
    opened_us = boottime_us()
    supervisor.open(microphone=True)
    wait(lambda: sink.fragments, 10)
    began_us = boottime_us()
    stopped_us = None
    if stop:
        time.sleep(seconds / 2)
        wait(lambda: supervisor._spare is not None and supervisor._spare.phase == "prepared", 60)
        pid = supervisor.status().pid
        assert pid is not None
        stopped_us = boottime_us()
        os.kill(pid, signal.SIGSTOP)
        wait(lambda: sink.fragments[-1]["generation"] == 2, 10)
        time.sleep(seconds / 2)
    else:
        time.sleep(max(0, seconds - (boottime_us() - opened_us) / 1e6))
    asked_us = boottime_us()
    status = supervisor.status()
    supervisor.close()
    wait(lambda: any(isinstance(event, CaptureClosed) for event in events), 5)
    closed_us = boottime_us()
    done.set()
    loop.join()
    supervisor.stop()
    told = {
        "opened_us": opened_us,
        "began_us": began_us,
        "stopped_us": stopped_us,
        "asked_us": asked_us,
        "closed_us": closed_us,
        "sandbox": sandbox,
        "dropped": status.dropped,
        "restarts": status.restarts,
        "last_failure": status.last_failure,
        "stalls": [event.reason for event in events if isinstance(event, CaptureStalled)],
        "closed": [event.generation for event in events if isinstance(event, CaptureClosed)],
        "inits": sink.inits,
        "fragments": sink.fragments,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2] == "stop", Path(sys.argv[3]), Path(sys.argv[4]))
