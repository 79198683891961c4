"""What is in the store without an entry, and which entry is without its footage: names and sizes only, nothing is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bodycamd.errors import NotFoundError
from bodycamd.evidence.entries import RecordingOpened, SegmentRecovered, SegmentSealed
from bodycamd.evidence.retention_entries import RecordingDeleted, RecordingDeleting
from bodycamd.evidence.statements import Stated
from bodycamd.linux.foreign import Folder
from bodycamd.municipality.verify.past import ledger_of
from bodycamd.store.names import RECORDINGS_FOLDER, recording_names, recording_start, segment_files


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that does not fit. `path` is relative to the folder of recordings."""

    path: str
    problem: str


@dataclass(slots=True)
class _Stated:
    files: dict[str, int] = field(default_factory=dict)
    """The size that each segment's file must have."""
    opened: bool = False
    deleting: bool = False
    deleted: bool = False


def inventory(store: Path) -> tuple[list[Discrepancy], int]:
    """Compare folders and entries; returns the findings and the number of recordings in the store.

    What the newest start is still writing is no finding. Raises `NotFoundError`, `PermissionDeniedError`,
    `DataError`, `StorageError`.
    """
    stated: dict[str, _Stated] = {}
    newest = 0
    ledger = ledger_of(store)
    for line in ledger:
        newest = line.entry.start
        _take(stated, line.detail)
    folder = store / RECORDINGS_FOLDER
    try:
        names, strays = recording_names(folder)
    except NotFoundError as error:
        raise NotFoundError(f"{folder}: there is no such folder") from error
    findings = [Discrepancy("../ledger", f"verifies only so far, nothing after it counts: {ledger.broken}")] if ledger.broken else []
    findings += [Discrepancy(stray.path, stray.reason) for stray in strays]
    for name in names:
        findings += _look(folder / name, stated.get(name), (recording_start(name) or 0) >= newest)
    for name, said in sorted(stated.items()):
        if name not in names and not said.deleted:
            if said.deleting:
                findings.append(Discrepancy(name, "its deletion has begun and is not stated as completed: the next start completes it"))
            elif said.files:
                findings.append(Discrepancy(name, f"{len(said.files)} segments are stated, and the recording is not there"))
    return findings, len(names)


def _take(stated: dict[str, _Stated], detail: Stated | None) -> None:
    match detail:
        case RecordingOpened():
            _of(stated, detail.recording).opened = True
        case SegmentSealed():
            _of(stated, detail.recording).files[detail.file] = detail.size
        case SegmentRecovered():
            _of(stated, detail.recording).files[detail.file] = detail.good_bytes + detail.torn_bytes
        case RecordingDeleting():
            _of(stated, detail.recording).deleting = True
        case RecordingDeleted():
            _of(stated, detail.recording).deleted = True


def _of(stated: dict[str, _Stated], recording: str) -> _Stated:
    return stated.setdefault(recording, _Stated())


def _look(folder: Path, said: _Stated | None, running: bool) -> list[Discrepancy]:
    name = folder.name
    if said is None:
        return [Discrepancy(name, "no entry of the ledger mentions this recording")]
    if said.deleted:
        return [Discrepancy(name, "it was deleted; what lies here does not belong to it")]
    try:
        files, strays = segment_files(folder)
        with Folder.open(folder, below=folder.parent.parent) as opened:
            sizes = {file.path.name: there.size for file in files if (there := opened.look(file.path.name)) is not None}
    except NotFoundError:
        return []
    findings = [Discrepancy(stray.path, stray.reason) for stray in strays]
    if said.deleting:
        return [*findings, Discrepancy(name, "its deletion has begun and is not completed: the next start completes it")]
    for file, size in sizes.items():
        if file not in said.files:
            if not (running or file.endswith(".part")):
                findings.append(Discrepancy(f"{name}/{file}", "no entry of the ledger states this segment"))
        elif size != said.files[file]:
            findings.append(Discrepancy(f"{name}/{file}", f"it has {size} bytes, the ledger states {said.files[file]}"))
    findings += [Discrepancy(f"{name}/{file}", "the ledger states it, and it is not there") for file in said.files if file not in sizes]
    return findings
