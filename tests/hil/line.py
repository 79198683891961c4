"""The line to the hand on a camera (tests/hil/guest): a request, an answer."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from bodycamd.errors import BodycamError, UnavailableError

SSH = ("ssh", "-T", "-a", "-x", "-oBatchMode=yes", "-oConnectTimeout=20", "-oServerAliveInterval=15", "--")
"""Nobody is asked for anything (ssh_config(5), BatchMode): keys and the host's identity are there before."""


class Line(Protocol):
    """Asks for one thing after another."""

    def ask(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """What comes back, and the camera's CLOCK_BOOTTIME then, in µs. Raises `AssertionError` for what cannot be done,
        `TimeoutError` after `patience` seconds."""

    def close(self) -> None:
        """It is over."""


def taken(do: str, answer: dict[str, Any], where: str = "") -> tuple[Any, int]:
    """What an answer brings; see `Line`."""
    if "code" in answer:
        raise RefusedError(f"{where}{answer['error']}", answer["code"])
    assert "error" not in answer, f"{do}: {answer['error']}"
    return answer["result"], answer["now_us"]


class RefusedError(BodycamError):
    """The other end is not for the bench: why, and an exit code of those in bodycamd/errors.py."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.exit_code = code


def connected(path: Path, patience: float = 60.0) -> socket.socket:
    """To a socket of QEMU's, whose file is there a moment before it listens. Raises `TimeoutError`."""
    until = time.monotonic() + patience
    while True:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            made.close()
            if time.monotonic() > until:
                raise TimeoutError(f"{path}: nobody listens") from error
            time.sleep(0.05)
        else:
            return made


class SocketLine:
    """QEMU's end of a serial port."""

    def __init__(self, path: Path) -> None:
        self._socket = connected(path)
        self._answers = self._socket.makefile("rb")
        self._one = threading.Lock()

    def ask(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """As `Line`."""
        with self._one:
            self._socket.settimeout(patience)
            self._socket.sendall(json.dumps({"do": do, **given}).encode() + b"\n")
            answer = json.loads(self._answers.readline() or b'{"error": "nobody is there"}')
        return taken(do, answer)

    def close(self) -> None:
        """As `Line`."""
        self._answers.close()
        self._socket.close()


class SshLine:
    """Standard input and output of a command at `host`; `ssh` itself complains to standard error."""

    def __init__(self, host: str, command: str) -> None:
        self._host, self._read, self._one = host, b"", threading.Lock()
        try:
            self._ssh = subprocess.Popen([*SSH, host, command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        except FileNotFoundError as error:
            raise UnavailableError("ssh is not installed: apt install openssh-client") from error
        assert self._ssh.stdin is not None
        assert self._ssh.stdout is not None
        self._to, self._from = self._ssh.stdin, self._ssh.stdout

    def ask(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """As `Line`. Raises `UnavailableError` where the connection is over."""
        with self._one:
            try:
                self._to.write(json.dumps({"do": do, **given}).encode() + b"\n")
                line = self._line(time.monotonic() + patience)
            except BrokenPipeError:
                line = b""
        if not line:
            code = self._ssh.wait(10)
            raise UnavailableError(
                f"{self._host}: the connection is over ({do}, exit code {code}): does `ssh {self._host} sudo -n true` work?"
            )
        return taken(do, json.loads(line), f"{self._host}: ")

    def close(self) -> None:
        """As `Line`: the other end sees the end of its input."""
        self._to.close()
        try:
            self._ssh.wait(120)
        finally:
            self._ssh.kill()
            self._from.close()

    def _line(self, until: float) -> bytes:
        while b"\n" not in self._read:
            if not select.select([self._from], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError(f"{self._host}: no answer")
            if not (more := os.read(self._from.fileno(), 1 << 16)):
                return b""
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line
