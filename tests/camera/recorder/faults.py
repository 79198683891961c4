"""A disk that does what it is told to fail, and tells what it was asked to do."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bodycamd.linux.disk import Disk
from bodycamd.linux.durable import Buffer


@dataclass
class Fault:
    """Fail call number `nth` (from 1) of `operation`, and the `times - 1` calls after it, with `error`."""

    operation: str
    nth: int
    error: int = errno.EIO
    times: int = 1


class FaultyDisk(Disk):
    """The real disk with faults; `calls` is the log of (operation, name of the file)."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.calls: list[tuple[str, str]] = []
        self.free: int | None = None
        self.names: dict[int, str] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.on_call: Callable[[str, str], None] = lambda operation, name: None

    def _step(self, operation: str, name: str) -> None:
        self.gate.wait()
        self.on_call(operation, name)
        self.calls.append((operation, name))
        number = sum(1 for called, _ in self.calls if called == operation)
        for fault in self.faults:
            if fault.operation == operation and fault.nth <= number < fault.nth + fault.times:
                raise OSError(fault.error, os.strerror(fault.error), name)

    def make_folder(self, path: Path) -> None:
        self._step("make_folder", path.name)
        super().make_folder(path)

    def create(self, path: Path) -> int:
        self._step("create", path.name)
        descriptor = super().create(path)
        self.names[descriptor] = path.name
        return descriptor

    def write(self, descriptor: int, buffers: Sequence[Buffer], offset: int) -> None:
        try:
            self._step("write", self.names[descriptor])
        except OSError:
            first = memoryview(buffers[0])
            super().write(descriptor, [first[: len(first) // 2]], offset)
            raise
        super().write(descriptor, buffers, offset)

    def fdatasync(self, descriptor: int) -> None:
        self._step("fdatasync", self.names[descriptor])
        super().fdatasync(descriptor)

    def fsync_folder(self, path: Path) -> None:
        self._step("fsync_folder", path.name)
        super().fsync_folder(path)

    def rename(self, old: Path, new: Path) -> None:
        self._step("rename", new.name)
        super().rename(old, new)

    def free_bytes(self, path: Path) -> int:
        return super().free_bytes(path) if self.free is None else self.free
