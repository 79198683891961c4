"""The other end of a socket that only tells (`telling`): takes what has come, without ever waiting and without ever sending."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

MESSAGES_A_LOOK = 16
"""More than come between two looks; whoever sends more is read on at the next one."""


class Hearer:
    """Connects to `path`, again and again where nobody serves there. Never raises and never waits."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path, self._max_bytes = path, max_bytes
        self._socket: socket.socket | None = None

    def fileno(self) -> int | None:
        """To be waited for: readable when something has come, or when the other end has left. `None` while nobody serves."""
        return None if self._socket is None else self._socket.fileno()

    def look(self) -> Iterator[bytes | None]:
        """What has come, oldest first: at most `MESSAGES_A_LOOK` messages, of which one that is too long is cut after `max_bytes` + 1; and
        `None` where the other end has left, or was never there. It is connected to anew at the next look."""
        if self._socket is None:
            self._socket = self._connected()
        for _ in range(MESSAGES_A_LOOK):
            if self._socket is None:
                yield None
                return
            try:
                message = self._socket.recv(self._max_bytes + 1)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if message:
                yield message
            else:
                self.close()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connected(self) -> socket.socket | None:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with contextlib.suppress(OSError):  # not there yet, or its queue is full: at the next look
            link.connect(os.fspath(self._path))
            return link
        link.close()
        return None
