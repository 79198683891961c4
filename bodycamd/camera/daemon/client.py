"""A client of the control socket: JSON lines, one request and one answer, or a stream of events.

Every wait has a deadline. An error of the daemon arrives as the `BodycamError` of its exit code, with the daemon's own words.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from bodycamd import errors
from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, UnavailableError
from bodycamd.linux.readable import readable

DEFAULT_SOCKET = Path("/run/bodycamd/control.sock")
MAX_LINE_BYTES = 64 * 1024
ANSWER_SECONDS = 5.0


class ControlClient:
    """One connection. Raises `NotFoundError`, `PermissionDeniedError` or `UnavailableError` where there is no daemon to talk to."""

    def __init__(self, path: Path, timeout_seconds: float = ANSWER_SECONDS) -> None:
        self._path = path
        self._buffer = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_seconds)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise _why_not(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ready(self) -> bool:
        """Whether `events` would give something, or end, at once."""
        return b"\n" in self._buffer or readable(self._socket)

    def request(self, command: str, **arguments: Any) -> Any:
        """The result of a command. Raises the daemon's error, or `UnavailableError` where no answer comes in time."""
        line = msgspec.json.encode({"command": command, **arguments}) + b"\n"
        try:
            self._socket.sendall(line)
        except OSError as error:
            raise _why_not(self._path, error) from error
        answer = self._message()
        if answer is None:
            raise UnavailableError(f"{self._path}: the daemon hung up; is it shutting down?")
        if answer.get("ok") is True:
            return answer.get("result")
        raise _as_error(answer)

    def subscribe(self) -> None:
        """Ask for events; `events` gives them."""
        self.request("subscribe")

    def events(self) -> Iterator[dict[str, Any]]:
        """The events as they come, until the daemon hangs up. Raises `TimeoutError` after a silence as long as the timeout."""
        while True:
            try:
                message = self._message()
            except UnavailableError as error:
                if isinstance(error.__cause__, TimeoutError):
                    raise TimeoutError from error
                raise
            if message is None:
                return
            yield message

    def _message(self) -> dict[str, Any] | None:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if len(self._buffer) > MAX_LINE_BYTES:
                raise DataError(f"{self._path}: a line of more than {MAX_LINE_BYTES} bytes: this is not bodycamd's control socket")
            try:
                received = self._socket.recv(65536)
            except TimeoutError as error:
                raise UnavailableError(f"{self._path}: no answer from the daemon; see `systemctl status bodycamd`") from error
            except OSError as error:
                raise _why_not(self._path, error) from error
            if not received:
                return None
            self._buffer += received
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{self._path}: an answer that is not JSON: this is not bodycamd's control socket") from error


def _why_not(path: Path, error: OSError) -> BodycamError:
    if isinstance(error, FileNotFoundError):
        return UnavailableError(f"{path}: no daemon listens here; start it, or give --socket")
    if isinstance(error, PermissionError):
        return PermissionDeniedError(f"{path}: only members of the socket's group may ask; join group bodycam")
    if isinstance(error, ConnectionRefusedError):
        return UnavailableError(f"{path}: the daemon is not running")
    if error.errno == errno.ENOTSOCK or "too long" in str(error):
        return NotFoundError(f"{path}: not a control socket")
    return UnavailableError(f"{path}: {error.strerror or error}")


def _as_error(answer: dict[str, Any]) -> BodycamError:
    kinds = {
        kind.exit_code: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, BodycamError) and kind is not BodycamError
    }
    code = answer.get("exit_code")
    kind = kinds.get(code) if isinstance(code, int) else None
    return (kind or UnavailableError)(str(answer.get("error", "the daemon refused without a reason")))
