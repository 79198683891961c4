"""Pruning a copy of a store: what the camera has deleted since goes here too, and what is held at either place stays.

Guarantees
- Nothing goes but what the camera's own verified entries state as deleted, by its rules (`retention.judgement`): its word, no clock here.
  What it deleted to make room goes when its entries show that the days have passed.
- Nothing that is held goes: by a hold that the camera states, or one at the copy, whoever signed it.
- Each step is durable before the next: `pruning` is signed, the files go, the folder is synchronised, `pruned` is signed. What was
  interrupted is completed by the next pruning.
- Where the ledger or the record of the copy does not hold together nothing goes at all.

Not guaranteed: that the disk forgets the bytes (see `retention.deletion`).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from bodycamd.errors import DataError, StorageError, UsageError
from bodycamd.evidence.copy_record import Pruned, Pruning
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.retention_entries import RecordingDeleted
from bodycamd.evidence.statements import Stated, wall_us
from bodycamd.linux.disk import Disk, FileOperations
from bodycamd.municipality.copies.copies import CopyRecord, read_copy, writing
from bodycamd.municipality.copies.copy_check import check_copy
from bodycamd.municipality.copies.person_keys import People
from bodycamd.municipality.verify.ledger_account import LedgerAccount, Told
from bodycamd.municipality.verify.verdicts import Findings
from bodycamd.retention.deletion import delete
from bodycamd.retention.policy import DAY_US, Deletion, Rules
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, recording_names, segment_files

LOCK_FILE = ".lock"


class Due(msgspec.Struct, frozen=True):
    """A recording that goes. `line` is the SHA-256 of the camera's `deleting`; `begun`: an earlier pruning was interrupted."""

    recording: str
    why: str
    line: str
    segments: int
    bytes: int
    begun: bool


class Staying(msgspec.Struct, frozen=True):
    """A recording that stays, although its time may be over."""

    recording: str
    why: str


class Plan(msgspec.Struct):
    """What a pruning does now. `proposed` are those whose days have passed by clocks that prove nothing: only the camera's newer ledger
    deletes them. `notes` are for a person to know.
    """

    due: list[Due] = []
    held: list[Staying] = []
    proposed: list[Staying] = []
    notes: list[str] = []


def plan(store: Path, registered: PublicKey, people: People, now_us: int) -> Plan:
    """What would go, and why the rest stays; writes nothing. `now_us` is this computer's clock.

    Raises `UsageError` for a camera's own store, `DataError` where the ledger or the record of the copy does not hold together,
    `NotFoundError`, `PermissionDeniedError`, `StorageError`.
    """
    check_is_copy(store)
    return _plan(store, registered, people, read_copy(store, people) or CopyRecord(), now_us)


def prune(
    store: Path, registered: PublicKey, people: People, key: SigningKey, now_us: int, disk: FileOperations | None = None
) -> tuple[Plan, list[str]]:
    """Delete what is due; returns the plan and the recordings that are gone. Raises as `plan` does, `UsageError` for a key that nobody
    knows, `OutputError`, `StoreBusyError`.
    """
    check_is_copy(store)
    if key.public.id not in people:
        raise UsageError("--key: this key is not in --people; what it signs would prove nothing to anybody who verifies the copy")
    done: list[Pruned] = []
    with writing(store, key, people) as writer:
        planned = _plan(store, registered, people, writer.record, now_us)
        begin = [
            Pruning(recording=due.recording, line=due.line, segments=due.segments, bytes=due.bytes) for due in planned.due if not due.begun
        ]
        writer.add(begin, now_us)
        try:
            for due in planned.due:
                done.append(_delete(store / RECORDINGS_FOLDER, due.recording, disk or Disk()))
        finally:
            writer.add(done, now_us)
    return planned, [pruned.recording for pruned in done]


def check_is_copy(store: Path) -> None:
    """Raises `UsageError` for a camera's own store: there the camera decides."""
    if (store / LOCK_FILE).exists():
        raise UsageError(f"{store}: a camera's own store (it has a file {LOCK_FILE}); a copy that was made with it: remove that file first")


def _plan(store: Path, registered: PublicKey, people: People, record: CopyRecord, now_us: int) -> Plan:
    account = LedgerAccount(store / LEDGER_FOLDER, registered, set(record.heads), set(), people)
    if account.failure is not None:
        raise DataError(f"{store}: nothing is pruned: the ledger does not verify: {account.failure[1]}")
    findings = Findings()
    check_copy(record, account, findings)
    if findings.worst == "altered":
        found = findings.listed[0]
        raise DataError(f"{store}: nothing is pruned: {found.where}: {found.what}; run `bodycamd verify`")
    planned = Plan(notes=[f"{finding.where}: {finding.what}" for finding in findings.listed])
    rules = account.facts.rules or Rules()
    for name in sorted({*_present(store), *record.pruning}):
        told = account.told.get(name, Told())
        held = [*_held(name, account, record), *told.not_ordered]
        gone = bool(told.deleting) and (told.term_over or not told.for_room)
        if gone and not told.wrongly_deleted and not held:
            planned.due.append(_due(store, name, told, name in record.pruning))
        elif gone or name in record.pruning:
            planned.held.append(Staying(name, "; ".join([*held, *told.wrongly_deleted]) or "the camera does not state its deletion"))
        elif (passed := _passed(told, rules, now_us)) and held:
            planned.held.append(Staying(name, "; ".join(held)))
        elif passed:
            planned.proposed.append(Staying(name, passed))
    return planned


def _held(recording: str, account: LedgerAccount, record: CopyRecord) -> list[str]:
    at_camera = [f"held by the camera's ledger: hold {hold.id}, for {hold.ground}" for hold in account.facts.holds.get(recording, ())]
    at_copy = [
        f"held at this copy: hold {hold.added.hold}, for {hold.added.ground}, by {hold.signer or 'somebody whose key nobody knows'}"
        for hold in record.holds.get(recording, {}).values()
    ]
    return at_camera + at_copy


def _passed(told: Told, rules: Rules, now_us: int) -> str:
    """That its days have passed by this computer's clock and the camera's, in words; empty where they have not, or nothing says."""
    closed = told.closed_at
    if closed is None or closed.clock.error_ms is None or now_us - wall_us(closed.wall, "closed") < rules.days * DAY_US:
        return ""
    return (
        f"its {rules.days} days have passed by this computer's clock and by the camera's at {closed.wall[:10]}, which prove nothing: "
        "offload the camera again, whose newer ledger says whether it is deleted or held"
    )


def _due(store: Path, name: str, told: Told, begun: bool) -> Due:
    folder = store / RECORDINGS_FOLDER / name
    try:
        sizes = [file.path.lstat().st_size for file in segment_files(folder)[0]] if folder.is_dir() else []
    except OSError as error:
        raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error
    return Due(name, f"the camera deleted it: {told.deleting}", told.deleting_line, len(sizes), sum(sizes), begun)


def _delete(recordings: Path, name: str, disk: FileOperations) -> Pruned:
    """Files, folder, and their names durably. Raises `StorageError`."""
    stated: list[Stated] = []
    for _ in delete(Deletion(name, begun=True), recordings, Rules(), disk=disk, enter=stated.append):
        pass
    (deleted,) = stated
    assert isinstance(deleted, RecordingDeleted)
    return Pruned(recording=name, strays_left=deleted.strays_left)


def _present(store: Path) -> list[str]:
    try:
        return recording_names(store / RECORDINGS_FOLDER)[0]
    except OSError as error:
        raise StorageError(f"{store / RECORDINGS_FOLDER}: cannot be read: {error.strerror}") from error
