"""Retention as it runs: in the writer's thread of the daemon, between batches of footage, or inside a command while no daemon runs.

Every ten minutes it reads what is new in the ledger, states the time if an hour has passed or the clock's worth has changed, reminds of
holds whose day of review has come, deletes what the policy says, and lets go of ledger files that are too old (`checkpoint`). Deleting goes
in steps with at most one file each; a press, and footage that waits, come first. While a recording is open a sweep that would delete waits
for its end, up to half an hour; then it continues, a step at a time. Where room is made out of what the station has (`making_room`), and
there is too little of it, nothing waits for the end of a recording.

A file that cannot be dealt with costs its recording this sweep, and is reported; it never stops the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from bodycamd.camera.keeping.making_room import MakingRoom
from bodycamd.camera.keeping.shortening import shorten
from bodycamd.camera.keeping.summary import Summary
from bodycamd.camera.keeping.waiting import Question
from bodycamd.camera.recorder.journal import Journal
from bodycamd.errors import BodycamError, UsageError
from bodycamd.evidence.orders import Hold, Release, SignedOrder
from bodycamd.evidence.retention_entries import HoldReviewDue, RetentionRules, TimeStated
from bodycamd.evidence.roster_acceptance import Now as KnownTime
from bodycamd.evidence.statements import Caller, wall_text
from bodycamd.linux.clock import Clock
from bodycamd.linux.disk import FileOperations
from bodycamd.retention import holds
from bodycamd.retention.clock_trust import Trust
from bodycamd.retention.deletion import Enter, delete
from bodycamd.retention.elapsed import Now
from bodycamd.retention.holds import HoldInfo, HoldRequest, ReleasedHold, ReleaseRequest
from bodycamd.retention.ledger_index import Facts, LedgerIndex
from bodycamd.retention.ordered_holds import Planned, Refusal, planned_hold, planned_release
from bodycamd.retention.outlook import Plan
from bodycamd.retention.policy import Decision, Deletion, Rules, decide, reviews_due
from bodycamd.retention.room import Standing
from bodycamd.store.names import recording_names, recording_start

log = logging.getLogger(__name__)

LOOK_US = 5_000_000
SWEEP_US = 600_000_000
STATE_TIME_US = 3_600_000_000
PATIENCE_US = 1_800_000_000
LISTED = 20
SHOWN = ("review_due", "unknown_recording", "footage_missing")


class Keeper:
    """Retention of one open store. `begin` first; then, in one thread, `step` and `finish` (it is the writer's `Chores`) and the commands.

    `index` follows the ledger in `ledger_folder`; entries are made through `Enter`. `start` and `boot_id` are those of the running start.
    """

    def __init__(
        self,
        *,
        recordings: Path,
        ledger_folder: Path,
        index: LedgerIndex,
        clock: Clock,
        start: int,
        boot_id: str,
        rules: Rules,
        disk: FileOperations,
    ) -> None:
        self.summary = Summary()
        """Replaced as a whole; may be read from any thread."""
        self._recordings = recordings
        self._ledger_folder = ledger_folder
        self._clock = clock
        self._start = start
        self._boot_id = boot_id
        self._rules = rules
        self._disk = disk
        self._index = index
        self.first: Callable[[Enter], bool] = lambda _: False
        """What comes before each deletion: orders that are stated and not carried out. Returns whether to call it again."""
        self.making_room: MakingRoom | None = None
        """`None` where nothing goes for room."""
        self._room_due_us = 0
        self._room_steps: Iterator[None] | None = None
        self._short = False
        self._trust = Trust()
        self._floor: tuple[int, int] | None = None
        self._look_us = self._due_us = self._began_us = 0
        self._steps: Iterator[None] | None = None
        self._problems: list[str] = []
        self._shortened_us: int | None = None

    # --- the daemon's thread --------------------------------------------------------------------------------------------------------------

    def begin(self, enter: Enter) -> None:
        """Read the ledger, complete the deletions that an earlier start began, and state the rules. What fails is logged, and tried again
        by the next sweep."""
        try:
            facts = self._facts()
            now = self._now(facts)
            floor_us = facts.timeline.floor_us(now)
            self._floor = (floor_us, now.moment.at_us) if floor_us is not None else None
            self._trust = Trust(confirmed_us=facts.timeline.confirmed_offset_us(now))
            self._look()
            self._state_rules(facts, enter)
            for recording in facts.recordings():
                if recording.deleting:
                    for _ in self._delete(Deletion(recording.id, begun=True), enter):
                        pass
        except (BodycamError, OSError) as error:
            self._told(str(error))

    def step(self, journal: Journal, *, recording: bool) -> bool:
        """See `camera.recorder.jobs.Chores`."""
        try:
            return self._step(journal.state_durably, recording)
        except Exception as error:  # whatever is wrong here must not cost footage
            log.exception("retention failed")
            self._problems.append(f"{type(error).__name__}: {error}")
            self._steps, self._room_steps = None, None
            self._due_us = self._room_due_us = self._clock.now_us() + SWEEP_US
            return False

    def finish(self, journal: Journal) -> None:
        """State the time, so that this boot's running time counts in full."""
        try:
            self._look()
            journal.state_durably(TimeStated(trusted=self._trust.trusted, confirmed=self._trust.confirmed))
        except BodycamError as error:
            log.error("retention: %s", error)

    def sweep_soon(self) -> None:
        """Sweep at the next step, from any thread."""
        self._due_us = 0

    # --- commands -------------------------------------------------------------------------------------------------------------------------

    def add_hold(self, asked: HoldRequest, caller: Caller, enter: Enter) -> HoldInfo:
        """Hold a recording; durable and signed when this returns. Raises as `holds.added` does, and `StorageError`."""
        facts = self._facts()
        enter(holds.added(asked, caller, facts.recordings(), facts.holds, self._clock.read().wall_us))
        held = self._facts().holds[asked.recording][-1]
        self._summarise(self._decide(facts))
        return HoldInfo.of(held)

    def release_hold(self, asked: ReleaseRequest, caller: Caller, enter: Enter) -> ReleasedHold:
        """Release a hold; durable and signed when this returns. Raises as `holds.released` does, and `StorageError`."""
        facts = self._facts()
        entry = holds.released(asked, caller, facts.recordings(), facts.holds)
        enter(entry)
        facts = self._facts()
        self._summarise(self._decide(facts))
        still = [hold.ground for hold in facts.holds.get(entry.recording, ())]
        return ReleasedHold(hold=entry.id, recording=entry.recording, ground=entry.ground, still_held_for=still)

    def list_holds(self) -> list[HoldInfo]:
        """Every hold, by recording. Raises `StorageError`."""
        return holds.listed(self._facts().holds)

    def plan(self) -> Plan:
        """What a sweep would delete now, what goes when, and what somebody should know. Changes nothing. Raises `StorageError`."""
        self._look()
        facts = self._facts()
        return Plan.of(self._decide(facts), facts.holds, self._rules, self._trust.confirmed)

    def sweep(self, enter: Enter) -> list[str]:
        """A whole sweep at once; returns the recordings that were deleted. Raises `StorageError` where the ledger cannot be read or
        written.
        """
        before = {recording.id for recording in self._facts().recordings()}
        for _ in self._sweep(enter):
            pass
        return sorted(before - {recording.id for recording in self._facts().recordings()})

    def plan_order(self, order: SignedOrder, released: bool, caller: Caller | None) -> Planned | Refusal:
        """What an order to hold or to release does to the recordings here. Raises `StorageError`."""
        facts = self._facts()
        match order.order.body:
            case Hold() as hold:
                return planned_hold(order.id, order.order, hold, facts, self._now(facts), caller, released=released)
            case Release() as release:
                return planned_release(order.order, release, facts, caller)
        raise UsageError(f"{order.order.kind} is nothing that recordings are kept by")

    def held(self) -> frozenset[str]:
        """The recordings that are on hold, after the ledger was read to its end. Raises `StorageError`."""
        return frozenset(self._facts().holds)

    def question(self, file_of: Callable[[str, int], str]) -> Question | None:
        """What the station is to be asked; `file_of` as of `MakingRoom.question`. Raises `StorageError`."""
        making_room = self.making_room
        return making_room.question(lambda: self._standings(making_room), file_of) if making_room is not None else None

    def holds_changed(self) -> None:
        """Have the summary tell what is held now. Raises `StorageError`."""
        self._summarise(self._decide(self._facts()))

    def known_time(self) -> KnownTime:
        """The wall clock where it is confirmed; else the earliest time that it can be. Raises `StorageError`."""
        self._look()
        facts = self._facts()
        now = self._now(facts)
        if now.offset_us is not None:
            return KnownTime(now.offset_us + now.moment.at_us, True)
        return KnownTime(max(0, facts.timeline.floor_us(now) or 0), False)

    @property
    def wall_us(self) -> int | None:
        """The wall clock as it runs on from what was confirmed in this boot; `None` where nothing was."""
        confirmed_us = self._trust.confirmed_us
        return None if confirmed_us is None else confirmed_us + self._clock.now_us()

    @property
    def trust(self) -> Trust:
        """What the clock is worth now."""
        return self._trust

    @property
    def problems(self) -> tuple[str, ...]:
        """What the last sweep could not do."""
        return tuple(self._problems)

    # --- one sweep ------------------------------------------------------------------------------------------------------------------------

    def _step(self, enter: Enter, recording: bool) -> bool:
        now_us = self._clock.now_us()
        if now_us >= self._look_us:
            self._look()
        if self.making_room is not None and now_us >= self._room_due_us:
            self._room_due_us, self._short = now_us + LOOK_US, self.making_room.short
            if self._short and self._steps is None and self._room_steps is None:
                self._room_steps = self._make_room(self.making_room, enter)
        if self._room_steps is not None:
            self._room_steps = self._taken(self._room_steps)
            return True
        if self._steps is None:
            if now_us < self._due_us:
                return False
            self._due_us, self._began_us = now_us + SWEEP_US, now_us
            self._steps = self._sweep(enter)
        elif recording and now_us - self._began_us < PATIENCE_US and not self._short:
            return False
        self._steps = self._taken(self._steps)
        return self._steps is not None

    def _taken(self, steps: Iterator[None]) -> Iterator[None] | None:
        """One step of these; `None` after the last."""
        try:
            next(steps)
        except StopIteration:
            return None
        except BodycamError as error:
            self._told(str(error))
            return None
        return steps

    def _make_room(self, making_room: MakingRoom, enter: Enter) -> Iterator[None]:
        """The oldest that may go, until there is enough room. It is judged in the same step in which its deletion is stated."""
        tried: set[str] = set()
        while True:
            while self.first(enter):  # before each one: an order may have come between two steps, and hold more than goes at once
                yield
            deletion = making_room.next_deletion(self._standings(making_room), tried)
            if deletion is None:
                break
            if not tried:
                self._state_time(self._facts(), enter)  # what the clock is worth, its age is judged by
            tried.add(deletion.recording)
            told = len(self._problems)
            yield from self._delete(deletion, enter)
            if len(self._problems) == told and not making_room.has_grown():
                self._told(f"{deletion.recording} is deleted, and there is not the more room for it: no more goes for ten minutes")
                self._room_due_us = self._clock.now_us() + SWEEP_US
                break
        if tried:
            self._summarise(self._decide(self._facts()))

    def _standings(self, making_room: MakingRoom) -> list[Standing]:
        facts = self._facts()
        if self._index.broken:
            return []
        return making_room.standings(facts, frozenset(self._names()), self._now(facts), self._boot_id, self._rules, self.wall_us)

    def _sweep(self, enter: Enter) -> Iterator[None]:
        """What is cheap first, then a pause, then what is deleted."""
        self._problems = []
        while self.first(enter):
            yield
        facts = self._facts()
        if self._index.broken:
            self._told(f"the ledger is believed only as far as it verifies, and nothing after that is deleted: {self._index.broken}")
        self._state_rules(facts, enter)
        self._state_time(facts, enter)
        now = self._now(facts)
        for hold in reviews_due(facts.holds, now):
            if not hold.reminded:
                due = HoldReviewDue(recording=hold.recording, ground=hold.ground, review_on=hold.review_on, hold=hold.id)  # type: ignore[arg-type]
                enter(due)
        decision = self._decide(facts)
        self._summarise(decision)
        if decision.deletions:
            yield
        for deletion in decision.deletions:
            while self.first(enter):  # as when room is made
                yield
            if deletion.begun or self._still_due(deletion):
                yield from self._delete(deletion, enter)
        self._shorten(enter)
        self._summarise(self._decide(self._facts()))

    def _still_due(self, deletion: Deletion) -> bool:
        """Time has passed since the decision: a hold may have come."""
        again = self._decide(self._facts()).deletions
        return any(other.recording == deletion.recording for other in again)

    def _delete(self, deletion: Deletion, enter: Enter) -> Iterator[None]:
        """What goes wrong here costs this recording alone, and is tried again by the next sweep."""
        try:
            yield from delete(deletion, self._recordings, self._rules, disk=self._disk, enter=enter)
        except (BodycamError, OSError) as error:
            self._told(f"{deletion.recording} is not deleted yet: {error}")

    def _shorten(self, enter: Enter) -> None:
        """Once a day at most."""
        now_us = self._clock.now_us()
        if not self._trust.confirmed or (self._shortened_us is not None and now_us - self._shortened_us < 24 * STATE_TIME_US):
            return
        self._shortened_us = now_us
        wall_us = self._clock.read().wall_us
        try:
            oldest, months = self._oldest(), self._rules.keep_months
            facts = self._facts()
            shorten(self._ledger_folder, facts, oldest, wall_us=wall_us, keep_months=months, running=self._start, enter=enter)
        except BodycamError as error:
            self._told(f"the ledger is not shortened: {error}")

    def _state_rules(self, facts: Facts, enter: Enter) -> None:
        if facts.rules != self._rules:
            enter(RetentionRules(days=self._rules.days, keep_months=self._rules.keep_months, legal_basis=self._rules.legal_basis))
            self._facts()

    def _state_time(self, facts: Facts, enter: Enter) -> None:
        self._look()
        now_us = self._clock.now_us()
        stated_us = facts.time_stated_us
        if stated_us is None or now_us - stated_us >= STATE_TIME_US or facts.confirmed != self._trust.confirmed:
            enter(TimeStated(trusted=self._trust.trusted, confirmed=self._trust.confirmed))
            self._facts()

    # --- what is known --------------------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Read the clock."""
        reading = self._clock.read()
        self._look_us = reading.boottime_us + LOOK_US
        floor_us = None
        if self._floor is not None:
            floor_us = self._floor[0] + reading.boottime_us - self._floor[1]
        self._trust = self._trust.step(reading.boottime_us, reading.synchronised_us, floor_us)

    def _now(self, facts: Facts) -> Now:
        reading = self._clock.read()
        return facts.timeline.now(self._boot_id, reading.boottime_us, reading.wall_us if self._trust.confirmed else None)

    def _names(self) -> list[str]:
        return recording_names(self._recordings)[0]

    def _oldest(self) -> int | None:
        names = self._names()
        return recording_start(names[0]) if names else None

    def _facts(self) -> Facts:
        return self._index.refresh(self._oldest())

    def _decide(self, facts: Facts) -> Decision:
        return decide(facts.recordings(), frozenset(self._names()), facts.holds, facts.timeline, self._now(facts), self._rules)

    def _told(self, problem: str) -> None:
        log.error("retention: %s", problem)
        self._problems.append(problem)

    def _summarise(self, decision: Decision) -> None:
        coming = [(o.deletes_on_us, o.recording) for o in decision.outlooks.values() if not o.held and o.deletes_on_us is not None]
        following = min(coming, default=None)
        held = tuple(outlook.recording for outlook in decision.outlooks.values() if outlook.held)
        warned = {kind: [f"{w.recording}: {w.text}" for w in decision.warnings if w.kind == kind] for kind in SHOWN}
        problems = (*self._problems, *warned["unknown_recording"], *warned["footage_missing"])
        self.summary = Summary(
            swept_at=wall_text(self._clock.read().wall_us),
            clock_confirmed=self._trust.confirmed,
            recordings=len(decision.outlooks),
            held=held[:LISTED],
            held_recordings=len(held),
            reviews_due=tuple(warned["review_due"])[:LISTED],
            next_recording=following[1] if following else "",
            next_deletes_on=wall_text(following[0]) if following else "",
            problems=problems[:LISTED],
        )
