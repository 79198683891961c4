"""Standard streams that a shell closed, a disk that is full behind them, a reader that is gone, a terminal that knows ASCII only.

Guarantees, within `standard_streams`
- Descriptors 0 to 2 are open, so that no file of ours ever gets one of their numbers: what others print there would go into it.
- Whatever cannot be written to standard output raises `OutputGoneError`, one line and a documented exit code; where standard error is what
  cannot be written, there is nobody to tell, and nothing is said.
- A character that the stream's encoding does not have is written out (`\\u2026`).
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from bodycamd.errors import BodycamError, StorageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

READER_GONE = 141
"""As a shell counts SIGPIPE, which Python does not let happen."""


class OutputGoneError(BodycamError):
    """Standard output takes no more."""

    def __init__(self, error: OSError) -> None:
        """`error` is what the kernel said."""
        gone = error.errno == errno.EPIPE
        super().__init__("nobody reads standard output any more" if gone else f"standard output cannot be written: {error.strerror}")
        self.exit_code = READER_GONE if gone else StorageError.exit_code


class _Output(io.RawIOBase):
    """A descriptor to write to. Once it has failed it takes everything and writes nothing: Python flushes once more when it ends."""

    def __init__(self, descriptor: int, *, silent: bool) -> None:
        self._descriptor = descriptor
        self._silent = silent
        self._failed = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer) -> int:
        count = memoryview(data).nbytes
        if self._failed:
            return count
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            self._failed = True
            if self._silent:
                return count
            raise OutputGoneError(error) from error


@contextmanager
def standard_streams() -> Iterator[None]:
    """Put streams of this kind in the places of `sys.stdin`, `sys.stdout` and `sys.stderr`, for the whole process. Flushed at its end:
    raises `OutputGoneError`.
    """
    _open_missing()
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - for the whole process
    sys.stderr = _text(2, sys.stderr, silent=True)
    sys.stdout = _text(1, sys.stdout, silent=False)
    yield
    sys.stdout.flush()


def _open_missing() -> None:
    """Where output is closed, /dev/null stands open for reading only: writing fails, and is reported. Of errors nobody hears anyway."""
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened == number:
                os.set_inheritable(number, True)
            else:
                os.dup2(opened, number)
                os.close(opened)


def _text(descriptor: int, before: TextIO | None, *, silent: bool) -> io.TextIOWrapper:
    """Encoded as the stream in its place was. `None` is what Python has for one that was closed."""
    encoding = "utf-8"
    if before is not None:
        encoding = before.encoding
        with suppress(OSError, ValueError):
            before.flush()
    raw = _Output(descriptor, silent=silent)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=silent or raw.isatty())
