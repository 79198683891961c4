"""Where the uplink lays what it fetches of a bundle, until root's updater takes a copy of it: `bundles/` in its own folder.

    NAME.part      from its beginning as far as it has come; a kill anywhere leaves a beginning
    NAME.bundle    all of it, durable, held against its name

Nothing in here is believed by anybody else: root looks at all of it again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from bodycamd.errors import NotFoundError, StorageError
from bodycamd.linux import durable
from bodycamd.linux.foreign import open_file

FOLDER: Final = "bundles"
PART, WHOLE = ".part", ".bundle"


class BundleSpool:
    """All of it raises `StorageError` where the disk fails."""

    def __init__(self, state: Path) -> None:
        """In the uplink's folder `state`; nothing is made before something comes."""
        self.folder = state / FOLDER

    def room(self) -> tuple[int, int]:
        """Bytes that are free for this user on the file system, and the file system's number."""
        with self._failing():
            place = self.folder if self.folder.is_dir() else self.folder.parent
            found = os.statvfs(place)
            return found.f_bavail * found.f_frsize, place.stat().st_dev

    def holds(self) -> bool:
        """Whether anything is here."""
        with self._failing():
            return self.folder.is_dir() and any(self.folder.iterdir())

    def keep(self, names: Collection[str]) -> bool:
        """Remove everything else; whether any bytes are left."""
        wanted = {f"{name}{suffix}" for name in names for suffix in (PART, WHOLE)}
        with self._failing():
            if not self.folder.is_dir():
                return False
            found = {path.name for path in self.folder.iterdir()}
            for name in found - wanted:
                (self.folder / name).unlink()
            return any((self.folder / name).lstat().st_size for name in found & wanted)

    def whole(self, name: str) -> Path | None:
        """Where all of it is; `None` where it is not."""
        path = self.folder / f"{name}{WHOLE}"
        return path if path.is_file() else None

    @contextmanager
    def part(self, name: str) -> Iterator[BinaryIO]:
        """What there is of it, to read. Raises `DataError` where that is no file."""
        path = self.folder / f"{name}{PART}"
        with self._failing():
            try:
                file = open_file(path)
            except NotFoundError:
                durable.make_folder(self.folder)
                durable.append(path, b"")
                file = open_file(path)
            with file:
                yield file

    def append(self, name: str, part: bytes) -> None:
        """Put this behind what is there of a bundle."""
        with self._failing():
            durable.append(self.folder / f"{name}{PART}", part)

    def complete(self, name: str) -> None:
        """All of it is there: from here on under its own name, durably."""
        path = self.folder / f"{name}{PART}"
        with self._failing():
            durable.settle(path)
            os.rename(path, path.with_suffix(WHOLE))
            durable.sync_folder(self.folder)

    def drop(self, name: str) -> None:
        """Forget what there is of it."""
        with self._failing():
            for suffix in (PART, WHOLE):
                with suppress(FileNotFoundError):
                    (self.folder / f"{name}{suffix}").unlink()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"{self.folder}: {error.strerror}") from error
