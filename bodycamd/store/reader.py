"""What a store holds: from the ledger's verified entries and the folders' names, without opening the footage.

The footage is not verified (`bodycamd verify` does); a list is not evidence. A recording that is open, or was left open, is glanced into,
because the ledger does not know its length yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, Self

from msgspec import Struct, field

from bodycamd.errors import NotFoundError, StorageError
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentRecovered, SegmentSealed
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.statements import Entry
from bodycamd.linux.foreign import Folder
from bodycamd.store.glance import INTERRUPTED, duration_us, recording_glances
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, SegmentFile, check_recording, recording_names, segment_files

RecordingState = Literal["open", "closed", "recovered", "unknown"]
"""`open`: being written, or left open by a start that no later one has recovered yet. `recovered`: it was cut off, a later start closed
it. `unknown`: the ledger does not speak of it."""


class RecordingInfo(Struct, frozen=True):
    """One line of the list. Times in microseconds are CLOCK_BOOTTIME; `opened` is the wall clock's RFC 3339 text as the camera had it."""

    id: str
    opened: str
    opened_us: int
    duration_us: int
    fragments: int
    bytes: int
    """Of the segments' files; of a cut one, its good bytes."""
    segments: int
    state: RecordingState
    reason: str
    """Why it was closed; empty while it is open."""
    warning: str
    resumes: str
    """The recording that this one continues; empty where there is none."""
    pressed_us: int | None
    received: int = 0
    """Of the segments, by the ledger: those that a station's receipt is stated for."""


class Measured(Struct, frozen=True):
    """What is in the segments that the ledger does not state yet of a recording that it has not closed. `duration_us`, `wall` and
    `boottime_us` are of the whole recording: the latter of its first init segment."""

    fragments: int
    bytes: int
    segments: int
    duration_us: int
    wall: str
    boottime_us: int


class StoreReader:
    """Reads a store or a copy of one. Takes no lock and writes nothing; a daemon may be writing meanwhile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.recordings_folder = directory / RECORDINGS_FOLDER
        self.ledger_folder = directory / LEDGER_FOLDER

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The store, or the copy of one, that is there. Raises `NotFoundError` where there is none, `PermissionDeniedError` where this user
        may not read it, `DataError` where something else is in its place."""
        try:
            Folder.open(directory / RECORDINGS_FOLDER, below=directory).close()
        except NotFoundError as error:
            raise NotFoundError(f"{directory}: there is no store: it has no folder {RECORDINGS_FOLDER}") from error
        return cls(directory)

    def recordings(self, ledger: Iterable[Line] | None = None, watch: Callable[[Line], object] = lambda _: None) -> list[RecordingInfo]:
        """Every recording whose folder is there, oldest first. `ledger` is this store's, verified; `watch` hears of each line. Raises
        `StorageError`, `PermissionDeniedError`, and `DataError` where something else is in the place of the store's folders."""
        try:
            names, _ = recording_names(self.recordings_folder)
            told = {name: _Told() for name in names}
            for line in ledger if ledger is not None else VerifiedLedger(self.ledger_folder):
                watch(line)
                name = getattr(line.detail, "recording", None)
                if name in told:
                    told[name].take(line)
            return [self._info(name, told[name]) for name in names]
        except OSError as error:
            raise StorageError(f"{self.directory}: cannot read the store: {error.strerror}") from error

    def recording(self, recording: str) -> RecordingInfo:
        """One recording. Raises `UsageError` for what is no id, `NotFoundError`, `StorageError`."""
        check_recording(recording)
        for info in self.recordings():
            if info.id == recording:
                return info
        raise NotFoundError(f"{recording}: there is no such recording in {self.directory}; `bodycamd recordings list` shows what there is")

    def segments(self, recording: str) -> list[SegmentFile]:
        """The segments' files of a recording in order: `*.tar`, `*.cut.tar`, and while it is open one `*.tar.part`. Raises
        `UsageError` for what is no id, and as `segment_files` does."""
        check_recording(recording)
        try:
            files, _ = segment_files(self.recordings_folder / recording)
        except NotFoundError as error:
            raise NotFoundError(f"{recording}: there is no such recording in {self.directory}") from error
        return files

    def sizes(self, recording: str) -> list[tuple[Path, int]]:
        """The same, each with its size in bytes; what goes meanwhile is left out."""
        files = self.segments(recording)
        with Folder.open(self.recordings_folder / recording, below=self.directory) as folder:
            return [(file.path, there.size) for file in files if (there := folder.look(file.path.name)) is not None]

    def measure(self, recording: str, stated: int) -> Measured:
        """Glance into the segments after the first `stated` ones, and for the length into the first and the last. Segments that cannot be
        read are left out."""
        glances = recording_glances(self.recordings_folder / recording, stated)
        init = next((g.init for g, _ in glances if g.init is not None), None)
        return Measured(
            fragments=sum(g.fragments for g, unstated in glances if unstated),
            bytes=sum(g.bytes for g, unstated in glances if unstated),
            segments=sum(unstated for _, unstated in glances),
            duration_us=duration_us([g for g, _ in glances]),
            wall=init.wall if init is not None else "",
            boottime_us=init.boottime_ns // 1000 if init is not None else 0,
        )

    def _info(self, name: str, told: _Told) -> RecordingInfo:
        opened, closed = told.opened, told.closed
        fragments, size, segments, length_us = told.fragments, told.bytes, told.segments, closed.duration_us if closed is not None else 0
        measured = self.measure(name, segments) if closed is None else None
        if measured is not None:
            fragments, size, segments = fragments + measured.fragments, size + measured.bytes, segments + measured.segments
            length_us = measured.duration_us
        reason = closed.reason if closed is not None else ""
        first = told.first
        return RecordingInfo(
            id=name,
            opened=first.wall if first is not None else measured.wall if measured is not None else "",
            opened_us=first.boottime_ns // 1000 if first is not None else measured.boottime_us if measured is not None else 0,
            duration_us=length_us,
            fragments=fragments,
            bytes=size,
            segments=segments,
            state="unknown" if opened is None else "open" if closed is None else "recovered" if reason == INTERRUPTED else "closed",
            reason=reason,
            warning=opened.warning if opened is not None else "",
            resumes=(opened.resumes if opened is not None else None) or "",
            pressed_us=opened.pressed_us if opened is not None else None,
            received=len(told.received),
        )


class _Told(Struct):
    """What the ledger says of one recording. `first` is its opening entry."""

    first: Entry | None = None
    opened: RecordingOpened | None = None
    closed: RecordingClosed | None = None
    segments: int = 0
    fragments: int = 0
    bytes: int = 0
    received: set[int] = field(default_factory=set)

    def take(self, line: Line) -> None:
        match line.detail:
            case RecordingOpened() if self.opened is None:
                self.first, self.opened = line.entry, line.detail
            case RecordingClosed() if self.closed is None:
                self.closed = line.detail
            case SegmentSealed(size=size, fragments=fragments) | SegmentRecovered(good_bytes=size, fragments=fragments):
                self.segments, self.bytes, self.fragments = self.segments + 1, self.bytes + size, self.fragments + fragments
            case Uploaded(segment=int() as number):
                self.received.add(number)
