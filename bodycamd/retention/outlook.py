"""Retention read from a store, or a copy of one, without lock and without writing: for lists, and for plans while no daemon runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from bodycamd.errors import NotFoundError
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.retention_entries import Proof
from bodycamd.evidence.statements import wall_text
from bodycamd.linux.clock import Clock, boot_id
from bodycamd.retention.clock_trust import Trust
from bodycamd.retention.elapsed import Moment, Now
from bodycamd.retention.ledger_index import Facts, LedgerIndex
from bodycamd.retention.policy import DAY_US, Decision, Hold, Outlook, Rules, WarningKind, decide
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, recording_names, recording_start
from bodycamd.store.reader import RecordingInfo, StoreReader


class Retention(Struct, frozen=True):
    """What a store's ledger says of how long its recordings stay. `rules` are those that the camera stated last."""

    rules: Rules
    holds: Mapping[str, list[Hold]]
    outlooks: Mapping[str, Outlook]
    broken: str = ""
    """Why the ledger is not believed to its end; empty where it is."""


def read_retention(store: Path) -> Retention:
    """As the ledger stands, at its last entry. Raises as `StoreReader.open` does, and `StorageError`."""
    facts, present, broken = _read(store)
    return _retention(facts, present, broken)


def read_recordings(reader: StoreReader) -> tuple[list[RecordingInfo], Retention]:
    """The recordings and what is known of how long they stay, in one reading of the ledger. Raises as `StoreReader.recordings` does."""
    facts = Facts()
    ledger = VerifiedLedger(reader.ledger_folder)
    found = reader.recordings(ledger, lambda line: facts.take(line.entry, line.detail))
    facts.begin_at(facts.first_start_of(recording_start(found[0].id) if found else None))
    return found, _retention(facts, frozenset(info.id for info in found), ledger.broken)


def _retention(facts: Facts, present: frozenset[str], broken: str) -> Retention:
    rules = facts.rules or Rules()
    boots = facts.timeline.boots
    here = Now(Moment(len(boots) - 1, boots[-1].last_us) if boots else Moment(0, 0))
    decision = decide(facts.recordings(), present, facts.holds, facts.timeline, here, rules)
    return Retention(rules, facts.holds, decision.outlooks, broken)


def read_plan(store: Path, clock: Clock, rules: Rules) -> Plan:
    """What a sweep on this camera would do now, as `Keeper.plan`. Nothing has watched the clock: it counts only where it continues from
    what the ledger confirmed. Raises as `StoreReader.open` does, and `StorageError`."""
    facts, present, _ = _read(store)
    reading = clock.read()
    boot = boot_id()
    here = facts.timeline.now(boot, reading.boottime_us, None)
    before = Trust(confirmed_us=facts.timeline.confirmed_offset_us(here))
    trust = before.step(reading.boottime_us, reading.synchronised_us, facts.timeline.floor_us(here))
    now = facts.timeline.now(boot, reading.boottime_us, reading.wall_us if trust.confirmed else None)
    decision = decide(facts.recordings(), present, facts.holds, facts.timeline, now, rules)
    return Plan.of(decision, facts.holds, rules, trust.confirmed)


def read_facts(store: Path) -> Facts:
    """What the ledger states. Raises as `StoreReader.open` does, and
    `StorageError`."""
    return _read(store)[0]


def _read(store: Path) -> tuple[Facts, frozenset[str], str]:
    recordings = store / RECORDINGS_FOLDER
    try:
        names, _ = recording_names(recordings)
    except NotFoundError as error:
        raise NotFoundError(f"{store}: there is no store: it has no folder {RECORDINGS_FOLDER}") from error
    index = LedgerIndex(VerifiedLedger(store / LEDGER_FOLDER))
    facts = index.refresh(recording_start(names[0]) if names else None)
    return facts, frozenset(names), index.broken


class PlannedDeletion(Struct, frozen=True, kw_only=True):
    """A recording that a sweep deletes now; `begun`: it is already on its way. `proof`: what showed that its days have passed."""

    recording: str
    begun: bool
    proof: Proof | None


class Upcoming(Struct, frozen=True, kw_only=True):
    """A recording that stays for now. `deletes_on` is text of the wall clock, `None` where nothing says; it goes after `remaining_days` of
    running time at the latest. Both are `None` while it is held."""

    recording: str
    age_days: float
    deletes_on: str | None
    remaining_days: float | None
    held_for: list[str]


class PlanWarning(Struct, frozen=True, kw_only=True):
    """Something for a person to know."""

    kind: WarningKind
    recording: str
    text: str


class Plan(Struct, frozen=True, kw_only=True):
    """What a sweep deletes now, what goes when, and what somebody should know. `clock_confirmed`: the wall clock counts as proof."""

    days: int
    clock_confirmed: bool
    deletions: list[PlannedDeletion]
    upcoming: list[Upcoming]
    warnings: list[PlanWarning]

    @classmethod
    def of(cls, decision: Decision, holds: Mapping[str, Sequence[Hold]], rules: Rules, confirmed: bool) -> Plan:
        """A decision for people and programs."""
        return cls(
            days=rules.days,
            clock_confirmed=confirmed,
            deletions=[PlannedDeletion(recording=d.recording, begun=d.begun, proof=d.proof) for d in decision.deletions],
            upcoming=[
                Upcoming(
                    recording=o.recording,
                    age_days=round(o.age_us / DAY_US, 3),
                    deletes_on=wall_text(o.deletes_on_us) if o.deletes_on_us is not None and not o.held else None,
                    remaining_days=round(o.remaining_us / DAY_US, 3) if not o.held else None,
                    held_for=[hold.ground for hold in holds.get(o.recording, ())],
                )
                for o in sorted(decision.outlooks.values(), key=lambda outlook: outlook.recording)
            ],
            warnings=[PlanWarning(kind=w.kind, recording=w.recording, text=w.text) for w in decision.warnings],
        )


class Swept(Plan, frozen=True, kw_only=True):
    """What a sweep left, what it deleted, and what it could not do."""

    deleted: list[str]
    problems: list[str]
