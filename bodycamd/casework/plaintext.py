"""A segment's footage in plain, as a file that a demuxer reads: init segment and fragments, decrypted one at a time.

Memory holds one fragment. A sealed segment must be whole. Of one that a cut left open (`.cut.tar`, `.tar.part`) the whole triples are read
and the torn rest is left out; `torn_bytes` tells how much. Size and SHA-256 of every age file are compared with its statement; signatures
are not checked here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from bodycamd.casework.identity import Identities
from bodycamd.errors import BodycamError, DataError, StorageError
from bodycamd.evidence.segment import SegmentReader, Triple, open_segment
from bodycamd.evidence.segment_reader import read_age


class PlainSegment:
    """Readable once, from its beginning to its end; not seekable. `init` is the plain init segment, empty where a cut left none.

    Raises `NotFoundError`, `StorageError`, `DataError`, `PermissionDeniedError`, from the constructor or from `read`.
    """

    def __init__(self, path: Path, identities: Identities, seen: Callable[[Triple], bool] | None = None) -> None:
        """`seen` is called for each triple before its plaintext can be read, and says whether it is to be read at all."""
        self.path = path
        self._seen = seen
        self.sealed = path.name.endswith(".tar") and not path.name.endswith(".cut.tar")
        self.fragments = 0
        self.torn_bytes = 0
        self.good_bytes = 0
        """How many bytes hold the whole triples that were read so far; at the end also the end-of-archive mark, where there is one."""
        self.good_sha256 = hashlib.sha256().hexdigest()
        """The SHA-256 of these bytes."""
        self._identities = identities
        self._failure: BodycamError | None = None
        self._files: list[BinaryIO] = []
        try:
            self._structure, self._content = self._open(), self._open()
            self._reader = SegmentReader(self._structure, path.name)
            self._triples = iter(self._reader)
            self.init = self._next()
        except BaseException:
            self.close()
            raise
        self._rest = memoryview(self.init)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def size(self) -> int:
        """The file's size."""
        return os.fstat(self._structure.fileno()).st_size

    def close(self) -> None:
        """Close the file."""
        for file in self._files:
            file.close()

    def read(self, size: int = -1) -> bytes:
        """The next plain bytes, at most `size`; empty at the end. What it raised once it raises again."""
        if self._failure is not None:
            raise self._failure
        if not self._rest:
            try:
                self._rest = memoryview(self._next())
            except BodycamError as error:
                self._failure = error
                raise
            self.fragments += bool(self._rest)
        taken = self._rest[:size] if size >= 0 else self._rest
        self._rest = self._rest[len(taken) :]
        return bytes(taken)

    def _open(self) -> BinaryIO:
        file = open_segment(self.path)
        self._files.append(file)
        return file

    def _next(self) -> bytes:
        try:
            triple = self._next_triple()
            while triple is not None and self._seen is not None and not self._seen(triple):
                triple = self._next_triple()
            if triple is None:
                return b""
            return self._identities.open(read_age(self._content, triple), triple.where)
        except OSError as error:
            raise StorageError(f"{self.path}: cannot read the segment: {error.strerror}") from error

    def _next_triple(self) -> Triple | None:
        try:
            triple = next(self._triples, None)
            if triple is not None or self._reader.ended:
                self.good_bytes, self.good_sha256 = self._reader.position, self._reader.sha256()
        except DataError:
            if self.sealed:
                raise
            triple = None
        if triple is None and self.sealed and not self._reader.ended:
            raise DataError(f"{self.path}: the sealed segment ends early, at byte {self._reader.position}")
        if triple is None and not self.sealed:
            self.torn_bytes = self.size - self.good_bytes
            self._triples = iter(())
        return triple


