"""QEMU's monitor: a request, an answer, and events that nobody waits for (docs/interop/qmp-spec.rst in QEMU's source)."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.hil.line import connected

ANSWER_SECONDS = 300.0


class Monitor:
    """At the socket `path`, while the context lasts."""

    def __init__(self, path: Path) -> None:
        self._socket = connected(path)
        self._socket.settimeout(ANSWER_SECONDS)
        self._said = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        self._said.readline()  # who it is
        self.ask("qmp_capabilities")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self._said.close()
        self._socket.close()

    def ask(self, command: str, **arguments: str | int | bool) -> Any:
        """What comes back. Raises `AssertionError` for what cannot be done."""
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while "event" in (answer := json.loads(self._said.readline())):
            pass
        assert "return" in answer, f"{command}: {answer}"
        return answer["return"]
