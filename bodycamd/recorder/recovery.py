"""What a new start does about the starts before it: states every segment that they left without an entry, and closes their recordings.

    X.tar.part                      → renamed to X.cut.tar, fsync of the folder, entry segment_recovered {good_bytes, sha256, torn_bytes}
    X.tar or X.cut.tar, no entry    → fsync of the folder, entry segment_recovered about the file as it stands (the start before ended
                                      between rename and entry)
    recording opened, not closed    → entry recording_closed, reason `interrupted`

No byte of an earlier start's file is changed, none is removed. Every step may be the last one before the next cut: done again, it finds
what is left to do. The entry `store_recovered` says that a start finished this, so that the next one looks only at what is newer; a store
of 28 days is not read through.

What is in the way (a stray name, a file that cannot be read) is reported and passed over.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from bodycamd.control.events import ResumeOffer
from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence.entries import RecordingClosed, SegmentRecovered
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger import Ledger
from bodycamd.evidence.ledger_reader import start_keys, starts
from bodycamd.evidence.segment import recover
from bodycamd.evidence.strict import shortened
from bodycamd.recorder.disk import FileOperations
from bodycamd.recorder.glance import Glance, glance
from bodycamd.recorder.history import PastEntry, past_entries
from bodycamd.recorder.names import SegmentFile, Stray, recording_names, recording_start, segment_files

log = logging.getLogger(__name__)

INTERRUPTED = "interrupted"
RESUME_LOOK_BACK_US = 600_000_000
"""So far back ledger files of this boot are read for the resume offer: twice the longest segment."""
RECENT_US = 60_000_000
STRAYS_LISTED = 20


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found and done."""

    segments: int
    strays: tuple[Stray, ...]
    resume: ResumeOffer | None


@dataclass(slots=True)
class _Past:
    """The entries that matter: of the starts since the last finished recovery, and of this boot's last minutes."""

    since: int = 0
    """Starts below this one are recovered."""
    entries: list[PastEntry] = field(default_factory=list)
    """Oldest first."""


def recover_store(recordings: Path, ledger_folder: Path, ledger: Ledger, *, disk: FileOperations, now_us: int, boot_id: str) -> Recovered:
    """Recover what earlier starts left. Nothing in the store can make this raise; what could not be done is in `strays`."""
    work = _Work(recordings, ledger_folder, ledger, disk)
    try:
        past = _read_past(ledger_folder, ledger.start.number, now_us, boot_id)
        work.run(past)
        resume = _resume_offer(past, recordings, now_us, boot_id)
    except (OSError, BodycamError) as error:
        log.error("recovery: %s", error)
        work.strays.append(Stray(".", f"recovery stopped: {error}"))
        resume = None
    return Recovered(work.segments, tuple(work.strays), resume)


