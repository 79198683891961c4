"""A terminal in which a command runs, and text that would steer it."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import pty
import re
import sys
import termios
import time
import unicodedata
import warnings
from collections.abc import Callable, Sequence

from bodycamd import municipality, retention
from bodycamd.cli.main import main
from bodycamd.linux.readable import readable

for _package in (municipality, retention):
    for _module in pkgutil.walk_packages(_package.__path__, _package.__name__ + "."):
        importlib.import_module(_module.name)  # once, here, and not in every child

INJECTED = "\x1b[38;5;199m"
"""A colour that no printer of ours uses: a terminal may get colours from us, never this one."""
HOSTILE = f"\x1b]0;x\x07{INJECTED}[red]\x9b5n\u202egnp\u2066\u200b\u2028\x7f\U000e0041\u3164é\r\nok"
"""Short enough for an officer's pseudonym: a title, a colour, markup of rich, CSI as one character, direction, no width, line ends."""
HOSTILE_NAME = os.fsdecode(HOSTILE.replace("/", "").encode() + b"\xff\xfe")
"""The same as a file's name, with bytes that are no UTF-8."""
WRITTEN_OUT = "\\u001b]0;x\\u0007\\u001b[38;5;199m[red]\\u009b5n\\u202egnp\\u2066\\u200b\\u2028\\u007f\\U000e0041\\u3164é\\u000d\\u000aok"

_END = "=== it ended with"
_OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|2K|[0-9]*A)|\r?\n|\r")
"""Colours, and how the progress bar draws itself anew."""
_STEERS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def steering(text: str) -> set[str]:
    """The characters of this text that would not be read but steer, by their names; nothing that our printers may send."""
    found = {f"U+{ord(c):04X}" for c in _OURS.sub("", text) if unicodedata.category(c) in _STEERS or c == "\u3164"}
    found |= {"the colour"} if INJECTED in text else set()
    return found | ({"a line of its own"} if "\nok" in text else set())


def on_a_terminal(*lines: Sequence[str]) -> list[tuple[int, str]]:
    """Carry command lines out, one after the other, in a child whose standard streams are a terminal: exit code and all that it printed."""

    def work() -> int:
        for line in lines:
            code = main(line)
            sys.stdout.flush()
            sys.stderr.flush()
            os.write(1, f"{_END} {code}\n".encode())
        return 0

    code, printed = in_a_terminal(work)
    *whole, rest = re.split(f"{_END} ([0-9]+)\r?\n", printed)
    assert (code, rest, len(whole)) == (0, "", 2 * len(lines)), printed
    return [(int(code), text) for text, code in zip(whole[::2], whole[1::2], strict=True)]


def in_a_terminal(work: Callable[[], int], seconds: float = 60) -> tuple[int, str]:
    """Carry a function out on a terminal of 250 columns: its exit code, and all that it printed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads: the child touches none of theirs
        pid, terminal = pty.fork()
    if pid == 0:
        code = 99
        with contextlib.suppress(BaseException):
            sys.stdin, sys.stdout, sys.stderr = (os.fdopen(fd, mode, closefd=False) for fd, mode in ((0, "r"), (1, "w"), (2, "w")))
            os.environ.update(TERM="xterm-256color", COLUMNS="250", LINES="60")
            code = work()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST  # line ends as they were written
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    printed, end = b"", time.monotonic() + seconds
    try:
        while readable(terminal, max(0.0, end - time.monotonic())):
            data = os.read(terminal, 65536)
            if not data:
                break
            printed += data
        else:
            os.kill(pid, 9)
    except OSError:  # the child has ended
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), printed.decode("utf-8", "surrogateescape")
