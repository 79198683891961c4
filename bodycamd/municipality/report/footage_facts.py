"""What the statements beside the footage tell, gathered while it is exported: segments, gaps, lost sound, the clock. For the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from bodycamd.evidence.statements import ClockQuality, FragmentStatement, InitStatement, Video
from bodycamd.municipality.film.captions import clock_text, wall_offset_us
from bodycamd.municipality.film.decryption import OpenedFragment, Repeated, SegmentBegun, SegmentRead, Step
from bodycamd.municipality.film.segment_scan import Damage
from bodycamd.municipality.report.story import Instant

CLOCK_STEP_US = 500_000
"""So much may the wall clock move against CLOCK_BOOTTIME between two fragments before it counts as set."""
MAX_LISTED = 500


class SegmentFact(msgspec.Struct, omit_defaults=True):
    """One file as it was exported. `sha256` is of its first `bytes`: all of it where it is sealed, the whole fragments where it was cut.
    `agrees` says whether that is what the ledger states; it is absent where the ledger does not speak of the file.
    """

    file: str
    kind: str
    bytes: int
    sha256: str
    torn_bytes: int
    fragments: int
    generation: int = 0
    video: Video | None = None
    audio_track: bool = False
    recipients: list[str] = []
    repeated: list[str] = []
    """Members that are left out of the film, because the same fragment is in an earlier file."""
    damaged: list[str] = []
    """Members that are left out of the film, because they are not what was stated."""
    agrees: bool | None = None


class Gap(msgspec.Struct, frozen=True):
    """Picture that is missing. `at` is where it is missing from; `cause` is `worker_replaced`, `frames_dropped`, or `damaged`: the
    camera sealed it, and it is not what was sealed any more.
    """

    at: Instant
    missing_us: int
    cause: str
    reason: str
    segment: int
    index: int


class DamagedPart(msgspec.Struct, frozen=True):
    """Something in a file that is not as it was stated, and the members that are left out because of it."""

    file: str
    what: str
    members: list[str]


class LostSound(msgspec.Struct):
    """Sound that is not there for as long: `lost` (a fault) or `off` (by configuration)."""

    at: Instant
    audio: str
    duration_us: int


class ClockPeriod(msgspec.Struct):
    """From here on the wall clock was worth this. `step_us`: by how much it was set, against the period before. `worst_error_ms` is absent
    where nobody bounded the error.
    """

    at: Instant
    source: str
    worst_error_ms: int | None
    step_us: int


class FootageFacts(msgspec.Struct):
    """All of it."""

    segments: list[SegmentFact] = []
    fragments: int = 0
    frames: int = 0
    begins: Instant | None = None
    ends: Instant | None = None
    length_us: int = 0
    """From the first frame to the end of the last, gaps included."""
    pre_start_us: int = 0
    gaps: list[Gap] = []
    gaps_unlisted: int = 0
    gap_us: int = 0
    damage: list[DamagedPart] = []
    damage_unlisted: int = 0
    lost_sound: list[LostSound] = []
    clock: list[ClockPeriod] = []


class Collector:
    """Keeps the facts of the footage that goes by. `stall_reasons` says by generation why a worker was replaced."""

    def __init__(self, stated_sha256: dict[str, str], stall_reasons: dict[int, str]) -> None:
        self.facts = FootageFacts()
        self._stated = stated_sha256
        self._reasons = stall_reasons
        self._init: InitStatement | None = None
        self._last: FragmentStatement | None = None
        self._firsts: list[FragmentStatement] = []
        self._repeated: list[str] = []
        self._damaged: list[str] = []
        self._lost: list[FragmentStatement] = []
        """Damaged fragments of which it is known what they held, and that may still come a second time."""

    def instant_at(self, boottime_us: int) -> Instant:
        """A moment of the recording by the wall clock, as the segment in which it lies states it. There must have been a fragment."""
        nearest = [first for first in self._firsts if first.pts_us <= boottime_us] or self._firsts
        return _at(nearest[-1] if nearest[-1].pts_us <= boottime_us else nearest[0], boottime_us)

    def watched(self, footage: Iterable[Step]) -> Iterator[Step]:
        """The same, while the facts of each step are taken."""
        for step in footage:
            self._take(step)
            yield step
        self._lose(None)

    def _take(self, step: Step) -> None:
        match step:
            case SegmentBegun(statement=init):
                self._init = init
            case OpenedFragment(statement=fragment):
                self._fragment(fragment)
            case Repeated(member):
                self._repeated.append(member)
            case Damage():
                self._damage(step)
            case SegmentRead():
                self._segment(step)

    def _fragment(self, now: FragmentStatement) -> None:
        self._lose(now)
        facts, last = self.facts, self._last
        facts.fragments += 1
        facts.frames += now.frames
        if last is None:
            facts.begins = _at(now, now.pts_us)
            facts.pre_start_us = now.pre_start_us or 0
        facts.ends = _at(now, now.end_us)
        facts.length_us = now.end_us - (facts.begins.boottime_us if facts.begins is not None else now.pts_us)
        if last is None or last.segment != now.segment:
            self._firsts.append(now)
        self._look_for_gap(now, last)
        self._listen(now, last)
        self._read_clock(now, last)
        self._last = now

    def _damage(self, damage: Damage) -> None:
        if damage.statement is not None and len(self._lost) < MAX_LISTED:
            self._lost.append(damage.statement)
        if len(self.facts.damage) < MAX_LISTED:
            self._damaged += damage.members
            self.facts.damage.append(DamagedPart(damage.file, damage.what, list(damage.members)))
        else:
            self.facts.damage_unlisted += 1

    def _segment(self, segment: SegmentRead) -> None:
        name = segment.path.name
        fact = SegmentFact(name, segment.kind, segment.good_bytes, segment.good_sha256, segment.torn_bytes, segment.fragments)
        if name in self._stated:
            fact.agrees = self._stated[name] == segment.good_sha256
        if self._init is not None and segment.fragments:
            fact.generation, fact.video, fact.audio_track = self._init.generation, self._init.video, self._init.audio_track
            fact.recipients = list(self._init.recipients)
        fact.repeated, self._repeated = self._repeated, []
        fact.damaged, self._damaged = self._damaged, []
        self.facts.segments.append(fact)

    def _lose(self, now: FragmentStatement | None) -> None:
        """What was damaged is a gap, unless it comes a second time."""
        lost, self._lost = [statement for statement in self._lost if now is None or statement.seq != now.seq], []
        for statement in lost:
            if now is None:
                self._add(Gap(_at(statement, statement.pts_us), statement.duration_us, "damaged", "", statement.segment, statement.index))
            elif statement.seq > now.seq:
                self._lost.append(statement)

    def _add(self, gap: Gap) -> None:
        self.facts.gap_us += gap.missing_us
        if len(self.facts.gaps) < MAX_LISTED:
            self.facts.gaps.append(gap)
        else:
            self.facts.gaps_unlisted += 1

    def _look_for_gap(self, now: FragmentStatement, last: FragmentStatement | None) -> None:
        unstated_us = now.pts_us - last.end_us - now.gap_us if last is not None else 0
        if last is not None and unstated_us > 0 and self.facts.damage:
            self._add(Gap(_at(now, last.end_us), unstated_us, "damaged", "", now.segment, now.index))
        if not now.gap_us:
            return
        replaced = last is not None and last.generation != now.generation
        reason = self._reasons.get(last.generation, "") if last is not None and replaced else ""
        at_us = last.end_us if last is not None else now.pts_us
        self._add(Gap(_at(now, at_us), now.gap_us, "worker_replaced" if replaced else "frames_dropped", reason, now.segment, now.index))

    def _listen(self, now: FragmentStatement, last: FragmentStatement | None) -> None:
        if now.audio == "live":
            return
        lost = self.facts.lost_sound
        if last is not None and last.audio == now.audio and lost:
            lost[-1].duration_us += now.duration_us
        elif len(lost) < MAX_LISTED:
            lost.append(LostSound(_at(now, now.pts_us), now.audio, now.duration_us))

    def _read_clock(self, now: FragmentStatement, last: FragmentStatement | None) -> None:
        step_us = wall_offset_us(now) - wall_offset_us(last) if last is not None else 0
        periods = self.facts.clock
        if periods and periods[-1].source == now.clock.source and abs(step_us) < CLOCK_STEP_US:
            periods[-1].worst_error_ms = _worse(periods[-1].worst_error_ms, now.clock)
        elif len(periods) < MAX_LISTED:
            stepped = step_us if abs(step_us) >= CLOCK_STEP_US else 0
            periods.append(ClockPeriod(_at(now, now.pts_us), now.clock.source, now.clock.error_ms, stepped))


def _at(statement: FragmentStatement, boottime_us: int) -> Instant:
    wall = clock_text(boottime_us + wall_offset_us(statement))
    return Instant(wall, boottime_us, statement.clock.source, statement.clock.error_ms)


def _worse(error_ms: int | None, clock: ClockQuality) -> int | None:
    return None if error_ms is None or clock.error_ms is None else max(error_ms, clock.error_ms)
