"""Holds at a copy of a store: by a person's key, without the camera. They keep the copy whatever the camera does with the recording."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from bodycamd.errors import NotFoundError, UsageError
from bodycamd.evidence import pseudonyms
from bodycamd.evidence.copy_record import CopyHoldAdded, CopyHoldReleased
from bodycamd.evidence.keys import SigningKey
from bodycamd.municipality.copies.copies import CopyHold, writing
from bodycamd.municipality.copies.person_keys import People
from bodycamd.municipality.copies.prune import check_is_copy
from bodycamd.retention.holds import HoldInfo, HoldRequest, ReleaseRequest, known_ground, new_id, review_day
from bodycamd.store.names import RECORDINGS_FOLDER, check_recording


class CopyHoldInfo(HoldInfo, frozen=True, kw_only=True):
    """A hold at a copy, for people and programs, and whose key signed it: `unknown` where that is nobody's on the list."""

    signed_by: str

    @classmethod
    def of_copy(cls, hold: CopyHold) -> CopyHoldInfo:
        """What is told of a hold."""
        added = hold.added
        return cls(
            hold=added.hold,
            recording=added.recording,
            ground=added.ground,
            reference=added.reference,
            by=added.by,
            since=hold.since,
            review_on=added.review_on,
            signed_by=hold.signer or "unknown",
        )


def add_hold(store: Path, key: SigningKey, people: People, asked: HoldRequest, now_us: int) -> CopyHold:
    """Hold the copy of a recording; signed and durable when this returns.

    Raises `UsageError`: an argument is wrong, this case holds it already, its pruning has begun. Raises `NotFoundError` where the copy has
    no such recording, and as `copies.writing` does.
    """
    check_is_copy(store)
    recording = asked.recording
    check_recording(recording)
    ground = known_ground(asked.ground)
    reference = pseudonyms.reference(asked.reference, "--reference")
    by = pseudonyms.decider(asked.by, "--by")
    review_on = review_day(asked.review_on, now_us, "this computer's clock")
    if not (store / RECORDINGS_FOLDER / recording).is_dir():
        raise NotFoundError(f"{store}: recording {recording} is not in this copy")
    with writing(store, key, people) as writer:
        if recording in writer.record.pruning:
            raise UsageError(f"{recording}: its pruning has begun and will be completed; it can no longer be held")
        for hold in writer.record.holds.get(recording, {}).values():
            if (hold.added.ground, hold.added.reference) == (ground, reference):
                raise UsageError(f"{recording} is already held at this copy for {ground} ({reference}): hold {hold.added.hold}")
        id = new_id(id for held in writer.record.holds.values() for id in held)
        added = CopyHoldAdded(hold=id, recording=recording, ground=ground, reference=reference, by=by, review_on=review_on)
        writer.add([added], now_us)
        return writer.record.holds[recording][id]


def release_hold(store: Path, key: SigningKey, people: People, asked: ReleaseRequest, now_us: int) -> CopyHoldReleased:
    """Release a hold at the copy, by its id, or by its recording where that leaves no doubt. Raises as `add_hold` does."""
    check_is_copy(store)
    reason = pseudonyms.release_reason(asked.reason, "--reason")
    by = pseudonyms.decider(asked.by, "--by")
    named, ground = asked.hold or asked.recording, asked.ground
    with writing(store, key, people) as writer:
        everything = [hold.added for held in writer.record.holds.values() for hold in held.values()]
        meant = [hold for hold in everything if named in (hold.hold, hold.recording) and ground in (None, hold.ground)]
        if not meant:
            raise NotFoundError(f"{named!a}: there is no such hold at this copy; `bodycamd hold list --store` shows which there are")
        if len(meant) > 1:
            told = "; ".join(f"{hold.hold} for {hold.ground} ({hold.reference})" for hold in meant)
            raise UsageError(f"{named} is held {len(meant)} times at this copy: name the hold to release: {told}")
        hold = meant[0]
        released = CopyHoldReleased(
            hold=hold.hold, recording=hold.recording, ground=hold.ground, reason=cast(pseudonyms.ReleaseReason, reason), by=by
        )
        writer.add([released], now_us)
        return released
