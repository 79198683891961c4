"""Signals as on a terminal, however the tests were started.

What a shell starts with `&` ignores SIGINT, what `nohup` starts ignores SIGHUP, and all children inherit that. A handler, even one that
does nothing, is the default again in a child.
"""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
