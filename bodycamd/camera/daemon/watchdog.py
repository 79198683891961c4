"""How the daemon shows that it lives: systemd's notifications, and when the watchdog may be fed.

The watchdog is fed by *progress*: of the control loop (it runs this code) and of the writer. A single disk operation that has not returned
is not a lack of progress: a card may stall for many seconds and killing the daemon would cost the footage in the ring.
"""

from __future__ import annotations

import os
import socket

SILENCE_US = 10_000_000
"""How long the writer's turns may stand still outside a disk operation before it counts as dead."""


class WriterWatch:
    """Whether the writer makes progress, from what is seen of it now and then."""

    def __init__(self, now_us: int) -> None:
        self._turns = -1
        self._moved_us = now_us

    def may_feed(self, *, alive: bool, turns: int, in_disk_operation: bool, now_us: int) -> bool:
        """True while the writer turns or waits for the disk."""
        if turns != self._turns or in_disk_operation:
            self._turns = turns
            self._moved_us = now_us
        return alive and now_us - self._moved_us < SILENCE_US


class SystemdNotifier:
    """Speaks sd_notify(3) to `$NOTIFY_SOCKET`; without one (not started by systemd) it says nothing to nobody."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        environment = dict(os.environ) if environment is None else environment
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = environment.get("WATCHDOG_USEC", "")
        pid = environment.get("WATCHDOG_PID", "")
        mine = not pid or pid == str(os.getpid())
        self.watchdog_seconds: float | None = int(usec) / 1e6 if usec.isdigit() and mine else None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if self._address else None
        if self._socket is not None:
            self._socket.setblocking(False)

    def say(self, message: str) -> None:
        """Send `READY=1`, `WATCHDOG=1`, `STOPPING=1` or `STATUS=…`. A full socket loses the message: the next one follows."""
        if self._socket is not None:
            try:
                self._socket.sendto(message.encode(), self._address)
            except BlockingIOError:
                return

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()
