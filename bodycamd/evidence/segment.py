"""The segment: a ustar archive that grows by triples of members, each one whole or not there.

    000000.init.mp4.age  000000.json  000000.sig      the init segment
    000001.m4s.age       000001.json  000001.sig      one fragment …

The signature is the last member of a triple, so a cut anywhere leaves the triples before it whole and the last one without a signature that
verifies. Sealed is a segment with two zero blocks at its end and nothing after them. This module makes the bytes; the file is written
elsewhere, and a file that stands is never changed here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import ustar
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.segment_reader import CHUNK_BYTES, SegmentReader, Triple, check_follows
from bodycamd.evidence.signing import SignedStatement, Start
from bodycamd.evidence.statements import FragmentStatement, InitStatement, Statement
from bodycamd.evidence.ustar import END
from bodycamd.footage import EncryptedFragment, EncryptedInit
from bodycamd.foreign_text import shown
from bodycamd.linux import durable, foreign


def open_segment(path: Path) -> BinaryIO:
    """Open a segment's file, `STORE/recordings/RECORDING/FILE`: below the store nothing is a link. Raises as `foreign.open_file` does."""
    return foreign.open_file(path, below=path.parents[min(2, len(path.parents) - 1)])


def members(index: int, age: bytes, json: bytes, signature: bytes) -> tuple[bytes, ...]:
    """The exact bytes to append for one triple, as buffers in order (the age file is not copied). Raises `DataError` for sizes out of
    bounds.
    """
    kind: ustar.Kind = "m4s.age" if index else "init.mp4.age"
    sealed = ustar.Header(index, kind, len(age))
    stated = ustar.Header(index, "json", len(json))
    signed = ustar.Header(index, "sig", len(signature))
    tail = (bytes(sealed.padding), ustar.pack(stated), json, bytes(stated.padding), ustar.pack(signed), signature, bytes(signed.padding))
    return ustar.pack(sealed), age, b"".join(tail)


class GrowingSegment:
    """A segment while it is written: returns the bytes to append, in order, and keeps the hashes. It does no input or output.

    The caller appends exactly what each call returns; where an append fails, this object and the file are abandoned as they are. The
    first call is `init`, then `fragment` for each, then `end`.
    """

    def __init__(self, start: Start, *, recording: str, segment: int, ledger_head: str) -> None:
        self.recording = recording
        self.segment = segment
        self.size = 0
        """Bytes given out so far: the size of the file once they are appended."""
        self.last: SignedStatement | None = None
        self._start = start
        self._prev = ledger_head
        self._next_index = 0
        self._file_hash = hashlib.sha256()

    @property
    def fragments(self) -> int:
        """How many fragments were given out."""
        return max(0, self._next_index - 1)

    @property
    def last_sha256(self) -> str:
        """The SHA-256 of the last `.json`: what the ledger names when the segment is sealed (the ledger's head before `init`)."""
        return self._prev

    @property
    def file_sha256(self) -> str:
        """The SHA-256 of all bytes given out so far, `end` included once it was called."""
        return self._file_hash.hexdigest()

    def init(self, sealed: EncryptedInit) -> tuple[bytes, ...]:
        """The bytes that open the segment. Raises `DataError` for values that a reader would refuse: then nothing was given out."""
        signed = self._start.init(sealed, recording=self.recording, segment=self.segment, prev=self._prev)
        return self._append(sealed.age, signed)

    def fragment(self, sealed: EncryptedFragment, *, gap_us: int, pre_start_us: int | None = None) -> tuple[bytes, ...]:
        """The bytes of one fragment; `last` is its signed statement afterwards. Raises `DataError` like `init`."""
        signed = self._start.fragment(
            sealed,
            recording=self.recording,
            segment=self.segment,
            index=self._next_index,
            prev=self._prev,
            gap_us=gap_us,
            pre_start_us=pre_start_us,
        )
        return self._append(sealed.age, signed)

    def end(self) -> tuple[bytes, ...]:
        """The bytes that close the archive."""
        return self._count((END,))

    def _append(self, age: bytes, signed: SignedStatement) -> tuple[bytes, ...]:
        buffers = members(self._next_index, age, signed.json, signed.signature)
        self._next_index += 1
        self._prev = signed.json_sha256
        self.last = signed
        return self._count(buffers)

    def _count(self, buffers: tuple[bytes, ...]) -> tuple[bytes, ...]:
        for buffer in buffers:
            self._file_hash.update(buffer)
            self.size += len(buffer)
        return buffers


class Recovery(Struct, frozen=True):
    """What a cut left of a segment: the longest prefix of whole, verified triples.

    `sha256` is of the first `good_bytes`; `torn_bytes` is the rest. `ended`: the end-of-archive mark stands right after the last triple,
    with nothing after it, and is counted as good. `torn_sha256` is of the rest; `None` where there is none. `last_sha256` is the SHA-256 of
    the last good `.json`. `reason` says why the rest is not
    good (empty where there is none).
    """

    good_bytes: int
    torn_bytes: int
    sha256: str
    torn_sha256: str | None
    ended: bool
    init: InitStatement | None
    last: Statement | None
    last_sha256: str | None
    fragments: int
    reason: str

    @property
    def end_us(self) -> int | None:
        """The instant after the last good frame (CLOCK_BOOTTIME); `None` where no fragment is good."""
        return self.last.end_us if isinstance(self.last, FragmentStatement) else None


def recover(path: Path, keys: Mapping[str, PublicKey]) -> Recovery:
    """Find what is good in a segment that was not sealed; the file is only read, in constant memory, and what it holds is durable
    afterwards.

    A triple is good when its headers and padding are exactly this format's, size and SHA-256 of the age file are as stated, the signature
    verifies with the key of that id in `keys`, and it follows the one before it (`check_follows`). What the first `prev` names lies in the
    ledger and is not checked here. Raises as `open_segment` does, and `StorageError` where the file cannot be read; damage of any kind
    only shortens the good part.
    """
    try:
        with open_segment(path) as file:
            durable.sync(file.fileno())
            size = os.fstat(file.fileno()).st_size
            return _recover(file, path.name, keys, size)
    except OSError as error:
        raise StorageError(f"{path}: cannot read the segment: {error.strerror}") from error


def _recover(file: BinaryIO, source: str, keys: Mapping[str, PublicKey], size: int) -> Recovery:
    reader = SegmentReader(file, source)
    good, digest, reason = 0, reader.sha256(), ""
    init: InitStatement | None = None
    previous: Triple | None = None
    try:
        for triple in reader:
            triple.check_signature(keys)
            check_follows(previous, triple)
            if isinstance(triple.statement, InitStatement):
                init = triple.statement
            previous, good, digest = triple, reader.position, reader.sha256()
        good, digest = reader.position, reader.sha256()
    except DataError as error:
        reason = shown(error, 190)
    return Recovery(
        good_bytes=good,
        torn_bytes=size - good,
        sha256=digest,
        torn_sha256=sha256_between(file, good, size) if size > good else None,
        ended=reader.ended and not reason,
        init=init,
        last=previous.statement if previous else None,
        last_sha256=previous.json_sha256 if previous else None,
        fragments=previous.index if previous else 0,
        reason=reason,
    )


def sha256_between(file: BinaryIO, begin: int, end: int) -> str:
    """The SHA-256 of the bytes from `begin` to just before `end`, or to where the file ends."""
    digest = hashlib.sha256()
    file.seek(begin)
    while begin < end and (chunk := file.read(min(end - begin, CHUNK_BYTES))):
        digest.update(chunk)
        begin += len(chunk)
    return digest.hexdigest()
