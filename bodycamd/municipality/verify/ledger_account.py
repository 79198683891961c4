"""What the ledger says, gathered in one pass: for each recording what was stated about it, and for each segment in the store which key had
to sign it.

Only verified lines count (`evidence.ledger_chain`). Memory grows with the number of recordings and of segments that are in the store, not
with the length of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bodycamd.errors import DataError, PermissionDeniedError, StorageError
from bodycamd.evidence.entries import (
    RecordingClosed,
    RecordingOpened,
    SegmentRecovered,
    SegmentSealed,
    detail_as,
)
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_chain import Chain, UnregisteredKeyError
from bodycamd.evidence.ledger_reader import Line, file_name
from bodycamd.evidence.noted_entries import OrderAccepted, Uploaded
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased, LedgerShortened, RecordingDeleted, RecordingDeleting
from bodycamd.evidence.statements import Entry
from bodycamd.foreign_text import shown
from bodycamd.municipality.copies.person_keys import People
from bodycamd.municipality.verify.ordered import OrderedHolds
from bodycamd.municipality.verify.received import goes_with
from bodycamd.retention.judgement import DeletionJudge, Judged
from bodycamd.retention.ledger_index import Facts
from bodycamd.store.names import recording_start

MAX_CONTRADICTIONS = 50


@dataclass(slots=True)
class Epoch:
    """The reign of one key of memory: it may sign what has a number from that of the naming entry up to that of `key_changed`."""

    start: int
    key: PublicKey
    device: str
    boot_id: str
    until_n: int | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The ledger line that the first statement of a segment names, and the key in force after it."""

    n: int
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class StatedSegment:
    """What the ledger says of a finished or recovered segment."""

    kind: Literal["sealed", "recovered"]
    start: int
    n: int
    file: str
    good_bytes: int
    sha256: str
    torn_bytes: int
    torn_sha256: str | None
    last: str | None
    fragments: int
    reason: str


@dataclass(slots=True)
class Told:
    """What the ledger says of one recording."""

    opened: RecordingOpened | None = None
    wall: str = ""
    clock: str = ""
    segments: dict[int, StatedSegment] = field(default_factory=dict)
    """Kept for recordings that are in the store only."""
    closed: RecordingClosed | None = None
    closed_by: int = 0
    closed_at: Entry | None = None
    """The entry that closed it."""
    deleting: str = ""
    deleting_line: str = ""
    """SHA-256 of the ledger line."""
    deleted: str = ""
    for_room: bool = False
    """Its deletion made room, of what the station had."""
    term_over: bool = False
    """Of such a one: whether its days have passed by the last entry."""
    wrongly_deleted: list[str] = field(default_factory=list)
    """What its deletion has against it by the camera's own entries (`retention.judgement`)."""
    not_judged: str = ""
    """Why its deletion cannot be judged in full."""
    not_ordered: list[str] = field(default_factory=list)
    """Holds and releases by orders that there are not; each is a contradiction too."""
    losses: list[str] = field(default_factory=list)
    """Footage that the camera itself says it could not write."""
    contradictions: list[str] = field(default_factory=list)

    def judged(self, found: Judged) -> None:
        """What a deletion has against it."""
        self.wrongly_deleted += [what for what in found.wrong if what not in self.wrongly_deleted][:MAX_CONTRADICTIONS]
        self.not_judged = self.not_judged or found.not_judged

    def contradicts(self, what: str) -> None:
        """The signed entries themselves do not fit together."""
        if len(self.contradictions) < MAX_CONTRADICTIONS:
            self.contradictions.append(what)


