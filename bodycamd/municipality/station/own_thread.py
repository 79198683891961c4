"""A duty with a thread of its own: what looks at another's disk or bucket, which may not answer for hours, or ever.

It holds up nothing else: no thread of those that answer requests, no other duty, and the end of the process for a moment only. A thread
that hangs then is left to end with the process.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future


class OwnThread:
    """Does `work` again and again, with a pause of so many seconds in between, until it is ended."""

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        pause_seconds: float,
        end: Callable[[], None] | None = None,
        *,
        pauses_first: bool = False,
    ) -> None:
        """`end` tells what is at work that it is to come to its end."""
        self._work, self._pause_seconds, self._end, self._pauses_first = work, pause_seconds, end, pauses_first
        self._ends = threading.Event()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    async def run(self) -> None:
        """Begin, and wait for its end, which comes by an error alone or by `end`. Raises what `work` has raised. Cancelled, it goes on."""
        self._ended.set_running_or_notify_cancel()
        self._thread.start()
        await asyncio.wrap_future(self._ended)

    def end(self) -> None:
        """Nothing more is begun. From any thread."""
        self._ends.set()
        if self._end is not None:
            self._end()

    def join(self, seconds: float) -> bool:
        """Wait so long for its end, where it was begun; whether that came."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            if self._pauses_first:
                self._ends.wait(self._pause_seconds)
            while not self._ends.is_set():
                self._work()
                self._ends.wait(self._pause_seconds)
        except Exception as error:  # whoever waits for it gets it
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)


def end_all(threads: Iterable[OwnThread], seconds: float) -> int:
    """End them, and wait so long for all of them together; how many have not ended."""
    threads, until = list(threads), time.monotonic() + seconds
    for thread in threads:
        thread.end()
    return sum(not thread.join(max(0.0, until - time.monotonic())) for thread in threads)
