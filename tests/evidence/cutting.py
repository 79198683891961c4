"""Power cuts without a machine to switch off.

The operations that a piece of code does on a folder are written down, and the folder is made again as it may stand after a cut at any of
them. What a disk owes after a cut is only what was synchronised: content by `fdatasync` of its file, names by `fsync` of their folder.
`Survives` says what it kept beyond that.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest


class Survives(Enum):
    ALL = "everything that was done, synchronised or not"
    SYNCED = "nothing that was not synchronised"
    NAMES = "names, but of contents only what was synchronised"
    CONTENTS = "contents, but of names only what was synchronised"
    TORN = "everything, but the last write that was not synchronised only by half"


@dataclass
class Inode:
    content: bytes
    synced: bytes
    torn: bytes


@dataclass(frozen=True)
class Operation:
    kind: str
    path: Path
    data: bytes = b""
    offset: int = 0


class Journal:
    """Records what is done below `root` while it is active."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.operations: list[Operation] = []
        self._base = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        self._folders = [path for path in root.rglob("*") if path.is_dir()]

    def record(self, action: Callable[[], object]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            self._patch(patch)
            action()

    def _patch(self, patch: pytest.MonkeyPatch) -> None:
        real_open, real_writev, real_fdatasync, real_fsync = os.open, os.writev, os.fdatasync, os.fsync
        real_unlink, real_mkdir, real_ftruncate = os.unlink, os.mkdir, os.ftruncate

        def note(kind: str, path: Path, data: bytes = b"", offset: int = 0) -> None:
            self.operations.append(Operation(kind, path, data, offset))

        def name(descriptor: int) -> Path:
            return Path(os.readlink(f"/proc/self/fd/{descriptor}"))

        def open_(path: str | Path, flags: int, mode: int = 0o777, **more: int) -> int:
            new = flags & os.O_CREAT and not os.path.lexists(path)
            descriptor = real_open(path, flags, mode, **more)
            if new:
                note("create", Path(path))
            return descriptor

        def writev(descriptor: int, buffers: list[memoryview]) -> int:
            appends = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
            offset = os.fstat(descriptor).st_size if appends else os.lseek(descriptor, 0, os.SEEK_CUR)
            note("write", name(descriptor), b"".join(buffers), offset)
            return real_writev(descriptor, buffers)

        def fdatasync(descriptor: int) -> None:
            note("sync", name(descriptor))
            real_fdatasync(descriptor)

        def fsync(descriptor: int) -> None:
            note("sync folder" if name(descriptor).is_dir() else "sync", name(descriptor))
            real_fsync(descriptor)

        def unlink(path: str | Path, **more: int) -> None:
            note("unlink", Path(path))
            real_unlink(path, **more)

        def mkdir(path: str | Path, mode: int = 0o777, **more: int) -> None:
            real_mkdir(path, mode, **more)
            note("mkdir", Path(path))

        def ftruncate(descriptor: int, length: int) -> None:
            note("truncate", name(descriptor), offset=length)
            real_ftruncate(descriptor, length)

        for function in (open_, writev, fdatasync, fsync, unlink, mkdir, ftruncate):
            patch.setattr(os, function.__name__.rstrip("_"), function)

    def cut(self, at: int, survives: Survives, into: Path) -> None:
        """Make `into` as `root` may stand after a cut just before operation `at` (the number of operations: after the last)."""
        inodes = {path: Inode(content, content, content) for path, content in self._base.items()}
        durable, folders, durable_folders = dict(inodes), set(self._folders), set(self._folders)
        for operation in self.operations[:at]:
            path, inode = operation.path, inodes.get(operation.path)
            match operation.kind:
                case "create":
                    inodes[path] = Inode(b"", b"", b"")
                case "mkdir":
                    folders.add(path)
                case "write" if inode:
                    whole, half = operation.data, operation.data[: len(operation.data) // 2]
                    inode.torn = written(inode.content, half, operation.offset)
                    inode.content = written(inode.content, whole, operation.offset)
                case "truncate" if inode:
                    inode.content = inode.torn = inode.content[: operation.offset]
                case "sync" if inode:
                    inode.synced = inode.torn = inode.content
                case "unlink":
                    del inodes[path]
                case "sync folder":
                    durable = {p: i for p, i in durable.items() if p.parent != path} | {p: i for p, i in inodes.items() if p.parent == path}
                    durable_folders |= {p for p in folders if p.parent == path}
        names_lost = survives in (Survives.SYNCED, Survives.CONTENTS)
        kept, kept_folders = (durable, durable_folders) if names_lost else (inodes, folders)
        into.mkdir()
        for folder in sorted(kept_folders):
            (into / folder.relative_to(self.root)).mkdir(parents=True, exist_ok=True)
        for path, inode in kept.items():
            target = into / path.relative_to(self.root)
            if target.parent.is_dir():
                target.write_bytes(after_cut(inode, survives))


def after_cut(inode: Inode, survives: Survives) -> bytes:
    if survives in (Survives.SYNCED, Survives.NAMES):
        return inode.synced
    return inode.torn if survives is Survives.TORN else inode.content


def written(content: bytes, data: bytes, offset: int) -> bytes:
    return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]
