"""The versions on a card, and which is in use. Every step is durable before the next: a cut at any moment leaves a camera that starts.

/opt/bodycamd/0.2.0/        a version: a virtual environment at its final path, `bundle.json` written last
/opt/bodycamd/current       a link to the version in use: the one thing that an update changes, by one rename
/opt/bodycamd/previous      a link to the version before it
/opt/bodycamd/trial.json    there is a change under way that nobody has confirmed yet
/opt/bodycamd/changes.jsonl what was changed, for the ledger
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import asdict
from pathlib import Path

from bodycamd.camera.installation.decision import Trial, superfluous
from bodycamd.camera.installation.installed import (
    CHANGES_FILE,
    MANIFEST_FILE,
    MAX_TEXT,
    TRIAL_FILE,
    Change,
    Installed,
    Outcome,
    encode_changes,
    installed_in,
    read_changes,
)
from bodycamd.errors import StorageError
from bodycamd.linux import durable

CURRENT, PREVIOUS = "current", "previous"
_FOLDER = re.compile(r"[0-9a-z][0-9a-z.]{0,40}")
_OTHERS = {CURRENT, PREVIOUS, TRIAL_FILE, CHANGES_FILE}


class Versions:
    """The folder of versions. One process at a time: the installer's lock is held around every change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def named(self, link: str) -> str:
        """The folder's name that a link leads to; empty where there is no such link, or it leads elsewhere."""
        try:
            target = os.readlink(self.folder / link)
        except OSError:
            return ""
        return target if _is_folder_name(target) else ""

    def installed(self, link: str = CURRENT) -> Installed | None:
        """The bundle's version that a link leads to; `None` for a development checkout too."""
        name = self.named(link)
        return installed_in(self.folder / name) if name else None

    def trial(self) -> Trial | None:
        """The change under way. One whose file is damaged, or that came from what is not there any more, leads nowhere."""
        try:
            found = json.loads((self.folder / TRIAL_FILE).read_bytes())
            trial = Trial(**found)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, RecursionError):
            return Trial("", "")
        came_from, to = (name if isinstance(name, str) and _is_folder_name(name) else "" for name in (trial.came_from, trial.to))
        return Trial(came_from if (self.folder / came_from).is_dir() else "", to)

    def begin(self, trial: Trial) -> None:
        """Note what is about to be changed."""
        durable.make_folder(self.folder, 0o755)
        durable.replace(self.folder / TRIAL_FILE, json.dumps(asdict(trial), sort_keys=True).encode())

    def complete(self, name: str, manifest: bytes, signature: bytes) -> None:
        """Make durable what other programs wrote into a version's folder, and mark it as whole."""
        place = self.folder / name
        durable.settle_tree(place)
        durable.sync_folder(self.folder)
        durable.replace(place / "bundle.sig", signature)
        durable.replace(place / MANIFEST_FILE, manifest)

    def discard(self, name: str) -> None:
        """Remove a version that is not in use: its mark first, so that what a cut leaves of it is no version."""
        if not _is_folder_name(name) or name == self.named(CURRENT):
            return
        place = self.folder / name
        (place / MANIFEST_FILE).unlink(missing_ok=True)
        if place.is_dir():
            durable.sync_folder(place)
            remove_tree(place)
            durable.sync_folder(self.folder)

    def use(self, name: str) -> None:
        """Have `current` lead to this version, by one rename."""
        durable.point(self.folder / CURRENT, name)

    def record(self, outcome: Outcome, name: str, left: str, reason: str = "", configuration: str = "") -> None:
        """Add a change, for the ledger. What is no bundle's version, a development checkout, is not recorded as what came."""
        came, went = installed_in(self.folder / name), installed_in(self.folder / left) if left else None
        before = read_changes(self.folder)
        number = before[-1].number + 1 if before else 1
        change = Change(
            number,
            outcome,
            came.version if came else name,
            came.bundle if came else "",
            went.version if went else left,
            went.bundle if went else "",
            reason,
            configuration[:MAX_TEXT],
        )
        if before and before[-1]._replace(number=number) == change:
            return  # a cut came after it was recorded
        durable.replace(self.folder / CHANGES_FILE, encode_changes((*before, change)))

    def last_came(self) -> str:
        """The version that came into use by the newest change of the record; empty where there is none."""
        changes = read_changes(self.folder)
        return changes[-1].version if changes else ""

    def confirm(self, trial: Trial) -> None:
        """The change is over: the version before is kept, older ones go."""
        if trial.came_from and trial.came_from != trial.to:
            durable.point(self.folder / PREVIOUS, trial.came_from)
        self.end_trial()
        for name in superfluous(self._folders(), self.named(CURRENT), self.named(PREVIOUS)):
            self.discard(name)

    def end_trial(self) -> None:
        """Nothing is under way any more."""
        (self.folder / TRIAL_FILE).unlink(missing_ok=True)
        durable.sync_folder(self.folder)

    def _folders(self) -> frozenset[str]:
        return frozenset(
            entry.name for entry in os.scandir(self.folder) if entry.is_dir(follow_symlinks=False) and _is_folder_name(entry.name)
        )


def remove_tree(folder: Path) -> None:
    """Remove a folder with everything in it; links are removed, not followed. Raises `StorageError`."""
    try:
        for entry in sorted(folder.iterdir()):
            if stat.S_ISDIR(entry.lstat().st_mode):
                remove_tree(entry)
            else:
                entry.unlink()
        folder.rmdir()
    except OSError as error:
        raise StorageError(f"{error.filename or folder}: cannot be removed: {error.strerror}") from error


def _is_folder_name(name: str) -> bool:
    return _FOLDER.fullmatch(name) is not None and name not in _OTHERS and ".." not in name
