"""The real capture worker, until a trigger makes it a bad one: `python -m tests.system.faults.worker FD`.

`generation-N` says what the worker of that generation does:

    spin        holds the interpreter and burns a processor: no frame, no tick
    picture     the camera gives no more frames; ticks and sound go on
    keyframes   frames come, but none of them is a keyframe any more
    mute        frames are reported, but what they become is kept back
    late        frames come 1.5 s late
    garbage     the link carries noise
    overlong    the link carries the head of a message of 4 GB
    undying     no more frames, and the process cannot be killed: one of its threads hangs in the kernel (needs `FROZEN`)

`absent`: the camera cannot be opened. `microphone`: `missing` cannot be opened, `hung` never returns, `overflow` loses half a second,
`unplugged` fails while it is read and cannot be opened.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from bodycamd.camera.capture.protocol import Open
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.worker import main as worker
from bodycamd.camera.capture.worker import microphone
from bodycamd.camera.capture.worker import sound_devices as sounddevices
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import boottime_us
from tests.system.faults import clocks
from tests.system.faults.triggers import folder, told

LATE_US = 1_500_000
FROZEN = "frozen"
"""A folder of triggers that a file system is mounted on, so that it can be frozen: whoever writes there then hangs in the kernel."""
LOOK_SECONDS = 0.01
OVERFLOW_SECONDS = 0.5


class Gate:
    """Stands between the camera and the stream."""

    def __init__(self, on_frame: Callable[[EncodedFrame], None]) -> None:
        self.on_frame = on_frame
        self.mode = ""

    def pass_on(self, frame: EncodedFrame) -> None:
        """The camera's callback."""
        match self.mode:
            case "picture" | "undying":
                return
            case "keyframes":
                self.on_frame(EncodedFrame(frame.data, frame.pts_us, False))
            case "late":
                threading.Timer((frame.pts_us + LATE_US - boottime_us()) / 1e6, self.on_frame, (frame,)).start()
            case _:
                self.on_frame(frame)


class BadWorker(worker.Worker):
    """Opens as the real one, then waits for its trigger."""

    frozen = -1
    """A file in `FROZEN`, opened before the worker confines itself."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open_source = self._source.open
        self._source.open = self._open_camera  # type: ignore[method-assign]
        self._gate: Gate

    def _open_camera(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        if told("absent") is not None:
            raise UnavailableError("no camera number 0 found")
        self._gate = Gate(on_frame)
        self._open_source(self._gate.pass_on, on_error)

    def open(self, command: Open) -> None:
        super().open(command)
        threading.Thread(target=self._wait, args=(command.generation,), daemon=True).start()

    def _wait(self, generation: int) -> None:
        while (mode := told(f"generation-{generation}")) is None:
            time.sleep(LOOK_SECONDS)
        self._gate.mode = mode
        sock = self._link._sock
        match mode:
            case "spin":
                sum(range(1 << 60))  # in one C call, which never lets go of the interpreter
            case "mute":
                self._outbox.put_fragment = lambda *_: True  # type: ignore[method-assign]
            case "garbage":
                with self._link._sending:
                    sock.sendall(os.urandom(200_000))
            case "overlong":
                with self._link._sending:
                    sock.sendall(b"BCL1" + struct.pack("<II", 100, 0xFFFF_FFFF))
            case "undying":
                os.write(self.frozen, b"x")


class BadMicrophone:
    """A sound device that fails as told."""

    def __init__(self, device: microphone.SoundDevice) -> None:
        self._device = device
        self.name = device.name
        self._overflowed = False

    def read(self) -> tuple[bytes, int]:
        while (mode := told("microphone")) == "hung":
            time.sleep(LOOK_SECONDS)
        if mode in ("unplugged", "missing"):
            raise OSError(19, "No such device")
        if mode == "overflow" and not self._overflowed:
            self._overflowed = True
            end_us = boottime_us() + round(OVERFLOW_SECONDS * 1e6)
            while boottime_us() < end_us:  # what is captured meanwhile is lost
                self._device.read()
        return self._device.read()

    def close(self) -> None:
        self._device.close()


def main() -> None:
    """Put the bad parts in place, then be the worker."""
    if told("no worker") is not None:
        sys.exit(1)
    clocks.install()
    real_opener = sounddevices.device_opener

    def device_opener(settings: Any) -> Callable[[], microphone.SoundDevice]:
        open_device = real_opener(settings)

        def opened() -> microphone.SoundDevice:
            if told("microphone") in ("missing", "unplugged"):
                raise UnavailableError("microphone 'test': not there; inputs: none")
            return BadMicrophone(open_device())

        return opened

    sounddevices.device_opener = device_opener
    if (frozen := folder() / FROZEN).is_dir():
        BadWorker.frozen = os.open(frozen / "file", os.O_WRONLY | os.O_CREAT)
    worker.Worker = BadWorker  # type: ignore[misc, assignment]
    worker.main(sys.argv)


if __name__ == "__main__":
    main()
