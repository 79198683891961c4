"""The control's trace as a file, for who looks for a fault: only where `control.trace` names one.

Guarantees: the control never waits for it. Lines go through a short queue to a thread of its own; what does not fit is left out, and the
trace begins anew after it. The newest lines are in the file, older ones in a second with `.1` behind its name; both together are at most
`MAX_BYTES`. An error of the disk ends the trace, with one line in the journal, and nothing else. Not guaranteed: that a line outlives a
power cut.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from pathlib import Path
from typing import TypeAlias

from bodycamd import __version__
from bodycamd.camera.control.events import Action, Event
from bodycamd.camera.control.state import State
from bodycamd.camera.control.trace import begin_line, step_line
from bodycamd.linux import durable

log = logging.getLogger(__name__)

MAX_BYTES = 8_000_000
MAX_WAITING = 1000
CLOSE_SECONDS = 1.0

Took: TypeAlias = tuple[State, int, Event, State, list[Action]]


class TraceFile:
    """Begins when it is made; `close` ends it. `took` is called in the loop's thread."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes // 2
        self._waiting: queue.Queue[Took | None] = queue.Queue(MAX_WAITING)
        self._gap = threading.Event()
        self._gap.set()
        self._descriptor = -1
        self._size = 0
        self._thread = threading.Thread(target=self._run, name="trace", daemon=True)
        self._thread.start()

    def took(self, before: State, now_us: int, event: Event, after: State, actions: list[Action]) -> None:
        """A step was taken. Returns at once, whatever the disk does."""
        try:
            self._waiting.put_nowait((before, now_us, event, after, actions))
        except queue.Full:
            self._gap.set()

    def close(self) -> None:
        """Write what waits, for a second at most."""
        try:
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        except queue.Full:
            return
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        try:
            while (step := self._waiting.get()) is not None:
                self._write(*step)
        except OSError as error:
            log.error("%s: the control is no longer traced: %s", self._path, error.strerror or error)
            while self._waiting.get() is not None:
                pass
        finally:
            if self._descriptor >= 0:
                os.close(self._descriptor)

    def _write(self, before: State, now_us: int, event: Event, after: State, actions: list[Action]) -> None:
        line = step_line(now_us, event, after, actions)
        if line is None:
            self._gap.set()
            return
        begin = begin_line(before, __version__)
        if self._gap.is_set():
            self._gap.clear()
            lines = begin + line
        else:
            lines = line
        if self._descriptor < 0 or self._size + len(lines) > self._max_bytes:
            self._begin_file()
            lines = begin + line
        durable.write_all(self._descriptor, [lines])
        self._size += len(lines)

    def _begin_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._path.exists():
            self._path.replace(f"{self._path}.1")
        self._descriptor = durable.open_new(self._path)
        self._size = 0
