"""Errors that a person can act on, and the exit code that each one ends a command with.

Every error says what is wrong, where, and what to do next. The command line prints the message on one line and exits with `exit_code`;
nothing else is printed. Anything that is not a `BodycamError` is a defect of bodycamd itself: exit code 1 and a trace.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Final

EXIT_CODES: Final[Mapping[int, str]] = {
    0: "done",
    1: "internal error: a defect of bodycamd",
    2: "the command line is wrong",
    65: "the data is damaged or is not what it claims to be",
    66: "the input does not exist: no such file, store or recording",
    69: "a service, a device or a package that is needed is not there",
    73: "the output cannot be created",
    74: "reading or writing failed",
    75: "busy: another process holds the store",
    77: "not permitted, or not with this identity",
    78: "the configuration is wrong",
    129: "stopped by SIGHUP: the terminal was closed or the connection broke",
    130: "stopped by Ctrl-C (SIGINT)",
    141: "stopped: nobody reads its output any more (SIGPIPE)",
    143: "stopped by SIGTERM",
}
"""What each code means: for the help, and for docs/exit-codes.md."""


class BodycamError(Exception):
    """Base of all errors that are told to a person."""

    exit_code = 1


class StoppedError(BodycamError):
    """A signal ended the work before it was whole; nothing of it is left behind."""

    def __init__(self, number: int) -> None:
        """`number` is that of the signal."""
        super().__init__(f"stopped by {signal.Signals(number).name}; nothing of it was kept")
        self.exit_code = 128 + number


class UsageError(BodycamError):
    """The command line is wrong."""

    exit_code = 2


class DataError(BodycamError):
    """Footage, a statement or the ledger is damaged, or is not what it claims to be."""

    exit_code = 65


class NotFoundError(BodycamError):
    """The named file, store or recording does not exist."""

    exit_code = 66


class UnavailableError(BodycamError):
    """A service, a device or a package that is needed is not there, or does not answer."""

    exit_code = 69


class OutputError(BodycamError):
    """The output cannot be created; nothing half-made is left behind."""

    exit_code = 73


class StorageError(BodycamError):
    """Reading or writing failed."""

    exit_code = 74


class StoreBusyError(BodycamError):
    """Another process holds the store."""

    exit_code = 75


class PermissionDeniedError(BodycamError):
    """The user may not do this, or the identity does not open this footage."""

    exit_code = 77


class ConfigError(BodycamError):
    """The configuration is wrong: the message states the file, the key's path, the reason and what is allowed."""

    exit_code = 78
