"""What retention knows: recordings, holds, boots and rules, gathered from the ledger's verified entries. Nothing else is kept anywhere.

The ledger is the only memory: an index that is built again is the same. It is read once, and then only what is new. What counts are the
starts from that of the oldest recording in the store on, and before it so many that `CONTEXT` of them had a confirmed clock: enough to tell
a clock that was wrong from one that was right.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct, field
from msgspec.structs import replace

from bodycamd.errors import DataError
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentRecovered, SegmentSealed, StartDetail
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.retention_entries import (
    DAY,
    HoldAdded,
    HoldReleased,
    HoldReviewDue,
    LedgerShortened,
    RecordingDeleted,
    RecordingDeleting,
    RetentionRules,
    TimeStated,
)
from bodycamd.evidence.statements import Entry, Stated, wall_us
from bodycamd.retention.elapsed import Moment, Timeline
from bodycamd.retention.policy import Hold, Rules, StatedRecording
from bodycamd.store.names import recording_start

CONTEXT = 20


class _Known(Struct):
    """One recording as the entries tell it so far."""

    opened: Moment | None = None
    end: Moment | None = None
    deleting: bool = False
    segments: int = 0


class StartFacts(Struct):
    """What is known of one start as a whole, for dropping its ledger file."""

    boot: int
    confirmed_us: int | None = None
    """The wall time of its first confirmed `time` entry."""
    deleting: set[str] = set()
    unfinished: bool = False
    """It states a deletion as done that an earlier start began."""


class Facts(Struct):
    """The entries folded, one after the other. `take` never raises: an entry that makes no sense is passed over."""

    timeline: Timeline = field(default_factory=Timeline)
    holds: dict[str, list[Hold]] = {}
    rules: Rules | None = None
    """As the ledger states them; `None` where it does not."""
    confirmed: bool = False
    """Whether the newest `time` entry says that the clock is confirmed."""
    time_stated_us: int | None = None
    """CLOCK_BOOTTIME of the newest `time` entry of the newest start."""
    known: dict[str, _Known] = {}
    starts: dict[int, StartFacts] = {}
    """Of every start that the ledger still has, in order."""
    _start: tuple[int, Moment] = (0, Moment(0, 0))

    def recordings(self) -> list[StatedRecording]:
        """Every recording that is not deleted."""
        return [StatedRecording(name, known.end, known.deleting, known.segments) for name, known in sorted(self.known.items())]

    def take(self, entry: Entry, detail: Stated | None) -> None:
        """One verified entry more, oldest first, and its detail as the struct of its type."""
        moment = self.timeline.see(entry.boot_id, entry.boottime_ns // 1000)
        match detail:
            case StartDetail():
                self._begin_start(entry, moment)
            case TimeStated():
                self._take_time(entry, detail, moment)
            case RetentionRules():
                self.rules = Rules(detail.days, detail.keep_months, detail.legal_basis)
            case LedgerShortened():
                self.starts = {start: facts for start, facts in self.starts.items() if start >= detail.first_kept}
            case RecordingOpened():
                self._of(detail.recording).opened = moment
            case SegmentSealed() | SegmentRecovered():
                self._of(detail.recording).segments += 1
            case RecordingClosed():
                known = self._of(detail.recording)
                known.end = self._end(detail, known, moment)
            case RecordingDeleting():
                self._of(detail.recording).deleting = True
                self._begun().deleting.add(detail.recording)
            case RecordingDeleted():
                self._begun().unfinished |= detail.recording not in self._begun().deleting
                self.known.pop(detail.recording, None)
                self.holds.pop(detail.recording, None)
            case HoldAdded() if detail.recording in self.known:
                self._hold(entry, detail)
            case HoldReleased():
                self._release(detail.recording, detail.id)
            case HoldReviewDue():
                self._remind(detail.recording, detail.id)

    def begin_at(self, first: int) -> None:
        """Forget what was recorded before start `first`, and which clocks were confirmed there. How long the boots lasted stays known."""
        for name in [name for name in self.known if (recording_start(name) or 0) < first]:
            del self.known[name]
            self.holds.pop(name, None)
        kept = {facts.boot for start, facts in self.starts.items() if start >= first}
        for number, boot in enumerate(self.timeline.boots):
            if number not in kept:
                boot.offset_us = None

    def first_start_of(self, oldest: int | None) -> int:
        """The first start that counts for footage from start `oldest` on (`None`: there is no footage): with it the confirmed clocks before
        it."""
        first = oldest if oldest is not None else max(self.starts, default=0)
        confirmed = 0
        for start in reversed([start for start in self.starts if start < first]):
            first = start
            confirmed += self.starts[start].confirmed_us is not None
            if confirmed == CONTEXT:
                break
        return first

    def _begun(self) -> StartFacts:
        return self.starts.setdefault(self._start[0], StartFacts(self._start[1].boot))

    def _begin_start(self, entry: Entry, moment: Moment) -> None:
        """Whatever earlier starts recorded has ended before this one began."""
        self._start = (entry.start, moment)
        self.starts[entry.start] = StartFacts(moment.boot)
        self.confirmed, self.time_stated_us = False, None
        for name, known in self.known.items():
            if known.end is None and (recording_start(name) or 0) < entry.start:
                known.end = moment

    def _take_time(self, entry: Entry, detail: TimeStated, moment: Moment) -> None:
        self.confirmed = detail.confirmed
        self.time_stated_us = moment.at_us
        if self.confirmed:
            try:
                at_us = wall_us(entry.wall, "time")
            except DataError:
                self.confirmed = False
                return
            self.timeline.confirm(moment, at_us)
            begun = self._begun()
            if begun.confirmed_us is None:
                begun.confirmed_us = at_us

    def _of(self, name: str) -> _Known:
        """What is known of a recording. One that is first spoken of by a later start than its own ended before that."""
        if name not in self.known:
            self.known[name] = _Known(end=self._start[1] if (recording_start(name) or 0) < self._start[0] else None)
        return self.known[name]

    def _end(self, detail: RecordingClosed, known: _Known, closed: Moment) -> Moment:
        """The end of the last frame, where it is stated; else the latest that it can have been."""
        opened, end_us = known.opened, detail.end_us
        if opened is not None and end_us is not None:
            end = Moment(opened.boot, end_us if opened.boot != closed.boot else min(end_us, closed.at_us))
            self.timeline.reaches(end)
            return end
        if opened is not None and opened.boot != closed.boot:
            return Moment(opened.boot + 1, 0)
        return known.end or closed

    def _hold(self, entry: Entry, detail: HoldAdded) -> None:
        review_us = day_us(detail.review_on)
        hold = Hold(
            id=detail.id,
            recording=detail.recording,
            ground=detail.ground,
            reference=detail.reference,
            by=detail.by,
            review_on=detail.review_on,
            review_us=review_us if review_us is not None else 0,
            since=entry.wall,
        )
        self._release(detail.recording, hold.id)
        self.holds.setdefault(detail.recording, []).append(hold)

    def _release(self, name: str, id: str) -> None:
        left = [hold for hold in self.holds.pop(name, ()) if hold.id != id]
        if left:
            self.holds[name] = left

    def _remind(self, name: str, id: str) -> None:
        held = self.holds.get(name, [])
        for number, hold in enumerate(held):
            if hold.id == id:
                held[number] = replace(hold, reminded=True)


def day_us(text: str) -> int | None:
    """The beginning of a day, YYYY-MM-DD, in UTC; `None` where there is no such day, or entries would not write it so."""
    if not re.match(DAY, text):  # strptime takes a year in every script's digits, and days of one digit
        return None
    try:
        return round(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1e6)
    except ValueError:
        return None


class LedgerIndex:
    """`Facts` that follow a ledger. Not for several threads.

    `facts` are those of what `ledger` has yielded so far, where somebody has read it already. `watch` hears of each line that is read here.
    """

    def __init__(self, ledger: VerifiedLedger, facts: Facts | None = None, watch: Callable[[Line], object] = lambda _: None) -> None:
        self.facts = facts or Facts()
        self._watch = watch
        self._ledger = ledger
        self._begun = False

    @property
    def broken(self) -> str:
        """Why the ledger is not believed to its end; empty where it is."""
        return self._ledger.broken

    def refresh(self, oldest: int | None) -> Facts:
        """Read what is new. `oldest` is the start of the oldest recording in the store, and tells the first call how far back facts count.
        Raises `StorageError`."""
        for line in self._ledger:
            self.facts.take(line.entry, line.detail)
            self._watch(line)
        if not self._begun:
            self._begun = True
            self.facts.begin_at(self.facts.first_start_of(oldest))
        return self.facts
