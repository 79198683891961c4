"""A segment for an export: every triple that is whole and believed, and in words whatever is not. Damage costs the fragment that it is in.

A fragment is left out where its age file has not the stated SHA-256, where its statement does not speak of this place, is not signed by a
key that the ledger names for this start, or cannot be read, and where its headers are damaged: then the next whole header is looked for,
block by block. Of a file that a cut left open (`.cut.tar`, `.tar.part`) a torn end is no damage; `torn_bytes` says how much it is.

Memory holds one fragment. Every byte is read once. Nothing here says that the evidence is genuine or complete: `bodycamd verify` does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import ustar
from bodycamd.evidence.segment import open_segment
from bodycamd.evidence.segment_reader import CutError
from bodycamd.evidence.statements import FragmentStatement, InitStatement, Statement, decode_statement
from bodycamd.municipality.verify.statement_keys import StatementKeys


@dataclass(frozen=True, slots=True)
class Whole:
    """An age file that is what its statement says. `name` is the member's."""

    name: str
    statement: Statement
    age: bytes
    where: str
    offset: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was stated. `members` are left out because of it; `statement` is given where one that verifies says what
    is lost.
    """

    file: str
    what: str
    members: tuple[str, ...] = ()
    statement: FragmentStatement | None = None


class SegmentScan:
    """Iterate over it once. `good_bytes` and `good_sha256` are of the whole triples read so far; at the end of a file that has its
    end-of-archive mark, or should have it, of the whole file.

    The constructor raises `NotFoundError`, `DataError` (no regular file), `PermissionDeniedError`, `StorageError`; iterating the last one.
    """

    def __init__(self, path: Path, keys: StatementKeys) -> None:
        self.path = path
        self.sealed = path.name.endswith(".tar") and not path.name.endswith(".cut.tar")
        self.fragments = 0
        """How many fragments the file has a place for, those that are left out included."""
        self.torn_bytes = 0
        self.good_bytes = 0
        self.good_sha256 = hashlib.sha256().hexdigest()
        self._keys = keys
        self._place = path.parent.name, int(path.name[:6])
        self._file = open_segment(path)
        self._position = 0
        self._hash = hashlib.sha256()
        self._found: ustar.Header | None = None
        """A header that was found while looking for one."""
        self._notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """The file's size."""
        return os.fstat(self._file.fileno()).st_size

    def __iter__(self) -> Iterator[Whole | Damage]:
        try:
            yield from self._pieces()
        except OSError as error:
            raise StorageError(f"{self.path}: cannot read the segment: {error.strerror}") from error

    def _pieces(self) -> Iterator[Whole | Damage]:
        expected = 0
        while True:
            begins = self._position
            try:
                header, self._found = self._found or self._header(), None
                if header is None:
                    self._end_of_archive()
                    break
                if header.index > expected:
                    yield self._damage(f"fragments {expected} to {header.index - 1} are not there", _members(expected, header.index))
                    expected = header.index
                piece = self._triple(header, begins)
            except DataError as error:
                members = (_member(expected),) if self.size - begins > len(ustar.END) else ()
                found = self._look_for(expected + 1)
                if not found and not self.sealed:
                    self.torn_bytes = self._position - self.good_bytes
                    break
                yield self._damage(str(error), members)
                expected += bool(members)
                self.fragments = max(0, expected - 1)
                if not found:
                    break
                continue
            yield piece
            expected += 1
            self.fragments = expected - 1
            for note in self._notes:
                yield self._damage(note)
            self._notes.clear()
            self._good()
        if self.sealed or self.torn_bytes == 0:
            self._good()

    # --- pieces ---------------------------------------------------------------------------------------------------------------------------

    def _triple(self, header: ustar.Header, begins: int) -> Whole | Damage:
        where = f"{self.path.name}: triple {header.index} at byte {begins}"
        if header.kind != ("m4s.age" if header.index else "init.mp4.age"):
            raise DataError(f"{where}: {header.name} is where an age file must be")
        age = self._content(header)
        stated, signature = self._part("json", header.index, where), self._part("sig", header.index, where)
        try:
            statement = decode_statement(stated, where)
            self._keys.check(statement.key, stated, signature, where)
            self._check_place(statement, header, where)
        except DataError as error:
            return self._damage(str(error), (header.name,))
        if hashlib.sha256(age).hexdigest() != statement.sha256:
            known = statement if isinstance(statement, FragmentStatement) else None
            return self._damage(f"{where}: the age file has not the stated SHA-256", (header.name,), known)
        return Whole(header.name, statement, age, where, begins)

    def _check_place(self, statement: Statement, header: ustar.Header, where: str) -> None:
        said = statement.recording, statement.segment, statement.index
        if said != (*self._place, header.index) or isinstance(statement, InitStatement) != (header.index == 0):
            raise DataError(f"{where}: its statement is about fragment {said[2]} of segment {said[1]} of {said[0]}")

    def _part(self, kind: ustar.Kind, index: int, where: str) -> bytes:
        header = self._header()
        if header is None or (header.kind, header.index) != (kind, index):
            raise DataError(f"{where}: its {kind} does not follow")
        return self._content(header)

    def _damage(self, what: str, members: tuple[str, ...] = (), statement: FragmentStatement | None = None) -> Damage:
        return Damage(self.path.name, what, members, statement)

    # --- bytes ----------------------------------------------------------------------------------------------------------------------------

    def _take(self, count: int) -> bytes:
        data = self._skip(count)
        if len(data) < count:
            raise CutError(f"{self.path.name}: ends early, at byte {self._position}")
        return data

    def _header(self) -> ustar.Header | None:
        """The next header; `None` for the first block of an end-of-archive mark."""
        at = self._position
        block = self._take(ustar.BLOCK)
        return None if block == ustar.ZERO_BLOCK else ustar.unpack(block, f"{self.path.name}: byte {at}")

    def _content(self, header: ustar.Header) -> bytes:
        content = self._take(header.size)
        if any(self._take(header.padding)):
            self._notes.append(f"{self.path.name}: the padding after {header.name} is not zero")
        return content

    def _end_of_archive(self) -> None:
        at = self._position
        rest = self._skip(ustar.BLOCK + 1)
        if rest != ustar.ZERO_BLOCK:
            raise DataError(f"{self.path.name}: at byte {at} is not the end of the archive")

    def _look_for(self, index: int) -> bool:
        """Go on to the next header of a fragment, this one or a later one. False where there is none: then all has been read."""
        if off := -self._position % ustar.BLOCK:
            self._skip(off)
        while len(block := self._skip(ustar.BLOCK)) == ustar.BLOCK:
            if block[257:263] == b"ustar\0":
                try:
                    header = ustar.unpack(block, "")
                except DataError:
                    continue
                if header.kind == "m4s.age" and header.index >= index:
                    self._found = header
                    return True
        return False

    def _skip(self, count: int) -> bytes:
        block = self._file.read(count)
        self._hash.update(block)
        self._position += len(block)
        return block

    def _good(self) -> None:
        self.good_bytes, self.good_sha256 = self._position, self._hash.hexdigest()


def _member(index: int) -> str:
    return ustar.Header(index, "m4s.age" if index else "init.mp4.age", 0).name


def _members(first: int, end: int) -> tuple[str, ...]:
    return tuple(_member(index) for index in range(first, min(end, first + 100)))
