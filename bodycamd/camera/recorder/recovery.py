"""What a new start does about the starts before it: states every segment that they left without an entry, and closes their recordings.

    X.tar.part                      → renamed to X.cut.tar, fsync of the folder, entry segment_recovered {good_bytes, sha256, torn_bytes}
    X.tar or X.cut.tar, no entry    → fsync of the folder, entry segment_recovered about the file as it is (the start before ended
                                      between rename and entry)
    recording opened, not closed    → entry recording_closed, reason `interrupted`

No byte of an earlier start's file is changed, none is removed. Every step may be the last one before the next cut: done again, it finds
what is left to do. The entry `store_recovered` says that a start finished this, so that the next one looks only at what is newer; the
footage of 28 days is not read through.

What is in the way (a stray name, a file that cannot be read, footage of a start that the ledger does not verify) is reported and passed
over.
"""

from __future__ import annotations

import logging
from pathlib import Path

from msgspec import Struct, field

from bodycamd.camera.control.events import ResumeOffer
from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentRecovered, SegmentSealed
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger import Ledger
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.noted_entries import StoreRecovered
from bodycamd.evidence.segment import recover
from bodycamd.evidence.statements import JsonValue
from bodycamd.foreign_text import shown
from bodycamd.linux.disk import FileOperations
from bodycamd.store.glance import INTERRUPTED, duration_us, recording_glances
from bodycamd.store.names import SegmentFile, Stray, recording_names, recording_start, segment_files

log = logging.getLogger(__name__)

RESUME_LOOK_BACK_US = 600_000_000
"""So far back ledger files of this boot are read for the resume offer: twice the longest segment."""
RECENT_US = 60_000_000
STRAYS_LISTED = 20


class Recovered(Struct, frozen=True):
    """What was found and done."""

    segments: int
    strays: tuple[Stray, ...]
    resume: ResumeOffer | None


class _PastStart(Struct):
    """What one start left to do, or to resume."""

    boot_id: str
    last_us: int = 0
    """CLOCK_BOOTTIME of its last entry."""
    lines: list[Line] = field(default_factory=list)
    keys: dict[str, PublicKey] = field(default_factory=dict)
    """By id: those that may have signed its footage."""


class Past:
    """The entries that matter to a recovery, gathered while the verified ledger is read: of the starts since the last finished recovery,
    and of this boot's last minutes.
    """

    def __init__(self, boot_id: str) -> None:
        self.since = 0
        """Starts below this one are recovered."""
        self._boot_id = boot_id
        self._starts: dict[int, _PastStart] = {}

    def take(self, line: Line, key: PublicKey) -> None:
        """One line more, oldest first; `key` is in force after it."""
        start = self._starts.setdefault(line.entry.start, _PastStart(line.entry.boot_id))
        start.last_us = line.entry.boottime_ns // 1000
        start.keys[key.id] = key
        if isinstance(line.detail, (RecordingOpened, RecordingClosed, SegmentSealed, SegmentRecovered)):
            start.lines.append(line)
        elif isinstance(line.detail, StoreRecovered) and line.detail.complete:
            self._finished(line.entry.start)

    def _finished(self, number: int) -> None:
        """Everything before this start is stated. What this boot recorded may still be resumed."""
        self.since = number
        for before in [before for before in self._starts if before < number]:
            start = self._starts[before]
            if start.boot_id == self._boot_id:
                start.lines = [line for line in start.lines if isinstance(line.detail, (RecordingOpened, RecordingClosed))]
            else:
                del self._starts[before]

    def lines(self, now_us: int) -> list[Line]:
        """Oldest first: those of starts that are not recovered, and of this boot's last minutes."""
        found: list[Line] = []
        for number, start in sorted(self._starts.items(), reverse=True):
            recent = start.boot_id == self._boot_id and start.last_us >= now_us - RESUME_LOOK_BACK_US
            if number < self.since and not recent:
                break
            found[:0] = start.lines
        return found

    def keys_of(self, start: int) -> dict[str, PublicKey] | None:
        """The keys that may have signed the footage of a start; `None` where the ledger does not verify as far as that."""
        found = self._starts.get(start)
        return found.keys if found is not None else None


def recover_store(recordings: Path, past: Past, ledger: Ledger, *, disk: FileOperations, now_us: int, boot_id: str) -> Recovered:
    """Recover what earlier starts left. Nothing in the store can make this raise; what could not be done is in `strays`."""
    work = _Work(recordings, past, ledger, disk)
    try:
        lines = past.lines(now_us)
        work.run(lines)
        resume = _resume_offer(lines, recordings, now_us, boot_id)
    except (OSError, BodycamError) as error:
        log.error("recovery: %s", error)
        work.strays.append(Stray(".", f"recovery stopped: {error}"))
        resume = None
    return Recovered(work.segments, tuple(work.strays), resume)


