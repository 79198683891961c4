"""Where segments, receipts, orders and the log lie for good: the port, and what all of its stores have in common.

What a method returned for is durable, and reads back as it was asked for. A name never changes its content. Several processes may use one
store at once. The ledgers are not in it: they grow, and lie in a folder of the process that serves the camera (`camera`).

    cameras/DEVICE/receipts/NNNNNNNNN.receipt
    documents/NNNNNNNNN.document                 orders and rosters for cameras, as they came
    audit/NNNNNNNNN-NNNNNNNNN.jsonl              lines of the station's log, from and to these numbers
    stamps/NNNNNNNNN-SHA256.tsr                  an authority's time stamp over the log as far as this line (`stamps`)
    bundles/NAME.bundle                          software for cameras, by the name that its orders have
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.roster import MAX_ROSTER_BYTES
from bodycamd.municipality.station.segments import StoredBundle, StoredSegment

STORE_FOLDER: Final = "store"
BUNDLES_FOLDER: Final = "bundles"
BUNDLE_SUFFIX: Final = ".bundle"
MAX_AUDIT_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_RECEIPT_FILE_BYTES: Final = 16 * 1024
MAX_STAMP_FILE_BYTES: Final = 64 * 1024
MAX_DOCUMENT_FILE_BYTES: Final = 2 * MAX_ROSTER_BYTES


class Storage(ABC):
    """All of it raises `StorageError` where the store fails."""

    locks: ClassVar[bool]
    """Whether what is put cannot be removed before its day, whoever wants to."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def camera(self, device: str) -> Path:
        """The folder of a camera's ledger, and what is beside it."""
        return self._data / "cameras" / device

    def cameras(self) -> list[str]:
        """Those of which there is a ledger."""
        folder = self._data / "cameras"
        try:
            return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error

    @abstractmethod
    def put_segment(self, device: str, segment: StoredSegment, staged: Path, kept_until_us: int, now_us: int) -> int:
        """Keep the file, locked until then where the store can lock; `staged` may be gone afterwards. Done again with the same bytes it
        changes nothing; until when it is locked is the answer. Raises `DataError` where other bytes have the name already, and where it
        does not read back as it should.
        """

    @abstractmethod
    def keep_longer(self, device: str, segment: StoredSegment, kept_until_us: int) -> int:
        """Have the lock of a stored segment last until then, where the store can lock; never shorter than it is. Until when it is locked is
        the answer. Raises `DataError` where it is not there."""

    def digest(self, device: str, recording: str, file: str, before: bytes) -> str:
        """The SHA-256 of these bytes and, behind them, a stored segment's, which are read from the store now. Raises `DataError` where it
        is not there."""
        digest = hashlib.sha256(before)
        for chunk in self.segment_chunks(device, recording, file):
            digest.update(chunk)
        return digest.hexdigest()

    @abstractmethod
    def segment_chunks(self, device: str, recording: str, file: str) -> Iterator[bytes]:
        """A stored segment's bytes, in pieces. Raises `DataError` where it is not there."""

    @abstractmethod
    def delete_recording(self, device: str, recording: str) -> None:
        """Remove every segment of a recording, for good, and every version of it. Done again it changes nothing. Raises `DataError` where
        something else lies beside them, which is left: then not all of it is gone."""

    @abstractmethod
    def has_segment(self, device: str, recording: str, file: str) -> bool:
        """Whether a segment is there, by its name alone."""

    @abstractmethod
    def segments(self, device: str, recording: str) -> frozenset[str]:
        """The names of a recording's files that are there."""

    @abstractmethod
    def recordings(self, device: str) -> list[str]:
        """The recordings of which there is anything."""

    @abstractmethod
    def has_recording(self, device: str, recording: str) -> bool:
        """Whether anything is left of it, of any version."""

    @abstractmethod
    def put_bundle(self, bundle: StoredBundle, source: BinaryIO) -> None:
        """Keep a bundle's file, which is read from its beginning. Done again with the same bytes it changes nothing. Raises `DataError`
        where other bytes have the name already, and where it does not read back as it should: then it is not kept."""

    @abstractmethod
    def bundles(self) -> list[tuple[str, int]]:
        """The names of all bundles that are kept, each with its size in bytes."""

    @abstractmethod
    def bundle_part(self, name: str, offset: int, most_bytes: int) -> tuple[int, bytes]:
        """How long a bundle is, and its bytes from there on, at most so many; none from its end on. Raises `NotFoundError` where it is not
        kept."""

    @abstractmethod
    def delete_bundle(self, name: str) -> None:
        """Remove a bundle, and every version of it. Raises `NotFoundError` where it is not kept."""

    @abstractmethod
    def _put(self, name: str, raw: bytes) -> None:
        """Keep a small file, whole or not at all. Done again it changes nothing; raises `StorageError` where it has other bytes."""

    @abstractmethod
    def _names(self, folder: str) -> Iterator[str]:
        """The names of the small files in a folder, in order."""

    @abstractmethod
    def _get(self, name: str, most_bytes: int) -> bytes:
        """A small file."""

    def small_files(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """The files in a folder of receipts, of documents, of stamps or of the log, by their names."""
        for name in self._names(folder):
            yield f"{folder}/{name}", self._get(f"{folder}/{name}", MAX_AUDIT_FILE_BYTES)

    def put_small(self, name: str, raw: bytes) -> None:
        """Keep such a file again. Raises `StorageError` where it has other bytes."""
        self._put(name, raw)

    def put_receipt(self, device: str, n: int, raw: bytes) -> None:
        """Keep a receipt's bytes. Done again it changes nothing."""
        self._put(f"cameras/{device}/receipts/{n:09d}.receipt", raw)

    def receipts(self, device: str) -> Iterator[bytes]:
        """All receipts that are kept for a camera, by their numbers."""
        for _, raw in self._numbered(f"cameras/{device}/receipts", ".receipt", MAX_RECEIPT_FILE_BYTES):
            yield raw

    def put_document(self, n: int, raw: bytes) -> None:
        """Keep an order or a roster. Done again it changes nothing."""
        self._put(f"documents/{n:09d}.document", raw)

    def documents(self) -> Iterator[tuple[int, bytes]]:
        """All orders and rosters that are kept, with their numbers, in order."""
        yield from self._numbered("documents", ".document", MAX_DOCUMENT_FILE_BYTES)

    def put_audit(self, first: int, lines: Sequence[bytes]) -> None:
        """Keep lines of the audit log, the first of which has this number. Some may be kept already: they are the same. Who keeps fewer of
        them at the same time takes none away: the name has both ends."""
        self._put(f"audit/{first:09d}-{first + len(lines) - 1:09d}.jsonl", b"".join(line + b"\n" for line in lines))

    def audit_lines(self) -> Iterator[bytes]:
        """All lines that are kept, in order, each once. Raises `DataError` where one is missing, or kept in two ways."""
        kept, number = b"", 0
        for first, raw in self._numbered("audit", ".jsonl", MAX_AUDIT_FILE_BYTES):
            if first > number + 1:
                raise DataError(f"audit: lines {number + 1} to {first - 1} of the log are missing")
            for at, line in enumerate(raw.splitlines(), first):
                if at == number and line != kept:
                    raise DataError(f"audit: line {at} of the log is kept in two ways")
                if at > number:
                    number, kept = at, line
                    yield line

    def put_stamp(self, n: int, raw: bytes) -> None:
        """Keep a stamp over the log as far as line `n`. Done again it changes nothing; another one over the same line is kept beside it."""
        self._put(f"stamps/{n:09d}-{hashlib.sha256(raw).hexdigest()[:16]}.tsr", raw)

    def stamps(self) -> Iterator[tuple[int, bytes]]:
        """All stamps that are kept, by the number of the line that each is over."""
        yield from self._numbered("stamps", ".tsr", MAX_STAMP_FILE_BYTES)

    def _numbered(self, folder: str, suffix: str, most_bytes: int) -> Iterator[tuple[int, bytes]]:
        for name in self._names(folder):
            number = name.removesuffix(suffix).partition("-")[0]
            if name.endswith(suffix) and number.isdecimal():
                yield int(number), self._get(f"{folder}/{name}", most_bytes)
