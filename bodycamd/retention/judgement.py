"""Audits a deletion afterwards: the camera's own rules (`policy`, `elapsed`), applied again by whoever holds only its ledger.

A `deleting` entry is right when all of this follows from the entries before it:

- the recording had ended, and nothing held it, neither then nor when `deleted` was stated;
- it states a proof, and the days of the rules in force;
- so many days had passed, by running time, or by the wall clock where the newest `time` entry of that start says `confirmed`;
- `age_seconds` and `ended_before` claim no more than the entries show.

One that makes room (its proof is `receipt`) is right when, instead of the days, this follows: it was closed; each of its segments, and the
ledger up to its closing, has a receipt, which keeps it until the days have passed; and for each segment there is an answer of the station,
stated in the same boot within the day before. Whose keys these are takes the roster of that time, and is not looked at (`room`).

The camera decides by what it has read: the starts from that of its oldest recording on, and `CONTEXT` with a confirmed clock before them.
With more or less context another series of clocks may be the longest one. So a deletion is right if it is by any of three readings: as
the camera read its ledger, as far back as this recording needs, or all that is kept. Two minutes of difference are nobody's lie.

Where the ledger was shortened, what it would take may be gone: then nothing is said against the deletion, and why is reported.

Pure: nothing here reads a clock or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bodycamd.errors import DataError
from bodycamd.evidence.retention_entries import LedgerShortened, RecordingDeleting
from bodycamd.evidence.statements import Entry, Stated, wall_us
from bodycamd.retention.elapsed import Age, Boot, Moment, Now, Timeline
from bodycamd.retention.ledger_index import CONTEXT, Facts
from bodycamd.retention.policy import DAY_US, MARGIN_US, MONTH_US, Rules, proof_of
from bodycamd.retention.room import SHOWN_US, SentRecording
from bodycamd.retention.sent import SentFacts
from bodycamd.store.names import recording_start


@dataclass(frozen=True, slots=True)
class Judged:
    """What is wrong with a deletion, one sentence each; and why it could not be judged in full, empty where it could."""

    wrong: tuple[str, ...] = ()
    not_judged: str = ""


@dataclass(slots=True)
class _Start:
    """One start: its number, the place of its boot, and the highest offset of a confirmed clock that it states."""

    number: int
    boot: int
    offset_us: int | None = None
    confirmed_us: int | None = None
    """The first wall clock that it states as confirmed."""


@dataclass(slots=True)
class DeletionJudge:
    """Takes the verified entries of a ledger in order. `shortened`: the ledger continues behind a checkpoint."""

    shortened: bool = False
    facts: Facts = field(default_factory=Facts)
    sent: SentFacts = field(default_factory=SentFacts)
    _for_room: dict[str, tuple[Moment, int]] = field(default_factory=dict)
    """What went to make room: its end, and the days."""
    _starts: list[_Start] = field(default_factory=list)
    _oldest: int | None = None
    """The start of the oldest recording with footage when the running start began: from there on the camera reads."""

    def take(self, entry: Entry, detail: Stated | None) -> None:
        """One entry more, after it was judged."""
        if isinstance(detail, RecordingDeleting) and detail.proof == "receipt":
            known = self.facts.known.get(detail.recording)
            if known is not None and known.end is not None and detail.days is not None:
                self._for_room[detail.recording] = known.end, detail.days
        self.facts.take(entry, detail)
        self.sent.take(entry, detail)
        timeline = self.facts.timeline
        if entry.type == "start":
            self._starts.append(_Start(entry.start, len(timeline.boots) - 1))
            with_footage = (recording_start(name) for name, known in self.facts.known.items() if known.segments)
            self._oldest = min((start for start in with_footage if start is not None), default=None)
        elif entry.type == "time" and self.facts.confirmed and self._starts:
            at_us, start = wall_us(entry.wall, "time"), self._starts[-1]
            offset_us = at_us - entry.boottime_ns // 1000
            if start.confirmed_us is None:
                start.confirmed_us = at_us
            start.offset_us = offset_us if start.offset_us is None else max(start.offset_us, offset_us)

    def deleting(self, entry: Entry, detail: RecordingDeleting) -> Judged:
        """Judge a `deleting` entry, before it is taken."""
        wrong = self._held(detail.recording, "its deletion began")
        days, age_seconds = detail.days, detail.age_seconds
        if detail.proof is None or days is None or age_seconds is None:
            return Judged((*wrong, "no proof is stated that its days have passed"))
        began_us = entry.boottime_ns // 1000
        own = recording_start(detail.recording) or 0
        if self.shortened and self._starts and own < self._starts[0].number:
            return Judged(tuple(wrong), f"the entries of start {own} are no longer in the ledger: how old it was cannot be judged")
        rules = self.facts.rules
        if rules is not None and days < rules.days:
            wrong.append(f"deleted after {days} days, and the rules in force say {rules.days}")
        elif rules is None and not self.shortened:
            wrong.append("deleted, and no entry before it states how long footage is kept")
        known = self.facts.known.get(detail.recording)
        if known is None or known.end is None:
            why = "no entry before it mentions this recording" if known is None else "it had not ended"
            return Judged((*wrong, f"deleted, and {why}"))
        wall = wall_us(entry.wall, "deleting") if self.facts.confirmed else None
        now = self.facts.timeline.now(entry.boot_id, began_us, wall)
        ages = [self._age(view, known.end, now) for view in self._views(own)]
        if detail.proof == "receipt":
            return self._for_want_of_room(entry, detail, days, age_seconds, ages, tuple(wrong))
        failures = [failure for age in ages if (failure := _failure(detail, days, age_seconds, age))]
        if len(failures) < len(ages):
            return Judged(tuple(wrong))
        if self.shortened and self._most_us(known.end, now) >= days * DAY_US:
            dropped = "entries that say which clock was right are no longer in the ledger"
            return Judged(tuple(wrong), f"{dropped}: how old it was cannot be judged")
        return Judged((*wrong, failures[0]))

    def _for_want_of_room(
        self, entry: Entry, detail: RecordingDeleting, days: int, age_seconds: int, ages: list[Age], wrong: tuple[str, ...]
    ) -> Judged:
        sent = self.sent.recordings.get(detail.recording, SentRecording())
        not_sent = _not_sent(sent, self.sent.covered, entry, detail.segments)
        kept_us = min((one.kept_until_us or 0 for one in sent.segments.values()), default=0)
        failures = [failure for age in ages if (failure := _kept_failure(kept_us, days, age) or _claims_too_much(detail, age_seconds, age))]
        if not not_sent and len(failures) < len(ages):
            return Judged(wrong)
        if self.shortened and not not_sent and any(age.was_before_us is None for age in ages):
            return Judged(wrong, "entries that say which clock was right are no longer in the ledger: how old it was cannot be judged")
        if len(failures) == len(ages):
            not_sent.append(failures[0])
        return Judged((*wrong, *(f"it went to make room, and {what}" for what in not_sent)))

    def term_is_over(self, recording: str) -> bool:
        """Of one that went to make room: whether its days have passed by now, as the camera's own entries show it."""
        if recording not in self._for_room:
            return False
        end, days = self._for_room[recording]
        timeline = self.facts.timeline
        boot = timeline.boots[-1]
        now = Now(Moment(len(timeline.boots) - 1, boot.last_us), boot.offset_us if self.facts.confirmed else None)
        return proof_of(timeline.ages([end], now)[0], Rules(days)) is not None

    def went_for_room(self, recording: str) -> bool:
        """Whether it went to make room, before its days had passed."""
        return recording in self._for_room

    def deleted(self, recording: str) -> Judged:
        """Judge a `deleted` entry, before it is taken: a hold may have come after `deleting`, which the camera's rules refuse."""
        return Judged(tuple(self._held(recording, "it was deleted")))

    def dropped(self, entry: Entry, detail: LedgerShortened) -> str:
        """What the entries have against the shortening behind which this ledger begins (`checkpoint`): its months must have passed since a
        confirmed time in the first start that was kept. Empty where nothing; earlier shortenings cannot be judged any more.
        """
        rules = self.facts.rules
        if rules is None or not self._starts or detail.first_kept != self._starts[0].number:
            return ""
        since_us = self._starts[0].confirmed_us
        passed_us = wall_us(entry.wall, "ledger_shortened") - since_us if since_us is not None and self.facts.confirmed else 0
        if passed_us >= rules.keep_months * MONTH_US - MARGIN_US:
            return ""
        return f"the rules keep the ledger for {rules.keep_months} months; it was shortened after {passed_us / DAY_US:.1f} days at most"

    def _held(self, recording: str, when: str) -> list[str]:
        grounds = ", ".join(hold.ground for hold in self.facts.holds.get(recording, ()))
        return [f"held for {grounds} when {when}"] if grounds else []

    def _views(self, own: int) -> list[int]:
        """The places of the starts from which on a reading of the ledger begins."""
        oldest = own if self._oldest is None else min(own, self._oldest)
        return sorted({self._first(oldest), self._first(own), 0}, reverse=True)

    def _first(self, oldest: int) -> int:
        """As `LedgerIndex` looks for it: so far back that `CONTEXT` starts with a confirmed clock come before the oldest recording's."""
        place = next((place for place, start in enumerate(self._starts) if start.number >= oldest), len(self._starts) - 1)
        confirmed = 0
        while place > 0 and confirmed < CONTEXT:
            place -= 1
            confirmed += self._starts[place].offset_us is not None
        return place

    def _age(self, first: int, end: Moment, now: Now) -> Age:
        """How long ago the recording ended, by the ledger read from a start on."""
        whole, begun = self.facts.timeline.boots, self._starts[first].boot
        offsets = [s.offset_us for s in self._starts[first:] if s.boot == begun and s.offset_us is not None]
        boots = [Boot(whole[begun].id, whole[begun].last_us, max(offsets, default=None)), *whole[begun + 1 :]]
        moved = Now(Moment(now.moment.boot - begun, now.moment.at_us), now.offset_us)
        return Timeline(boots).ages([Moment(max(0, end.boot - begun), end.at_us)], moved)[0]

    def _most_us(self, end: Moment, now: Now) -> int:
        """The most that can have passed, whichever of the confirmed clocks was right."""
        positions, boots = self.facts.timeline.positions(), self.facts.timeline.boots
        running_us = positions[now.moment.boot] + now.moment.at_us - positions[end.boot] - end.at_us
        if now.offset_us is None:
            return running_us
        claims = [boot.offset_us - positions[n] for n, boot in enumerate(boots) if n >= end.boot and boot.offset_us is not None]
        off_us = now.offset_us - positions[now.moment.boot]
        return running_us + off_us - min([off_us, *claims])


