"""Stops every worker and every voice of some daemons as soon as they appear: a camera and a speaker that hang for ever."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

LOOK_SECONDS = 0.04
"""No process of ours has come as far as its first word by then."""
_CHILDREN = (b"bodycamd.camera.capture.worker.main", b"bodycamd.camera.board.voice.process")


class Stopper:
    """Looks at the daemons' children all the time, from `start` to `close`, which kills what it has stopped."""

    def __init__(self, daemons: Sequence[int]) -> None:
        self._daemons = daemons
        self._stopped: dict[int, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stopper")
        self.counts = dict.fromkeys(_CHILDREN, 0)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._done.set()
        self._thread.join()
        for descriptor in self._stopped.values():
            try:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            except ProcessLookupError:
                continue  # the recorder has replaced it
            finally:
                os.close(descriptor)

    def _run(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            for daemon in self._daemons:
                for child in _children(daemon):
                    if child not in self._stopped:
                        self._stop(child)

    def _stop(self, pid: int) -> None:
        """Only once it is the child's own program: the recorder waits for a new process to have come so far."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            kind = next((kind for kind in _CHILDREN if kind in words), None)
            if kind is None:
                return
            descriptor = os.pidfd_open(pid)
            signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
        except (FileNotFoundError, ProcessLookupError):
            return  # gone already
        self._stopped[pid] = descriptor
        self.counts[kind] += 1


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that has ended
    return found
