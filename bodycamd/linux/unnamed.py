"""Files that have no name while they are written: for plaintext, which may not be left behind.

Guarantees
- The file gets a name only when `link` is called, at once and whole; where the name is taken it stays what it was, unless it is to be
  replaced. However the process ends before, `kill -9` and a power cut included, nothing of it is left in any folder.
- Only this user reads and writes it (0600), whatever the umask.

Where the file system knows no such files (`O_TMPFILE`: vfat, exFAT, NFS, some FUSE) the file has a hidden name, `.NAME.*.part`, that
`close` removes. There, and only there, `kill -9` and a power cut leave it.

Sources: open(2), link(2), proc(5).
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bodycamd.linux import durable

_NOT_KNOWN: Final = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}


class UnnamedFile:
    """`descriptor` reads and writes. `sync` before `link`, where the content is to be on the disk. Close it, or use it as a context."""

    def __init__(self, folder: Path, prefix: str) -> None:
        """On the file system of `folder`. `prefix` is for the hidden name, where one is needed. Raises `OSError`."""
        self._hidden: Path | None = None
        try:
            self.descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in _NOT_KNOWN:
                raise
            self._hidden = folder / f".{prefix}.{os.urandom(8).hex()}.part"
            self.descriptor = durable.open_new(self._hidden, flags=os.O_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def link(self, path: Path, *, replace: bool = False) -> None:
        """Give it this name. Raises `FileExistsError` where something has it and `replace` is false, `OSError`."""
        if self._hidden is not None:
            self._rename(self._hidden, path, replace)
        elif replace:
            beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
            self._link(beside)
            try:
                os.replace(beside, path)
            except BaseException:
                os.unlink(beside)
                raise
        else:
            self._link(path)

    def sync(self) -> None:
        """Make the content durable. Raises `OSError`."""
        durable.sync(self.descriptor)

    def second_descriptor(self) -> int:
        """A new descriptor for reading with a position of its own; the caller's to close. Raises `OSError`."""
        return os.open(f"/proc/self/fd/{self.descriptor}", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Without a name the content is gone."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        if self._hidden is not None:
            self._hidden.unlink(missing_ok=True)
            self._hidden = None

    def _link(self, path: Path) -> None:
        # With a descriptor given Python calls linkat(2), which can follow /proc's link; link(2) cannot. The source is absolute.
        os.link(f"/proc/self/fd/{self.descriptor}", path, src_dir_fd=self.descriptor, follow_symlinks=True)

    def _rename(self, hidden: Path, path: Path, replace: bool) -> None:
        """vfat has no links. An empty file takes the name first, so that nothing of anybody else is replaced."""
        if not replace:
            os.close(durable.open_new(path))
        try:
            os.replace(hidden, path)
        except BaseException:
            if not replace:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            raise
        self._hidden = None