class _Work:
    """One recovery."""

    def __init__(self, recordings: Path, ledger_folder: Path, ledger: Ledger, disk: FileOperations) -> None:
        self._recordings = recordings
        self._ledger_folder = ledger_folder
        self._ledger = ledger
        self._disk = disk
        self._keys: dict[int, dict[str, PublicKey]] = {}
        self._complete = True
        self.segments = 0
        self.strays: list[Stray] = []

    def run(self, past: _Past) -> None:
        """Recover, close, and say that it is done. Raises `StorageError` where the ledger does not take an entry, `OSError`."""
        names, self.strays = recording_names(self._recordings)
        segment_entries = [entry for entry in past.entries if entry.type in ("segment_sealed", "segment_recovered")]
        stated = {(entry.text("recording"), entry.number("segment")) for entry in segment_entries}
        for name in names:
            start = recording_start(name)
            if start is not None and past.since <= start < self._ledger.start.number:
                self._recover_recording(name, start, stated)
        self._close_interrupted(past)
        detail = {
            "complete": self._complete,
            "segments": self.segments,
            "strays": [shortened(f"{stray.path}: {stray.reason}", 190) for stray in self.strays[:STRAYS_LISTED]],
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
        for file in files:
            if file.kind != "open" and (name, file.number) in stated:
                continue
            try:
                self._recover_segment(name, start, file)
            except (OSError, DataError, NotFoundError, PermissionDeniedError) as error:
                self._passed_over(f"{name}/{file.path.name}", str(error))

    def _recover_segment(self, name: str, start: int, file: SegmentFile) -> None:
        path = file.path
        if file.kind == "open":
            path = path.with_name(f"{file.number:06d}.cut.tar")
            self._disk.rename(file.path, path)
        # Also a name that is there already: the start that gave it may have died before it was durable, and the ledger will name the file.
        self._disk.fsync_folder(path.parent)
        try:
            found = recover(path, self._keys_of(start))
        except StorageError as error:  # of the footage or of the ledger that names the key: to call the footage torn would be a lie
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

    def _keys_of(self, start: int) -> dict[str, PublicKey]:
        if start not in self._keys:
            try:
                self._keys[start] = start_keys(self._ledger_folder, start)
            except NotFoundError:
                self._keys[start] = {}
        return self._keys[start]

    def _close_interrupted(self, past: _Past) -> None:
        closed = {entry.text("recording") for entry in past.entries if entry.type == "recording_closed"}
        for entry in past.entries:
            name = entry.text("recording")
            if entry.type == "recording_opened" and name not in closed and past.since <= entry.start:
                glances = recording_glances(self._recordings / name)
                self._ledger.note(
                    RecordingClosed(
                        recording=name,
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


def recording_glances(folder: Path) -> list[Glance]:
    """A glance into every segment of a recording; none where there is no folder. Segments that cannot be read are left out."""
    try:
        files, _ = segment_files(folder)
    except NotFoundError:
        return []
    except BodycamError as error:
        log.warning("%s", error)
        return []
    glances: list[Glance] = []
    for file in files:
        try:
            glances.append(glance(file.path))
        except (OSError, BodycamError) as error:
            log.warning("%s: %s", file.path, error)
    return glances


def duration_us(glances: list[Glance]) -> int:
    """From the first kept frame to the end of the last: what an export lasts, gaps included."""
    begins = [g.first.pts_us for g in glances if g.first is not None]
    ends = [g.last.end_us for g in glances if g.last is not None]
    return max(0, max(ends) - min(begins)) if begins and ends else 0


def _read_past(ledger_folder: Path, current: int, now_us: int, boot_id: str) -> _Past:
    """Read back to the last finished recovery, and on while it is this boot's last minutes."""
    past = _Past()
    finished = False
    for start in reversed([number for number in starts(ledger_folder) if number < current]):
        entries = past_entries(ledger_folder, start)
        recent = bool(entries) and entries[-1].boot_id == boot_id and entries[-1].boottime_ns // 1000 >= now_us - RESUME_LOOK_BACK_US
        if finished and not recent:
            break
        past.entries[:0] = entries
        if not finished and any(entry.type == "store_recovered" and entry.detail.get("complete") is True for entry in entries):
            finished, past.since = True, start
    return past


def _resume_offer(past: _Past, recordings: Path, now_us: int, boot_id: str) -> ResumeOffer | None:
    """The newest recording of this boot, if nothing but an interruption closed it.

    It counts from its last fragment, or, where it has none, from the last one of the recording that it resumed; where there is none at
    all, from the instant at which the first of them was opened.
    """
    opened = [entry for entry in past.entries if entry.type == "recording_opened" and entry.boot_id == boot_id]
    if not opened:
        return None
    name = opened[-1].text("recording")
    ended = {entry.text("recording") for entry in past.entries if entry.type == "recording_closed" and entry.text("reason") != INTERRUPTED}
    if name in ended:
        return None
    by_name = {entry.text("recording"): entry for entry in opened}
    first = opened[-1]
    while not (last := _last_us(recordings / first.text("recording"))) and first.text("resumes") in by_name:
        first = by_name.pop(first.text("resumes"))
    recent = sum(1 for entry in opened if entry.text("resumes") and entry.boottime_ns // 1000 >= now_us - RECENT_US)
    return ResumeOffer(name, last or first.boottime_ns // 1000, recent)


def _last_us(folder: Path) -> int:
    """When the last fragment of a recording was stated (CLOCK_BOOTTIME); 0 where there is none."""
    return max((g.last.boottime_ns // 1000 for g in recording_glances(folder) if g.last is not None), default=0)
