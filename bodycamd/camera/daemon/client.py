"""A client of the control socket: JSON lines, one request and one answer, or a stream of events.

Every wait has a deadline. An error of the daemon arrives as the `BodycamError` of its exit code, with the daemon's own words.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import msgspec

from bodycamd import errors
from bodycamd.camera.daemon.protocol import MAX_ANSWER_BYTES, MAX_LINE_BYTES, Published, Reply, Request, Subscribe, encode_line
from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, UnavailableError
from bodycamd.foreign_text import shown
from bodycamd.linux.readable import readable

ANSWER_SECONDS = 5.0
A = TypeVar("A")
_REPLY = msgspec.json.Decoder(Reply)
_EVENT: msgspec.json.Decoder[Published] = msgspec.json.Decoder(Published)


WHERE_TO_LOOK = (
    "look with `systemctl status bodycamd` and `journalctl -u bodycamd -b`; where another socket is configured, give --config or --socket"
)
"""While the unit starts, or starts again and again."""


class NobodyListensError(UnavailableError):
    """There is no daemon at this socket: not one that is busy, or has no place."""


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
        """Whether `events` would yield something, or end, at once."""
        return b"\n" in self._buffer or readable(self._socket)

    def daemon_pid(self) -> int:
        """The process that listens, by the kernel's word."""
        pid, _, _ = struct.unpack("iII", self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII")))
        return int(pid)

    def request(self, request: Request[A], answer: type[A]) -> A:
        """The answer. Raises the daemon's error; `UnavailableError` where no answer comes in time; `DataError` where it is not of the
        request's type: a daemon of another version."""
        return self._decoded_answer(self.ask(encode_line(request)), answer)

    def _decoded_answer(self, raw: msgspec.Raw, answer: type[A]) -> A:
        try:
            return msgspec.json.decode(raw, type=answer)
        except (msgspec.DecodeError, RecursionError) as error:
            why = f"the answer is not what was asked for ({shown(error)}): is the daemon of another version?"
            raise DataError(f"{self._path}: {why}") from error

    def request_file(self, request: Request[A], answer: type[A]) -> tuple[A, BinaryIO]:
        """The answer, and the file that the daemon opened for it, to be read. Raises as `request` does."""
        try:
            self._socket.sendall(encode_line(request))
            received, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 1)
        except TimeoutError as error:
            raise UnavailableError(f"{self._path}: no answer from the daemon; {WHERE_TO_LOOK}") from error
        except OSError as error:
            raise _why_not(self._path, error) from error
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self._buffer += received
        try:
            found = self._decoded_answer(self._result(), answer)
            if not descriptors:
                raise DataError(f"{self._path}: an answer without its file: is the daemon of another version?")
        except BaseException:
            for descriptor in descriptors:
                os.close(descriptor)
            raise
        return found, open(descriptors[0], "rb")

    def ask(self, line: bytes) -> msgspec.Raw:
        """The result, in JSON, of a request as a line. Raises as `request` does."""
        try:
            self._socket.sendall(line)
        except OSError as error:
            raise _why_not(self._path, error) from error
        return self._result()

    def _result(self) -> msgspec.Raw:
        said = self._line(MAX_ANSWER_BYTES)
        if said is None:
            raise UnavailableError(f"{self._path}: the daemon hung up; is it shutting down?")
        reply = self._decoded(_REPLY, said)
        if not reply.ok:
            raise _as_error(reply)
        return reply.result

    def subscribe(self) -> None:
        """Ask for events; `events` yields them."""
        self.ask(encode_line(Subscribe()))

    def events(self) -> Iterator[Published]:
        """The events as they come, until the daemon hangs up. Raises `TimeoutError` after a silence as long as the timeout, `DataError` for
        what is not an event of this version."""
        while True:
            try:
                line = self._line(MAX_LINE_BYTES)
            except UnavailableError as error:
                if isinstance(error.__cause__, TimeoutError):
                    raise TimeoutError from error
                raise
            if line is None:
                return
            yield self._decoded(_EVENT, line)

    def _decoded(self, decoder: msgspec.json.Decoder[A], line: bytes) -> A:
        try:
            return decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            what = "an answer that is not bodycamd's" if isinstance(error, msgspec.ValidationError) else "an answer that is not JSON"
            raise DataError(f"{self._path}: {what} ({shown(error)}): this is not the control socket of this version") from error

    def _line(self, at_most_bytes: int) -> bytes | None:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if len(self._buffer) > at_most_bytes:
                raise DataError(f"{self._path}: a line of more than {at_most_bytes} bytes: this is not bodycamd's control socket")
            try:
                received = self._socket.recv(65536)
            except TimeoutError as error:
                raise UnavailableError(f"{self._path}: no answer from the daemon; {WHERE_TO_LOOK}") from error
            except OSError as error:
                raise _why_not(self._path, error) from error
            if not received:
                return None
            self._buffer += received
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


def _why_not(path: Path, error: OSError) -> BodycamError:
    if isinstance(error, FileNotFoundError):
        return NobodyListensError(f"{path}: no daemon listens here; {WHERE_TO_LOOK}")
    if isinstance(error, PermissionError):
        return PermissionDeniedError(f"{path}: only members of the socket's group may ask; join group bodycam")
    if isinstance(error, ConnectionRefusedError):
        return NobodyListensError(f"{path}: the daemon is not running; {WHERE_TO_LOOK}")
    if error.errno == errno.ENOTSOCK or "too long" in str(error):
        return NotFoundError(f"{path}: not a control socket")
    return UnavailableError(f"{path}: {error.strerror or error}")


def _as_error(reply: Reply) -> BodycamError:
    kinds = {
        kind.exit_code: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, BodycamError) and kind is not BodycamError
    }
    kind = UnavailableError if reply.exit_code is None else kinds.get(reply.exit_code, UnavailableError)
    return kind(reply.error)