class LedgerAccount:
    """Reads the ledger once. `wanted` are the hashes of lines that somebody asks about; `present` the recordings in the store; `people`
    those whose signatures on orders can be checked.

    `failure` is what is wrong, with the verdict it deserves; then everything else is what was good before it.
    """

    def __init__(self, folder: Path, registered: PublicKey, wanted: set[str], present: set[str], people: People | None = None) -> None:
        self.told: dict[str, Told] = {}
        self.openings: dict[str, Opening] = {}
        self.failure: tuple[Literal["altered", "unverifiable"], str] | None = None
        self.starts = 0
        self.devices: dict[int, str] = {}
        """By start: the device's name, at each start from which on it is another one."""
        self.entries = 0
        self.last: Entry | None = None
        self.recovered_before = 0
        """Every segment of a start below this one has been stated by a later start."""
        self.notes: list[str] = []
        self.contradictions: list[str] = []
        """Of the ledger itself."""
        self.tail = ""
        """What stands after the last good line, where something does."""
        self._wanted = wanted
        self._present = present
        self._epoch: Epoch | None = None
        self._chain = Chain(folder, registered)
        self._judge = DeletionJudge()
        self._ordered = OrderedHolds(people or {})
        self.warnings: dict[str, str] = {}
        """By recording: the outcome of the spoken warning, by its own entry."""
        self._boot_id = ""
        self._officers: set[str] | None = None
        """Whose shifts began in this boot; `None` where entries of it are missing."""
        self._line_sha256 = ""
        try:
            for line in self._chain:
                self._take(line)
        except UnregisteredKeyError as error:
            self.failure = "unverifiable", str(error)
        except DataError as error:
            self.failure = "altered", str(error)
        except (StorageError, PermissionDeniedError) as error:
            self.failure = "unverifiable", str(error)
        for name, told in self.told.items():
            told.for_room, told.term_over = self._judge.went_for_room(name), self._judge.term_is_over(name)
        if self.failure is None and self._chain.unstated:
            rests = [rest.torn for rest in self._chain.unstated[:5]]
            self.tail = ", ".join(f"{torn.file}: {torn.torn_bytes} bytes after the last whole line" for torn in rests)

    @property
    def head(self) -> str:
        """The SHA-256 of the last good line."""
        return self._chain.head

    def device_as_of(self, start: int) -> str:
        """What the device was called in that start, and in one that is not in the ledger: before it. Empty where that is not known."""
        return next((name for since, name in reversed(self.devices.items()) if since <= start), "")

    @property
    def strays(self) -> list[str]:
        """Ledger files of starts that have not been."""
        return self._chain.strays

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint file behind which the ledger continues; empty where it was never shortened."""
        return self._chain.checkpoint.file if self._chain.checkpoint is not None else ""

    @property
    def facts(self) -> Facts:
        """Holds and rules as they are after the last good line."""
        return self._judge.facts

    def _take(self, line: Line) -> None:
        entry = line.entry
        self._line_sha256 = line.sha256
        self.entries += 1
        if entry.type == "start":
            self.starts += 1
            if entry.boot_id != self._boot_id:
                self._boot_id, self._officers = entry.boot_id, set() if self.starts > 1 or not self.checkpoint else None
            if self.last is None or entry.device != self.last.device:
                self.devices[entry.start] = entry.device
            if self.last is not None and entry.device != self.last.device:
                self.notes.append(f"{line.where}: the device is called {entry.device!r} from here on, {self.last.device!r} before")
        key = self._chain.key
        assert key is not None  # a line was given
        if self._epoch is None or self._epoch.start != entry.start or self._epoch.key != key:
            if self._epoch is not None and self._epoch.start == entry.start:
                self._epoch.until_n = entry.n
            self._epoch = Epoch(entry.start, key, entry.device, entry.boot_id)
        self.last = entry
        if line.sha256 in self._wanted:
            self.openings[line.sha256] = Opening(entry.n, self._epoch)
        if entry.type == "store_recovered" and entry.detail.get("complete") is True:
            self.recovered_before = entry.start
        handler = _HANDLERS.get(entry.type)
        if handler is not None:
            handler(self, entry, line.where)
        if isinstance(line.detail, OrderAccepted):
            self._ordered.order(line.detail)
        elif isinstance(line.detail, HoldAdded | HoldReleased) and (wrong := self._ordered.wrong(line.detail)):
            told = self._of(line.detail.recording)
            told.contradicts(f"{line.where}: {wrong}")
            told.not_ordered = [*told.not_ordered, wrong][:MAX_CONTRADICTIONS]
        elif isinstance(line.detail, Uploaded) and line.detail.recording in self._present:
            self._received(line.detail, line.where)
        self._judge.take(entry, line.detail)

    def _received(self, detail: Uploaded, where: str) -> None:
        if detail.recording is None or detail.segment is None:
            return
        told = self._of(detail.recording)
        stated = told.segments.get(detail.segment)
        sha256 = stated.sha256 if stated is not None and not stated.torn_bytes else None
        if stated is None or not goes_with(detail, stated.good_bytes + stated.torn_bytes, sha256):
            told.contradicts(f"{where}: a receipt for segment {detail.segment} does not go with what the ledger states of it")

    def _of(self, recording: str) -> Told:
        return self.told.setdefault(recording, Told())

    def _opened(self, entry: Entry, where: str) -> None:
        detail = detail_as(entry, RecordingOpened, where)
        before = detail.resumes
        known = before is None or before in self.told or before in self.warnings or (self.checkpoint and self._before_kept(before))
        told = self._of(detail.recording)
        if not known:
            told.contradicts(f"{where}: continues {before}, which no entry before it mentions")
        if detail.officer is not None and self._officers is not None and detail.officer not in self._officers:
            told.contradicts(f"{where}: recorded in the shift of {shown(detail.officer, 64)}, which no entry of this boot begins")
        if told.opened is not None or recording_start(detail.recording) != entry.start:
            told.contradicts(f"{where}: opened twice, or in another start than its own")
        error = entry.clock.error_ms
        told.opened, told.wall = detail, entry.wall
        told.clock = entry.clock.source + (f" ± {error} ms" if error is not None else "")

    def _before_kept(self, recording: str) -> bool:
        return file_name(recording_start(recording) or 0) < self.checkpoint.removeprefix("checkpoint-")

    def _warned(self, entry: Entry, where: str) -> None:
        recording, outcome = entry.detail.get("recording"), entry.detail.get("outcome")
        if isinstance(recording, str) and recording_start(recording) is not None and isinstance(outcome, str):
            self.warnings[recording] = outcome

    def _shift_begun(self, entry: Entry, where: str) -> None:
        officer = entry.detail.get("officer")
        if self._officers is not None and isinstance(officer, str):
            self._officers.add(officer)

    def _entries_lost(self, entry: Entry, where: str) -> None:
        self._officers = None

    def _sealed(self, entry: Entry, where: str) -> None:
        detail = detail_as(entry, SegmentSealed, where)
        if recording_start(detail.recording) != entry.start or detail.file != f"{detail.segment:06d}.tar":
            self._of(detail.recording).contradicts(f"{where}: sealed in another start than its own, or under another name")
        stated = StatedSegment(
            "sealed", entry.start, entry.n, detail.file, detail.size, detail.sha256, 0, None, detail.last, detail.fragments, ""
        )
        self._state(detail.recording, detail.segment, stated, where)

    def _recovered(self, entry: Entry, where: str) -> None:
        detail = detail_as(entry, SegmentRecovered, where)
        start = recording_start(detail.recording)
        names = (f"{detail.segment:06d}.tar", f"{detail.segment:06d}.cut.tar")
        if start is None or start >= entry.start or detail.file not in names:
            self._of(detail.recording).contradicts(f"{where}: recovered in its own start or before it, or under another name")
        stated = StatedSegment(
            "recovered",
            entry.start,
            entry.n,
            detail.file,
            detail.good_bytes,
            detail.sha256,
            detail.torn_bytes,
            detail.torn_sha256,
            detail.last,
            detail.fragments,
            detail.reason,
        )
        self._state(detail.recording, detail.segment, stated, where)

    def _state(self, recording: str, segment: int, stated: StatedSegment, where: str) -> None:
        told = self._of(recording)
        if recording not in self._present:
            return
        if segment in told.segments:
            told.contradicts(f"{where}: segment {segment} is stated a second time")
        told.segments.setdefault(segment, stated)

    def _closed(self, entry: Entry, where: str) -> None:
        detail = detail_as(entry, RecordingClosed, where)
        told = self._of(detail.recording)
        own = recording_start(detail.recording) == entry.start
        if told.closed is not None or (not own and detail.reason != "interrupted"):
            told.contradicts(f"{where}: closed twice, or by another start")
        told.closed, told.closed_by, told.closed_at = detail, entry.start, entry

    def _deleting(self, entry: Entry, where: str) -> None:
        detail = detail_as(entry, RecordingDeleting, where)
        told = self._of(detail.recording)
        told.deleting, told.deleting_line = f"{entry.wall}: {detail.reason}", self._line_sha256
        self._judge.shortened = self._chain.checkpoint is not None
        told.judged(self._judge.deleting(entry, detail))

    def _deleted(self, entry: Entry, where: str) -> None:
        recording = detail_as(entry, RecordingDeleted, where).recording
        told = self._of(recording)
        told.judged(self._judge.deleted(recording))
        if not told.deleting:
            told.contradicts(f"{where}: deleted, and no entry before it says that it would be")
        told.deleted = entry.wall

    def _shortened(self, entry: Entry, where: str) -> None:
        if wrong := self._judge.dropped(entry, detail_as(entry, LedgerShortened, where)):
            self.contradictions.append(f"{where}: {wrong}")

    def _lost(self, entry: Entry, where: str) -> None:
        recording = entry.detail.get("recording")
        if not isinstance(recording, str) or recording_start(recording) is None:
            return
        told = self._of(recording)
        if len(told.losses) < MAX_CONTRADICTIONS:
            fields = ", ".join(f"{name} {shown(str(value), 60)}" for name, value in entry.detail.items() if name != "recording")
            told.losses.append(f"{entry.type}: {fields}")


_HANDLERS: Mapping[str, Callable[[LedgerAccount, Entry, str], None]] = {
    "recording_opened": LedgerAccount._opened,
    "warning": LedgerAccount._warned,
    "shift_begin": LedgerAccount._shift_begun,
    "entries_lost": LedgerAccount._entries_lost,
    "segment_sealed": LedgerAccount._sealed,
    "segment_recovered": LedgerAccount._recovered,
    "recording_closed": LedgerAccount._closed,
    "deleting": LedgerAccount._deleting,
    "deleted": LedgerAccount._deleted,
    "ledger_shortened": LedgerAccount._shortened,
    "footage_not_written": LedgerAccount._lost,
    "fragment_refused": LedgerAccount._lost,
}
