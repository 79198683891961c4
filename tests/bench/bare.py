"""The peer of the button: a process that does nothing but wait for a datagram and read the clock. What it takes, the machine takes."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from bodycamd.linux.clock import boottime_us
from tests.kit.waiting import wait_for

EVERY_SECONDS = 0.1
_WAIT = """
import os, socket, sys, time
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
while True:
    receiver.recv(64)
    os.write(1, b"%d\\n" % (time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000))
"""


class BareProcess:
    """Sends it a datagram every 100 ms; `answers` are the milliseconds until it ran. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "bare.sock")
        self._process = subprocess.Popen([sys.executable, "-S", "-c", _WAIT, self._address], stdout=subprocess.PIPE)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, name="bare")
        self.answers: list[float] = []

    def __enter__(self) -> Self:
        wait_for(lambda: Path(self._address).exists(), 10, "the bare process")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _send(self) -> None:
        assert self._process.stdout is not None
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            while not self._stop.wait(EVERY_SECONDS):
                sent_us = boottime_us()
                sender.sendto(b"down", self._address)
                self.answers.append((int(self._process.stdout.readline()) - sent_us) / 1000)
