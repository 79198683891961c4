"""A segment's file as the camera's ledger states it, and as the station has stored it; a bundle's file."""

from __future__ import annotations

from msgspec import Struct

from bodycamd.evidence.entries import SegmentRecovered, SegmentSealed
from bodycamd.evidence.statements import Stated


class ExpectedSegment(Struct, frozen=True):
    """`sha256` is of the file's first `good_bytes`, `torn_sha256` of what a cut left behind them; empty where it left nothing."""

    recording: str
    number: int
    file: str
    good_bytes: int
    sha256: str
    torn_bytes: int = 0
    torn_sha256: str = ""

    @property
    def size(self) -> int:
        """Of the whole file, in bytes."""
        return self.good_bytes + self.torn_bytes


class StoredSegment(Struct, frozen=True):
    """The whole file: `sha256` is of all of it, also of what a cut left behind the good bytes."""

    recording: str
    number: int
    file: str
    size: int
    sha256: str


class StoredBundle(Struct, frozen=True):
    """A bundle's file: `name` is what its orders call it, `sha256` is of the whole file."""

    name: str
    size: int
    sha256: str


def expected(detail: Stated | None) -> ExpectedSegment | None:
    """What an entry of the ledger says that a segment's file is; `None` where it speaks of none."""
    match detail:
        case SegmentSealed():
            return ExpectedSegment(detail.recording, detail.segment, detail.file, detail.size, detail.sha256)
        case SegmentRecovered():
            torn = detail.torn_sha256 or ""
            return ExpectedSegment(detail.recording, detail.segment, detail.file, detail.good_bytes, detail.sha256, detail.torn_bytes, torn)
    return None
