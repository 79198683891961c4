"""The one door to the disk: every byte, length and name that must outlast a power cut passes through here, each with what is guaranteed
when the function returns.

All of them raise `OSError` as the kernel gave it; callers say what that means. Nothing is retried: after a failed `fdatasync` the kernel
may have thrown the data away, so that a second, successful one would prove nothing. Not guaranteed, and not possible from here: that the
card tells the truth about `fdatasync`, and that flash does not keep an old copy of an overwritten block.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

MAX_BUFFERS = 512
"""Buffers per system call: below the kernel's IOV_MAX of 1024."""

Buffer = bytes | memoryview


def write_all(descriptor: int, buffers: Iterable[Buffer], offset: int | None = None) -> None:
    """Write all buffers in order, with as few system calls as it takes: from `offset`, or where the descriptor stands. A short write is
    continued. Not durable before `sync`.
    """
    waiting = [memoryview(buffer) for buffer in buffers if len(buffer)]
    first = 0
    while first < len(waiting):
        vectors = waiting[first : first + MAX_BUFFERS]
        written = os.writev(descriptor, vectors) if offset is None else os.pwritev(descriptor, vectors, offset)
        if written == 0:
            raise OSError(errno.EIO, "the disk took no bytes")
        if offset is not None:
            offset += written
        while first < len(waiting) and written >= len(waiting[first]):
            written -= len(waiting[first])
            first += 1
        if written:
            waiting[first] = waiting[first][written:]


def sync(descriptor: int) -> None:
    """Make the file's content and length durable."""
    os.fdatasync(descriptor)


def cut(descriptor: int, size_bytes: int) -> None:
    """Make the file that short. Not durable before `sync`."""
    os.ftruncate(descriptor, size_bytes)


def sync_names(folder: int) -> None:
    """Make names that were created, renamed or removed in an opened folder durable."""
    os.fsync(folder)


def sync_folder(folder: Path) -> None:
    """Make names that were created, renamed or removed in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_names(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Create the folder and every missing parent, each durable in its own parent before the next is made.

    A folder that exists is made durable too: an earlier process may have died between the two steps.
    """
    if not folder.is_dir():
        make_folder(folder.parent, mode)
        folder.mkdir(mode=mode, exist_ok=True)
    if folder.parent != folder:
        sync_folder(folder.parent)


def settle(path: Path) -> None:
    """Make what a file holds now durable, whoever wrote it.

    Needed before anything relies on a file that an earlier process left: what can be read may so far stand in memory only.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def open_new(path: Path | str, mode: int = 0o600, *, flags: int = os.O_WRONLY | os.O_APPEND, folder: int | None = None) -> int:
    """Open a file that does not exist yet, by default for appending; a relative path is one below the opened `folder`. Its name is durable
    only after `sync_folder`.

    Raises `FileExistsError` where the name is taken, by a link too: names are never reused.
    """
    return os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)


def fill(descriptor: int, data: bytes) -> None:
    """Write the whole content of a new file, durably, and close it, whatever happens."""
    try:
        write_all(descriptor, (data,))
        sync(descriptor)
    finally:
        os.close(descriptor)


def create(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a new file; when this returns, content and name survive a power cut. After a cut in between, the file may be absent, empty or
    torn.
    """
    fill(open_new(path, mode), data)
    sync_folder(path.parent)


def erase(path: Path) -> None:
    """Overwrite the file with zeros in place, durably, then remove it.

    Removing alone is not enough: the old bytes stay in the file system's free blocks. Copy-on-write file systems and flash remapping may
    keep a copy all the same. The removal is not made durable here: after a cut the name may be there again, with zeros in it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    fill(descriptor, bytes(os.fstat(descriptor).st_size))
    path.unlink()
