"""What loads a camera's machine, each a process of its own: `python -m tests.system.load.hogs KIND …`. It works until it is killed.

cpu             one busy loop for each processor
memory MB       takes so many megabytes and gives them back, and reads files, again and again
grow GROUP      takes more and more of a group's memory until the kernel has killed something in it, then gives it all back
edges FOLDER N  so many edges of the simulated button in a second
flood SOCKET    clients that ask without end and read everything
deaf SOCKET     clients that ask without end and never read
held SOCKET     as many connections as there may be, each with half a request
storm SOCKET    connections that are opened and closed as fast as it goes
garbage SOCKET  noise, lines without end, deep JSON
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from bodycamd.camera.board.simulated import SimulatedHand

CLIENTS = 8
DEEP = b'{"command":' * 2000 + b"\n"


class Hog:
    """Runs one kind, from `with` to its end; that is when all its processes are dead."""

    def __init__(self, *words: object, before: Callable[[], None] | None = None) -> None:
        self._words = [str(word) for word in words]
        self._before = before

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.load.hogs", *self._words],
            stdout=subprocess.PIPE,
            process_group=0,  # not a session: the kernel would give each session its own share of the processors
            preexec_fn=self._before,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"at work\n", f"{self._words} did not start"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdout is not None
        ended = self._process.poll()
        if ended is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._process.stdout.close()
        assert ended is None, f"{self._words} ended by itself with {ended}"


def _cpu() -> None:
    for _ in range((os.cpu_count() or 1) - 1):
        if os.fork() == 0:
            break
    while True:
        sum(range(100_000))


def _memory(megabytes: int) -> None:
    piece = 1_000_000
    files = [path for path in Path(sys.prefix).rglob("*.so*") if path.is_file() and path.stat().st_size > piece]
    while True:
        held = [bytearray(os.urandom(4096) * (piece // 4096)) for _ in range(megabytes)]
        for path in files:
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 16):
                    continue
        del held


def _grow(group: Path) -> None:
    name = next(name for name in ("memory.oom_control", "memory.events") if (group / name).exists())
    held = os.memfd_create("held")  # the group's, but no process's
    while "oom_kill 0" in (group / name).read_text().splitlines():
        os.write(held, bytes(1 << 20))
    os.close(held)
    signal.pause()


def _edges(folder: Path, each_second: int) -> None:
    hand = SimulatedHand(folder)
    began, sent = time.monotonic(), 0
    while True:
        while sent < (time.monotonic() - began) * each_second:
            (hand.down, hand.up)[sent % 2]()
            sent += 1
        time.sleep(0.001)


def _client(path: str, work: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(10)
                connection.connect(path)
                work(connection)
        except OSError:
            time.sleep(0.005)  # dismissed, or not taken: try again, as an attacker does


def _flood(connection: socket.socket) -> None:
    threading.Thread(target=_read, args=(connection,), daemon=True).start()
    while True:
        connection.sendall(b'{"command":"status"}\n' * 1000)


def _read(connection: socket.socket) -> None:
    try:
        while connection.recv(1 << 20):
            continue
    except OSError:
        return  # the writing side tells


def _deaf(connection: socket.socket) -> None:
    while True:
        connection.sendall(b'{"command":"status"}\n' * 1000)


def _held(connection: socket.socket) -> None:
    connection.sendall(b'{"command":')
    while connection.recv(65536):
        continue


def _garbage(connection: socket.socket) -> None:
    while True:
        connection.sendall(random.choice([random.randbytes(100_000), b"x" * 200_000, DEEP, b"\n" * 20_000, b'{"command":1}\n' * 2000]))


def _storm(path: str) -> None:
    while True:
        try:
            for _ in range(50):
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.setblocking(False)
                    connection.connect(path)
        except OSError:
            time.sleep(0.001)  # the queue is full


def main(kind: str, *words: str) -> None:
    """Be a hog."""
    sys.stdout.write("at work\n")
    sys.stdout.flush()
    match kind:
        case "cpu":
            _cpu()
        case "memory":
            _memory(int(words[0]))
        case "grow":
            _grow(Path(words[0]))
        case "edges":
            _edges(Path(words[0]), int(words[1]))
        case "storm":
            _storm(words[0])
        case "flood" | "deaf" | "held" | "garbage":
            work = {"flood": _flood, "deaf": _deaf, "held": _held, "garbage": _garbage}[kind]
            threads = [threading.Thread(target=_client, args=(words[0], work)) for _ in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
