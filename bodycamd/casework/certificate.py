"""A deletion certificate: the camera's own signed ledger lines that lead from the registered key to the entry `deleted`.

It holds the first line of every start up to that of the deletion (each signed with the key that the one before named), and, of the starts
that speak of the recording, every change of key and every line about the recording. `docs/verify-certificate.sh` checks it with openssl and
jq and nothing of ours.

Shown: this camera, by the registered key, stated that it deleted the recording, when, and why it might. Not shown, because no paper can:
that no copy was made before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bodycamd.casework.past import check_ledger
from bodycamd.casework.sentences import in_words
from bodycamd.errors import DataError, NotFoundError, OutputError, StorageError, UsageError
from bodycamd.evidence.checkpoint import checkpoints, read_checkpoint
from bodycamd.evidence.ledger_reader import KeyInForce, file_name, lines, open_ledger_file, starts
from bodycamd.evidence.retention_entries import HOLD_ENTRIES
from bodycamd.recorder.history import PastEntry, past_entries
from bodycamd.recorder.names import LEDGER_FOLDER, recording_start

FORMAT = "bodycam-deletion-certificate/1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """`lines` are whole ledger lines as they stand; everything else repeats what they say."""

    format: str
    recording: str
    device: str
    deleted: str
    days: int
    proof: str
    recorded_minutes: float
    statements: list[str]
    lines: list[str]
    holds: bool = False
    """Whether lines and statements tell of holds, with their case numbers."""


def certify(store: Path, recording: str, *, with_holds: bool = False) -> Certificate:
    """The certificate of a deleted recording; it tells of holds only `with_holds`.

    Raises `UsageError` for what is no id, `NotFoundError` where the ledger (any more) says nothing of it or it is not deleted, `DataError`
    where the lines do not lead to it, `StorageError`.
    """
    first = recording_start(recording)
    if first is None:
        raise UsageError(f"{recording!r} is not the id of a recording; one looks like 000042-0001")
    folder = store / LEDGER_FOLDER
    check_ledger(store)
    present = starts(folder)
    try:
        told = {start: past_entries(folder, start) for start in present if start >= first}
    except OSError as error:
        raise StorageError(f"{folder}: cannot read the ledger: {error.strerror}") from error
    about = [entry for entries in told.values() for entry in entries if entry.text("recording") == recording]
    left_out = frozenset[str]() if with_holds else HOLD_ENTRIES
    about = [entry for entry in about if entry.type not in left_out]
    if not about:
        raise NotFoundError(f"{recording}: the ledger does not speak of it, or no longer")
    deleted = next((entry for entry in about if entry.type == "deleted"), None)
    if deleted is None:
        raise NotFoundError(f"{recording}: it is not deleted")
    speaking = {entry.start for entry in about}
    found: list[str] = _dropped(folder, present)
    device = ""
    for start in present:
        if start <= deleted.start:
            chosen, device = _chosen(folder, start, recording if start in speaking else None, left_out)
            found += chosen
    deleting = next((entry for entry in about if entry.type == "deleting"), deleted)
    closed = next((entry for entry in about if entry.type == "recording_closed"), None)
    return Certificate(
        format=FORMAT,
        recording=recording,
        device=device,
        deleted=deleted.wall,
        days=deleting.number("days"),
        proof=deleting.text("proof").replace("_", " "),
        recorded_minutes=round(closed.number("duration_us") / 60e6, 2) if closed is not None else 0.0,
        statements=[_dated(entry) for entry in about],
        lines=found,
        holds=with_holds,
    )


def _dated(entry: PastEntry) -> str:
    return f"{entry.wall.partition('.')[0]}Z {in_words(entry)}"


def _dropped(folder: Path, present: list[int]) -> list[str]:
    """The first lines of the starts whose files are dropped."""
    found = checkpoints(folder)
    if not found or not present or found[-1] < present[0]:
        return []
    return read_checkpoint(folder, found[-1], below=present[0], registered=None).raw.decode("ascii").splitlines()


def _chosen(folder: Path, start: int, recording: str | None, left_out: frozenset[str]) -> tuple[list[str], str]:
    """The first line of a start, and where it speaks of the recording the others that matter; a torn end is left out."""
    path = folder / file_name(start)
    chosen: list[str] = []
    device = ""
    in_force = KeyInForce(start)
    try:
        with open_ledger_file(folder, path.name) as file:
            raw = file.read()
            file.seek(0)
            begun = 0
            for line in lines(file, path.name):
                in_force.accept(line)
                device = line.entry.device
                kind = line.entry.type
                about = recording is not None and (kind == "key_changed" or line.entry.detail.get("recording") == recording)
                if kind == "start" or (about and kind not in left_out):
                    chosen.append(raw[begun : line.end - 1].decode("ascii"))
                begun = line.end
                if recording is None:
                    break
    except OSError as error:
        raise StorageError(f"{path}: cannot read the ledger: {error.strerror}") from error
    except (DataError, UnicodeDecodeError) as error:
        if not chosen:
            return [], device
        if b"\n" in raw[begun:-1]:  # more than a cut leaves
            raise DataError(f"{path.name}: damaged; run `bodycamd verify`: {error}") from error
    return chosen, device


def write_new(files: Mapping[Path, bytes]) -> None:
    """Write files that do not exist yet: all of them, or none where one cannot be created. Raises `OutputError`."""
    made: list[Path] = []
    try:
        for path, content in files.items():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), "wb") as file:
                made.append(path)
                file.write(content)
    except OSError as error:
        for done in made:
            done.unlink()
        raise OutputError(f"{path}: cannot be created: {error.strerror}") from error
