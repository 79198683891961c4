"""Holds: what keeps a recording beyond its days. A hold is on a whole recording, for one of three grounds; all rules about it are here.

Only the request is judged here; who makes the entry durable is `keeper`. An error changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from bodycamd.errors import NotFoundError, UsageError
from bodycamd.evidence.retention_entries import Ground, HoldAdded, HoldReleased
from bodycamd.evidence.statements import Caller
from bodycamd.recorder.names import recording_start
from bodycamd.retention.index import day_us
from bodycamd.retention.policy import DAY_US, Hold, Recording

GROUNDS: tuple[str, ...] = get_args(Ground)
LONGEST_TEXT = 200
LONGEST_NAME = 64


def added(
    arguments: Mapping[str, Any], caller: Caller, recordings: Sequence[Recording], holds: Mapping[str, Sequence[Hold]], wall_us: int
) -> HoldAdded:
    """The entry that a request of `caller` to hold becomes. `wall_us` is the wall clock as it stands.

    Raises `UsageError`: an argument is wrong, the day of review is past, the ground holds it already, its deletion has begun.
    Raises `NotFoundError`: there is no such recording.
    """
    recording = known(arguments.get("recording"), recordings)
    ground = _ground(arguments.get("ground"))
    reference = _text(arguments.get("reference"), "--reference", LONGEST_TEXT)
    by = _text(arguments.get("by"), "--by", LONGEST_NAME)
    review_on = arguments.get("review_on")
    review_us = day_us(review_on) if isinstance(review_on, str) and len(review_on) == 10 else None
    if not isinstance(review_on, str) or review_us is None:
        raise UsageError(f"--review-on {review_on!r} is no day: YYYY-MM-DD, for example 2026-12-31")
    if review_us + DAY_US <= wall_us:
        raise UsageError(f"--review-on {review_on} is past, by this camera's clock: give a day to come")
    if recording.deleting:
        raise UsageError(f"{recording.id}: its deletion has begun and will be completed; it can no longer be held")
    for hold in holds.get(recording.id, ()):
        if hold.ground == ground:
            raise UsageError(
                f"{recording.id} is already held for {ground} ({hold.reference}) by {hold.by}; release that hold first to replace it"
            )
    return HoldAdded(recording=recording.id, ground=cast(Ground, ground), reference=reference, by=by, review_on=review_on, caller=caller)


def released(
    arguments: Mapping[str, Any], caller: Caller, recordings: Sequence[Recording], holds: Mapping[str, Sequence[Hold]]
) -> HoldReleased:
    """The entry that a request of `caller` to release becomes. Without `ground` it is that of the only hold there is.

    Raises `UsageError`: an argument is wrong, there is no such hold, or several and no ground. Raises `NotFoundError`: no such recording.
    """
    recording = known(arguments.get("recording"), recordings)
    reason = _text(arguments.get("reason"), "--reason", LONGEST_TEXT)
    by = _text(arguments.get("by"), "--by", LONGEST_NAME)
    held = [hold.ground for hold in holds.get(recording.id, ())]
    if not held:
        raise UsageError(f"{recording.id} is not held")
    wanted = arguments.get("ground")
    if wanted is None:
        if len(held) > 1:
            raise UsageError(f"{recording.id} is held for {' and '.join(held)}: say which with --ground")
        wanted = held[0]
    ground = _ground(wanted)
    if ground not in held:
        raise UsageError(f"{recording.id} is not held for {ground}, but for {' and '.join(held)}")
    return HoldReleased(recording=recording.id, ground=cast(Ground, ground), reason=reason, by=by, caller=caller)


def known(recording: object, recordings: Sequence[Recording]) -> Recording:
    """The recording of this id. Raises `UsageError` for what is no id, `NotFoundError` where the ledger does not know it."""
    if not isinstance(recording, str) or recording_start(recording) is None:
        raise UsageError(f"{recording!r} is not the id of a recording; one looks like 000042-0001")
    for found in recordings:
        if found.id == recording:
            return found
    raise NotFoundError(f"{recording}: there is no such recording; `bodycamd recordings list` shows what there is")


def _ground(value: object) -> str:
    if not isinstance(value, str) or value not in GROUNDS:
        raise UsageError(f"--ground {value!r}: it is one of {', '.join(GROUNDS)}")
    return value


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= longest or not value.isprintable():
        raise UsageError(f"{name}: 1 to {longest} printable characters are needed")
    return value.strip()
