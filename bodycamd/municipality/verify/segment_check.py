"""One segment against what the ledger says of it, as a stream: constant memory, any bytes, nothing written.

Checked is, for every triple: the exact form (`evidence.segment_reader`), size and SHA-256 of the age file, the signature by the one key
that the ledger names for this point, the link to the statement before it; that names and numbers agree with the place where the file
lies; that the first statement names a line of the ledger; then the whole against the ledger's entry, byte for byte. What follows the
stated bytes is looked at too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence import ustar
from bodycamd.evidence.keys import SIGNATURE_BYTES
from bodycamd.evidence.segment import open_segment, sha256_between
from bodycamd.evidence.segment_reader import CutError, SegmentReader, Triple, check_follows
from bodycamd.evidence.statements import InitStatement, decode_statement
from bodycamd.foreign_text import shown
from bodycamd.municipality.verify.ledger_account import Opening, StatedSegment
from bodycamd.store.names import recording_start

MAX_TORN_BYTES = 64 * 1024 * 1024
"""More than this was never being written at one time."""
TripleSeen = Callable[[Triple], None]


class ContradictionError(DataError):
    """A whole triple that says or is signed otherwise than it must be here: no cut does that."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment lies: the recording's folder and the number in the file's name."""

    recording: str
    segment: int

    @property
    def start(self) -> int:
        """The start that the folder's name speaks of."""
        return recording_start(self.recording) or 0


@dataclass(slots=True)
class Checked:
    """What was found good. `after` is what stands after the last good triple, for a segment that nothing is stated about."""

    fragments: int = 0
    good_bytes: int = 0
    size: int = 0
    ended: bool = False
    first_n: int = 0
    last_n: int = 0
    last_sha256: str | None = None
    after: str = ""


def first_prev(path: Path) -> str | None:
    """The ledger line that the first statement of a segment names, unverified; `None` where there is none to read. Reads two headers and
    one statement only.
    """
    try:
        with open_segment(path) as file:
            first = ustar.unpack(file.read(ustar.BLOCK), path.name)
            file.seek(ustar.BLOCK + first.size + first.padding)
            second = ustar.unpack(file.read(ustar.BLOCK), path.name)
            if second.kind != "json":
                return None
            return decode_statement(file.read(second.size), path.name).prev
    except (OSError, BodycamError):
        return None


