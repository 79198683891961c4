"""How long the station keeps its copy of a recording: the camera's own rules (`retention.policy`) on the camera's ledger, with the clock of
the station as the newest one. A decision about values.

- A copy goes when nothing holds it and its term is provably over: by the ledger's clocks and running time as the camera's policy adds them
  up, or because the station received all of it that long ago. What was received cannot be younger than that.
- It stays until each of its receipts says that it is kept (`kept_until_us`): recorded-on, or received where that is earlier, plus the term.
  So what was promised is kept, and nothing is kept longer than received plus the term.
- The term is the station's, or the camera's where its ledger states fewer days.
- The station holds what the camera's ledger says is held, and by orders that came to the station; also what the camera has deleted since.
- Without a confirmed clock of the station nothing goes. What was received while it was not confirmed counts as received at the moment when
  it was again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.orders import Hold as HoldOrder
from bodycamd.evidence.orders import SignedOrder
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased, HoldReviewDue, RecordingDeleted, RecordingDeleting
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.retention.elapsed import Boot, Moment, Now, Timeline
from bodycamd.retention.ledger_index import Facts, day_us
from bodycamd.retention.ordered_holds import overlapping
from bodycamd.retention.policy import DAY_US, Hold, Rules, StatedRecording, decide
from bodycamd.store.names import recording_start

Proof: TypeAlias = Literal["wall_clock", "running_time", "received", "not_received"]
"""What showed that a copy goes. `not_received`: the camera has deleted it, and nothing of it ever came."""


class CopyFacts:
    """What a camera's ledger states, for whoever has a copy: as `Facts`, but what the camera has deleted stays known, and held."""

    def __init__(self, *, own_term: bool = False) -> None:
        """`own_term`: of a copy that another controller has: neither the camera's term nor the holds of its municipality are for it."""
        self._own_term = own_term
        self.facts = Facts()
        self.deleted: set[str] = set()
        self.head = ZERO_HASH

    def take(self, line: Line) -> None:
        """One verified line more, oldest first."""
        self.head = line.sha256
        if isinstance(line.detail, RecordingDeleting | RecordingDeleted):
            self.facts.timeline.see(line.entry.boot_id, line.entry.boottime_ns // 1000)
            if isinstance(line.detail, RecordingDeleted):
                self.deleted.add(line.detail.recording)
            return
        if self._own_term and isinstance(line.detail, HoldAdded | HoldReleased | HoldReviewDue):
            self.facts.timeline.see(line.entry.boot_id, line.entry.boottime_ns // 1000)
            return
        self.facts.take(line.entry, line.detail)

    def here(self, wall_us: int | None) -> Now:
        """The station's now in the camera's boots: after all of them. `wall_us` is its clock, where that is confirmed."""
        return Now(Moment(len(self.facts.timeline.boots), 0), wall_us)

    def timeline(self, present: Iterable[str]) -> Timeline:
        """The boots as the camera reads them that has these recordings."""
        starts = [start for name in present if (start := recording_start(name)) is not None]
        first = self.facts.first_start_of(min(starts, default=None))
        read = {facts.boot for start, facts in self.facts.starts.items() if start >= first}
        boots = self.facts.timeline.boots
        return Timeline([boot if place in read else Boot(boot.id, boot.last_us) for place, boot in enumerate(boots)])

    def recorded_on_us(self, recording: str, wall_us: int) -> int:
        """The latest time at which what the ledger states of a recording can have been recorded, if it is now that time."""
        before_us = self.recorded_by_us(recording, wall_us)
        return wall_us if before_us is None else min(before_us, wall_us)

    def recorded_by_us(self, recording: str, wall_us: int) -> int | None:
        """The same by what dates it: `None` where nothing does."""
        known, boots = self.facts.known.get(recording), self.facts.timeline.boots
        if known is None or not boots:
            return None
        moment = known.end or Moment(len(boots) - 1, boots[-1].last_us)
        return self.timeline([recording]).ages([moment], self.here(wall_us))[0].was_before_us

    def rules(self, days: int) -> Rules:
        """The station's term, or the camera's shorter one; with `own_term` the station's alone."""
        stated = None if self._own_term else self.facts.rules
        return Rules(days if stated is None else min(days, stated.days))


class Copy(Struct, frozen=True):
    """What the station has of a recording. `received_us`: when the last of it came, at the latest; `None` where no confirmed clock says.
    `kept_until_us`: the latest that a receipt says which was given by a confirmed clock."""

    recording: str
    segments: int
    size_bytes: int
    received_us: int | None
    kept_until_us: int


class Due(Struct, frozen=True):
    """A copy that goes now, and what shows that it may."""

    copy: Copy
    days: int
    proof: Proof


class Decided(Struct, frozen=True):
    """The copies that go now; those that are held; and those that nothing dates."""

    due: tuple[Due, ...]
    held: tuple[str, ...] = ()
    undated: tuple[str, ...] = ()


def kept_until_us(copy_facts: CopyFacts, recording: str, received_us: int, days: int) -> int:
    """Until when a segment that comes now is kept: what its receipt says, and its lock."""
    return copy_facts.recorded_on_us(recording, received_us) + copy_facts.rules(days).days * DAY_US


def kept_longer_us(copy_facts: CopyFacts, recording: str, received_us: int | None, now_us: int, days: int) -> int | None:
    """Until when a recording that has ended is kept, by what is known now: from its end, or from when all of it was received, where that is
    earlier. `None` while it has not ended, or nothing says when it came."""
    known = copy_facts.facts.known.get(recording)
    if known is None or known.end is None or received_us is None:
        return None
    return min(copy_facts.recorded_on_us(recording, now_us), received_us) + copy_facts.rules(days).days * DAY_US


def decide_copies(
    copy_facts: CopyFacts,
    copies: Iterable[Copy],
    orders: Mapping[str, SignedOrder],
    released: frozenset[str],
    now_us: int | None,
    days: int,
) -> Decided:
    """What becomes of a camera's copies now. `orders` to hold count here, by their ids; `released` are ids of holds that are over.
    `now_us` is the station's clock, `None` while it is not confirmed."""
    present = {copy.recording: copy for copy in copies}
    here, rules, facts = copy_facts.here(now_us), copy_facts.rules(days), copy_facts.facts
    held = holds_of(copy_facts, orders, released, present, here)
    known = [StatedRecording(name, facts.known[name].end, segments=copy.segments) for name, copy in present.items() if name in facts.known]
    if now_us is None:
        return Decided((), tuple(sorted(held.keys() & present.keys())), tuple(sorted(present)))
    shown = decide(known, frozenset(present), held, copy_facts.timeline(present), here, rules)
    proofs: dict[str, Proof] = {one.recording: one.proof for one in shown.deletions if one.proof is not None and one.proof != "receipt"}
    for name, copy in present.items():
        if copy.segments == 0:
            if name in copy_facts.deleted:
                proofs[name] = "not_received"
            else:
                proofs.pop(name, None)
        elif name not in held and copy.received_us is not None and now_us - copy.received_us >= rules.days * DAY_US:
            proofs.setdefault(name, "received")
    due = tuple(Due(present[name], rules.days, proof) for name, proof in sorted(proofs.items()) if present[name].kept_until_us <= now_us)
    undated = [name for name, copy in present.items() if copy.segments and copy.received_us is None and name not in proofs]
    return Decided(due, tuple(sorted(held.keys() & present.keys())), tuple(sorted(undated)))


def deletes_us(copy_facts: CopyFacts, copy: Copy, now_us: int, days: int) -> int | None:
    """When a copy goes at the latest, by what is known now, if nothing holds it: the term after the latest that it can have been recorded,
    or after all of it was received, whichever is earlier; never before a receipt's `kept_until`. `None` where nothing dates it."""
    known = copy_facts.facts.known.get(copy.recording)
    recorded_us = copy_facts.recorded_by_us(copy.recording, now_us) if known is not None and known.end is not None else None
    dated = [at_us for at_us in (recorded_us, copy.received_us) if at_us is not None]
    return max(min(dated) + copy_facts.rules(days).days * DAY_US, copy.kept_until_us) if dated else None


def holds_of(
    copy_facts: CopyFacts, orders: Mapping[str, SignedOrder], released: frozenset[str], present: Mapping[str, Copy], here: Now
) -> dict[str, list[Hold]]:
    """Every hold that is not released, by recording. Ids of `bodycam-ledger/1` may come again: only the ledger releases them."""
    found: dict[str, list[Hold]] = {}
    for name, held in copy_facts.facts.holds.items():
        if left := [hold for hold in held if hold.id not in released or "." in hold.id]:
            found[name] = left
    for id, signed in orders.items():
        body = signed.order.body
        if id in released or not isinstance(body, HoldOrder):
            continue
        if body.interval is not None:
            meant = {*overlapping(body.interval, copy_facts.facts, here), *(name for name in present if name not in copy_facts.facts.known)}
        else:
            meant = {name for name in (body.recording,) if name is not None}
        for name in meant:
            found.setdefault(name, []).append(
                Hold(
                    id=id,
                    recording=name,
                    ground=body.ground,
                    reference=body.reference,
                    by=signed.order.person,
                    review_on=body.review_on,
                    review_us=day_us(body.review_on) or 0,
                    since=signed.order.made_at,
                )
            )
    return found
