"""Hands each reading to who has connected. A reader that does not keep up is cut off; no reader can make this process wait, or tell it
anything. Where the process has no descriptor left, who connects waits until there is one."""

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

MAX_READERS = 4
MODE = 0o660


class Readers:
    """The listening end at `path`, for who may write there: SOCK_SEQPACKET, one message a reading. Raises `UnavailableError` where the
    socket cannot be made, or where another process serves there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listening = _listen(path)
        self._readers: list[socket.socket] = []
        self._latest = b""
        self._crowded = False

    def fileno(self) -> int:
        """To be waited for: readable when somebody connects."""
        return self._listening.fileno()

    def admit(self) -> bool:
        """Take who waits, tell it the latest reading, and let go of who has left.

        `False` where the machine lets nobody in: who waits still waits, so that the caller must not come back at once.
        """
        for reader in list(self._readers):
            if _has_left(reader):
                self._drop(reader)
        while True:
            try:
                reader, _ = self._listening.accept()
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
            if len(self._readers) >= MAX_READERS:
                reader.close()
                continue
            reader.setblocking(False)
            self._readers.append(reader)
            if self._latest:
                self._tell(reader, self._latest)

    def publish(self, message: bytes) -> None:
        """Tell everybody."""
        self._latest = message
        for reader in list(self._readers):
            self._tell(reader, message)

    def close(self) -> None:
        """Remove the socket."""
        for reader in list(self._readers):
            self._drop(reader)
        self._path.unlink(missing_ok=True)
        self._listening.close()

    def _tell(self, reader: socket.socket, message: bytes) -> None:
        try:
            reader.send(message, socket.MSG_NOSIGNAL)
        except OSError:  # full, or gone
            self._drop(reader)

    def _drop(self, reader: socket.socket) -> None:
        self._readers.remove(reader)
        reader.close()


def _has_left(reader: socket.socket) -> bool:
    """What it sends is not read: whoever sends is cut off too."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    return bool(poll.poll(0))


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        try:
            listening.bind(os.fspath(path))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe, contextlib.suppress(ConnectionRefusedError):
                probe.connect(os.fspath(path))
                raise UnavailableError(f"{path}: another sensors process serves there; end it first") from None
            path.unlink()  # left by one that was killed
            listening.bind(os.fspath(path))
        path.chmod(MODE)
        listening.listen(MAX_READERS)
    except OSError as error:
        listening.close()
        raise UnavailableError(f"{path}: the socket cannot be made ({error.strerror or error}); check board.sensors") from error
    except BaseException:
        listening.close()
        raise
    return listening
