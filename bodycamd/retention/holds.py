"""Holds: what keeps a recording beyond its days. A hold is on a whole recording, for one of three grounds, and has an id of its own; all
rules about it are here.

Only the request is judged here; `camera.keeping.keeper` makes the entry durable. An error changes nothing.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Self, get_args

from msgspec import Meta, Struct

from bodycamd.errors import NotFoundError, UsageError
from bodycamd.evidence import pseudonyms
from bodycamd.evidence.retention_entries import Ground, HoldAdded, HoldReleased
from bodycamd.evidence.statements import Caller
from bodycamd.retention.ledger_index import day_us
from bodycamd.retention.policy import DAY_US, Hold, StatedRecording
from bodycamd.store.names import check_recording

GROUNDS: tuple[Ground, ...] = get_args(Ground)
ORDERED_ID_LENGTH = 64
"""Of a hold by a signed order: its id is the order's, a SHA-256. All others have 12 digits, or the form of `bodycam-ledger/1`."""
Word = Annotated[str, Meta(max_length=200)]
"""What somebody asked with, before it is judged: its length alone is bounded, where it is read from JSON."""


class HoldRequest(Struct, frozen=True, kw_only=True):
    """Somebody asks that a recording be held: on the camera or at a copy of its store. `review_on` is a day: YYYY-MM-DD."""

    recording: Word
    ground: Word
    reference: Word
    by: Word
    review_on: Word


class ReleaseRequest(Struct, frozen=True, kw_only=True):
    """Somebody asks that a hold be released. It is named by its id (`hold`), or by `recording` and, where there are several, `ground`."""

    hold: Word | None = None
    recording: Word | None = None
    ground: Word | None = None
    reason: Word
    by: Word


class HoldInfo(Struct, frozen=True, kw_only=True):
    """A hold, for people and programs. `since` is the wall clock's text when it was placed."""

    hold: str
    recording: str
    ground: str
    reference: str
    by: str
    since: str
    review_on: str

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """What is told of a hold."""
        return cls(
            hold=hold.id,
            recording=hold.recording,
            ground=hold.ground,
            reference=hold.reference,
            by=hold.by,
            since=hold.since,
            review_on=hold.review_on,
        )


class ReleasedHold(Struct, frozen=True, kw_only=True):
    """A hold that is over, for people and programs. `still_held_for`: the ground of each hold that is left on the recording."""

    hold: str
    recording: str
    ground: str
    still_held_for: list[str]


def listed(holds: Mapping[str, Sequence[Hold]]) -> list[HoldInfo]:
    """Every hold, by recording."""
    return [HoldInfo.of(hold) for _, held in sorted(holds.items()) for hold in held]


def added(
    asked: HoldRequest, caller: Caller, recordings: Sequence[StatedRecording], holds: Mapping[str, Sequence[Hold]], wall_us: int
) -> HoldAdded:
    """The entry that a request of `caller` to hold becomes, with a new id. `wall_us` is the wall clock now.

    Raises `UsageError`: an argument is wrong, the day of review is past, this case holds it already, its deletion has begun.
    Raises `NotFoundError`: there is no such recording.
    """
    recording = known(asked.recording, recordings)
    ground = known_ground(asked.ground)
    reference = pseudonyms.reference(asked.reference, "--reference")
    by = pseudonyms.decider(asked.by, "--by")
    review_on = review_day(asked.review_on, wall_us, "this camera's clock")
    if recording.deleting:
        raise UsageError(f"{recording.id}: its deletion has begun and will be completed; it can no longer be held")
    for hold in holds.get(recording.id, ()):
        if (hold.ground, hold.reference) == (ground, reference):
            raise UsageError(f"{recording.id} is already held for {ground} ({reference}) by {hold.by}: hold {hold.id}")
    return HoldAdded(
        recording=recording.id,
        ground=ground,
        reference=reference,
        by=by,
        review_on=review_on,
        caller=caller,
        hold=new_id(hold.id for held in holds.values() for hold in held),
    )


