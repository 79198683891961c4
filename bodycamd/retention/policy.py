"""What may be deleted now, and what somebody should know: a pure function of what the ledger states, the holds, the clock and the time.

A recording may go when all of these are true, and then it must:

- it has ended, and the ledger knows it;
- nothing holds it;
- `days` have provably passed since its end (`elapsed`): by running time alone, or by a confirmed wall clock with two minutes to spare.

Room on the disk plays no part here: what is not expired stays, however full the disk is, but for what the station has (`room`). What was
begun is finished, whatever the clock says.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from bodycamd.retention.elapsed import TOLERANCE_US, Age, Moment, Now, Timeline

DAY_US = 86_400_000_000
MONTH_US = 31 * DAY_US
MARGIN_US = 2 * TOLERANCE_US

WarningKind = Literal["review_due", "held_past_days", "not_provable", "unknown_recording", "footage_missing"]


class Rules(Struct, frozen=True):
    """How long footage and ledger are kept. More than 28 days have a legal basis (the configuration check sees to it)."""

    days: int = 28
    keep_months: int = 24
    legal_basis: str | None = None


class StatedRecording(Struct, frozen=True):
    """What the ledger states of one recording. `end` is `None` while it is being recorded."""

    id: str
    end: Moment | None
    deleting: bool = False
    """Its deletion has begun."""
    segments: int = 0
    """How many finished segments the ledger states."""


class Hold(Struct, frozen=True):
    """Why a recording stays. `id` is the hold's own: a recording may be held several times. `review_us` is the beginning of the day of
    review, `since` the wall clock's text when it was placed.
    """

    id: str
    recording: str
    ground: str
    reference: str
    by: str
    review_on: str
    review_us: int
    since: str
    reminded: bool = False


class Deletion(Struct, frozen=True):
    """A recording that goes. `begun`: it is already on its way."""

    recording: str
    begun: bool
    age_us: int = 0
    proof: Literal["wall_clock", "running_time", "receipt"] | None = None
    """`receipt`: to make room (`room`)."""
    ended_before_us: int | None = None


class Notice(Struct, frozen=True):
    """Something for a person to know."""

    kind: WarningKind
    recording: str
    text: str


class Outlook(Struct, frozen=True):
    """When a recording goes, or what keeps it."""

    recording: str
    age_us: int
    """Provably passed since its end."""
    ended_before_us: int | None
    """Its latest possible end by the wall clock."""
    deletes_on_us: int | None
    """When it goes by the wall clock; `None` where nothing says: then after `remaining_us` of running time."""
    remaining_us: int
    held: bool


class Decision(Struct, frozen=True):
    """Deletions, the oldest first; warnings; and the outlook for every ended recording that is there."""

    deletions: tuple[Deletion, ...]
    warnings: tuple[Notice, ...]
    outlooks: Mapping[str, Outlook]


def decide(
    recordings: Sequence[StatedRecording],
    present: frozenset[str],
    holds: Mapping[str, Sequence[Hold]],
    timeline: Timeline,
    now: Now,
    rules: Rules,
) -> Decision:
    """What follows from all this now. `present` are the recordings whose folders are in the store."""
    deletions: list[Deletion] = []
    warnings = [
        Notice("unknown_recording", name, "the ledger does not know this recording: it is never deleted by itself")
        for name in sorted(present - {recording.id for recording in recordings})
    ]
    outlooks: dict[str, Outlook] = {}
    ended = [(recording, recording.end) for recording in recordings if recording.end is not None or recording.deleting]
    ages = timeline.ages([end or Moment(0, 0) for _, end in ended], now)
    for (recording, _), age in sorted(zip(ended, ages, strict=True), key=lambda pair: (not pair[0][0].deleting, pair[0][0].id)):
        if recording.deleting:
            deletions.append(Deletion(recording.id, begun=True))
            continue
        if recording.id not in present:
            if recording.segments:
                warnings.append(Notice("footage_missing", recording.id, "the ledger states footage that is not in the store"))
            continue
        held = bool(holds.get(recording.id))
        outlook = _outlook(recording.id, age, held, rules)
        outlooks[recording.id] = outlook
        proof = proof_of(age, rules)
        if proof is not None and not held:
            deletions.append(Deletion(recording.id, False, outlook.age_us, proof, age.was_before_us))
        elif proof is not None:
            warnings.append(Notice("held_past_days", recording.id, f"kept beyond {rules.days} days by a hold"))
        elif now.offset_us is None and age.was_before_us is None and age.running_us < rules.days * DAY_US:
            warnings.append(Notice("not_provable", recording.id, "no confirmed clock since it ended: running time alone counts"))
    warnings += _reviews(holds, now)
    return Decision(tuple(deletions), tuple(warnings), outlooks)


def reviews_due(holds: Mapping[str, Sequence[Hold]], now: Now) -> list[Hold]:
    """The holds whose day of review has come, by the confirmed clock; none without one."""
    if now.offset_us is None:
        return []
    wall_us = now.offset_us + now.moment.at_us
    return [hold for held in holds.values() for hold in held if wall_us >= hold.review_us]


def _reviews(holds: Mapping[str, Sequence[Hold]], now: Now) -> list[Notice]:
    return [
        Notice("review_due", hold.recording, f"the hold for {hold.ground} ({hold.reference}) was to be reviewed on {hold.review_on}")
        for hold in reviews_due(holds, now)
    ]


def proof_of(age: Age, rules: Rules) -> Literal["wall_clock", "running_time"] | None:
    """What shows that the days have passed; `None` where nothing does."""
    if age.wall_us is not None and age.wall_us >= rules.days * DAY_US + MARGIN_US:
        return "wall_clock"
    return "running_time" if age.running_us >= rules.days * DAY_US else None


def _outlook(recording: str, age: Age, held: bool, rules: Rules) -> Outlook:
    passed_us = max(age.running_us, age.wall_us or 0)
    deletes_on_us = None if age.was_before_us is None else age.was_before_us + rules.days * DAY_US + MARGIN_US
    return Outlook(recording, passed_us, age.was_before_us, deletes_on_us, max(0, rules.days * DAY_US - passed_us), held)
