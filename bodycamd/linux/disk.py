"""The file operations that footage goes through, as a value that tests can put a failing disk in the place of.

`Disk` is the real one: what is made, written, cut and synchronised goes through `durable`, where the ledger and the keys go through too.

Guarantees: nothing is ever overwritten or truncated, and removed only by `remove` (retention alone asks for it); a short write is
continued; an error is raised as the kernel gave it (`OSError`) and is never retried here.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bodycamd.linux import durable
from bodycamd.linux.durable import Buffer


class FileOperations(Protocol):
    """What the writer and the recovery need of a file system."""

    def make_folder(self, path: Path) -> None:
        """Make one folder, 0700; the parent must exist. `FileExistsError` if there is anything of that name."""

    def create(self, path: Path) -> int:
        """Create a new file, 0600, for writing; returns the descriptor. `FileExistsError` if there is anything of that name."""

    def write(self, descriptor: int, buffers: Sequence[Buffer], offset: int) -> None:
        """Write all buffers one after the other from `offset`."""

    def fdatasync(self, descriptor: int) -> None:
        """Make the file's content and length durable."""

    def fsync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its new name. `FileExistsError` if there is anything of that name."""

    def remove(self, path: Path) -> None:
        """Remove a file's name. Durable after `fsync_folder`."""

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder. `OSError` (ENOTEMPTY) if anything is in it."""

    def close(self, descriptor: int) -> None:
        """Give the descriptor back. Says nothing about durability."""

    def free_bytes(self, path: Path) -> int:
        """What this user may still write on the file system that holds `path`. `OSError` (EROFS) where it is read-only."""


class Disk:
    """The real file operations."""

    def make_folder(self, path: Path) -> None:
        """See `FileOperations`."""
        os.mkdir(path, 0o700)

    def create(self, path: Path) -> int:
        """See `FileOperations`."""
        descriptor = durable.open_new(path, flags=os.O_WRONLY)
        durable.bypass_cache(descriptor)
        return descriptor

    def write(self, descriptor: int, buffers: Sequence[Buffer], offset: int) -> None:
        """See `FileOperations`."""
        durable.write_all(descriptor, buffers, offset)

    def fdatasync(self, descriptor: int) -> None:
        """See `FileOperations`."""
        durable.sync(descriptor)

    def fsync_folder(self, path: Path) -> None:
        """See `FileOperations`."""
        durable.sync_folder(path)

    def rename(self, old: Path, new: Path) -> None:
        """See `FileOperations`. There is one writer (the store's lock), so that nothing can appear between the look and the rename."""
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, "the name is taken", str(new))
        os.rename(old, new)

    def remove(self, path: Path) -> None:
        """See `FileOperations`."""
        os.unlink(path)

    def remove_folder(self, path: Path) -> None:
        """See `FileOperations`."""
        os.rmdir(path)

    def close(self, descriptor: int) -> None:
        """See `FileOperations`."""
        os.close(descriptor)

    def free_bytes(self, path: Path) -> int:
        """See `FileOperations`."""
        usage = os.statvfs(path)
        if usage.f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return usage.f_bavail * usage.f_frsize
