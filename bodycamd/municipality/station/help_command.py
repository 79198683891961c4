"""The command that reaches a person: a list of words, never a shell, with an end."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Final

log = logging.getLogger(__name__)

ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
KILLED_SECONDS: Final = 2.0
"""So long after a kill a process of this user is gone."""


def words(command: Sequence[str], to: str, text: str) -> list[str]:
    """The command for this person. What is put in stays within its word, and is not looked at again."""
    return [text.join(part.replace("{to}", to) for part in word.split("{text}")) for word in command]


def run(command: Sequence[str], to: str, text: str, timeout_seconds: float) -> bool:
    """Whether it ended with 0 in time. It has the text on its standard input, nothing of the station's environment, and what it prints is
    passed over. One that does not end is killed, with all that it started; what one that has ended left running is let be: it may be
    what delivers the message."""
    line = words(command, to, text)
    try:
        process = subprocess.Popen(
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        log.error("help: %s cannot be started: %s", line[0], error.strerror)
        return False
    try:
        process.communicate(text.encode(), timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        log.error("help: %s has not ended within %g s", line[0], timeout_seconds)
        _kill(process, line[0])
        return False
    if process.returncode:
        log.error("help: %s ended with %d", line[0], process.returncode)
    return process.returncode == 0


def _kill(process: subprocess.Popen[bytes], name: str) -> None:
    """All of its group, as far as this user may. What runs on is waited for by `subprocess` itself, when the next one begins."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(KILLED_SECONDS)
    except ProcessLookupError:
        process.wait()
    except (PermissionError, subprocess.TimeoutExpired):
        log.error("help: %s runs as another user, and cannot be ended", name)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
