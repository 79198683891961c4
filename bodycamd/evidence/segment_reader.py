"""Reading a segment, strictly and in constant memory: members with their offsets, and triples with their statements.

Every byte is accounted for: headers and padding must be exactly as this format writes them, and nothing may follow the end-of-archive mark.
All input is taken as hostile; whatever is wrong raises `DataError` with the file and the byte, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol

from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence import ustar
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.statements import FragmentStatement, InitStatement, Statement, decode_statement

CHUNK_BYTES = 256 * 1024


class CutError(DataError):
    """The file ends inside a triple: what a power cut leaves."""


class Member(Struct, frozen=True):
    """One member as it is in the file. `content` is kept for `.json` and `.sig` only; of an age file just its SHA-256."""

    header: ustar.Header
    offset: int
    sha256: str
    content: bytes

    @property
    def content_offset(self) -> int:
        """Where the content begins."""
        return self.offset + ustar.BLOCK


class Triple(Struct, frozen=True):
    """An age file with its statement and signature. Size, SHA-256 and index agree with the statement; the signature is not yet checked."""

    index: int
    age: Member
    json: bytes
    signature: bytes
    statement: Statement
    where: str

    @property
    def json_sha256(self) -> str:
        """What the next statement must name as `prev`."""
        return hashlib.sha256(self.json).hexdigest()

    def check_signature(self, keys: Mapping[str, PublicKey]) -> None:
        """Raises `DataError` unless a key of `keys` (by id) is the one stated, and signed these bytes."""
        key = keys.get(self.statement.key)
        if key is None or key.id != self.statement.key:
            raise DataError(f"{self.where}: signed by key {self.statement.key[:16]}…, which is not one of this start")
        if not key.verifies(self.signature, self.json):
            raise DataError(f"{self.where}: the signature does not verify")


class Source(Protocol):
    """A file, or a part of one, that is read from its beginning."""

    def read(self, count: int, /) -> bytes:
        """The next `count` bytes; fewer only at the end."""


class SegmentReader:
    """Reads a segment once, from its beginning, as members or as triples (iterate over one of them, once).

    `position` and `sha256()` are of all bytes that were read and found right so far. `ended` is true once the end-of-archive mark was read,
    at the very end of the file. A file that ends between two members ends the iteration with `ended` false; a file that ends anywhere else
    raises `DataError`.
    """

    def __init__(self, file: Source, source: str) -> None:
        self.source = source
        self.position = 0
        self.ended = False
        self._file = file
        self._hash = hashlib.sha256()

    def sha256(self) -> str:
        """The SHA-256 of the first `position` bytes."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[Triple]:
        members = self.members()
        index = 0
        while (age := next(members, None)) is not None:
            where = f"{self.source}: triple {index} at byte {age.offset}"
            stated, signed = next(members, None), next(members, None)
            if stated is None or signed is None:
                raise CutError(f"{where}: cut before its signature")
            kinds = age.header.kind, stated.header.kind, signed.header.kind
            if kinds != ("m4s.age" if index else "init.mp4.age", "json", "sig"):
                raise DataError(f"{where}: its members are {', '.join(kinds)}")
            if {age.header.index, stated.header.index, signed.header.index} != {index}:
                raise DataError(f"{where}: its members are not numbered {index}")
            yield _triple(index, age, stated.content, signed.content, where)
            index += 1

    def members(self) -> Iterator[Member]:
        """Every member in order."""
        while block := self._file.read(ustar.BLOCK):
            where = f"{self.source}: byte {self.position}"
            if len(block) < ustar.BLOCK:
                raise CutError(f"{where}: cut inside a header")
            if block == ustar.ZERO_BLOCK:
                self._read_end(where)
                return
            header = ustar.unpack(block, where)
            yield self._read_member(block, header, where)

    def _read_end(self, where: str) -> None:
        if self._file.read(ustar.BLOCK) != ustar.ZERO_BLOCK:
            raise DataError(f"{where}: one zero block is not the end of an archive")
        if self._file.read(1):
            raise DataError(f"{where}: bytes follow the end of the archive")
        self._advance(ustar.END)
        self.ended = True

    def _read_member(self, block: bytes, header: ustar.Header, where: str) -> Member:
        offset, running = self.position, self._hash.copy()
        running.update(block)
        content, digest, left = [], hashlib.sha256(), header.size
        while left:
            chunk = self._file.read(min(left, CHUNK_BYTES))
            if not chunk:
                raise CutError(f"{where}: cut inside {header.name}")
            left -= len(chunk)
            digest.update(chunk)
            running.update(chunk)
            if header.kind in ("json", "sig"):
                content.append(chunk)
        padding = self._file.read(header.padding)
        if len(padding) < header.padding:
            raise CutError(f"{where}: cut after {header.name}")
        if any(padding):
            raise DataError(f"{where}: the padding after {header.name} is not zero")
        running.update(padding)
        self._hash = running
        self.position += ustar.BLOCK + header.size + header.padding
        return Member(header, offset, digest.hexdigest(), b"".join(content))

    def _advance(self, read: bytes) -> None:
        self._hash.update(read)
        self.position += len(read)


def read_age(file: BinaryIO, triple: Triple) -> bytes:
    """The age file of a triple that was read before (at most 32 MiB), checked again: these are the stated bytes. Raises `DataError`."""
    file.seek(triple.age.content_offset)
    age = file.read(triple.age.header.size)
    if hashlib.sha256(age).hexdigest() != triple.statement.sha256:
        raise DataError(f"{triple.where}: the age file changed while it was read")
    return age


def check_follows(previous: Triple | None, triple: Triple) -> None:
    """Check that a triple follows the one before it in its segment: `prev`, recording, segment, start, generation, and numbers that only
    grow.

    Raises `DataError`.
    """
    now = triple.statement
    if previous is None:
        return
    before = previous.statement
    if now.prev != previous.json_sha256:
        raise DataError(f"{triple.where}: prev is not the SHA-256 of the statement before it")
    for field in ("device", "start", "boot_id", "recording", "segment", "generation"):
        if getattr(now, field) != getattr(before, field):
            raise DataError(f"{triple.where}: {field} differs from the statement before it")
    if now.n <= before.n or now.boottime_ns < before.boottime_ns:
        raise DataError(f"{triple.where}: n or boottime_ns runs backwards")
    if not isinstance(now, FragmentStatement) or not isinstance(before, FragmentStatement):
        return
    if now.seq <= before.seq or now.pts_us <= before.pts_us:
        raise DataError(f"{triple.where}: seq or pts_us runs backwards")


def _triple(index: int, age: Member, json: bytes, signature: bytes, where: str) -> Triple:
    statement = decode_statement(json, where)
    if statement.index != index or isinstance(statement, InitStatement) != (index == 0):
        raise DataError(f"{where}: the statement is not about this member")
    if statement.size != age.header.size or statement.sha256 != age.sha256:
        raise DataError(f"{where}: size or SHA-256 of the age file is not as stated")
    return Triple(index, age, json, signature, statement, where)
