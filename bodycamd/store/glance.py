"""A glance into a segment: its first and last whole statement, by hopping from header to header. Nothing is verified, no footage is read.

For lists, and for the length of a recording that was cut off. `evidence.segment.recover` and `bodycamd verify` are where bytes are checked.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from bodycamd.errors import BodycamError, DataError, NotFoundError
from bodycamd.evidence import ustar
from bodycamd.evidence.segment import open_segment
from bodycamd.evidence.statements import FragmentStatement, InitStatement, decode_statement
from bodycamd.store.names import segment_files

log = logging.getLogger(__name__)
INTERRUPTED = "interrupted"
S = TypeVar("S", InitStatement, FragmentStatement)


class Glance(Struct, frozen=True):
    """What the whole statements of a segment say. `first` and `last` are `None` where no fragment is whole."""

    init: InitStatement | None
    first: FragmentStatement | None
    last: FragmentStatement | None
    fragments: int
    bytes: int
    """The size of the file."""


def glance(path: Path) -> Glance:
    """Read the first and the last whole statement. Whatever is not a segment's ends the hopping, and only shortens the answer. Raises as
    `open_segment` does, and `OSError`."""
    with open_segment(path) as file:
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        stated = _statements_at(descriptor, size)
        init = _read(descriptor, stated[0], InitStatement) if stated else None
        first = _read(descriptor, stated[1], FragmentStatement) if len(stated) > 1 else None
        last = _read(descriptor, stated[-1], FragmentStatement) if len(stated) > 1 else None
    return Glance(init, first, last, max(0, len(stated) - 1), size)


def _statements_at(descriptor: int, size: int) -> list[tuple[int, int]]:
    """Offset and length of every `.json` whose triple is whole."""
    found: list[tuple[int, int]] = []
    position = 0
    stated: tuple[int, int] | None = None
    while position + ustar.BLOCK <= size:
        block = os.pread(descriptor, ustar.BLOCK, position)
        try:
            header = ustar.unpack(block, "glance")
        except DataError:
            break
        content = position + ustar.BLOCK
        position = content + header.size + header.padding
        if position > size:
            break
        if header.kind == "json":
            stated = content, header.size
        elif header.kind == "sig" and stated is not None:
            found.append(stated)
            stated = None
    return found


def _read(descriptor: int, place: tuple[int, int], kind: type[S]) -> S | None:
    try:
        statement = decode_statement(os.pread(descriptor, place[1], place[0]), "glance")
    except DataError:
        return None
    return statement if isinstance(statement, kind) else None


def recording_glances(folder: Path, stated: int = 0) -> list[tuple[Glance, bool]]:
    """A glance into each segment of a recording after the first `stated` ones, and into the first and the last; with whether it is after
    them. None where there is no folder. Segments that cannot be read are left out."""
    try:
        files, _ = segment_files(folder)
    except NotFoundError:
        return []
    except BodycamError as error:
        log.warning("%s", error)
        return []
    glances: list[tuple[Glance, bool]] = []
    for number, file in enumerate(files):
        if 0 < number < min(stated, len(files) - 1):
            continue
        try:
            glances.append((glance(file.path), number >= stated))
        except (OSError, BodycamError) as error:
            log.warning("%s: %s", file.path, error)
    return glances


def duration_us(glances: list[Glance]) -> int:
    """From the first kept frame to the end of the last: what an export lasts, gaps included."""
    begins = [g.first.pts_us for g in glances if g.first is not None]
    ends = [g.last.end_us for g in glances if g.last is not None]
    return max(0, max(ends) - min(begins)) if begins and ends else 0
