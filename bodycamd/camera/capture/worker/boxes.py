"""ISO base media boxes: cutting a stream into init segment and fragments, and reading from a fragment what it holds.

What is stated of a fragment (times, frames, samples) is read back from the bytes that are sealed, not from what was asked of the muxer.
Sources: ISO/IEC 14496-12 (boxes), ISO/IEC 23000-19 (CMAF).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bodycamd.errors import DataError

MAX_BOX_BYTES: Final = 64 * 1024 * 1024
MAX_SAMPLES: Final = 100_000
"""Of one track in a fragment: half an hour of sound."""
_HEADER: Final = struct.Struct(">I4s")


class BoxError(DataError):
    """Not the boxes that were expected."""


@dataclass(frozen=True, slots=True)
class TrackRun:
    """One track's part of a fragment, in units of its time scale. `durations` has one for each sample."""

    track: int
    begin: int
    durations: tuple[int, ...]


class StreamCutter:
    """Takes a growing file in pieces of any size and gives it back cut after every `moov` and `mdat`: init segment, fragment, fragment …

    A piece that is exactly one of these is given back as it is, without a copy.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._scanned = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The init segments and fragments that `data` completes. Raises `BoxError`."""
        source: bytes | bytearray = data
        if self._waiting:
            self._waiting += data
            source = self._waiting
        cuts = []
        at, begin = self._scanned, 0
        with memoryview(source) as view:
            while (size := _size(view, at)) is not None and at + size <= len(view):
                kind = bytes(view[at + 4 : at + 8])
                at += size
                if kind in (b"moov", b"mdat"):
                    cuts.append(data if source is data and at - begin == len(data) else bytes(view[begin:at]))
                    begin = at
        self._scanned = at - begin
        if source is data:
            self._waiting += data[begin:]
        else:
            del self._waiting[:begin]
        return cuts

    @property
    def waiting_bytes(self) -> int:
        """How much of an unfinished segment is here."""
        return len(self._waiting)


def _size(view: memoryview, at: int) -> int | None:
    """The size of the box at `at`, or `None` if too little of it is there."""
    if len(view) - at < 8:
        return None
    size = int.from_bytes(view[at : at + 4], "big")
    if size == 1:
        if len(view) - at < 16:
            return None
        size = int.from_bytes(view[at + 8 : at + 16], "big")
        if size < 16:
            raise BoxError(f"a box of {size} bytes")
    elif size < 8:
        raise BoxError(f"a box of {size} bytes")
    if size > MAX_BOX_BYTES:
        raise BoxError(f"a box of {size} bytes: at most {MAX_BOX_BYTES} are expected")
    return size


def children(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two offsets, as (type, begin of the content, end). Raises `BoxError` if they do not fill the space exactly."""
    at = begin
    while at < end:
        if end - at < 8:
            raise BoxError("bytes after the last box")
        size, kind = _HEADER.unpack_from(data, at)
        if size < 8 or at + size > end:
            raise BoxError(f"a {kind!r} box does not fit where it stands")
        yield kind, at + 8, at + size
        at += size


def box_kinds(data: bytes) -> tuple[bytes, ...]:
    """The types of the top-level boxes. Raises `BoxError`."""
    return tuple(kind for kind, _, _ in children(data, 0, len(data)))


def track_runs(fragment: bytes) -> list[TrackRun]:
    """What the `moof` box, the first of `fragment`, says of each track, in the order of the tracks' numbers. Raises `BoxError`."""
    try:
        kind, begin, end = next(children(fragment, 0, len(fragment)), (b"nothing", 0, 0))
        if kind != b"moof":
            raise BoxError(f"a fragment that begins with {kind!r}")
        runs = [_track_run(fragment, at, stop) for kind, at, stop in children(fragment, begin, end) if kind == b"traf"]
    except struct.error as error:
        raise BoxError(f"a movie fragment that ends too early: {error}") from error
    return sorted(runs, key=lambda run: run.track)


def _track_run(moof: bytes, begin: int, end: int) -> TrackRun:
    track = default = 0
    base: int | None = None
    durations: list[int] = []
    for kind, at, stop in children(moof, begin, end):
        version_and_flags = int.from_bytes(moof[at : at + 4], "big")
        flags = version_and_flags & 0xFFFFFF
        if kind == b"tfhd":
            track = int.from_bytes(moof[at + 4 : at + 8], "big")
            if flags & 0x08:
                place = at + 8 + (8 if flags & 0x01 else 0) + (4 if flags & 0x02 else 0)
                (default,) = struct.unpack_from(">I", moof, place)
        elif kind == b"tfdt":
            (base,) = struct.unpack_from(">Q" if version_and_flags >> 24 else ">I", moof, at + 4)
        elif kind == b"trun":
            durations += _durations(moof, at, stop, flags, default)
            if len(durations) > MAX_SAMPLES:
                raise BoxError(f"a track fragment of {len(durations)} samples")
    if not track or base is None:
        raise BoxError("a track fragment without track number or time")
    return TrackRun(track, base, tuple(durations))


def _durations(moof: bytes, at: int, end: int, flags: int, default: int) -> list[int]:
    (count,) = struct.unpack_from(">I", moof, at + 4)
    step = 4 * (flags & 0xF00).bit_count()
    first = at + 8 + (4 if flags & 0x01 else 0) + (4 if flags & 0x04 else 0)
    if count > MAX_SAMPLES or first + count * step > end:
        raise BoxError(f"a track run of {count} samples")
    if not flags & 0x100:
        return [default] * count
    return list(struct.unpack_from(f">{count * step // 4}I", moof, first)[:: step // 4])
