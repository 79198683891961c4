"""Where segments and receipts lie for good: a folder.

What `put_segment` returned for is durable, and reads back with the size and the SHA-256 that were asked for. A name never changes its
content.

    cameras/DEVICE/store       an ordinary store: `bodycamd verify --store` and stock tools read it as it lies
    cameras/DEVICE/receipts    NNNNNNNNN.receipt
    documents                  NNNNNNNNN.document: orders and rosters for cameras, as they came
    audit                      NNNNNNNNN-NNNNNNNNN.jsonl: lines of the station's log, from and to these numbers
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.roster import MAX_ROSTER_BYTES
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.station.segments import StoredSegment
from bodycamd.store.names import RECORDINGS_FOLDER, segment_files

STORE_FOLDER: Final = "store"
AUDIT_FOLDER: Final = "audit"
DOCUMENTS_FOLDER: Final = "documents"
MAX_AUDIT_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_RECEIPT_FILE_BYTES: Final = 16 * 1024
MAX_DOCUMENT_FILE_BYTES: Final = 2 * MAX_ROSTER_BYTES


class FolderStorage:
    """A folder on a file system that honours fsync. It locks nothing: whoever may write there can delete. Several processes may use one at
    once. All of it raises `StorageError`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def camera(self, device: str) -> Path:
        """What is kept of a camera: its store, and what is beside it."""
        return self._root / "cameras" / device

    def put_segment(self, device: str, segment: StoredSegment, staged: Path) -> None:
        """Keep the file; `staged` may be gone afterwards. Done again with the same bytes it changes nothing; raises `DataError` where other
        bytes have the name already, and where it does not read back as it should.
        """
        path = self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / segment.recording / segment.file
        try:
            if path.exists():
                if not _is(path, segment):
                    raise DataError(f"{path}: another file has this name already; both are kept")
                return
            durable.make_folder(path.parent)
            durable.settle(staged)
            os.rename(staged, path)
            durable.sync_folder(path.parent)
            if not _is(path, segment):
                raise DataError(f"{path}: it does not read back as it was written")
        except OSError as error:
            raise StorageError(f"{path}: cannot be stored: {error.strerror}") from error

    def delete_recording(self, device: str, recording: str) -> None:
        """Remove every segment of a recording, for good. Done again it changes nothing. Raises `DataError` where something else lies beside
        them, which is left: then not all of it is gone."""
        folder = self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / recording
        try:
            if not folder.is_dir():
                if folder.parent.is_dir():
                    durable.sync_folder(folder.parent)
                return
            for file in segment_files(folder)[0]:
                file.path.unlink()
            durable.sync_folder(folder)
            if left := sorted(path.name for path in folder.iterdir()):
                raise DataError(f"{folder}: {left[0]} is no segment: it is left, and the recording is not all gone")
            folder.rmdir()
            durable.sync_folder(folder.parent)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be removed: {error.strerror}") from error

    def has_recording(self, device: str, recording: str) -> bool:
        """Whether anything is left of it."""
        return (self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / recording).exists()

    def put_receipt(self, device: str, n: int, raw: bytes) -> None:
        """Keep a receipt's bytes. Done again it changes nothing."""
        _put(self._receipts(device) / f"{n:09d}.receipt", raw)

    def receipts(self, device: str) -> Iterator[bytes]:
        """All receipts that are kept for a camera, by their numbers."""
        for _, raw in _numbered(self._receipts(device), "receipt", MAX_RECEIPT_FILE_BYTES):
            yield raw

    def put_document(self, n: int, raw: bytes) -> None:
        """Keep an order or a roster. Done again it changes nothing."""
        _put(self._root / DOCUMENTS_FOLDER / f"{n:09d}.document", raw)

    def documents(self) -> Iterator[tuple[int, bytes]]:
        """All orders and rosters that are kept, with their numbers, in order."""
        yield from _numbered(self._root / DOCUMENTS_FOLDER, "document", MAX_DOCUMENT_FILE_BYTES)

    def put_audit(self, first: int, lines: Sequence[bytes]) -> None:
        """Keep lines of the audit log, the first of which has this number. Some may be kept already: they are the same. Who keeps fewer of
        them at the same time takes none away: the name has both ends."""
        path = self._root / AUDIT_FOLDER / f"{first:09d}-{first + len(lines) - 1:09d}.jsonl"
        _put(path, b"".join(line + b"\n" for line in lines))

    def audit_lines(self) -> Iterator[bytes]:
        """All lines that are kept, in order, each once. Raises `DataError` where one is missing, or kept in two ways."""
        folder, kept = self._root / AUDIT_FOLDER, b""
        number = 0
        try:
            for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
                first = int(path.stem.partition("-")[0])
                if first > number + 1:
                    raise DataError(f"{folder}: lines {number + 1} to {first - 1} of the log are missing")
                for at, line in enumerate(read_file(path, MAX_AUDIT_FILE_BYTES).splitlines(), first):
                    if at == number and line != kept:
                        raise DataError(f"{path}: line {at} of the log is kept in two ways")
                    if at > number:
                        number, kept = at, line
                        yield line
        except OSError as error:
            raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error

    def cameras(self) -> list[str]:
        """Those of which anything is kept."""
        folder = self._root / "cameras"
        try:
            return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error

    def _receipts(self, device: str) -> Path:
        return self.camera(device) / "receipts"


def _is(path: Path, segment: StoredSegment) -> bool:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size == segment.size and hashlib.file_digest(file, "sha256").hexdigest() == segment.sha256


def _put(path: Path, raw: bytes) -> None:
    """A file that comes with its whole content, or not at all, also where two processes put it at once. Raises `StorageError`."""
    try:
        durable.make_folder(path.parent)
        with UnnamedFile(path.parent, path.name) as file:
            durable.write_all(file.descriptor, (raw,))
            file.sync()
            try:
                file.link(path)
            except FileExistsError:
                if read_file(path, MAX_AUDIT_FILE_BYTES) != raw:
                    raise StorageError(f"{path}: another file has this name already; it is left as it is") from None
        durable.sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path}: cannot be stored: {error.strerror}") from error


def _numbered(folder: Path, suffix: str, most_bytes: int) -> Iterator[tuple[int, bytes]]:
    try:
        for path in sorted(folder.glob(f"*.{suffix}")) if folder.is_dir() else ():
            if path.stem.isdecimal():
                yield int(path.stem), read_file(path, most_bytes)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error
