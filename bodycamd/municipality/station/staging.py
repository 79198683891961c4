"""Segments on their way in: parts of a file, each applied whole, until the file is what the camera's ledger says it is.

A part is written behind what is there, or refused with the place where the next one belongs; so repeats and two senders at once harm
nothing. What is staged is not durable and is promised to nobody: after a crash of the station its size says where to go on, and if the
bytes are not what was sent, the SHA-256 at the end shows it, and the file begins anew. Nothing comes to stay in here: a file that nobody
continues is removed (`remove_old`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from bodycamd.errors import DataError, StorageError
from bodycamd.linux import durable
from bodycamd.municipality.station.ledger_copy import OffsetError
from bodycamd.municipality.station.segments import ExpectedSegment, StoredSegment

MAX_PART_BYTES: Final = 1024 * 1024
CHUNK_BYTES: Final = 1024 * 1024


class Staging:
    """The folder with what is on its way in; local to the process that serves the camera."""

    def __init__(self, root: Path) -> None:
        """Raises `StorageError`."""
        self._root = root
        try:
            durable.make_folder(root)
        except OSError as error:
            raise StorageError(f"{root}: cannot be made: {error.strerror}") from error

    def size_bytes(self, device: str, segment: ExpectedSegment) -> int:
        """How much of the file is here."""
        try:
            return self._path(device, segment).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, device: str, segment: ExpectedSegment, offset: int, part: bytes) -> None:
        """Put a part behind what is here. Raises `OffsetError` where it does not belong there, `DataError` where the file would become
        longer than the ledger says, `StorageError`; then nothing of the part is here.
        """
        if (size := self.size_bytes(device, segment)) != offset:
            raise OffsetError(size)
        if offset + len(part) > segment.size:
            raise DataError(f"{segment.file}: {offset + len(part)} bytes, and the ledger says {segment.size}")
        path = self._path(device, segment)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            durable.append(path, part)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}") from error

    def whole(self, device: str, segment: ExpectedSegment) -> tuple[Path, StoredSegment]:
        """The file, which is what the ledger says, and what its receipt will say. Raises `DataError` where it is not, and then forgets it;
        `StorageError`."""
        path = self._path(device, segment)
        try:
            if self.size_bytes(device, segment) != segment.size:
                raise DataError(f"{segment.file}: {self.size_bytes(device, segment)} bytes, and the ledger says {segment.size}")
            *parts, whole = _digests(path, segment.good_bytes)
            if parts != [segment.sha256, segment.torn_sha256 or hashlib.sha256().hexdigest()]:
                path.unlink()
                raise DataError(f"{segment.file}: its bytes are not what the ledger says: begin anew")
        except OSError as error:
            raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
        return path, StoredSegment(segment.recording, segment.number, segment.file, segment.size, whole)

    def drop(self, device: str, segment: ExpectedSegment) -> None:
        """Forget what is here of a file. Raises `StorageError`."""
        try:
            self._path(device, segment).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._root}: cannot be written: {error.strerror}") from error

    def drop_recording(self, device: str, recording: str) -> None:
        """Forget what is here of a recording. Raises `StorageError`."""
        try:
            for path in (self._root / device).glob(f"{recording}.*.part"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._root}: cannot be written: {error.strerror}") from error

    def held(self) -> tuple[int, int] | None:
        """How many files are on their way in, and their bytes; `None` where the folder cannot be read."""
        files = size = 0
        try:
            for path in self._root.glob("*/*.part"):
                with suppress(FileNotFoundError):  # it came to its end just now
                    size += path.stat().st_size
                    files += 1
        except OSError:
            return None
        return files, size

    def remove_old(self, before_us: int) -> int:
        """Remove what nobody has continued since; how many files. Raises `StorageError`."""
        removed = 0
        try:
            for path in self._root.glob("*/*.part"):
                if path.stat().st_mtime_ns // 1000 < before_us:
                    path.unlink()
                    removed += 1
        except OSError as error:
            raise StorageError(f"{self._root}: cannot be cleared: {error.strerror}") from error
        return removed

    def _path(self, device: str, segment: ExpectedSegment) -> Path:
        return self._root / device / f"{segment.recording}.{segment.file}.{segment.sha256}.part"


def _digests(path: Path, good_bytes: int) -> Iterator[str]:
    """The SHA-256 of the first bytes of a file, of the others, and of all of them; no byte is hashed twice but those behind the first.
    Raises `OSError`."""
    good, others = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        left = good_bytes
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)
            good.update(chunk)
        yield good.hexdigest()
        all_of_it = good.copy()
        while chunk := file.read(CHUNK_BYTES):
            others.update(chunk)
            all_of_it.update(chunk)
    yield others.hexdigest()
    yield all_of_it.hexdigest()
