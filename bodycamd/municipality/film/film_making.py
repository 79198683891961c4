"""Makes films of decrypted footage; they have no name yet.

Guaranteed: the films hold exactly the fragments that were fed, counted: each segment as many pictures as its statements say, the films as
many as all segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from bodycamd.errors import DataError, NotFoundError, OutputError
from bodycamd.evidence.statements import FragmentStatement
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.film.captions import Chapter, cues, wall_offset_us
from bodycamd.municipality.film.decryption import OpenedFragment, Repeated, SegmentBegun, SegmentRead, Step
from bodycamd.municipality.film.film_maker import FilmMaker
from bodycamd.municipality.film.packet_hashes import Bound
from bodycamd.municipality.film.segment_scan import Damage
from bodycamd.municipality.words.formats import Formats

CLOCK_STEP_US = 1000
"""By so much the wall clock must have moved against CLOCK_BOOTTIME for the film maker to hear of it; also how far the time stamp of a
picture may lie from the one that is stated, which is rounded."""
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


@dataclass(slots=True)
class Made:
    """What was made. `bound` are the hashes of all packets as they were sealed, by kind (`video`, `audio`)."""

    films: list[Film]
    bound: dict[str, Bound]
    segments: int
    unsealed: list[UnsealedSegment] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    damage_unlisted: int = 0


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
    """One recording's films. With `captions` they have subtitles worded so."""

    def __init__(self, maker: FilmMaker, files: UnnamedFiles, *, captions: Formats | None) -> None:
        self._maker = maker
        self._files = files
        self._captions = captions
        self._offset_us: int | None = None
        self._stated_frames: int | None = None
        """Of the segment that is being fed; `None` between two."""
        self._frames = 0
        self._made = Made([], {}, 0)

    def make(self, footage: Iterable[Step], chapters: Sequence[Chapter]) -> Made:
        """Feed all of it. Raises `DataError` where it is no film or not the one that is stated, `NotFoundError` where there is none,
        `OutputError`, and what iterating raises.
        """
        self._maker.begin(captions=self._captions is not None, chapters=chapters)
        for step in footage:
            self._take(step)
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
        self._made.bound = finished.bound
        return self._made

    def _nothing(self) -> str:
        if not self._made.damage:
            return "there is no footage in it"
        first = self._made.damage[0]
        return f"there is no footage in it that is not damaged; {first.file}: {first.what}"

    def _take(self, step: Step) -> None:
        match step:
            case SegmentBegun(path, init, plain):
                self._maker.begin_segment(path.name, init.video, init.audio_track)
                self._maker.write(plain)
                self._stated_frames = 0
            case OpenedFragment(statement, plain):
                if self._captions is not None:
                    self._maker.write_cues(cues(statement, self._captions))
                self._tell_clock(statement)
                self._maker.write(plain)
                self._stated_frames = (self._stated_frames or 0) + statement.frames
            case Damage():
                self._damaged(step)
            case SegmentRead():
                self._end(step)
            case Repeated():
                pass  # it is in the film already

    def _tell_clock(self, now: FragmentStatement) -> None:
        """Where it was set, or has drifted."""
        offset_us = wall_offset_us(now)
        if self._offset_us is None or abs(offset_us - self._offset_us) >= CLOCK_STEP_US:
            self._offset_us = offset_us
            self._maker.set_clock(now.pts_us - CLOCK_STEP_US, offset_us)

    def _end(self, segment: SegmentRead) -> None:
        if self._stated_frames is not None:
            read = self._maker.end_segment()
            if read.frames != self._stated_frames:
                raise DataError(f"{segment.path}: {read.frames} pictures in it; stated are {self._stated_frames}")
            self._frames += self._stated_frames
            self._stated_frames = None
        self._made.segments += 1
        if segment.kind != "sealed":
            self._made.unsealed.append(UnsealedSegment(segment.path.name, segment.opened, segment.torn_bytes))

    def _damaged(self, damage: Damage) -> None:
        if len(self._made.damage) < MAX_LISTED:
            self._made.damage.append(damage)
        else:
            self._made.damage_unlisted += 1