def _failure(detail: RecordingDeleting, days: int, age_seconds: int, age: Age) -> str:
    """What this reading of the ledger has against the stated term; empty where it bears it out."""
    by_wall_us = age.wall_us if detail.proof == "wall_clock" and age.wall_us is not None else 0
    passed_us = max(age.running_us, by_wall_us)
    if passed_us < days * DAY_US:
        how = "by running time" if detail.proof == "running_time" or age.wall_us is None else "by running time and confirmed clocks"
        return f"stated are {days} days that have passed; the ledger shows {passed_us / DAY_US:.2f}, {how}"
    return _claims_too_much(detail, age_seconds, age)


def _claims_too_much(detail: RecordingDeleting, age_seconds: int, age: Age) -> str:
    most_us = max(age.running_us, age.wall_us or 0) + MARGIN_US
    if age_seconds * 1_000_000 > most_us:
        return f"stated is an age of {age_seconds} s; the ledger shows {most_us // 1_000_000} s at most"
    if detail.ended_before is not None:
        try:
            shown = age.was_before_us is not None and wall_us(detail.ended_before, "") >= age.was_before_us - MARGIN_US
        except DataError:
            shown = False
        if not shown:
            return f"stated is that it ended before {detail.ended_before}; the ledger does not show it"
    return ""


