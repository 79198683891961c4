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


def words(command: Sequence[str], to: str, text: str) -> list[str]:
    """The command for this person. What is put in stays within its word, and is not looked at again."""
    return [text.join(part.replace("{to}", to) for part in word.split("{text}")) for word in command]


def run(command: Sequence[str], to: str, text: str, timeout_seconds: float) -> bool:
    """Whether it ended with 0 in time. It has the text on its standard input, nothing of the station's environment, and what it prints is
    passed over. One that does not end is killed, with all that it started."""
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
        return False
    finally:
        _end(process)
    if process.returncode:
        log.error("help: %s ended with %d", line[0], process.returncode)
    return process.returncode == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """All of its group: also what it left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