def check_stated(path: Path, place: Place, stated: StatedSegment, openings: Mapping[str, Opening], seen: TripleSeen) -> Checked:
    """Check a segment that the ledger states. Raises `DataError` for the first thing that is wrong, and where it cannot be read as
    `open_segment` does, or `OSError`.

    `seen` is called for each triple that verifies.
    """
    with open_segment(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != stated.good_bytes + stated.torn_bytes:
            raise DataError(f"{path.name}: {size} bytes; stated are {stated.good_bytes + stated.torn_bytes}")
        reader = SegmentReader(_Prefix(file, stated.good_bytes), path.name)
        checked = Checked(size=size)
        _read(reader, place, openings, seen, checked)
        if stated.kind == "sealed" and not reader.ended:
            raise DataError(f"{path.name}: the end of the archive is missing")
        if reader.position != stated.good_bytes or reader.sha256() != stated.sha256:
            raise DataError(f"{path.name}: SHA-256 of the stated {stated.good_bytes} bytes is not as the ledger says")
        if (checked.fragments, checked.last_sha256) != (stated.fragments, stated.last):
            raise DataError(f"{path.name}: number of fragments or last statement is not as the ledger says")
        if checked.last_n and stated.start == place.start and checked.last_n >= stated.n:
            raise DataError(f"{path.name}: statements were signed after the entry that seals them")
        if stated.torn_bytes and sha256_between(file, stated.good_bytes, size) != stated.torn_sha256:
            raise DataError(f"{path.name}: the torn bytes after byte {stated.good_bytes} are not as the ledger says")
        return checked


def check_unstated(path: Path, place: Place, openings: Mapping[str, Opening], seen: TripleSeen) -> Checked:
    """Check a segment that the ledger does not state yet: as far as it is whole.

    A cut leaves a file that ends inside a triple, or one that ends in zero blocks which were never written; a file that has its final name
    was whole before it got it. Raises `DataError` for anything else, and where it cannot be read as
    `open_segment` does, or `OSError`.
    """
    with open_segment(path) as file:
        checked = Checked(size=os.fstat(file.fileno()).st_size)
        reader = SegmentReader(file, path.name)
        try:
            _read(reader, place, openings, seen, checked)
        except DataError as error:
            cut = isinstance(error, CutError) or _ends_in_zeros(file, checked.good_bytes, checked.size)
            if isinstance(error, ContradictionError) or not cut:
                raise
            checked.after = shown(str(error), 190)
        if path.suffixes == [".tar"] and not (reader.ended and checked.good_bytes == checked.size):
            raise DataError(f"{path.name}: it has the name of a finished segment and is none{': ' if checked.after else ''}{checked.after}")
        return checked


def _ends_in_zeros(file: BinaryIO, begin: int, size: int) -> bool:
    """Whether from the first zero block on there are only zeros."""
    if size - begin > MAX_TORN_BYTES:
        return False
    file.seek(begin)
    zeros = False
    while block := file.read(ustar.BLOCK):
        if any(block):
            if zeros:
                return False
        elif len(block) == ustar.BLOCK:
            zeros = True
    return zeros


def _read(reader: SegmentReader, place: Place, openings: Mapping[str, Opening], seen: TripleSeen, checked: Checked) -> None:
    previous: Triple | None = None
    opening: Opening | None = None
    for triple in reader:
        if triple.index == 0:
            opening = openings.get(triple.statement.prev)
        if opening is None:
            raise ContradictionError(f"{triple.where}: prev names no line of the ledger")
        if triple.signature == bytes(SIGNATURE_BYTES):
            raise DataError(f"{triple.where}: not signed")
        check_triple(triple, previous, place, opening)
        now = triple.statement
        if previous is None:
            checked.first_n = now.n
        previous = triple
        checked.fragments, checked.good_bytes, checked.last_n = triple.index, reader.position, now.n
        checked.last_sha256 = triple.json_sha256
        seen(triple)
    checked.ended, checked.good_bytes = reader.ended, reader.position


def check_triple(triple: Triple, previous: Triple | None, place: Place, opening: Opening) -> None:
    """Raises `ContradictionError` unless the key that was in force signed it, for this place, behind the triple before it."""
    key = opening.epoch.key
    try:
        triple.check_signature({key.id: key})
        _check_place(triple, place, opening)
        check_follows(previous, triple)
    except DataError as error:
        raise ContradictionError(str(error)) from error


def _check_place(triple: Triple, place: Place, opening: Opening) -> None:
    """The statement speaks of this place, and its key was in force when it was signed."""
    now, epoch = triple.statement, opening.epoch
    said = now.recording, now.segment, now.start
    if said != (place.recording, place.segment, place.start):
        raise DataError(f"{triple.where}: it is about segment {now.segment} of {now.recording} (start {now.start})")
    if (now.start, now.device, now.boot_id) != (epoch.start, epoch.device, epoch.boot_id):
        raise DataError(f"{triple.where}: device, start or boot_id is not that of the ledger line it names")
    if now.n <= opening.n:
        raise DataError(f"{triple.where}: signed before the ledger line that it names")
    if epoch.until_n is not None and now.n >= epoch.until_n:
        raise DataError(f"{triple.where}: signed by a key whose successor had taken over")
    if isinstance(now, InitStatement) != (triple.index == 0):
        raise DataError(f"{triple.where}: the init segment comes first, and only there")


class _Prefix:
    """The first bytes of a file, as a file."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def read(self, count: int) -> bytes:
        data = self._file.read(min(count, self._left))
        self._left -= len(data)
        return data
