"""The one door to files that come from elsewhere: a store, a copy of one, a disk to write to, a package, a key file.

Guarantees
- Below the folder that a person named, nothing is a link: each part of a path is opened by descriptor from the folder above it, and never
  through a link, a loop of links, or `..`. The named folder itself may be reached by links: that is the person's own choice.
- Only regular files are opened for reading: a pipe, a socket, a device or a folder in a file's place is reported as what it is, without
being
  opened. Nothing here waits for another process.
- Every folder below the named one is on the named one's file system.
- What is read whole is read up to a limit.

Not guaranteed: that a file stays as it was opened, or that its bytes are what anybody stated. A regular file that is mounted over another
one is read like any other: overlay file systems give files another device number than their folders, so that it proves nothing.

Errors of looking and opening are typed: `DataError` for what is in the wrong place, `NotFoundError`, `PermissionDeniedError`,
`StorageError` for the rest. What is read afterwards from an opened file, and what is written, raises `OSError` as the kernel gives it.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from msgspec import Struct

from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.linux import durable

MAX_NAMES = 2_000_000
"""More names than this in one folder are refused: twice what the six digits of a ledger can make."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}


class Name(Struct, frozen=True):
    """A name in a folder, as the folder itself tells it: nothing was looked at."""

    name: str
    is_file: bool
    """A regular file."""
    is_folder: bool