class _Work:
    """One recovery."""

    def __init__(self, recordings: Path, past: Past, ledger: Ledger, disk: FileOperations) -> None:
        self._recordings = recordings
        self._past = past
        self._ledger = ledger
        self._disk = disk
        self._complete = True
        self.segments = 0
        self.strays: list[Stray] = []

    def run(self, lines: list[Line]) -> None:
        """Recover, close, and say that it is done. Raises `StorageError` where the ledger does not take an entry, `OSError`."""
        names, self.strays = recording_names(self._recordings)
        details = [line.detail for line in lines]
        stated = {(d.recording, d.segment) for d in details if isinstance(d, (SegmentSealed, SegmentRecovered))}
        for name in names:
            start = recording_start(name)
            if start is None or start < self._past.since:
                continue
            if start < self._ledger.start.number:
                self._recover_recording(name, start, stated)
            else:
                self.strays.append(Stray(name, "of a start that has not been"))
        self._close_interrupted(lines)
        detail: dict[str, JsonValue] = {
            "complete": self._complete,
            "segments": self.segments,
            "strays": [shown(f"{stray.path}: {stray.reason}", 190) for stray in self.strays[:STRAYS_LISTED]],
            "strays_unlisted": max(0, len(self.strays) - STRAYS_LISTED),
        }
        self._ledger.append("store_recovered", detail)

    def _recover_recording(self, name: str, start: int, stated: set[tuple[str, int]]) -> None:
        try:
            files, strays = segment_files(self._recordings / name)
        except BodycamError as error:
            self._passed_over(name, str(error))
            return
        self.strays.extend(strays)
        keys = self._past.keys_of(start)
        if keys is None:  # to call the footage torn, or not signed, would be a lie
            self._passed_over(name, f"the ledger does not verify as far as start {start}")
            return
        for file in files:
            if file.kind != "open" and (name, file.number) in stated:
                continue
            try:
                self._recover_segment(name, keys, file)
            except (OSError, DataError, NotFoundError, PermissionDeniedError) as error:
                self._passed_over(f"{name}/{file.path.name}", str(error))

    def _recover_segment(self, name: str, keys: dict[str, PublicKey], file: SegmentFile) -> None:
        path = file.path
        if file.kind == "open":
            path = path.with_name(f"{file.number:06d}.cut.tar")
            self._disk.rename(file.path, path)
        # Also a name that is there already: the start that gave it may have died before it was durable, and the ledger will name the file.
        self._disk.fsync_folder(path.parent)
        try:
            found = recover(path, keys)
        except StorageError as error:  # to call footage torn that cannot be read would be a lie
            self._passed_over(f"{name}/{path.name}", str(error))
            return
        self._ledger.note(
            SegmentRecovered(
                recording=name,
                segment=file.number,
                file=path.name,
                good_bytes=found.good_bytes,
                sha256=found.sha256,
                torn_bytes=found.torn_bytes,
                fragments=found.fragments,
                reason=found.reason,
                last=found.last_sha256,
                torn_sha256=found.torn_sha256,
            )
        )
        self.segments += 1

    def _close_interrupted(self, lines: list[Line]) -> None:
        closed = {line.detail.recording for line in lines if isinstance(line.detail, RecordingClosed)}
        for line in lines:
            opened = line.detail
            if isinstance(opened, RecordingOpened) and opened.recording not in closed and self._past.since <= line.entry.start:
                glances = [found for found, _ in recording_glances(self._recordings / opened.recording)]
                self._ledger.note(
                    RecordingClosed(
                        recording=opened.recording,
                        reason=INTERRUPTED,
                        duration_us=duration_us(glances),
                        segments=len(glances),
                        end_us=max((g.last.end_us for g in glances if g.last is not None), default=None),
                    )
                )

    def _passed_over(self, path: str, reason: str) -> None:
        self._complete = False
        self.strays.append(Stray(path, reason))
        log.error("recovery passes over %s: %s", path, reason)


def _resume_offer(lines: list[Line], recordings: Path, now_us: int, boot_id: str) -> ResumeOffer | None:
    """The newest recording of this boot, if nothing but an interruption closed it.

    It counts from its last fragment, or, where it has none, from the last one of the recording that it resumed; where there is none at
    all, from the instant at which the first of them was opened.
    """
    opened: dict[str, tuple[RecordingOpened, int]] = {}
    ended: set[str] = set()
    for line in lines:
        if isinstance(line.detail, RecordingOpened) and line.entry.boot_id == boot_id:
            opened[line.detail.recording] = line.detail, line.entry.boottime_ns // 1000
        elif isinstance(line.detail, RecordingClosed) and line.detail.reason != INTERRUPTED:
            ended.add(line.detail.recording)
    if not opened or (name := next(reversed(opened))) in ended:
        return None
    recent = sum(1 for detail, at_us in opened.values() if detail.resumes and detail.caller is None and at_us >= now_us - RECENT_US)
    first, first_us = opened[name]
    while not (last := _last_us(recordings / first.recording)) and first.resumes in opened:
        first, first_us = opened.pop(first.resumes)
    return ResumeOffer(name, last or first_us, recent)


def _last_us(folder: Path) -> int:
    """When the last fragment of a recording was stated (CLOCK_BOOTTIME); 0 where there is none."""
    return max((g.last.boottime_ns // 1000 for g, _ in recording_glances(folder) if g.last is not None), default=0)
