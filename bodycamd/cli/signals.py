"""Ctrl-C, SIGTERM and SIGHUP (a terminal that is closed, a connection that breaks) end a command alike.

Two ways. `as_ctrl_c` is for commands whose work may break off anywhere: every one of these signals raises `KeyboardInterrupt`, as Ctrl-C
does. `Stopping` is for those that may not: an exception out of a signal handler is lost where the interpreter was called back by a library,
and comes between a file and whoever would remove it. There a signal sets a flag, and the work looks at it between its steps.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from bodycamd.errors import StoppedError

if TYPE_CHECKING:
    from signal import _HANDLER

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def as_ctrl_c() -> None:
    """From now on SIGTERM and SIGHUP do what Ctrl-C does. A SIGHUP that is ignored (`nohup`) stays so."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


class Stopping:
    """A context in which these signals set a flag. Call it between steps, at most 100 ms apart: it raises `StoppedError` once it is set."""

    def __init__(self) -> None:
        self._number = 0
        self._at_once = False
        self._before: dict[signal.Signals, _HANDLER] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> None:
        """Raises `StoppedError` where one of the signals has come."""
        if self._number:
            raise StoppedError(self._number)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """For work that only reads: in here the signal itself breaks it off. Where that is lost, the flag still stands at the end."""
        self()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False
        self()

    def _take(self, number: int, frame: FrameType | None) -> None:
        self._number = number
        if self._at_once:
            raise StoppedError(number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


Stop = Callable[[], None]
"""Raises where the work is to stop."""