def _kept_failure(kept_us: int, days: int, age: Age) -> str:
    """What this reading of the ledger has against how long the station keeps it; empty where that is long enough."""
    if age.was_before_us is None:
        return "no clock says when it ended"
    short_us = age.was_before_us + days * DAY_US - kept_us
    return f"its receipts keep it {short_us / DAY_US:.2f} days too short" if short_us > MARGIN_US else ""


def _not_sent(sent: SentRecording, covered: int, entry: Entry, segments: int | None) -> list[str]:
    """What of it the station has not got, or not shown, by the entries."""
    began_us, wrong = entry.boottime_ns // 1000, []
    if sent.closed is None or not sent.segments:
        wrong.append("no entry closed it")
    elif sent.closed > covered:
        wrong.append("no receipt is for the ledger up to the entry that closed it")
    missing = [n for n, one in sent.segments.items() if one.kept_until_us is None]
    if missing:
        wrong.append(f"segment {min(missing)} has no receipt")
    shown = [one.shown for one in sent.segments.values()]
    if not all(when is not None and when[0] == entry.boot_id and began_us - when[1] <= SHOWN_US for when in shown):
        wrong.append("the station had not shown each of its segments within the day before")
    if segments != len(sent.segments):
        wrong.append(f"stated are {len(sent.segments)} segments, and {segments or 0} were found")
    return wrong
