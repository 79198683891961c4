"""What a store holds, read quickly: from the ledger's entries and the folders' names, without opening the footage.

Only ledger files are read that can speak of the recordings that are there. Nothing is verified (`casework.verify` does); a list is not
evidence. A recording that is open, or was left open, is glanced into, because the ledger does not know its length yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bodycamd.errors import NotFoundError, StorageError
from bodycamd.evidence.ledger_reader import starts
from bodycamd.linux.foreign import Folder
from bodycamd.recorder.glance import Glance
from bodycamd.recorder.history import PastEntry, each_entry
from bodycamd.recorder.names import LEDGER_FOLDER, RECORDINGS_FOLDER, recording_names, recording_start, segment_files
from bodycamd.recorder.recovery import INTERRUPTED, duration_us, recording_glances

RecordingState = Literal["open", "closed", "recovered", "unknown"]
"""`open`: being written, or left open by a start that no later one has recovered yet. `recovered`: it was cut off, a later start closed
it. `unknown`: the ledger does not speak of it."""


@dataclass(frozen=True, slots=True)
class RecordingInfo:
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
    """The recording that this one goes on with; empty where there is none."""
    pressed_us: int | None


class StoreReader:
    """Reads a store or a copy of one. Takes no lock and writes nothing; a daemon may be writing meanwhile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.recordings_folder = directory / RECORDINGS_FOLDER
        self.ledger_folder = directory / LEDGER_FOLDER

    def recordings(self) -> list[RecordingInfo]:
        """Every recording whose folder is there, oldest first. Raises `StorageError`, `PermissionDeniedError`, and `DataError` where
        something else stands in the place of the store's folders."""
        try:
            names, _ = recording_names(self.recordings_folder)
            first = recording_start(names[0]) if names else None
            if first is None:
                return []
            told: dict[str, list[PastEntry]] = {name: [] for name in names}
            for start in starts(self.ledger_folder):
                if start >= first:
                    for entry, _ in each_entry(self.ledger_folder, start):
                        if (name := entry.text("recording")) in told:
                            told[name].append(entry)
            return [self._info(name, told[name]) for name in names]
        except OSError as error:
            raise StorageError(f"{self.directory}: cannot read the store: {error.strerror}") from error

    def recording(self, recording: str) -> RecordingInfo:
        """One recording. Raises `NotFoundError`, `StorageError`."""
        for info in self.recordings():
            if info.id == recording:
                return info
        raise NotFoundError(f"{recording}: there is no such recording in {self.directory}; `bodycamd recordings list` shows what there is")

    def segments(self, recording: str) -> list[Path]:
        """The segments' files of a recording in order: `*.tar`, `*.cut.tar`, and while it is open one `*.tar.part`. Raises as
        `segment_files` does."""
        if recording_start(recording) is None:
            raise NotFoundError(f"{recording!r} is not the id of a recording; one looks like 000042-0001")
        try:
            files, _ = segment_files(self.recordings_folder / recording)
        except NotFoundError as error:
            raise NotFoundError(f"{recording}: there is no such recording in {self.directory}") from error
        return [file.path for file in files]

    def sizes(self, recording: str) -> list[tuple[Path, int]]:
        """The same, each with its size in bytes; what goes meanwhile is left out."""
        paths = self.segments(recording)
        with Folder.open(self.recordings_folder / recording, below=self.directory) as folder:
            return [(path, there.size) for path in paths if (there := folder.look(path.name)) is not None]

    def _info(self, name: str, entries: list[PastEntry]) -> RecordingInfo:
        opened = next((entry for entry in entries if entry.type == "recording_opened"), None)
        closed = next((entry for entry in entries if entry.type == "recording_closed"), None)
        done = [entry for entry in entries if entry.type in ("segment_sealed", "segment_recovered")]
        fragments = sum(entry.number("fragments") for entry in done)
        size = sum(entry.number("size") or entry.number("good_bytes") for entry in done)
        segments, length_us = len(done), closed.number("duration_us") if closed is not None else 0
        glances: list[Glance] = []
        if closed is None:
            glances = recording_glances(self.recordings_folder / name)
            fragments, size, segments = sum(g.fragments for g in glances), sum(g.bytes for g in glances), len(glances)
            length_us = duration_us(glances)
        reason = closed.text("reason") if closed is not None else ""
        init = next((g.init for g in glances if g.init is not None), None)
        pressed = opened.detail.get("pressed_us") if opened is not None else None
        return RecordingInfo(
            id=name,
            opened=opened.wall if opened is not None else init.wall if init is not None else "",
            opened_us=(opened.boottime_ns if opened is not None else init.boottime_ns if init is not None else 0) // 1000,
            duration_us=length_us,
            fragments=fragments,
            bytes=size,
            segments=segments,
            state="unknown" if opened is None else "open" if closed is None else "recovered" if reason == INTERRUPTED else "closed",
            reason=reason,
            warning=opened.text("warning") if opened is not None else "",
            resumes=opened.text("resumes") if opened is not None else "",
            pressed_us=pressed if isinstance(pressed, int) else None,
        )
