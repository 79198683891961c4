"""pyrage, the age library: the one door to it. It panics, with a trace, where an exception out of a signal handler breaks into its start:
SIGINT, SIGTERM and SIGHUP wait until it has loaded.
"""

from __future__ import annotations

import signal

_before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
try:
    import pyrage as pyrage
finally:
    signal.pthread_sigmask(signal.SIG_SETMASK, _before)
