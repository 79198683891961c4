"""The few disk operations that evidence rests on, each with what it guarantees when it returns.

All of them raise `OSError`; callers say what that means. Not guaranteed, and not possible from here: that the card tells the truth about
`fdatasync`, and that flash does not keep an old copy of an overwritten block.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

_MAX_VECTORS = 512


def write_all(descriptor: int, buffers: Iterable[bytes]) -> None:
    """Append all buffers in order, with as few system calls as it takes. Not durable before `fdatasync`."""
    waiting = [memoryview(buffer) for buffer in buffers if buffer]
    first = 0
    while first < len(waiting):
        written = os.writev(descriptor, waiting[first : first + _MAX_VECTORS])
        if written == 0:
            raise OSError(errno.EIO, "the disk took no bytes")
        while first < len(waiting) and written >= len(waiting[first]):
            written -= len(waiting[first])
            first += 1
        if written:
            waiting[first] = waiting[first][written:]


def sync_folder(folder: Path) -> None:
    """Make names that were created, renamed or removed in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
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
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def open_new(path: Path, mode: int = 0o600) -> int:
    """Open a file that does not exist yet, for appending. Its name is durable only after `sync_folder`.

    Raises `FileExistsError` where the name is taken, by a link too: names are never reused.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, mode)


def create(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a new file; when this returns, content and name survive a power cut. After a cut in between, the file may be absent, empty or
    torn.
    """
    descriptor = open_new(path, mode)
    try:
        write_all(descriptor, (data,))
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def erase(path: Path) -> None:
    """Overwrite the file with zeros in place, durably, then remove it.

    Removing alone is not enough: the old bytes stay in the file system's free blocks. Copy-on-write file systems and flash remapping may
    keep a copy all the same. The removal is not made durable here: after a cut the name may be there again, with zeros in it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        write_all(descriptor, (bytes(os.fstat(descriptor).st_size),))
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()
