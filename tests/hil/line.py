"""The line to the hand on a camera (tests/hil/guest): a request, an answer."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any, Protocol


class Line(Protocol):
    """Asks for one thing after another."""

    def ask(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """What comes back, and the camera's CLOCK_BOOTTIME then, in µs. Raises `AssertionError` for what cannot be done,
        `TimeoutError` after `patience` seconds."""

    def close(self) -> None:
        """It is over."""


class SocketLine:
    """QEMU's end of a serial port."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("rb")
        self._one = threading.Lock()

    def ask(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """As `Line`."""
        with self._one:
            self._socket.settimeout(patience)
            self._socket.sendall(json.dumps({"do": do, **given}).encode() + b"\n")
            answer = json.loads(self._answers.readline() or b'{"error": "nobody is there"}')
        assert "error" not in answer, f"{do}: {answer['error']}"
        return answer["result"], answer["now_us"]

    def close(self) -> None:
        """As `Line`."""
        self._answers.close()
        self._socket.close()
