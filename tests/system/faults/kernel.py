"""What the kernel answers to file operations of the daemon in its store: errors and delays, exactly where a test wants them.

The trigger `disk` is a JSON list of rules `{"call", "name", "error", "first", "times", "seconds"}`: the calls `first` to
`first + times - 1` (default: 1, without end) of this kind on a file whose name fits the pattern `name` take `seconds`, then fail with
`error` (if there is one). A rule counts from when it was written. Calls: mkdir, create, write, fdatasync, fsync, rename, statvfs,
ftruncate. A `write` that fails has written half of its bytes; a failed sync has done nothing.
"""

from __future__ import annotations

import errno
import fnmatch
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.kit.direct_writes import buffered
from tests.system.faults.triggers import told


class Kernel:
    """Stands between the daemon and the kernel for everything below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = str(root.resolve()) + "/"
        self._lock = threading.Lock()
        self._text: str | None = None
        self._rules: list[dict[str, Any]] = []

    def install(self) -> None:
        """Wrap `os`, for good."""
        pwritev, writev = os.pwritev, os.writev

        def halved(buffers: Sequence[Any]) -> list[bytes]:
            data = b"".join(buffers)
            return [data[: len(data) // 2]]

        def new_pwritev(descriptor: int, buffers: Sequence[Any], offset: int, flags: int = 0) -> int:
            self._ask("write", self._path(descriptor), lambda: pwritev(buffered(descriptor), halved(buffers), offset, flags))
            return pwritev(descriptor, buffers, offset, flags)

        def new_writev(descriptor: int, buffers: Sequence[Any]) -> int:
            self._ask("write", self._path(descriptor), lambda: writev(descriptor, halved(buffers)))
            return writev(descriptor, buffers)

        for function, wrapper in (("pwritev", new_pwritev), ("writev", new_writev)):
            setattr(os, function, wrapper)
        for name in ("fdatasync", "fsync", "ftruncate"):
            self._wrap(name, name, lambda arguments: self._path(arguments[0]))
        for name in ("mkdir", "rename", "statvfs"):
            self._wrap(name, name, lambda arguments: os.path.abspath(arguments[0]))
        self._wrap("open", "create", lambda arguments: os.path.abspath(arguments[0]) if arguments[1] & os.O_CREAT else None)

    def _wrap(self, function: str, call: str, path_of: Callable[[Sequence[Any]], Any]) -> None:
        real = getattr(os, function)

        def wrapped(*arguments: Any, **more: Any) -> Any:
            self._ask(call, path_of(arguments))
            return real(*arguments, **more)

        setattr(os, function, wrapped)

    def _ask(self, call: str, path: Any, half: Callable[[], object] = lambda: None) -> None:
        """Raises `OSError` where a rule says so."""
        if not isinstance(path, str) or not (path + "/").startswith(self._root):
            return
        with self._lock:
            if (text := told("disk")) != self._text:
                self._text, self._rules = text, json.loads(text or "[]")
            name = os.path.basename(path)
            fitting = [rule for rule in self._rules if rule["call"] == call and fnmatch.fnmatch(name, rule.get("name", "*"))]
            for rule in fitting:
                rule["seen"] = rule.get("seen", 0) + 1
            due = [rule for rule in fitting if 0 <= rule["seen"] - rule.get("first", 1) < rule.get("times", 1 << 30)]
        for rule in due:
            time.sleep(rule.get("seconds", 0))  # the disk's own time
            if "error" in rule:
                half()
                number = getattr(errno, rule["error"])
                raise OSError(number, os.strerror(number), path)

    @staticmethod
    def _path(descriptor: int) -> str | None:
        try:
            return os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            return None
