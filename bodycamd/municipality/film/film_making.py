"""From sealed segments to films without a name: what is good in them is decrypted, fragment by fragment, and fed to the film maker.

Guarantees
- The films hold exactly the fragments that were fed, counted: each segment as many pictures as its statements say, the films as many as all
  segments.
- What is damaged is left out and told; what the ledger states of a file, its fragments and its SHA-256, is compared with what is there.
- Where an init segment is damaged, that of another segment of the same capture worker stands in: a worker has one init segment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bodycamd.errors import DataError, NotFoundError, OutputError, PermissionDeniedError
from bodycamd.evidence.statements import FragmentStatement, InitStatement
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.film.captions import Chapter, cues
from bodycamd.municipality.film.film_maker import FilmMaker
from bodycamd.municipality.film.identities import Identities
from bodycamd.municipality.film.packet_hashes import Bound
from bodycamd.municipality.film.segment_scan import Damage, SegmentScan, Whole
from bodycamd.municipality.verify.statement_keys import StatementKeys
from bodycamd.municipality.words.times import LocalTime

MAX_LISTED = 500
"""So much damage is listed; more is counted only."""


@dataclass(frozen=True, slots=True)
class Film:
    """A finished part, not yet named. The fields are those of `film_link.PartDone`."""

    file: UnnamedFile
    begins_us: int
    duration_seconds: float
    frames: int
    shifts: dict[str, int]
    time_bases: dict[str, str]


@dataclass(frozen=True, slots=True)
class UnsealedSegment:
    """A segment that a cut left open: what is whole in it was exported, `torn_bytes` were left out."""

    file: str
    fragments: int
    torn_bytes: int


@dataclass(frozen=True, slots=True)
class Stated:
    """What the ledger says of one file: of all of it, or of the whole fragments before a cut."""

    sha256: str
    fragments: int


@dataclass(slots=True)
class Made:
    """What was made. `bound` are the hashes of all packets as they were sealed, by kind (`video`, `audio`)."""

    films: list[Film]
    bound: dict[str, Bound]
    segments: int
    unsealed: list[UnsealedSegment] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    damage_unlisted: int = 0


class Watcher(Protocol):
    """Who wants to know what goes by."""

    def init(self, statement: InitStatement) -> None:
        """The init segment of the file that comes now."""

    def fragment(self, statement: FragmentStatement) -> None:
        """The next fragment of the film."""

    def repeated(self, member: str) -> None:
        """A fragment that stands in an earlier segment already, and is left out here."""

    def damaged(self, damage: Damage) -> None:
        """Something is not as it was stated."""

    def segment(self, scan: SegmentScan) -> None:
        """A segment was read to its end."""

    def progress(self, done_bytes: int) -> None:
        """So many bytes of the segments have been read."""


class Progress:
    """A `Watcher` that only passes the progress on."""

    def __init__(self, progress: Callable[[int], None] = lambda _: None) -> None:
        self.progress = progress

    def init(self, statement: InitStatement) -> None:
        """Not of interest."""

    def fragment(self, statement: FragmentStatement) -> None:
        """Not of interest."""

    def repeated(self, member: str) -> None:
        """Not of interest."""

    def damaged(self, damage: Damage) -> None:
        """Not of interest."""

    def segment(self, scan: SegmentScan) -> None:
        """Not of interest."""


class UnnamedFiles:
    """Files on one file system that have no name yet. A context: what was not linked in it is gone after it."""

    def __init__(self, folder: Path, prefix: str, may_be_made: Callable[[int], None] = lambda _: None) -> None:
        """`may_be_made` hears the number of each film, from 1, before it is made, and raises where it may not be."""
        self._folder = folder
        self._prefix = prefix
        self._may_be_made = may_be_made
        self._stack = ExitStack()
        self.films: list[UnnamedFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def new(self) -> UnnamedFile:
        """One more. Raises `OutputError`."""
        try:
            return self._stack.enter_context(UnnamedFile(self._folder, self._prefix))
        except OSError as error:
            raise OutputError(f"{self._folder}: no file can be made in it: {error.strerror}") from error

    def new_film(self) -> UnnamedFile:
        """One for the next film. Raises `OutputError`."""
        self._may_be_made(len(self.films) + 1)
        self.films.append(self.new())
        return self.films[-1]


class FilmMaking:
    """One recording's films. `stated` is what the ledger says of each file; with `captions` the films have
    subtitles in that local time; `stop` raises where the work is to end."""

    def __init__(
        self,
        maker: FilmMaker,
        files: UnnamedFiles,
        identities: Identities,
        *,
        keys: StatementKeys,
        stated: Mapping[str, Stated],
        captions: LocalTime | None,
        watcher: Watcher,
        stop: Callable[[], None],
    ) -> None:
        self._maker = maker
        self._files = files
        self._identities = identities
        self._keys = keys
        self._stated = stated
        self._captions = captions
        self._watcher = watcher
        self._stop = stop
        self._last_seq = 0
        self._frames = 0
        self._done_bytes = 0
        self._inits: dict[int, tuple[InitStatement, bytes]] = {}
        self._all_inits = False
        """Whether every segment was asked for its init segment."""
        self._made = Made([], {}, 0)

    def make(self, segments: Sequence[Path], chapters: Sequence[Chapter]) -> Made:
        """All of it. Raises `PermissionDeniedError` where the identity does not open the footage, `DataError` where it is no film or not
        the one that is stated, `NotFoundError` where there is none, `OutputError`, `StorageError`.
        """
        self._maker.begin(captions=self._captions is not None, chapters=chapters)
        for path in segments:
            with SegmentScan(path, self._keys) as scan:
                self._segment(scan, segments)
        parts, finished = self._maker.finish()
        for part in parts:
            file = self._files.films[part.number - 1]
            film = Film(file, part.begins_us, part.duration_seconds, part.frames, part.shifts, part.time_bases)
            self._made.films.append(film)
        counted = sum(film.frames for film in self._made.films)
        if counted != self._frames:
            raise DataError(f"the films hold {counted} pictures, and {self._frames} are stated; nothing was exported")
        if not parts:
            raise NotFoundError(self._nothing())
        self._made.bound, self._made.segments = finished.bound, len(segments)
        return self._made

    def _nothing(self) -> str:
        if not self._made.damage:
            return "there is no footage in it"
        first = self._made.damage[0]
        return f"there is no footage in it that is not damaged; {first.file}: {first.what}"

    def _segment(self, scan: SegmentScan, segments: Sequence[Path]) -> None:
        begun, frames, fed = False, 0, 0
        damage_before = self._damage_met
        for piece in scan:
            self._stop()
            if isinstance(piece, Damage):
                self._damaged(piece)
                continue
            plain = self._opened(scan, piece)
            if plain is None:
                continue
            now = piece.statement
            if isinstance(now, InitStatement):
                self._inits[now.generation] = now, plain
                self._begin(scan, now, plain)
                begun = True
                continue
            if now.seq <= self._last_seq:
                self._watcher.repeated(piece.name)
                continue
            if not begun and not self._begin_with_another(scan, now, segments):
                self._damaged(
                    Damage(scan.path.name, "its init segment is damaged, and none of this capture worker is left", (piece.name,), now)
                )
                continue
            begun = True
            self._last_seq = now.seq
            self._watcher.fragment(now)
            if self._captions is not None:
                self._maker.write_cues(cues(now, self._captions))
            self._maker.write(plain)
            frames, fed = frames + now.frames, fed + 1
            self._watcher.progress(self._done_bytes + piece.offset)
        if begun:
            self._count(scan, frames)
        self._compare(scan, self._damage_met > damage_before)
        if not scan.sealed:
            self._made.unsealed.append(UnsealedSegment(scan.path.name, fed, scan.torn_bytes))
        self._watcher.segment(scan)
        self._done_bytes += scan.size
        self._watcher.progress(self._done_bytes)

    def _opened(self, scan: SegmentScan, piece: Whole) -> bytes | None:
        try:
            return self._identities.open(piece.age, piece.where)
        except PermissionDeniedError:
            raise
        except DataError as error:
            known = piece.statement if isinstance(piece.statement, FragmentStatement) else None
            self._damaged(Damage(scan.path.name, str(error), (piece.name,), known))
            return None

    def _begin(self, scan: SegmentScan, init: InitStatement, plain: bytes) -> None:
        self._watcher.init(init)
        self._maker.begin_segment(scan.path.name, init.video, init.audio_track)
        self._maker.write(plain)

    def _begin_with_another(self, scan: SegmentScan, now: FragmentStatement, segments: Sequence[Path]) -> bool:
        """The init segment is damaged: that of another segment of the same worker, before this one or after it."""
        if now.generation not in self._inits and not self._all_inits:
            self._all_inits = True
            for path in segments:
                self._take_init(path)
        if now.generation not in self._inits:
            return False
        self._begin(scan, *self._inits[now.generation])
        return True

    def _take_init(self, path: Path) -> None:
        with SegmentScan(path, self._keys) as other:
            piece = next(iter(other), None)
        if isinstance(piece, Whole) and isinstance(piece.statement, InitStatement):
            with suppress(DataError):  # damaged: told when its segment is read
                self._inits.setdefault(piece.statement.generation, (piece.statement, self._identities.open(piece.age, piece.where)))

    def _count(self, scan: SegmentScan, frames: int) -> None:
        read = self._maker.end_segment()
        if read.frames != frames:
            raise DataError(f"{scan.path}: {read.frames} pictures in it; stated are {frames}")
        self._frames += frames

    def _compare(self, scan: SegmentScan, told: bool) -> None:
        stated = self._stated.get(scan.path.name)
        if stated is None:
            return
        if scan.fragments != stated.fragments:
            self._damaged(Damage(scan.path.name, f"the ledger states {stated.fragments} fragments; {scan.fragments} are there"))
        elif scan.good_sha256 != stated.sha256 and not told:
            self._damaged(Damage(scan.path.name, "its SHA-256 is not what the ledger states"))

    @property
    def _damage_met(self) -> int:
        return len(self._made.damage) + self._made.damage_unlisted

    def _damaged(self, damage: Damage) -> None:
        if len(self._made.damage) < MAX_LISTED:
            self._made.damage.append(damage)
        else:
            self._made.damage_unlisted += 1
        self._watcher.damaged(damage)
