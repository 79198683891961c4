"""The one end of a socket that only tells: hands each message to who has connected (`hearing` is the other end). A hearer that does not
keep up is cut off; no hearer can make this process wait, or tell it anything. Where the process has no descriptor left, who connects waits
until there is one."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import socket
from pathlib import Path

from bodycamd.errors import UnavailableError

log = logging.getLogger(__name__)

MAX_HEARERS = 4
MODE = 0o660


class Teller:
    """The listening end at `path`, for who may write there: SOCK_SEQPACKET. `process` and `key` say in errors who serves, and which key of
    the configuration has the path. Raises `UnavailableError` where the socket cannot be made, or where another process serves there."""

    def __init__(self, path: Path, *, process: str, key: str) -> None:
        self._path = path
        self._listening = _listen(path, process, key)
        self._hearers: list[socket.socket] = []
        self._latest = b""
        self._crowded = False

    def fileno(self) -> int:
        """To be waited for: readable when somebody connects."""
        return self._listening.fileno()

    def admit(self) -> bool:
        """Take who waits, tell it the latest message that is kept, and let go of who has left.

        `False` where the machine lets nobody in: who waits still waits, so that the caller must not come back at once.
        """
        for hearer in list(self._hearers):
            if _has_left(hearer):
                self._drop(hearer)
        while True:
            try:
                hearer, _ = self._listening.accept()
            except BlockingIOError:
                self._crowded = False
                return True
            except ConnectionAbortedError:
                continue  # it left before it was taken
            except OSError as error:  # no descriptor or no memory is left: it stays so for a while
                if not self._crowded:
                    log.error("%s: a reader cannot be let in (%s)", self._path, error.strerror or error)
                self._crowded = True
                return False
            if len(self._hearers) >= MAX_HEARERS:
                hearer.close()
                continue
            hearer.setblocking(False)
            self._hearers.append(hearer)
            if self._latest:
                self._tell(hearer, self._latest)

    def publish(self, message: bytes, *, kept: bool = True) -> None:
        """Tell everybody; where it is `kept`, also who connects before the next one."""
        if kept:
            self._latest = message
        for hearer in list(self._hearers):
            self._tell(hearer, message)

    def close(self) -> None:
        """Remove the socket."""
        for hearer in list(self._hearers):
            self._drop(hearer)
        self._path.unlink(missing_ok=True)
        self._listening.close()

    def _tell(self, hearer: socket.socket, message: bytes) -> None:
        try:
            hearer.send(message, socket.MSG_NOSIGNAL)
        except OSError:  # full, or gone
            self._drop(hearer)

    def _drop(self, hearer: socket.socket) -> None:
        self._hearers.remove(hearer)
        hearer.close()


def _has_left(hearer: socket.socket) -> bool:
    """What it sends is not read: whoever sends is cut off too."""
    poll = select.poll()
    poll.register(hearer, select.POLLIN)
    return bool(poll.poll(0))


def _listen(path: Path, process: str, key: str) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        try:
            listening.bind(os.fspath(path))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe, contextlib.suppress(ConnectionRefusedError):
                probe.connect(os.fspath(path))
                raise UnavailableError(f"{path}: another {process} process serves there; end it first") from None
            path.unlink()  # left by one that was killed
            listening.bind(os.fspath(path))
        path.chmod(MODE)
        listening.listen(MAX_HEARERS)
    except OSError as error:
        listening.close()
        raise UnavailableError(f"{path}: the socket cannot be made ({error.strerror or error}); check {key}") from error
    except BaseException:
        listening.close()
        raise
    return listening
