"""How late the kernel may wake a thread when a time is over, so that it wakes the processor less often.

Source: prctl(2), PR_SET_TIMERSLACK: a thread begins with the slack of the thread that makes it; what it waits for beside a time still wakes
it at once. Not guaranteed: that the kernel takes it; then the thread wakes as often as it asks to.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_PR_SET_TIMERSLACK, _PR_GET_TIMERSLACK = 29, 30
_libc = ctypes.CDLL(None)


@contextmanager
def timer_slack(seconds: float) -> Iterator[None]:
    """Of this thread, and for good of those that it makes meanwhile."""
    before_ns = _libc.prctl(_PR_GET_TIMERSLACK, 0, 0, 0, 0)
    _libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(round(seconds * 1e9)), 0, 0, 0)
    try:
        yield
    finally:
        _libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(before_ns), 0, 0, 0)
