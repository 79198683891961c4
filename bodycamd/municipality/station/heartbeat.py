"""That the station can still do something: systemd's watchdog is fed by it, and starts a process anew that hangs.

It lives while its loop turns and a thread of those that answer requests becomes free in time. A database or a disk that fails does not stop
it: those are told (`/health`), and a process that was started anew could do no more with them. One that does not answer at all stops it,
once every thread waits for it: then nobody is served, and a new process begins with connections of its own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from starlette.concurrency import run_in_threadpool

from bodycamd.linux.systemd_notify import SystemdNotifier

log = logging.getLogger(__name__)

PER_PERIOD: Final = 4
"""So often in the time after which systemd ends a process that says nothing."""


async def beat(notifier: SystemdNotifier, watchdog_seconds: float) -> None:
    """Until it is cancelled."""
    while True:
        await run_in_threadpool(_anything)
        try:
            notifier.say("WATCHDOG=1")
        except OSError as error:
            log.warning("systemd's watchdog cannot be told: %s", error.strerror)
        await asyncio.sleep(watchdog_seconds / PER_PERIOD)


def _anything() -> None:
    """A thread was free for it."""
