"""From sealed segments to plain footage: one iterator, in the order of the film. What is good is decrypted, fragment by fragment; what
is not is reported where it was met.

Guarantees
- A fragment that occurs twice, because the disk failed when it was first written, comes once (`seq`).
- What is damaged is left out and reported; what the ledger states of a file, its fragments and its SHA-256, is compared with what is there.
- Where an init segment is damaged, that of another segment of the same capture worker stands in: a worker has one init segment.

Memory holds one fragment and the init segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import DataError, PermissionDeniedError
from bodycamd.evidence.statements import FragmentStatement, InitStatement
from bodycamd.municipality.film.identities import Identities
from bodycamd.municipality.film.segment_scan import Damage, SegmentScan, Whole
from bodycamd.municipality.verify.statement_keys import StatementKeys
from bodycamd.store.names import SegmentKind, segment_kind


@dataclass(frozen=True, slots=True)
class Stated:
    """What the ledger says of one file: of all of it, or of the whole fragments before a cut."""

    sha256: str
    fragments: int


@dataclass(frozen=True, slots=True)
class SegmentBegun:
    """The fragments of a file begin; `plain` is the init segment that goes before them. Does not come where the file has none to open."""

    path: Path
    statement: InitStatement
    plain: bytes


@dataclass(frozen=True, slots=True)
class OpenedFragment:
    """The next fragment of the film. `read_bytes` of all segments have been read before it."""

    statement: FragmentStatement
    plain: bytes
    read_bytes: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """A fragment that is in an earlier segment already, and is left out here. `member` is its name in the file."""

    member: str


@dataclass(frozen=True, slots=True)
class SegmentRead:
    """A file was read to its end. `fragments` are those that it has a place for, `opened` those that came; `good_bytes` and `good_sha256`
    are those of `SegmentScan`. `read_bytes` of all segments have been read.
    """

    path: Path
    kind: SegmentKind
    fragments: int
    opened: int
    good_bytes: int
    good_sha256: str
    torn_bytes: int
    read_bytes: int


Step = SegmentBegun | OpenedFragment | Repeated | Damage | SegmentRead


class Decryption:
    """One recording. Iterate over it once. `stated` is what the ledger says of each file; `stop` is called before each piece and raises
    where the work is to end.

    Iterating raises `PermissionDeniedError` where the identities do not open the footage, `StorageError`, and as `SegmentScan` does.
    """

    def __init__(
        self,
        segments: Sequence[Path],
        identities: Identities,
        keys: StatementKeys,
        stated: Mapping[str, Stated],
        stop: Callable[[], None],
    ) -> None:
        self._segments = segments
        self._identities = identities
        self._keys = keys
        self._stated = stated
        self._stop = stop
        self._last_seq = 0
        self._read_bytes = 0
        self._inits: dict[int, tuple[InitStatement, bytes]] = {}
        self._all_inits = False
        """Whether every segment was asked for its init segment."""

    def __iter__(self) -> Iterator[Step]:
        for path in self._segments:
            with SegmentScan(path, self._keys) as scan:
                yield from self._segment(scan)

    def _segment(self, scan: SegmentScan) -> Iterator[Step]:
        begun, damaged, opened = False, False, 0
        for piece in scan:
            self._stop()
            step = self._step(scan, piece)
            if isinstance(step, OpenedFragment) and not begun:
                init = self._another_init(step.statement.generation)
                if init is None:
                    what = "its init segment is damaged, and none of this capture worker is left"
                    step = Damage(scan.path.name, what, (piece.name,) if isinstance(piece, Whole) else (), step.statement)
                else:
                    begun = True
                    yield SegmentBegun(scan.path, *init)
            if isinstance(step, OpenedFragment):
                self._last_seq = step.statement.seq
                opened += 1
            begun |= isinstance(step, SegmentBegun)
            damaged |= isinstance(step, Damage)
            yield step
        if (wrong := self._compared(scan, damaged)) is not None:
            yield wrong
        self._read_bytes += scan.size
        good = scan.good_bytes, scan.good_sha256
        yield SegmentRead(scan.path, segment_kind(scan.path.name), scan.fragments, opened, *good, scan.torn_bytes, self._read_bytes)

    def _step(self, scan: SegmentScan, piece: Whole | Damage) -> Step:
        if isinstance(piece, Damage):
            return piece
        now = piece.statement
        try:
            plain = self._identities.open(piece.age, piece.where)
        except PermissionDeniedError:
            raise
        except DataError as error:
            return Damage(scan.path.name, str(error), (piece.name,), now if isinstance(now, FragmentStatement) else None)
        if isinstance(now, InitStatement):
            self._inits[now.generation] = now, plain
            return SegmentBegun(scan.path, now, plain)
        if now.seq <= self._last_seq:
            return Repeated(piece.name)
        return OpenedFragment(now, plain, self._read_bytes + piece.offset)

    def _another_init(self, generation: int) -> tuple[InitStatement, bytes] | None:
        """The init segment is damaged: that of another segment of the same worker, before this one or after it."""
        if generation not in self._inits and not self._all_inits:
            self._all_inits = True
            for path in self._segments:
                self._take_init(path)
        return self._inits.get(generation)

    def _take_init(self, path: Path) -> None:
        with SegmentScan(path, self._keys) as other:
            piece = next(iter(other), None)
        if isinstance(piece, Whole) and isinstance(piece.statement, InitStatement):
            with suppress(DataError):  # damaged: told when its segment is read
                self._inits.setdefault(piece.statement.generation, (piece.statement, self._identities.open(piece.age, piece.where)))

    def _compared(self, scan: SegmentScan, told: bool) -> Damage | None:
        stated = self._stated.get(scan.path.name)
        if stated is None:
            return None
        if scan.fragments != stated.fragments:
            return Damage(scan.path.name, f"the ledger states {stated.fragments} fragments; {scan.fragments} are there")
        if scan.good_sha256 != stated.sha256 and not told:
            return Damage(scan.path.name, "its SHA-256 is not what the ledger states")
        return None
