"""Secrets that a command asks for: on the terminal, or from a descriptor that a script hands over. Never an argument: all users see those.

`BODYCAMD_PASSPHRASE_FD=N` names an open descriptor; each secret is the next line from it: `bodycamd export … 3<passphrase`. Every command
that asks also takes `--passphrase-file` (`passphrases`), which beats it.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from bodycamd.cli.output import say
from bodycamd.cli.signals import Stopping
from bodycamd.errors import StorageError, UsageError
from bodycamd.foreign_text import shown

VARIABLE = "BODYCAMD_PASSPHRASE_FD"
ELSE = f"hand it over with --passphrase-file or {VARIABLE} (docs/identities.md)"
MAX_PASSPHRASE_BYTES = 1024
MAX_QUESTION = 400
NOT_UTF_8 = "what was typed is not UTF-8; set the terminal to UTF-8 and try again"


def secret(what: str, *, twice: bool = False) -> str:
    """A secret of at least one character, asked of a person `twice` where a mistake would be found too late, until the two are the same.

    Raises `UsageError` where there is neither terminal nor descriptor, or what comes is not UTF-8; `StorageError` where the descriptor
    cannot be read.
    """
    if (named := os.environ.get(VARIABLE)) is not None:
        return _from_descriptor(named, what)
    if not has_terminal():
        raise UsageError(f"{shown(what, MAX_QUESTION)}: there is no terminal to ask on; {ELSE}")
    try:
        while True:
            while not (said := getpass.getpass(f"{shown(what, MAX_QUESTION)}: ")):
                pass
            if not twice or getpass.getpass("once more: ") == said:
                break
            say("the two are not the same; type it anew", err=True)
        said.encode("utf-8")
    except EOFError:
        raise UsageError(f"{shown(what, MAX_QUESTION)}: nothing was answered") from None
    except UnicodeError:
        raise UsageError(f"{shown(what, MAX_QUESTION)}: {NOT_UTF_8}") from None
    return said


def has_terminal() -> bool:
    """Whether there is somebody to ask, also where standard input is a file."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _from_descriptor(named: str, what: str) -> str:
    """One line, without its end. Byte by byte: the rest of it is for who asks next."""
    line = bytearray()
    try:
        number = int(named)
        while len(line) <= MAX_PASSPHRASE_BYTES and (byte := os.read(number, 1)) not in (b"", b"\n"):
            line += byte
        said = line.decode("utf-8")
    except (ValueError, OverflowError):
        raise UsageError(f"{VARIABLE}: a number of a descriptor from which UTF-8 text can be read is needed") from None
    except OSError as error:
        raise StorageError(f"{VARIABLE}={shown(named, 20)}: {shown(what, MAX_QUESTION)} cannot be read: {error.strerror}") from error
    if not said or len(line) > MAX_PASSPHRASE_BYTES:
        needed = f"a line of 1 to {MAX_PASSPHRASE_BYTES} bytes is needed"
        raise UsageError(f"{VARIABLE}={shown(named, 20)}: {needed}: {shown(what, MAX_QUESTION)}")
    return said


class AtTheDesk:
    """The person who gave the command, for `film.identities`. A signal breaks a question off. Passphrases come from `ask`, which is called
    with what is asked for."""

    def __init__(self, stop: Stopping, ask: Callable[[str], str] = secret) -> None:
        self._stop = stop
        self._ask = ask

    def passphrase(self, of: str) -> str:
        """As `secret`."""
        with self._asking():
            return self._ask(f"passphrase of {of}")

    def answer(self, question: str) -> str:
        """A line that is shown while it is typed. Raises `UsageError` where there is no terminal."""
        with self._asking():
            self._check_terminal(question)
            said: str = typer.prompt(shown(question, MAX_QUESTION), err=True)
            said.encode("utf-8")
            return said

    def agree(self, question: str) -> bool:
        """Raises `UsageError` where there is no terminal."""
        with self._asking():
            self._check_terminal(question)
            return bool(typer.confirm(shown(question, MAX_QUESTION), err=True))

    def tell(self, message: str) -> None:
        """On standard error."""
        say(message, err=True)

    def _check_terminal(self, question: str) -> None:
        if not sys.stdin.isatty():
            raise UsageError(f"{shown(question, MAX_QUESTION)}: there is no terminal to answer on")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with self._stop.at_once():
                yield
        except typer.Abort:
            raise UsageError("nothing was answered") from None
        except UnicodeError:
            raise UsageError(NOT_UTF_8) from None
