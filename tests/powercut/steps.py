"""Every step that a process takes on the disk, seen at the border to the kernel: written down, left out, or the last one of its life.

`install` wraps the functions of `os` that change a file system, for paths below one folder. A step is named by the operation and the
function of bodycamd that asks for it, for example `fdatasync camera.recorder.recording._write`. Nothing in the product knows of this.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.kit.direct_writes import buffered

SEAM_MODULES = ("bodycamd.linux.disk", "bodycamd.camera.recorder.progress")
SEAM_FUNCTIONS = ("sync_folder", "sync_names", "sync", "write_all", "_write", "cut", "fill", "open_new")
"""Of `linux.durable`. They carry out what others ask for, so a step is named after the caller."""
_LENGTH = struct.Struct("<I")


class Operation(msgspec.Struct, frozen=True, array_like=True):
    """One step as it was done. `path` and `new` are relative to the folder."""

    kind: str
    """`create`, `mkdir`, `symlink`, `write`, `truncate`, `sync`, `sync folder`, `rename`, `unlink`; `new` is where a link leads"""
    step: str
    path: str
    offset: int = 0
    data: bytes = b""
    new: str = ""


@dataclass(frozen=True)
class Kill:
    """Die at step number `nth` (from 1; of those named `step`, or of all): `before` it, `after` it, or `halfway` through its bytes."""

    nth: int
    when: str
    step: str = ""


class Steps:
    """What is done below `root`. `leave_out` names steps that are not done; `log` takes every `Operation`; `kill` is the process's end."""

    def __init__(self, root: Path, *, log: Path | None = None, leave_out: Sequence[str] = (), kill: Kill | None = None) -> None:
        self.root = str(root.resolve())
        self.count = 0
        self._leave_out = frozenset(leave_out)
        self._kill = kill
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log is not None else None
        self._order = threading.RLock()
        self._write = os.write

    def install(self) -> None:
        """Wrap `os`, for good."""
        self._wrap_descriptor_steps()
        self._wrap_name_steps()

    def _wrap_descriptor_steps(self) -> None:
        real_writev, real_pwritev, real_ftruncate = os.writev, os.pwritev, os.ftruncate
        real_fdatasync, real_fsync = os.fdatasync, os.fsync

        def writev(descriptor: int, buffers: Sequence[Any]) -> int:
            if (path := self._path_of(descriptor)) is None:
                return real_writev(descriptor, buffers)
            appends = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
            offset = os.fstat(descriptor).st_size if appends else os.lseek(descriptor, 0, os.SEEK_CUR)
            data = b"".join(buffers)
            operation = Operation("write", _step("write"), path, offset, data)
            half = lambda: real_writev(descriptor, [data[: len(data) // 2]])  # noqa: E731
            return int(self._do(operation, lambda: real_writev(descriptor, buffers), half) or len(data))

        def pwritev(descriptor: int, buffers: Sequence[Any], offset: int, flags: int = 0) -> int:
            if (path := self._path_of(descriptor)) is None:
                return real_pwritev(descriptor, buffers, offset, flags)
            data = b"".join(buffers)
            operation = Operation("write", _step("write"), path, offset, data)
            half = lambda: real_pwritev(buffered(descriptor), [data[: len(data) // 2]], offset)  # noqa: E731
            return int(self._do(operation, lambda: real_pwritev(descriptor, buffers, offset, flags), half) or len(data))

        def ftruncate(descriptor: int, length: int) -> None:
            if (path := self._path_of(descriptor)) is None:
                real_ftruncate(descriptor, length)
            else:
                self._do(Operation("truncate", _step("truncate"), path, length), lambda: real_ftruncate(descriptor, length))

        def fdatasync(descriptor: int) -> None:
            if (path := self._path_of(descriptor)) is None:
                real_fdatasync(descriptor)
            else:
                self._do(Operation("sync", _step("fdatasync"), path), lambda: real_fdatasync(descriptor))

        def fsync(descriptor: int) -> None:
            if (path := self._path_of(descriptor)) is None:
                real_fsync(descriptor)
            else:
                kind = "sync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "sync"
                self._do(Operation(kind, _step("fsync"), path), lambda: real_fsync(descriptor))

        for function in (writev, pwritev, ftruncate, fdatasync, fsync):
            setattr(os, function.__name__, function)

    def _wrap_name_steps(self) -> None:
        real_open, real_mkdir, real_rename, real_unlink, real_rmdir = os.open, os.mkdir, os.rename, os.unlink, os.rmdir
        real_symlink = os.symlink

        def open_(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
            inside = self._inside(path) if flags & os.O_CREAT and not os.path.lexists(path) else None
            if inside is None:
                return real_open(path, flags, mode, **more)
            descriptor = self._do(Operation("create", _step("create"), inside), lambda: real_open(path, flags, mode, **more))
            return int(descriptor)

        def mkdir(path: Any, mode: int = 0o777, **more: Any) -> None:
            if (inside := self._inside(path)) is None:
                real_mkdir(path, mode, **more)
            else:
                self._do(Operation("mkdir", _step("mkdir"), inside), lambda: real_mkdir(path, mode, **more))

        def symlink(target: Any, path: Any, *more: Any, **named: Any) -> None:
            if (inside := self._inside(path)) is None:
                real_symlink(target, path, *more, **named)
            else:
                self._do(
                    Operation("symlink", _step("symlink"), inside, new=str(target)), lambda: real_symlink(target, path, *more, **named)
                )

        def rename(old: Any, new: Any, **more: Any) -> None:
            inside, renamed = self._inside(old), self._inside(new)
            if inside is None or renamed is None:
                real_rename(old, new, **more)
            else:
                self._do(Operation("rename", _step("rename"), inside, new=renamed), lambda: real_rename(old, new, **more))

        def unlink(path: Any, **more: Any) -> None:
            if (inside := self._inside(path)) is None:
                real_unlink(path, **more)
            else:
                self._do(Operation("unlink", _step("unlink"), inside), lambda: real_unlink(path, **more))

        def rmdir(path: Any, **more: Any) -> Any:
            if (inside := self._inside(path)) is None:
                return real_rmdir(path, **more)
            return self._do(Operation("unlink", _step("rmdir"), inside), lambda: real_rmdir(path, **more))

        for function in (open_, mkdir, symlink, rename, unlink, rmdir):
            setattr(os, function.__name__.rstrip("_"), function)

    def _do(self, operation: Operation, real: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        with self._order:
            if operation.step in self._leave_out:
                return None
            dies = self._count(operation.step)
            if dies is not None and dies.when == "before":
                _die()
            if dies is not None and dies.when == "halfway" and half is not None:
                half()
                self._note(msgspec.structs.replace(operation, data=operation.data[: len(operation.data) // 2]))
                _die()
            result = real()
            if operation.kind == "write":
                operation = msgspec.structs.replace(operation, data=operation.data[:result])
            self._note(operation)
            if dies is not None:
                _die()
            return result

    def _count(self, step: str) -> Kill | None:
        """The end of the process, if it is due at this step."""
        if self._kill is None or self._kill.step not in ("", step):
            return None
        self.count += 1
        return self._kill if self._kill.nth == self.count else None

    def _note(self, operation: Operation) -> None:
        if self._log is not None:
            record = msgspec.msgpack.encode(operation)
            self._write(self._log, _LENGTH.pack(len(record)) + record)

    def _path_of(self, descriptor: int) -> str | None:
        try:
            return self._inside(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:
            return None

    def _inside(self, path: Any) -> str | None:
        if isinstance(path, int):
            return None
        absolute = os.path.abspath(os.fsdecode(path))
        return os.path.relpath(absolute, self.root) if absolute == self.root or absolute.startswith(self.root + "/") else None


def read_log(log: Path) -> list[tuple[int, Operation]]:
    """Every operation, with the size of the log once it was done."""
    content = log.read_bytes()
    operations, at = [], 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size + length
        operations.append((at, msgspec.msgpack.decode(content[at - length : at], type=Operation)))
    return operations


def _step(operation: str) -> str:
    frame = sys._getframe(2)
    while frame.f_back is not None:
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        seam = module in SEAM_MODULES or (module == "bodycamd.linux.durable" and function in SEAM_FUNCTIONS)
        if module.startswith("bodycamd.") and not seam:
            return f"{operation} {module.removeprefix('bodycamd.')}.{function}"
        frame = frame.f_back
    return f"{operation} elsewhere"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()
