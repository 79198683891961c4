"""What runs here, and what changed it: read by the recorder when it starts, written by the installer.

A version is a folder with a virtual environment and the bundle's `bundle.json` in it, which is written last. Beside the versions lies
`changes.jsonl`: one line for each change, the newest last. Both are root's; the recorder reads them and states them in the ledger.
"""

import functools
import json
import re
import sys
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from bodycamd.camera.installation.manifest import MAX_MANIFEST_BYTES, bundle_sha256, decode
from bodycamd.errors import DataError

MANIFEST_FILE = "bundle.json"
CHANGES_FILE = "changes.jsonl"
TRIAL_FILE = "trial.json"
MAX_CHANGES = 50
"""Older lines go: each has long been stated in the ledger."""
MAX_LINE_BYTES = 2048
Outcome = Literal["installed", "updated", "rolled_back"]
MAX_TEXT = 200
_TEXT = rf"[\x20-\x7e]{{0,{MAX_TEXT}}}"
_SHA256 = "([0-9a-f]{64})?"


class Installed(NamedTuple):
    """A version that is here, and the name of its bundle."""

    version: str
    bundle: str


class Change(NamedTuple):
    """Another version came into use. `number` counts from 1; `left_*` is empty where there was none; `reason` says why it was
    rolled back; `configuration` has the keys that it reads otherwise than they are written in the camera's file, empty where none.
    """

    number: int
    outcome: Outcome
    version: str
    bundle: str
    left_version: str
    left_bundle: str
    reason: str
    configuration: str = ""


@functools.cache
def running() -> Installed | None:
    """The bundle that this process runs from; `None` for a development checkout. A manifest that is damaged counts as none."""
    return installed_in(Path(sys.prefix))


def recorded_changes() -> tuple[Change, ...]:
    """The changes on this card, oldest first; none for a development checkout."""
    return read_changes(Path(sys.prefix).resolve().parent) if running() is not None else ()


def trial_under_way() -> bool:
    """Whether a change is under way that nobody has confirmed; not so for a development checkout."""
    return running() is not None and (Path(sys.prefix).resolve().parent / TRIAL_FILE).exists()


def installed_in(folder: Path) -> Installed | None:
    """The version in a folder; `None` where there is none, or it was not completed."""
    try:
        with (folder / MANIFEST_FILE).open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
        return Installed(decode(raw).version, bundle_sha256(raw))
    except (OSError, DataError):
        return None


def read_changes(folder: Path) -> tuple[Change, ...]:
    """The changes in `FOLDER/changes.jsonl`, oldest first. A line that the installer does not write is passed over."""
    try:
        with (folder / CHANGES_FILE).open("rb") as file:
            lines = file.read(MAX_CHANGES * MAX_LINE_BYTES).split(b"\n")
    except OSError:
        return ()
    return tuple(change for line in lines if (change := _change(line)) is not None)


def encode_changes(changes: tuple[Change, ...]) -> bytes:
    """The file's content: the newest of these."""
    return b"".join(json.dumps(_as_written(change), sort_keys=True).encode() + b"\n" for change in changes[-MAX_CHANGES:])


def _as_written(change: Change) -> dict[str, str | int]:
    """As versions that know nothing of `configuration` write and read it, where it says nothing."""
    fields = change._asdict()
    return fields if change.configuration else {name: value for name, value in fields.items() if name != "configuration"}


def _change(line: bytes) -> Change | None:
    try:
        found = Change(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (found.version, found.left_version, found.reason, found.configuration)
    fits = (
        isinstance(found.number, int)
        and 0 < found.number < 2**53
        and found.outcome in get_args(Outcome)
        and all(isinstance(text, str) and re.fullmatch(_TEXT, text) for text in texts)
        and all(isinstance(name, str) and re.fullmatch(_SHA256, name) for name in (found.bundle, found.left_bundle))
    )
    return found if fits else None
