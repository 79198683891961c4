"""What a signed order to hold or to release does to the recordings of one camera: a decision about what the ledger states.

A hold of an interval holds every recording that *may* overlap it: where no clock says when a recording was, it may have been then.
A release ends each hold that it names on every recording that has it. One that comes before its hold is remembered (`Remembered`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from bodycamd.evidence.noted_entries import OrderOutcome
from bodycamd.evidence.orders import Hold, Interval, Order, Release
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased
from bodycamd.evidence.statements import Caller, wall_us
from bodycamd.retention.elapsed import Now
from bodycamd.retention.holds import known_ground
from bodycamd.retention.ledger_index import Facts

SLACK_US = 300_000_000
"""On both sides of a recording: its pre-event buffer and warning, and what two clocks differ by that both count as right."""

Refusal: TypeAlias = Literal["unknown_recording", "no_recording", "deleting"]


class Planned(Struct, frozen=True):
    """The entries that carry an order out, and what is then its outcome."""

    entries: tuple[HoldAdded | HoldReleased, ...]
    outcome: OrderOutcome


def planned_hold(id: str, order: Order, hold: Hold, facts: Facts, now: Now, caller: Caller | None, *, released: bool) -> Planned | Refusal:
    """What becomes of an order to hold. `released`: a release has named it. Holds of this order that the ledger has are not added again."""
    if released:
        return Planned((), "released_before")
    if hold.interval is not None:
        meant = list(overlapping(hold.interval, facts, now))
    else:
        meant = [name for name in (hold.recording,) if name in facts.known]
    if not meant:
        return "no_recording" if hold.interval is not None else "unknown_recording"
    kept = [name for name in meant if not facts.known[name].deleting]
    if not kept:
        return "deleting"
    entries = tuple(
        HoldAdded(
            recording=name,
            ground=hold.ground,
            reference=hold.reference,
            by=order.person,
            review_on=hold.review_on,
            caller=caller,
            hold=id,
        )
        for name in kept
        if all(there.id != id for there in facts.holds.get(name, ()))
    )
    return Planned(entries, "held")


def planned_release(order: Order, release: Release, facts: Facts, caller: Caller | None) -> Planned:
    """What becomes of an order to release."""
    entries = tuple(
        HoldReleased(
            recording=held.recording,
            ground=known_ground(held.ground),
            reason=release.reason,
            by=order.person,
            caller=caller,
            hold=held.id,
        )
        for _, all_held in sorted(facts.holds.items())
        for held in all_held
        if held.id in release.holds
    )
    return Planned(entries, "released" if entries else "noted")


def overlapping(interval: Interval, facts: Facts, now: Now) -> Iterator[str]:
    """The recordings that may overlap an interval."""
    since_us, until_us = wall_us(interval.since, "since") - SLACK_US, wall_us(interval.until, "until") + SLACK_US
    for name, known in sorted(facts.known.items()):
        earliest_us = facts.timeline.earliest_us([known.opened], now)[0] if known.opened is not None else None
        latest_us = facts.timeline.ages([known.end], now)[0].was_before_us if known.end is not None else None
        if (earliest_us is None or earliest_us <= until_us) and (latest_us is None or latest_us >= since_us):
            yield name
