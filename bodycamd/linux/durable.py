"""The one door to the disk: every byte, length and name that must outlast a power cut passes through here, each with what is guaranteed
when the function returns.

All of them raise `OSError` as the kernel gave it; callers say what that means. Nothing is retried: after a failed `fdatasync` the kernel
may have thrown the data away, so that a second, successful one would prove nothing. Not guaranteed, and not possible from here: that the
card tells the truth about `fdatasync`, and that flash does not keep an old copy of an overwritten block.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import mmap
import os
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)

STAGING_BYTES = 1024 * 1024
MAX_BUFFERS = 512
"""Buffers per system call: below the kernel's IOV_MAX of 1024."""

Buffer = bytes | memoryview


def write_all(descriptor: int, buffers: Iterable[Buffer], offset: int | None = None) -> None:
    """Write all buffers in order, with as few system calls as it takes: from `offset`, or where the descriptor stands. A short write is
    continued. Not durable before `sync`.

    Past the page cache where `bypass_cache` asked for that, and only as far as the file system takes it.
    """
    if offset is None or not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT:
        _write(descriptor, buffers, offset)
        return
    with _staging_is_used:
        for part in _aligned(buffers):
            try:
                _write(descriptor, (part,), offset)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                _keep_cache(descriptor)
                _write(descriptor, (part,), offset)
            offset += len(part)


def bypass_cache(descriptor: int) -> None:
    """Have what is written from here on with an offset go straight to the device (O_DIRECT, open(2)): it costs less, and footage does not
    push everything else out of a small memory.

    A wish, not a promise: file systems without it (tmpfs on older kernels), and those that want larger blocks than what is written has,
    get the bytes by way of the page cache, which the journal says once. What is durable, and when, is the same: only `sync` says so.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        _say_once("no direct writes on this file system: writing costs more, and is as durable")


def _keep_cache(descriptor: int) -> None:
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~os.O_DIRECT)
    _say_once("this file system does not take blocks of this size directly: writing costs more, and is as durable")


@cache
def _say_once(what: str) -> None:
    log.info("%s", what)


_staging: mmap.mmap | None = None
_staging_is_used = threading.Lock()


def _aligned(buffers: Iterable[Buffer]) -> Iterator[memoryview]:
    """The buffers one after the other, in parts of at most `STAGING_BYTES`, each in the same memory that begins at a page: devices fetch
    only from there. A part is to be used up before the next is asked for."""
    global _staging
    _staging = _staging or mmap.mmap(-1, STAGING_BYTES)
    filled = 0
    for buffer in buffers:
        left = memoryview(buffer)
        while left:
            taken = min(len(left), STAGING_BYTES - filled)
            _staging[filled : filled + taken] = left[:taken]
            left, filled = left[taken:], filled + taken
            if filled == STAGING_BYTES:
                yield memoryview(_staging)
                filled = 0
    if filled:
        yield memoryview(_staging)[:filled]


def _write(descriptor: int, buffers: Iterable[Buffer], offset: int | None) -> None:
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


def append(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write behind what a file holds; it is created where it is missing. Where that fails, the file is as long as before. Durable after
    `settle`, a new name after `sync_folder`.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        before = os.fstat(descriptor).st_size
        try:
            write_all(descriptor, (data,))
        except OSError:
            cut(descriptor, before)
            raise
    finally:
        os.close(descriptor)


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


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Give a file this content, whole: a cut at any moment leaves the old one or the new one, and perhaps `NAME.part` beside it."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    fill(open_new(part, mode), data)
    os.rename(part, path)
    sync_folder(path.parent)


def point(link: Path, target: str) -> None:
    """Have a symbolic link lead to `target`: a cut at any moment leaves it leading where it led, or there."""
    part = link.with_name(link.name + ".part")
    part.unlink(missing_ok=True)
    os.symlink(target, part)
    os.rename(part, link)
    sync_folder(link.parent)


def settle_tree(folder: Path) -> None:
    """Make everything in a folder durable that other programs wrote: content and names; links below it are not followed."""
    for place, _, files in os.walk(folder):
        for name in files:
            if not os.path.islink(os.path.join(place, name)):
                settle(Path(place, name))
        sync_folder(Path(place))
