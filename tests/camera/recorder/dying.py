"""A recorder that dies at a chosen step on the disk: `python -m tests.camera.recorder.dying`.

Reads lines `ROOT ACKNOWLEDGEMENTS NUMBER WHEN` and answers each with the number of steps and the exit status. Each is one process: it opens
the store (which recovers what the one before left), films two recordings with a rotation and a second worker, and ends in order, unless
step NUMBER is its last one (0: none).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bodycamd.camera.control.events import Event, FragmentDurable, RecordingSealed
from tests.camera.recorder.rig import Rig
from tests.powercut.steps import Kill, Steps


def work(root: Path, acknowledgements: Path, steps: Steps) -> None:
    steps.install()
    heard = os.open(acknowledgements, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    rig = Rig(root, segment_seconds=2)
    rig.now_us = rig.clock.now_us()

    def tell(event: Event) -> None:
        rig.events.append(event)
        if isinstance(event, FragmentDurable):
            os.write(heard, f"durable {event.recording} {event.segment} {event.index} {event.seq} {event.sha256}\n".encode())
        elif isinstance(event, RecordingSealed):
            os.write(heard, f"sealed {event.recording}\n".encode())

    rig.writer._post = tell
    for number in (1, 2):
        rig.camera()
        rig.begin(number, keep_from_us=rig.now_us)
        for _ in range(3):
            rig.film(1, size=5_000)
            rig.wait_durable(rig.seq)
        rig.camera()
        rig.film(1, size=70_000)
        rig.wait_durable(rig.seq)
        rig.end()
        rig.wait_sealed(number)
    assert rig.writer.stop(20)
    rig.store.close()


def main() -> None:
    for line in sys.stdin:
        root, acknowledgements, number, when = line.split()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            kill = Kill(int(number) or 1_000_000, when)
            steps = Steps(Path(root), kill=kill)
            try:
                work(Path(root), Path(acknowledgements), steps)
                os.write(writer, str(steps.count).encode())
            finally:
                os._exit(0)
        os.close(writer)
        _, status = os.waitpid(child, 0)
        print(os.read(reader, 20).decode() or "0", status, flush=True)
        os.close(reader)


if __name__ == "__main__":
    main()