class Entry(Struct, frozen=True):
    """A name in a folder and what it stands for; links are not followed."""

    name: str
    mode: int
    size: int
    """Bytes."""
    identity: tuple[int, int]
    """Device and inode: the same for two names of one file."""

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """A folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def kind(self) -> str:
        """In words: "a link", "a named pipe" …"""
        return kind_of(self.mode)


class Folder:
    """An opened folder. Everything in it is opened from its descriptor, so that no change of a path above it leads elsewhere.

    `path` is for messages only. Close it, or use it as a context.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, below: Path | None = None) -> Folder:
        """Open the folder `path`. The parts of it that follow `below`, the folder that the person named, are foreign; without `below` the
        whole path was named.

        Raises `NotFoundError` also where `below` is no folder, `DataError`, `PermissionDeniedError`, `StorageError`.
        """
        named = path if below is None else below
        try:
            opened = cls(os.open(named, _FOLDER), named)
        except NotADirectoryError as error:
            raise NotFoundError(f"{named}: not a folder") from error
        except OSError as error:
            raise refusal(error, named) from error
        for part in path.relative_to(named).parts:
            with opened as above:
                opened = above.folder(part)
        return opened

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptor back. What was opened from it stays open."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return _identity(os.fstat(self.descriptor))

    def identities_above(self) -> list[tuple[int, int]]:
        """Device and inode of this folder and of every folder above it, up to the root. Raises `PermissionDeniedError`, `StorageError`."""
        found = [self.identity]
        above = os.dup(self.descriptor)
        try:
            while True:
                below, above = above, os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
                os.close(below)
                identity = _identity(os.fstat(above))
                if identity == found[-1]:
                    return found
                found.append(identity)
        except OSError as error:
            raise refusal(error, self.path) from error
        finally:
            os.close(above)

    def look(self, name: str) -> Entry | None:
        """What stands under a name; `None` where nothing does. Raises as `file` does."""
        try:
            found = os.stat(self._checked(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refusal(error, self.path / name) from error
        return Entry(name, found.st_mode, found.st_size, _identity(found))

    def entries(self) -> list[Entry]:
        """Everything in the folder, by name. What goes while this looks is left out. Raises `DataError` where there are more than
        `MAX_NAMES`, `PermissionDeniedError`, `StorageError`."""
        return [entry for listed in self.names() if (entry := self.look(listed.name)) is not None]

    def names(self) -> list[Name]:
        """The names in the folder, sorted. Raises as `entries` does."""
        found: list[Name] = []
        try:
            with os.scandir(self.descriptor) as listed:
                for entry in listed:
                    found.append(Name(entry.name, entry.is_file(follow_symlinks=False), entry.is_dir(follow_symlinks=False)))
                    if len(found) > MAX_NAMES:
                        raise DataError(f"{self.path}: more than {MAX_NAMES} names in it: nothing of bodycamd makes such a folder")
        except OSError as error:
            raise refusal(error, self.path) from error
        return sorted(found, key=lambda listed: listed.name)

    def folder(self, name: str) -> Folder:
        """Open a folder in this one. Raises `DataError` for anything else of that name and for one on another file system,
        `NotFoundError`, `PermissionDeniedError`, `StorageError`."""
        path = self.path / name
        self._expect(name, stat.S_IFDIR)
        try:
            opened = Folder(os.open(name, _FOLDER | _BELOW, dir_fd=self.descriptor), path)
        except OSError as error:
            raise refusal(error, path) from error
        if opened.identity[0] != self.identity[0]:
            opened.close()
            raise DataError(f"{path}: it is on another file system than {self.path}: nothing is read across")
        return opened

    def file(self, name: str) -> BinaryIO:
        """Open a regular file for reading. Raises `DataError` for anything else of that name, `NotFoundError`, `PermissionDeniedError`,
        `StorageError`."""
        path = self.path / name
        self._expect(name, stat.S_IFREG)
        try:
            opened = os.open(name, os.O_RDONLY | os.O_NOCTTY | _BELOW, dir_fd=self.descriptor)
        except OSError as error:
            raise refusal(error, path) from error
        return _regular(opened, path)

    def read(self, name: str, limit: int) -> bytes:
        """The content of a regular file of at most `limit` bytes. Raises as `file` does, `DataError` where it is longer."""
        with self.file(name) as file:
            return _read(file, self.path / name, limit)

    def create(self, name: str, mode: int = 0o600) -> BinaryIO:
        """Make a new file, for writing and reading back. Raises `OSError`, `FileExistsError` whatever it is that has the name."""
        return cast(BinaryIO, os.fdopen(durable.open_new(self._checked(name), mode, flags=os.O_RDWR, folder=self.descriptor), "w+b"))

    def make_folder(self, name: str, mode: int = 0o700) -> Folder:
        """Open the folder of that name; make it, durably, where there is nothing. Raises `OSError`, and as `folder` does."""
        if self.look(name) is None:
            os.mkdir(name, mode, dir_fd=self.descriptor)
            self.sync()
        return self.folder(name)

    def rename(self, old: str, new: str) -> None:
        """Give a file its name. A file or a link that has the name is replaced, never written through. Raises `OSError`."""
        os.rename(self._checked(old), self._checked(new), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def remove(self, name: str) -> None:
        """Remove a name. Raises `OSError`."""
        os.unlink(self._checked(name), dir_fd=self.descriptor)

    def sync(self) -> None:
        """Make the names in the folder durable. Raises `OSError`."""
        durable.sync_names(self.descriptor)

    def _expect(self, name: str, kind: int) -> None:
        """Look before opening: to open a device can do something, and to open a socket fails without a word that helps."""
        found = self.look(name)
        if found is None:
            raise NotFoundError(f"{self.path / name}: No such file or directory")
        if stat.S_IFMT(found.mode) != kind:
            raise _misplaced(self.path / name, found.mode, kind)

    def _checked(self, name: str) -> str:
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise DataError(f"{self.path}: {name!r} cannot be the name of anything in it")
        return name


def kind_of(mode: int) -> str:
    """What a file's mode says it is, in words."""
    return _KINDS.get(stat.S_IFMT(mode), "something unknown")


def open_file(path: Path, *, below: Path | None = None) -> BinaryIO:
    """Open a regular file for reading; the parts of its path after `below` are foreign (by default the name alone). Raises as
    `Folder.file` does."""
    with Folder.open(path.parent, below=below) as folder:
        return folder.file(path.name)


def read_file(path: Path, limit: int, *, below: Path | None = None) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises as `open_file` does, `DataError` where it is longer."""
    with open_file(path, below=below) as file:
        return _read(file, path, limit)


def read_named(path: Path, limit: int) -> bytes:
    """The content of a file that a person named, of at most `limit` bytes: links are followed, and a pipe is read to its end, so that
    `<(command)` of the shell works; one that nobody writes to is empty. Raises as `read_file` does."""
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind not in (stat.S_IFREG, stat.S_IFIFO):
            raise _misplaced(path, kind, stat.S_IFREG)
        opened = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise refusal(error, path) from error
    with _regular(opened, path, or_pipe=True) as file:
        os.set_blocking(opened, True)
        return _read(file, path, limit)


def refusal(error: OSError, path: Path) -> BodycamError:
    """What the kernel's answer means for a person: to be raised."""
    if isinstance(error, PermissionError):
        return denied(path)
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{path}: No such file or directory")
    if error.errno == errno.ELOOP:
        return DataError(f"{path}: a link that leads to itself, or stands where none may be")
    return StorageError(f"{path}: cannot be read: {error.strerror}")


def denied(path: Path) -> PermissionDeniedError:
    """What a user is told who may not read something."""
    return PermissionDeniedError(f"{path}: this user may not read it: use sudo, join the group that may, or take a copy of your own")


def _read(file: BinaryIO, path: Path, limit: int) -> bytes:
    try:
        content = file.read(limit + 1)
    except OSError as error:
        raise refusal(error, path) from error
    if len(content) > limit:
        raise DataError(f"{path}: longer than {limit} bytes: not what it should be")
    return content


def _regular(descriptor: int, path: Path, *, or_pipe: bool = False) -> BinaryIO:
    """What was opened, if it is a regular file still."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or (or_pipe and stat.S_ISFIFO(mode)):
        return cast(BinaryIO, os.fdopen(descriptor, "rb"))
    os.close(descriptor)
    raise _misplaced(path, mode, stat.S_IFREG)


def _misplaced(path: Path, mode: int, kind: int) -> DataError:
    wanted = "a folder" if kind == stat.S_IFDIR else "a regular file"
    return DataError(f"{path}: {kind_of(mode)} stands where {wanted} must be: it was not opened")


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
