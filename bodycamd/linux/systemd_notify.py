"""systemd's notifications (sd_notify(3)): that a service is ready, and that it lives."""

from __future__ import annotations

import os
import socket


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
