"""What has come to a copy, stated and signed by the person who brought it: after an offload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bodycamd.errors import StorageError
from bodycamd.evidence.copy_record import MAX_INVENTORIED, Deletion, Detail, Inventory
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.retention_entries import RecordingDeleting
from bodycamd.municipality.copies.copies import CopyRecord, writing
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, recording_names, segment_files

OWN = "self"


def take_inventory(store: Path, key: SigningKey, now_us: int, *, below: Path | None = None) -> int:
    """State every segment that this person has not stated yet, and the camera's deletions that came with its ledger. Returns how many lines
    that took. `below`: a folder above the store, from which on nothing is a link.

    Raises as `copies.writing` does, `OutputError`.
    """
    with writing(store, key, {key.public.id: (OWN, key.public)}, below=below) as writer:
        try:
            details = [*_received(store, writer.record), *_deletions(store, writer.record)]
        except OSError as error:
            raise StorageError(f"{error.filename or store}: cannot be read: {error.strerror}") from error
        writer.add(details, now_us)
        return len(details)


def _received(store: Path, record: CopyRecord) -> Iterator[Detail]:
    folder = store / RECORDINGS_FOLDER
    for name in recording_names(folder)[0]:
        numbers = {file.number for file in segment_files(folder / name)[0] if file.kind != "open"}
        fresh = sorted(numbers - record.received.get(name, set()))
        for at in range(0, len(fresh), MAX_INVENTORIED):
            yield Inventory(recording=name, segments=tuple(fresh[at : at + MAX_INVENTORIED]))


def _deletions(store: Path, record: CopyRecord) -> Iterator[Detail]:
    there = set(recording_names(store / RECORDINGS_FOLDER)[0])
    for line in VerifiedLedger(store / LEDGER_FOLDER):
        if isinstance(line.detail, RecordingDeleting) and line.detail.recording in there - record.deletions:
            yield Deletion(recording=line.detail.recording, line=line.sha256)
