"""The ledger's own retention: files that are too old are dropped behind a signed checkpoint.

A file goes when `keep_months` (of 31 days) have passed since a moment after its last entry, by confirmed clocks on both sides, and no
recording in the store is as old as its start. What stays of it is its first line, the start's: it is signed with the key that the start
before named and names the next one, so that the registered key still leads to the keys of today. The lines stand in one file,
`ledger/checkpoint-NNNNNN.jsonl`, where N is the first start that is kept.

    the new checkpoint file, durable
    entry `ledger_shortened`, durable      states the file's SHA-256, the head and the next key behind which the ledger continues
    unlink the dropped files, the oldest first, then earlier checkpoint files; fsync of the folder

After a cut in between, the same call completes it: a new checkpoint file never replaces one, and what it says of a start never differs.
"""

from __future__ import annotations

import os
from pathlib import Path

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.checkpoint import checkpoint_name, checkpoints, read_checkpoint
from bodycamd.evidence.entries import StartDetail
from bodycamd.evidence.ledger_reader import Line, file_name, first_line, open_ledger_file, starts
from bodycamd.evidence.retention_entries import LedgerShortened
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder
from bodycamd.retention.deletion import Enter
from bodycamd.retention.ledger_index import Facts
from bodycamd.retention.policy import DAY_US, MONTH_US

SLACK_US = 7 * DAY_US
"""Files are dropped a week's worth at a time, so that the checkpoint file is not written anew each day."""


def shorten(folder: Path, facts: Facts, oldest_recording: int | None, *, wall_us: int, keep_months: int, running: int, enter: Enter) -> int:
    """Drop what is too old; returns how many files were dropped. `facts` are of the verified ledger, `wall_us` is the confirmed wall clock,
    `running` the start that runs.

    Raises `StorageError` where the disk refuses, `DataError` where the first lines of the dropped files do not lead from one to the next.
    """
    first_kept = _first_kept(facts, wall_us, keep_months * MONTH_US, min(running, oldest_recording or running))
    dropped = [start for start in starts(folder) if start < first_kept]
    if not dropped:
        return 0
    kept = first_line(folder, first_kept)
    if kept is None or not isinstance(kept.detail, StartDetail):
        raise DataError(f"{file_name(first_kept)}: its first line is not good")
    begun = [line for start in dropped if (line := first_line(folder, start)) is not None]
    lines = b"".join(line.text + b"\n" for line in begun)
    _write(folder / checkpoint_name(first_kept), _earlier(folder, [*begun, kept][0]) + lines)
    checkpoint = read_checkpoint(folder, first_kept, below=first_kept, registered=None)
    if checkpoint.next_key.raw.hex() != kept.detail.public_key:
        raise DataError(f"{file_name(first_kept)}: signed by another key than the starts before it lead to")
    entries = sum(_line_ends(folder, start) for start in dropped)
    enter(
        LedgerShortened(
            first_kept=first_kept,
            file=checkpoint.file,
            sha256=checkpoint.sha256,
            lines=checkpoint.lines,
            head=kept.entry.prev,
            next_key=checkpoint.next_key.raw.hex(),
            entries=entries,
        )
    )
    _remove(folder, dropped, first_kept)
    return len(dropped)


def _line_ends(folder: Path, start: int) -> int:
    found = 0
    with open_ledger_file(folder, file_name(start)) as file:
        while block := file.read(65536):
            found += block.count(b"\n")
    return found


def _first_kept(facts: Facts, wall_us: int, keep_us: int, limit: int) -> int:
    """The first start that stays: everything before it lies before a confirmed time that is old enough."""
    found, oldest_us = 0, wall_us
    for start, known in facts.starts.items():
        if start > limit:
            break
        if known.confirmed_us is not None:
            oldest_us = min(oldest_us, known.confirmed_us)
            if wall_us - known.confirmed_us < keep_us:
                break
            if not known.unfinished:
                found = start
    return found if wall_us - oldest_us >= keep_us + SLACK_US else 0


def _earlier(folder: Path, first: Line) -> bytes:
    """The first lines of the starts that were dropped before `first` began its own: from the newest checkpoint file that leads to it. (A
    newer one may be torn by a cut, or have been left when its files were dropped in part.)
    """
    if first.entry.prev == ZERO_HASH:
        return b""
    for first_kept in reversed(checkpoints(folder)):
        try:
            found = read_checkpoint(folder, first_kept, below=first.entry.start, registered=None)
        except DataError:
            continue
        if found.next_key.raw.hex() == first.entry.detail["public_key"]:
            return found.raw
    raise DataError(f"{file_name(first.entry.start)}: no checkpoint leads to it")


def _write(path: Path, raw: bytes) -> None:
    """Durably. A file of that name was left by a cut: it is the same, or torn and stated by nobody."""
    try:
        with Folder.open(path.parent, below=path.parent.parent) as folder:
            there = folder.look(path.name)
            if there is not None and there.is_file and there.size == len(raw) and folder.read(path.name, len(raw)) == raw:
                durable.settle(path)
                durable.sync_folder(path.parent)
                return
            if there is not None:
                folder.remove(path.name)
        durable.create(path, raw)
    except OSError as error:
        raise StorageError(f"{path}: cannot write the checkpoint: {error.strerror}") from error


def _remove(folder: Path, dropped: list[int], first_kept: int) -> None:
    try:
        for start in dropped:
            os.unlink(folder / file_name(start))
        for earlier in checkpoints(folder):
            if earlier < first_kept:
                os.unlink(folder / checkpoint_name(earlier))
        durable.sync_folder(folder)
    except OSError as error:
        raise StorageError(f"{folder}: cannot drop old ledger files: {error.strerror}") from error
