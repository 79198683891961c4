"""A camera's folder at a receiver: on another controller's disk, which may hold anything at all.

Guarantees
- The folder that the operator named is there, or nothing is written: it is never made, so that a disk that is not mounted is no receiver.
- Below it nothing is a link, nor on another file system: what stands in the way ends with a `DataError`.
- What is written goes to a new file, which then takes its name. What has the name already is never written to, and stays, unless it is
  the beginning of what it grows to.
- What is read there is read up to the size that it should have. Files and folders are for the station's user alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from bodycamd.errors import BodycamError, DataError, NotFoundError, StoreBusyError, UnavailableError
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.linux import durable
from bodycamd.linux.foreign import Entry, Folder
from bodycamd.municipality.copies.copy_inventory import take_inventory
from bodycamd.municipality.station.segments import ExpectedSegment
from bodycamd.municipality.station.storage import STORE_FOLDER
from bodycamd.municipality.verify.verify import verify

READ_BYTES = 1 << 20
GOOD: Final = ("intact", "incomplete")
"""Verdicts with which a recording counts as arrived: what is not there, the camera has stated."""


class ReceiverFolder:
    """Of one camera, below the folder `named`. The words before the last are folders below it; all methods raise `DataError`,
    `PermissionDeniedError`, `StorageError`, and `OSError` where something is written."""

    def __init__(self, named: Path, device: str) -> None:
        self.named, self.path = named, named / device
        self.store = str(self.path / STORE_FOLDER)

    def read(self, *words: str, limit: int) -> bytes | None:
        """The content of a file of at most `limit` bytes; `None` where there is none."""
        try:
            with Folder.open(self.path.joinpath(*words[:-1]), below=self.named) as folder:
                return folder.read(words[-1], limit)
        except NotFoundError:
            return None

    def has(self, segment: ExpectedSegment, *words: str, still: Callable[[], None]) -> bool:
        """Whether this segment is there, by its size and the SHA-256 of its good bytes. `still` is called with every piece that is read,
        and may raise."""
        try:
            with Folder.open(self.path.joinpath(*words[:-1]), below=self.named) as folder, folder.file(words[-1]) as file:
                if os.fstat(file.fileno()).st_size != segment.size:
                    return False
                digest, left = hashlib.sha256(), segment.good_bytes
                while left > 0 and (chunk := file.read(min(left, READ_BYTES))):
                    still()
                    digest.update(chunk)
                    left -= len(chunk)
        except NotFoundError:
            return False
        return digest.hexdigest() == segment.sha256

    def is_as_long(self, segment: ExpectedSegment, *words: str) -> bool:
        """Whether a file of this segment's size is there. Nothing of it is read."""
        try:
            with Folder.open(self.path.joinpath(*words[:-1]), below=self.named) as folder:
                found = folder.look(words[-1])
        except NotFoundError:
            return False
        return found is not None and found.is_file and found.size == segment.size

    def write(self, *words: str, raw: bytes, grows: bool = False) -> None:
        """A small file, whole. What has the name already is the same, or its beginning where it `grows`; or `DataError`."""
        with self._made(words[:-1]) as folder:
            found = folder.look(words[-1])
            if found is not None:
                before = folder.read(words[-1], len(raw)) if found.size <= len(raw) else None
                if before == raw:
                    return
                if before is None or not (grows and raw.startswith(before)):
                    raise self._taken(folder, words[-1])
            _put(folder, words[-1], (raw,))

    def copy(self, *words: str, chunks: Iterable[bytes]) -> None:
        """A new file out of what may be large. Nothing has its name, or `DataError`; and nothing of it is there where `chunks` ends with
        an error."""
        with self._made(words[:-1]) as folder:
            if folder.look(words[-1]) is not None:
                raise self._taken(folder, words[-1])
            _put(folder, words[-1], chunks)

    def take_inventory(self, ledger: Path, key: SigningKey, now_us: int) -> None:
        """State, signed, what has come."""
        take_inventory(self.path / STORE_FOLDER, key, now_us, below=self.named)

    def check_arrived(
        self,
        recording: str,
        segments: Sequence[ExpectedSegment],
        first_key: PublicKey,
        people: dict[str, tuple[str, PublicKey]],
        still: Callable[[], None],
    ) -> None:
        """Raises `DataError` unless the recording verifies there, all of it read; `still` is called with each fragment, and may raise."""

        def triple() -> None:
            try:
                still()
            except BodycamError as error:
                raise _EndedError(error) from error

        try:
            report = verify(self.path / STORE_FOLDER, first_key, only=recording, people=people, triple=triple)
        except _EndedError as ended:
            raise ended.why from ended
        found = next((one.verdict for one in report.recordings if one.recording == recording), "altered")
        if found not in GOOD:
            raise DataError(f"{self.path}: {recording} does not verify there: {found}; nothing is stated as forwarded")

    def _made(self, words: Iterable[str]) -> Folder:
        """The folder, each above it, up to the one that was named, made and durable."""
        opened = _opened(self.named)
        for word in (self.path.name, *words):
            with opened as above:
                opened = above.make_folder(word)
                above.sync()
        return opened

    def _taken(self, folder: Folder, name: str) -> DataError:
        return DataError(f"{folder.path / name}: another file has this name already; nothing of it was changed")


class _EndedError(Exception):
    """It is to go on no more: nothing that a verification finds."""

    def __init__(self, why: BodycamError) -> None:
        super().__init__(str(why))
        self.why = why


def check_is_theirs(named: Path, own: Path, *, same_disk: bool) -> None:
    """Raises `UnavailableError` where the folder that the operator named is not there, or, unless `same_disk` is meant, is on the file
    system of `own` or of the system: then it is what is left of a mount that is not there. `DataError`, `PermissionDeniedError`,
    `StorageError` where it cannot be looked at."""
    with _opened(named) as folder:
        if not same_disk and folder.identity[0] in (_disk(own), _disk(Path("/"))):
            meant = "same_disk: true in the station's configuration, if it is meant"
            raise UnavailableError(f"{named}: it is on the station's own disk: mount the receiver's first ({meant})")


def _disk(path: Path) -> int:
    """The file system that a path is on, or would be made on."""
    while not os.path.exists(path) and path != path.parent:
        path = path.parent
    return os.stat(path).st_dev


def _opened(named: Path) -> Folder:
    try:
        return Folder.open(named)
    except NotFoundError as error:
        raise UnavailableError(f"there is no folder {named}: mount the disk first; nothing makes it here") from error


def _put(folder: Folder, name: str, chunks: Iterable[bytes]) -> None:
    part = f".{name}.part"
    if folder.look(part) is not None:
        folder.remove(part)
    with folder.create(part) as file:
        made = folder.look(part)
        try:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            durable.sync(file.fileno())
            if not _is_same(made, folder.look(part)):
                raise StoreBusyError(f"{folder.path / name}: another process writes it")
        except (BodycamError, OSError):
            if _is_same(made, folder.look(part)):  # or it is another process's by now
                folder.remove(part)
                folder.sync()
            raise
    folder.rename(part, name)
    folder.sync()


def _is_same(one: Entry | None, other: Entry | None) -> bool:
    return one is not None and other is not None and one.identity == other.identity
