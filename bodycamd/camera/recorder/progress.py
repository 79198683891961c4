"""What the watchdog sees of the writer: that its loop turns, and whether it waits for the disk.

A disk operation may take long without anything being wrong (a card that tidies up, a throttled bus), and nothing can be done about it
from here; so the watchdog excepts it, and says since when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from bodycamd.linux.disk import FileOperations
from bodycamd.linux.durable import Buffer


class WriterProgress(Struct, frozen=True):
    """`turns` grows at least every two seconds while no disk operation is outstanding. `operation` and `since_us` tell of the outstanding
    one."""

    turns: int
    operation: str | None
    since_us: int | None
    pending_entries: int
    """Ledger entries that the disk has not taken yet."""


class Progress:
    """Counts turns and marks disk operations; written by the writer, read by any thread."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._outstanding: tuple[str, int] | None = None
        self.turns = 0

    @property
    def outstanding(self) -> tuple[str, int] | None:
        """The disk operation that has not returned yet and when it began."""
        return self._outstanding

    @contextmanager
    def during(self, operation: str) -> Iterator[None]:
        """Marks a disk operation, the outermost where they nest."""
        before = self._outstanding
        if before is None:
            self._outstanding = (operation, self._now_us())
        try:
            yield
        finally:
            self._outstanding = before


class ObservedDisk:
    """File operations, each marked as outstanding while it runs."""

    def __init__(self, disk: FileOperations, progress: Progress) -> None:
        self._disk = disk
        self._during = progress.during

    def make_folder(self, path: Path) -> None:
        """See `FileOperations`."""
        with self._during("make folder"):
            self._disk.make_folder(path)

    def create(self, path: Path) -> int:
        """See `FileOperations`."""
        with self._during("create"):
            return self._disk.create(path)

    def write(self, descriptor: int, buffers: Sequence[Buffer], offset: int) -> None:
        """See `FileOperations`."""
        with self._during("write"):
            self._disk.write(descriptor, buffers, offset)

    def fdatasync(self, descriptor: int) -> None:
        """See `FileOperations`."""
        with self._during("fdatasync"):
            self._disk.fdatasync(descriptor)

    def fsync_folder(self, path: Path) -> None:
        """See `FileOperations`."""
        with self._during("fsync folder"):
            self._disk.fsync_folder(path)

    def rename(self, old: Path, new: Path) -> None:
        """See `FileOperations`."""
        with self._during("rename"):
            self._disk.rename(old, new)

    def remove(self, path: Path) -> None:
        """See `FileOperations`."""
        with self._during("remove"):
            self._disk.remove(path)

    def remove_folder(self, path: Path) -> None:
        """See `FileOperations`."""
        with self._during("remove folder"):
            self._disk.remove_folder(path)

    def close(self, descriptor: int) -> None:
        """See `FileOperations`."""
        with self._during("close"):
            self._disk.close(descriptor)

    def free_bytes(self, path: Path) -> int:
        """See `FileOperations`."""
        with self._during("statvfs"):
            return self._disk.free_bytes(path)
