"""Holds: what keeps a recording beyond its days. A hold is on a whole recording, for one of three grounds, and has an id of its own; all
rules about it are here.

Only the request is judged here; who makes the entry durable is `keeper`. An error changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast, get_args

from bodycamd.errors import NotFoundError, UsageError
from bodycamd.evidence import pseudonyms
from bodycamd.evidence.retention_entries import Ground, HoldAdded, HoldReleased
from bodycamd.evidence.statements import Caller
from bodycamd.retention.ledger_index import day_us
from bodycamd.retention.policy import DAY_US, Hold, Recording
from bodycamd.store.names import check_recording

GROUNDS: tuple[str, ...] = get_args(Ground)


def added(
    arguments: Mapping[str, Any], caller: Caller, recordings: Sequence[Recording], holds: Mapping[str, Sequence[Hold]], wall_us: int
) -> HoldAdded:
    """The entry that a request of `caller` to hold becomes, with a new id. `wall_us` is the wall clock as it stands.

    Raises `UsageError`: an argument is wrong, the day of review is past, this case holds it already, its deletion has begun.
    Raises `NotFoundError`: there is no such recording.
    """
    recording = known(arguments.get("recording"), recordings)
    ground = _ground(arguments.get("ground"))
    reference = pseudonyms.reference(arguments.get("reference"), "--reference")
    by = pseudonyms.decider(arguments.get("by"), "--by")
    review_on = review_day(arguments.get("review_on"), wall_us, "this camera's clock")
    if recording.deleting:
        raise UsageError(f"{recording.id}: its deletion has begun and will be completed; it can no longer be held")
    for hold in holds.get(recording.id, ()):
        if (hold.ground, hold.reference) == (ground, reference):
            raise UsageError(f"{recording.id} is already held for {ground} ({reference}) by {hold.by}: hold {hold.id}")
    return HoldAdded(
        recording=recording.id,
        ground=cast(Ground, ground),
        reference=reference,
        by=by,
        review_on=review_on,
        caller=caller,
        hold=new_id(hold.id for held in holds.values() for hold in held),
    )


def released(
    arguments: Mapping[str, Any], caller: Caller, recordings: Sequence[Recording], holds: Mapping[str, Sequence[Hold]]
) -> HoldReleased:
    """The entry that a request of `caller` to release becomes. The hold is named by its id (`hold`), or by `recording` and, where there are
    several, `ground`, if that leaves one only.

    Raises `UsageError`: an argument is wrong, or several holds are meant. Raises `NotFoundError`: no such recording or hold.
    """
    chosen = _chosen(arguments, recordings, holds)
    reason = pseudonyms.release_reason(arguments.get("reason"), "--reason")
    by = pseudonyms.decider(arguments.get("by"), "--by")
    return HoldReleased(
        recording=chosen.recording,
        ground=cast(Ground, chosen.ground),
        reason=reason,
        by=by,
        caller=caller,
        hold=chosen.id,
    )


def _chosen(arguments: Mapping[str, Any], recordings: Sequence[Recording], holds: Mapping[str, Sequence[Hold]]) -> Hold:
    """The one hold that a request to release means."""
    named, wanted = arguments.get("hold"), arguments.get("ground")
    if wanted is not None:
        _ground(wanted)
    if named is not None:
        found = [hold for held in holds.values() for hold in held if hold.id == named]
        if not found:
            raise NotFoundError(f"{named!a}: there is no such hold; `bodycamd hold list` shows which there are")
        if arguments.get("recording") not in (None, found[0].recording):
            raise UsageError(f"hold {named} is on recording {found[0].recording}, not on {arguments['recording']!a}")
        if wanted not in (None, found[0].ground):
            raise UsageError(f"hold {named} is for {found[0].ground}, not for {wanted}")
        return found[0]
    recording = known(arguments.get("recording"), recordings)
    held = holds.get(recording.id, ())
    if not held:
        raise UsageError(f"{recording.id} is not held")
    meant = [hold for hold in held if wanted in (None, hold.ground)]
    if not meant:
        raise UsageError(f"{recording.id} is not held for {wanted}, but for {' and '.join(sorted({hold.ground for hold in held}))}")
    if len(meant) > 1:
        told = "; ".join(f"{hold.id} for {hold.ground} ({hold.reference})" for hold in meant)
        raise UsageError(f"{recording.id} is held {len(meant)} times: name the hold to release: {told}")
    return meant[0]


def new_id(taken: Iterable[str]) -> str:
    """An id that no hold has: 12 hex digits from the system's random source."""
    known_ids = set(taken)
    while (id := secrets.token_hex(6)) in known_ids:
        pass
    return id


def review_day(value: object, wall_us: int, whose_clock: str) -> str:
    """The day of review, which must not be past. Raises `UsageError`."""
    review_us = day_us(value) if isinstance(value, str) and len(value) == 10 else None
    if not isinstance(value, str) or review_us is None:
        raise UsageError(f"--review-on {value!r} is no day: YYYY-MM-DD, for example 2026-12-31")
    if review_us + DAY_US <= wall_us:
        raise UsageError(f"--review-on {value} is past, by {whose_clock}: give a day to come")
    return value


def known(recording: object, recordings: Sequence[Recording]) -> Recording:
    """The recording of this id. Raises `UsageError` for what is no id, `NotFoundError` where the ledger does not know it."""
    check_recording(str(recording))
    for found in recordings:
        if found.id == recording:
            return found
    raise NotFoundError(f"{recording}: there is no such recording; `bodycamd recordings list` shows what there is")


def _ground(value: object) -> str:
    if not isinstance(value, str) or value not in GROUNDS:
        raise UsageError(f"--ground {value!r}: it is one of {', '.join(GROUNDS)}")
    return value