def released(
    asked: ReleaseRequest, caller: Caller, recordings: Sequence[StatedRecording], holds: Mapping[str, Sequence[Hold]]
) -> HoldReleased:
    """The entry that a request of `caller` to release becomes.

    Raises `UsageError`: an argument is wrong, or several holds are meant. Raises `NotFoundError`: no such recording or hold.
    """
    chosen = _chosen(asked, recordings, holds)
    reason = pseudonyms.release_reason(asked.reason, "--reason")
    by = pseudonyms.decider(asked.by, "--by")
    return HoldReleased(
        recording=chosen.recording,
        ground=known_ground(chosen.ground),
        reason=reason,
        by=by,
        caller=caller,
        hold=chosen.id,
    )


def _chosen(asked: ReleaseRequest, recordings: Sequence[StatedRecording], holds: Mapping[str, Sequence[Hold]]) -> Hold:
    """The one hold that a request to release means."""
    named, wanted = asked.hold, asked.ground
    if wanted is not None:
        known_ground(wanted)
    if named is not None:
        found = [hold for held in holds.values() for hold in held if hold.id == named]
        if not found:
            raise NotFoundError(f"{named!a}: there is no such hold; `bodycamd hold list` shows which there are")
        found = [hold for hold in found if asked.recording in (None, hold.recording)] or found
        if asked.recording not in (None, found[0].recording):
            raise UsageError(f"hold {named} is on recording {found[0].recording}, not on {asked.recording!a}")
        if wanted not in (None, found[0].ground):
            raise UsageError(f"hold {named} is for {found[0].ground}, not for {wanted}")
        return _releasable(found[0])
    if asked.recording is None:
        raise UsageError("name the hold to release, or the recording that it is on")
    recording = known(asked.recording, recordings)
    held = holds.get(recording.id, ())
    if not held:
        raise UsageError(f"{recording.id} is not held")
    meant = [hold for hold in held if wanted in (None, hold.ground)]
    if not meant:
        raise UsageError(f"{recording.id} is not held for {wanted}, but for {' and '.join(sorted({hold.ground for hold in held}))}")
    if len(meant) > 1:
        told = "; ".join(f"{hold.id} for {hold.ground} ({hold.reference})" for hold in meant)
        raise UsageError(f"{recording.id} is held {len(meant)} times: name the hold to release: {told}")
    return _releasable(meant[0])


def _releasable(hold: Hold) -> Hold:
    """What people of the roster have ordered is not for whoever has the camera to undo. Raises `UsageError`."""
    if len(hold.id) == ORDERED_ID_LENGTH:
        raise UsageError(f"hold {hold.id} was ordered: it is released by an order that two people sign (`bodycamd order sign release`)")
    return hold


def new_id(taken: Iterable[str]) -> str:
    """An id that no hold has: 12 hex digits from the system's random source."""
    known_ids = set(taken)
    while (id := os.urandom(6).hex()) in known_ids:
        pass
    return id


def review_day(value: str, wall_us: int, whose_clock: str) -> str:
    """The day of review, which must not be past. Raises `UsageError`."""
    review_us = day_us(value)
    if review_us is None:
        raise UsageError(f"--review-on {value!r} is not a date: YYYY-MM-DD, for example 2026-12-31")
    if review_us + DAY_US <= wall_us:
        raise UsageError(f"--review-on {value} is past, by {whose_clock}: give a day to come")
    return value


def known(recording: str, recordings: Sequence[StatedRecording]) -> StatedRecording:
    """The recording of this id. Raises `UsageError` for what is no id, `NotFoundError` where the ledger does not know it."""
    check_recording(recording)
    for found in recordings:
        if found.id == recording:
            return found
    raise NotFoundError(f"{recording}: there is no such recording; `bodycamd recordings list` shows what there is")


def known_ground(value: str) -> Ground:
    """One of the grounds. Raises `UsageError`."""
    for ground in GROUNDS:
        if ground == value:
            return ground
    raise UsageError(f"--ground {value!r}: it is one of {', '.join(GROUNDS)}")
