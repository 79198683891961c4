"""A deletion certificate: the camera's own signed ledger lines that lead from the registered key to the entry `deleted`.

It holds the first line of every start up to that of the deletion (each signed with the key that the one before named), and, of the starts
that speak of the recording, every change of key and every line about the recording. `docs/verify-certificate.sh` checks it with openssl and
jq and nothing of ours.

Shown: this camera, by the registered key, stated that it deleted the recording, when, and why it might. Not shown, because no paper can:
that no copy was made before.
"""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodycamd.casework.sentences import in_words
from bodycamd.errors import DataError, NotFoundError, OutputError, StorageError, UsageError
from bodycamd.evidence.checkpoint import checkpoints, read_checkpoint
from bodycamd.evidence.ledger_reader import KeyInForce, file_name, lines, starts
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


def certify(store: Path, recording: str) -> Certificate:
    """The certificate of a deleted recording.

    Raises `UsageError` for what is no id, `NotFoundError` where the ledger (any more) says nothing of it or it is not deleted, `DataError`
    where the lines do not lead to it, `StorageError`.
    """
    first = recording_start(recording)
    if first is None:
        raise UsageError(f"{recording!r} is not the id of a recording; one looks like 000042-0001")
    folder = store / LEDGER_FOLDER
    present = starts(folder)
    try:
        told = {start: past_entries(folder, start) for start in present if start >= first}
    except OSError as error:
        raise StorageError(f"{folder}: cannot read the ledger: {error.strerror}") from error
    about = [entry for entries in told.values() for entry in entries if entry.text("recording") == recording]
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
            chosen, device = _chosen(folder, start, recording if start in speaking else None)
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
    )


def _dated(entry: PastEntry) -> str:
    return f"{entry.wall.partition('.')[0]}Z {in_words(entry)}"


def _dropped(folder: Path, present: list[int]) -> list[str]:
    """The first lines of the starts whose files are dropped."""
    found = checkpoints(folder)
    if not found or not present or found[-1] < present[0]:
        return []
    return read_checkpoint(folder, found[-1], below=present[0], registered=None).raw.decode("ascii").splitlines()


def _chosen(folder: Path, start: int, recording: str | None) -> tuple[list[str], str]:
    """The first line of a start, and where it speaks of the recording the others that matter; a torn end is left out."""
    path = folder / file_name(start)
    chosen: list[str] = []
    device = ""
    in_force = KeyInForce(start)
    try:
        with path.open("rb") as file:
            raw = file.read()
            file.seek(0)
            begun = 0
            for line in lines(file, path.name):
                in_force.accept(line)
                device = line.entry.device
                kind = line.entry.type
                about = recording is not None and (kind == "key_changed" or line.entry.detail.get("recording") == recording)
                if kind == "start" or about:
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


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet. Raises `OutputError`."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), "wb") as file:
            file.write(content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be created: {error.strerror}") from error


def page(certificate: Certificate) -> str:
    """The certificate as a page to read and print."""
    rows: list[tuple[str, Any]] = [
        ("Recording", certificate.recording),
        ("Camera", certificate.device),
        ("Length", f"{certificate.recorded_minutes} minutes"),
        ("Kept for", f"{certificate.days} days, as shown by the {certificate.proof}" if certificate.days else "not stated"),
        ("Deleted", certificate.deleted.partition(".")[0].replace("T", " ") + " UTC"),
    ]
    facts = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows)
    said = "".join(
        f'<tr><td class="when">{html.escape(s[:20].replace("T", " ").rstrip("Z"))}</td><td>{html.escape(s[21:])}</td></tr>'
        for s in certificate.statements
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Deletion certificate {html.escape(certificate.recording)}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 46em; margin: 3em auto; padding: 0 1.5em; color: #1a1a1a; }}
h1 {{ font-size: 1.7em; margin: 0 0 .2em; }} h2 {{ font-size: 1.1em; margin: 2em 0 .5em; }}
table {{ border-collapse: collapse; width: 100%; }} th, td {{ text-align: left; vertical-align: top; padding: .35em .8em .35em 0;
border-bottom: 1px solid #ddd; }} th {{ width: 9em; font-weight: 600; }} .when {{ width: 11em; white-space: nowrap; color: #555; }}
code {{ font-size: .9em; }} .note {{ color: #555; }}
</style></head><body>
<h1>Deletion certificate</h1>
<p class="note">Made from the signed ledger of the camera. This page is for reading; the JSON file beside it is what can be verified.</p>
<table>{facts}</table>
<h2>What the camera signed about this recording (UTC)</h2>
<table>{said}</table>
<h2>How to verify it</h2>
<p>With openssl and jq, the JSON file and the camera's registered public key: <code>docs/verify-certificate.sh CERTIFICATE.json
device.pem</code>. The {len(certificate.lines)} signed lines lead from the registered key to the entry that states the deletion.</p>
<p class="note">It shows that this camera stated the deletion, when, and why it was due. No paper can show that there was no copy.</p>
</body></html>
"""
