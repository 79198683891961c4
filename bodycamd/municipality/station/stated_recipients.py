"""To whom a recording was sealed, by what the camera signed: the init statement of each of its segments, held against the ledger.

What is not signed counts for nothing: no name in an age header, no entry of the index, no member beside the statements. A recording of
which one segment does not show it shows it of none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bodycamd.errors import DataError
from bodycamd.evidence.entries import RecordingClosed
from bodycamd.evidence.keys import SIGNATURE_BYTES, PublicKey
from bodycamd.evidence.segment_reader import SegmentReader, Triple
from bodycamd.evidence.statements import InitStatement
from bodycamd.municipality.station.segments import ExpectedSegment
from bodycamd.municipality.verify.ledger_account import LedgerAccount
from bodycamd.municipality.verify.segment_check import Place, check_triple

Chunks = Callable[[ExpectedSegment], Iterator[bytes]]
"""The bytes of a segment in the storage, in pieces."""


def stated_recipients(
    ledger: Path, first_key: PublicKey, closed: RecordingClosed, segments: Sequence[ExpectedSegment], chunks: Chunks
) -> frozenset[str]:
    """The age recipients that every segment of a closed recording was sealed to. `segments` are all that the ledger states of it; each is
    read whole. Raises `DataError` with what does not show it, `StorageError`."""
    if not segments or len({one.number for one in segments}) < len(segments) or len(segments) < closed.segments:
        raise DataError(f"it was closed with {closed.segments} segments, and {len(segments)} are stated")
    opened = {one.number: _first_triple(one, chunks(one)) for one in segments}
    prevs = {triple.statement.prev for triple in opened.values()}
    account = LedgerAccount(ledger, first_key, prevs, {closed.recording})
    found: frozenset[str] | None = None
    for number, triple in sorted(opened.items()):
        stated = _recipients(triple, Place(closed.recording, number), account)
        found = stated if found is None else found & stated
    assert found is not None, "there are segments"
    return found


def _recipients(triple: Triple, place: Place, account: LedgerAccount) -> frozenset[str]:
    opening = account.openings.get(triple.statement.prev)
    if opening is None:
        raise DataError(f"{triple.where}: prev names no line of the ledger")
    if triple.signature == bytes(SIGNATURE_BYTES):
        raise DataError(f"{triple.where}: not signed")
    check_triple(triple, None, place, opening)
    assert isinstance(triple.statement, InitStatement), "check_triple looks at that"
    return frozenset(triple.statement.recipients)


def _first_triple(segment: ExpectedSegment, chunks: Iterator[bytes]) -> Triple:
    """The first one of a segment whose bytes are those that the ledger states, all of them read."""
    source = _Stored(chunks, segment.good_bytes)
    triple = next(iter(SegmentReader(source, segment.file)), None)
    if source.digest_of_all() != segment.sha256:
        raise DataError(f"{segment.file}: the station's copy is not what the ledger states")
    if triple is None:
        raise DataError(f"{segment.file}: its init segment was lost in a cut, and nothing else states recipients")
    return triple


class _Stored:
    """The first bytes of what comes in pieces, as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes], length: int) -> None:
        self._chunks, self._left = chunks, length
        self._digest = hashlib.sha256()
        self._behind = b""

    def read(self, count: int) -> bytes:
        while len(self._behind) < count and (chunk := self._next()):
            self._behind += chunk
        found, self._behind = self._behind[:count], self._behind[count:]
        return found

    def digest_of_all(self) -> str:
        """The SHA-256 of all of it; nothing is to be read afterwards."""
        while self._next():
            pass
        return self._digest.hexdigest()

    def _next(self) -> bytes:
        while self._left and (chunk := next(self._chunks, b"")):
            good = chunk[: self._left]
            self._left -= len(good)
            self._digest.update(good)
            if good:
                return good
        return b""
