"""A capture worker for the benches: `python -m tests.bench.film_worker LOOP FIGURES SECONDS INTERVAL_MS FD`.

It speaks the worker's part of the link with the product's own muxer, sealing and sending, but its frames come from a film in memory: one
group of pictures every INTERVAL_MS (0: as fast as they are taken). What the work cost this process is written to FIGURES.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

from bodycamd.camera.capture.protocol import Closed, Fragment, Init, Open, Prepare, Prepared, WorkerLink
from bodycamd.camera.capture.worker.encrypt import Recipients, parse_recipients
from bodycamd.camera.capture.worker.muxer import Muxer
from bodycamd.camera.capture.worker.outbox import Outbox
from bodycamd.footage import FragmentFacts
from bodycamd.linux.clock import boottime_us
from tests.bench.film import FRAME_RATE, HEIGHT, WIDTH, encoded_frames


class _Sealing:
    """Into the outbox, as the worker does; it waits for room, because no frame may be missing."""

    def __init__(self, outbox: Outbox, generation: int, recipients: Recipients) -> None:
        self._outbox, self._generation, self._recipients = outbox, generation, recipients

    def put_init(self, data: bytes) -> None:
        init = Init(
            generation=self._generation,
            recipients=self._recipients.names,
            encoder="film",
            width=WIDTH,
            height=HEIGHT,
            frame_rate=FRAME_RATE,
            audio_track=False,
        )
        self._outbox.put(init, data)

    def put_fragment(self, facts: FragmentFacts, data: bytes) -> bool:
        while not self._outbox.put_fragment(Fragment.of(facts), data):
            time.sleep(0.01)
        return True


def main(loop: Path, figures: Path, seconds: int, interval_ms: float, link: WorkerLink) -> None:
    prepare = link.receive()
    assert isinstance(prepare, Prepare)
    recipients = parse_recipients(prepare.recipients_text)
    frames = encoded_frames(loop, boottime_us() - (seconds + 60) * 1_000_000, seconds)
    link.send(Prepared(pid=os.getpid(), versions={}, sandbox="bench", unlocked=None))
    command = link.receive()
    assert isinstance(command, Open)
    generation = command.generation
    outbox = Outbox(link, recipients, on_failure=sys.exit, on_recorder_gone=lambda: os._exit(0))

    muxer = Muxer(
        _Sealing(outbox, generation, recipients),
        generation=generation,
        width=WIDTH,
        height=HEIGHT,
        frame_rate=FRAME_RATE,
        audio_bit_rate=None,
        sound_of=lambda *_: "off",
    )
    begun, before = time.monotonic(), time.process_time()
    for number, frame in enumerate(frames):
        if number % FRAME_RATE == 0:
            time.sleep(max(0.0, begun + number // FRAME_RATE * interval_ms / 1000 - time.monotonic()))
        muxer.put_frame(frame)
    muxer.close()
    assert outbox.flush(60)
    figures.write_text(json.dumps({"cpu_seconds": time.process_time() - before}))
    outbox.put(Closed(generation=generation))
    assert outbox.flush(10)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), WorkerLink(socket.socket(fileno=int(sys.argv[5]))))
