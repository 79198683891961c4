"""What retention knows: recordings, holds, boots and rules, gathered from the ledger's entries. Nothing else is kept anywhere.

The ledger is the only memory: an index that is built again is the same. Earlier starts' files never change, so each is read once; of the
running start's file only what is new. Read are the starts from that of the oldest recording in the store, and before it so many that
`CONTEXT` of them had a confirmed clock: enough to tell a clock that was wrong from one that was right. Signatures are not checked here
(`casework.verify` does): whoever can write the store can delete it anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.ledger_reader import file_name, open_ledger_file, starts
from bodycamd.evidence.retention_entries import older_hold_id
from bodycamd.evidence.statements import wall_us
from bodycamd.recorder.history import PastEntry, each_entry
from bodycamd.recorder.names import recording_start
from bodycamd.retention.policy import Hold, Recording, Rules
from bodycamd.retention.timeline import Moment, Timeline

CONTEXT = 20


@dataclass(slots=True)
class _Known:
    """One recording as the entries tell it so far."""

    opened: Moment | None = None
    end: Moment | None = None
    deleting: bool = False
    segments: int = 0


@dataclass(slots=True)
class Facts:
    """The entries folded, one after the other. `take` never raises: an entry that makes no sense is passed over."""

    timeline: Timeline = field(default_factory=Timeline)
    holds: dict[str, list[Hold]] = field(default_factory=dict)
    rules: Rules | None = None
    """As the ledger states them; `None` where it does not."""
    confirmed: bool = False
    """Whether the newest `time` entry says that the clock is confirmed."""
    time_stated_us: int | None = None
    """CLOCK_BOOTTIME of the newest `time` entry of the newest start."""
    known: dict[str, _Known] = field(default_factory=dict)
    _start: tuple[int, Moment] = (0, Moment(0, 0))

    def recordings(self) -> list[Recording]:
        """Every recording that is not deleted."""
        return [Recording(name, known.end, known.deleting, known.segments) for name, known in sorted(self.known.items())]

    def take(self, entry: PastEntry) -> None:
        """One entry more."""
        moment = self.timeline.see(entry.boot_id, entry.boottime_ns // 1000)
        if entry.type == "start":
            self._begin_start(entry, moment)
        elif entry.type == "time":
            self._take_time(entry, moment)
        elif entry.type == "retention_rules":
            self.rules = Rules(entry.number("days"), entry.number("keep_months"), entry.text("legal_basis") or None)
        else:
            name = entry.text("recording")
            if recording_start(name) is not None:
                self._take_recording(entry, name, moment)

    def _begin_start(self, entry: PastEntry, moment: Moment) -> None:
        """Whatever earlier starts recorded has ended before this one began."""
        self._start = (entry.start, moment)
        self.confirmed, self.time_stated_us = False, None
        for name, known in self.known.items():
            if known.end is None and (recording_start(name) or 0) < entry.start:
                known.end = moment

    def _take_time(self, entry: PastEntry, moment: Moment) -> None:
        self.confirmed = entry.detail.get("confirmed") is True
        self.time_stated_us = moment.at_us
        if self.confirmed:
            try:
                self.timeline.confirm(moment, wall_us(entry.wall, "time"))
            except DataError:
                self.confirmed = False

    def _take_recording(self, entry: PastEntry, name: str, moment: Moment) -> None:
        known = self.known.get(name)
        if known is None:
            if entry.type not in ("recording_opened", "segment_sealed", "segment_recovered", "recording_closed", "deleting"):
                return
            known = self.known[name] = _Known(end=self._start[1] if (recording_start(name) or 0) < self._start[0] else None)
        match entry.type:
            case "recording_opened":
                known.opened = moment
            case "segment_sealed" | "segment_recovered":
                known.segments += 1
            case "recording_closed":
                known.end = self._end(entry, known, moment)
            case "hold_added":
                self._hold(entry, name)
            case "hold_released":
                self._release(name, _hold_id(entry, name))
            case "hold_review_due":
                self._remind(name, _hold_id(entry, name))
            case "deleting":
                known.deleting = True
            case "deleted":
                del self.known[name]
                self.holds.pop(name, None)

    def _end(self, entry: PastEntry, known: _Known, closed: Moment) -> Moment:
        """The end of the last frame, where it is stated; else the latest that it can have been."""
        opened = known.opened
        end_us = entry.detail.get("end_us")
        if opened is not None and isinstance(end_us, int):
            end = Moment(opened.boot, end_us if opened.boot != closed.boot else min(end_us, closed.at_us))
            self.timeline.reaches(end)
            return end
        if opened is not None and opened.boot != closed.boot:
            return Moment(opened.boot + 1, 0)
        return known.end or closed

    def _hold(self, entry: PastEntry, name: str) -> None:
        review_on = entry.text("review_on")
        review_us = day_us(review_on)
        hold = Hold(
            id=_hold_id(entry, name),
            recording=name,
            ground=entry.text("ground"),
            reference=entry.text("reference"),
            by=entry.text("by"),
            review_on=review_on,
            review_us=review_us if review_us is not None else 0,
            since=entry.wall,
        )
        self._release(name, hold.id)
        self.holds.setdefault(name, []).append(hold)

    def _release(self, name: str, id: str) -> None:
        left = [hold for hold in self.holds.pop(name, ()) if hold.id != id]
        if left:
            self.holds[name] = left

    def _remind(self, name: str, id: str) -> None:
        held = self.holds.get(name, [])
        for number, hold in enumerate(held):
            if hold.id == id:
                held[number] = replace(hold, reminded=True)


def _hold_id(entry: PastEntry, recording: str) -> str:
    return entry.text("hold") or older_hold_id(recording, entry.text("ground"))


def day_us(text: str) -> int | None:
    """The beginning of a day, YYYY-MM-DD, in UTC; `None` where there is no such day."""
    try:
        return round(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1e6)
    except ValueError:
        return None


class LedgerIndex:
    """`Facts` that follow a ledger folder. Not for several threads."""

    def __init__(self, folder: Path) -> None:
        self.facts = Facts()
        self._folder = folder
        self._next: tuple[int, int] | None = None
        """The start whose file is read next, and from which byte."""

    def refresh(self, oldest: int | None) -> Facts:
        """Read what is new. `oldest` is the start of the oldest recording in the store, and tells the first call how far back to begin.
        Raises `StorageError`."""
        try:
            present = starts(self._folder)
            if self._next is None:
                self._next = (self._first(present, oldest), 0)
            begun, offset = self._next
            for start in present:
                if start >= begun:
                    self._next = (start, offset if start == begun else 0)
                    for entry, end in each_entry(self._folder, *self._next):
                        self.facts.take(entry)
                        self._next = (start, end)
        except OSError as error:
            raise StorageError(f"{self._folder}: cannot read the ledger: {error.strerror}") from error
        return self.facts

    def _first(self, present: list[int], oldest: int | None) -> int:
        """Far enough back for every recording, and for the confirmed clocks before it."""
        first = oldest if oldest is not None else (present[-1] if present else 0)
        confirmed = 0
        for start in reversed([start for start in present if start < first]):
            first = start
            with open_ledger_file(self._folder, file_name(start)) as file:
                confirmed += b'"confirmed":true' in file.read()
            if confirmed == CONTEXT:
                break
        return first


def held_by(holds: Mapping[str, list[Hold]], recording: str) -> str:
    """The grounds on which a recording is held, in words; empty where it is not."""
    return ", ".join(hold.ground for hold in holds.get(recording, ()))
