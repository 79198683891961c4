"""What a person or systemd asks the installer for, and one line of answer each."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodycamd.camera.installation import change, decision
from bodycamd.camera.installation.installed import read_changes
from bodycamd.camera.installation.linux_system import (
    COMMAND,
    COMPLETION,
    CONFIGURATION,
    POLKIT,
    UNITS,
    WATCHDOG,
    LinuxSystem,
    alone,
    runs_systemd,
)
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.camera.installation.versions import CURRENT, Versions, remove_tree
from bodycamd.errors import NotFoundError, PermissionDeniedError, StoreBusyError
from bodycamd.linux import durable

log = logging.getLogger(__name__)

FOLDER = Path("/opt/bodycamd")
RELEASE_KEYS = CONFIGURATION / "release.pem"
STATE = Path("/var/lib/bodycamd")
COPIES = Path("/var/lib/bodycamd-update")
"""Root's own: the copy of a bundle that the uplink fetched, while an update is at work with it, and else empty."""


@contextmanager
def at_work() -> Iterator[None]:
    """Nobody else changes the versions meanwhile. What an update that was cut off left of a copy goes first. Raises
    `PermissionDeniedError` where this is not root, `StoreBusyError` while somebody else is at work."""
    with alone(FOLDER):
        try:
            for left in COPIES.iterdir() if COPIES.is_dir() else ():
                left.unlink()
        except OSError as error:
            log.warning("%s: what an earlier update left stays: %s", COPIES, error.strerror)
        yield


def check_rests(*, docked: bool) -> None:
    """Raises `StoreBusyError` unless the camera is docked and in standby, or no recorder runs."""
    refused = decision.refusal_now(LinuxSystem(FOLDER).camera(), docked)
    if refused is not None:
        raise refused


def install(bundle: Path, release_key: Path | None, *, docked: bool) -> str:
    """Install or update. `release_key` is what the first installation brings along; later the camera's own file counts, and no other."""
    with at_work():
        return install_at_work(bundle, release_key, docked=docked)


def install_at_work(bundle: Path, release_key: Path | None, *, docked: bool, named: str = "") -> str:
    """`install`, for who is `at_work` already; with `named` only the bundle of this name."""
    if release_key is not None and RELEASE_KEYS.exists() and read_release_keys(release_key) != read_release_keys(RELEASE_KEYS):
        raise PermissionDeniedError(
            f"{release_key}: other release keys than {RELEASE_KEYS} has: root changes that file, and nothing else does"
        )
    known = RELEASE_KEYS if RELEASE_KEYS.exists() or release_key is None else release_key
    keys = read_release_keys(known)
    came = change.update(Versions(FOLDER), LinuxSystem(FOLDER), bundle, keys, docked=docked, named=named)
    if known != RELEASE_KEYS:
        durable.replace(RELEASE_KEYS, b"".join(key.pem for key in keys))
    if came is None:
        return f"{bundle}: in use already, nothing was changed"
    missing = "" if (CONFIGURATION / "recipients.txt").exists() else f"; still missing: {CONFIGURATION}/recipients.txt"
    return f"bodycamd {came.version} is in use, bundle {came.bundle}{missing}"


def led_back(bundle: str) -> int:
    """The number of the newest change of this card, where that led back from the bundle of this name; else 0."""
    changes = read_changes(FOLDER)
    return changes[-1].number if changes and changes[-1].outcome == "rolled_back" and changes[-1].left_bundle == bundle else 0


def rollback(*, docked: bool) -> str:
    """Back to the version before."""
    with at_work():
        came = change.rollback(Versions(FOLDER), LinuxSystem(FOLDER), docked=docked)
        return f"bodycamd {came.version} is in use again, bundle {came.bundle}"


def settle_at_boot() -> str:
    """Lead an interrupted change back, before the recorder starts."""
    with alone(FOLDER):
        trial = change.settle(Versions(FOLDER), None)
        if trial is None:
            return "no change was under way"
        if runs_systemd():  # the units were read as links into the version that is left
            subprocess.run(["systemctl", "daemon-reload"], check=False, timeout=60)
        return f"the change to {trial.to} was not confirmed: {Versions(FOLDER).named(CURRENT) or 'nothing'} is in use"


def remove(*, footage: bool) -> str:
    """Take the software off. Recordings, ledger, keys and configuration stay, unless `footage` says that the first three go too."""
    with at_work():
        system = LinuxSystem(FOLDER)
        camera = system.camera()
        if camera.state not in (None, "standby"):
            raise StoreBusyError(f"the camera is not in standby ({camera.state}): nothing was removed")
        current = Versions(FOLDER).named(CURRENT)
        if not current:
            raise NotFoundError(f"{FOLDER}: nothing is installed here")
        if footage and (STATE / "store").exists():
            _check_nothing_is_held(FOLDER / current)
        system.stop()
        units = [unit.name for unit in UNITS.glob("bodycamd*") if unit.is_symlink()]
        if units:
            subprocess.run(["systemctl", "disable", "--quiet", *units], check=False, timeout=60)
        for link in (*(UNITS / unit for unit in units), WATCHDOG, POLKIT, COMMAND, COMPLETION):
            link.unlink(missing_ok=True)
        if footage and STATE.exists():
            for key in STATE.glob("*/[0-9]*.key"):
                durable.erase(key)
            remove_tree(STATE)
        remove_tree(FOLDER)
        kept = "recordings and keys are gone" if footage else f"recordings, ledger and keys stay in {STATE}"
        return f"removed; {kept}, {CONFIGURATION} stays"


def _check_nothing_is_held(folder: Path) -> None:
    """By the version's own reader of the ledger. Raises `PermissionDeniedError` where anything is held, or that cannot be known."""
    command = [str(folder / "bin/bodycamd"), "recordings", "list", "--store", str(STATE / "store"), "--json"]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=600)
    try:
        held = [recording["recording"] for recording in json.loads(ended.stdout) if recording["held_for"]]
    except (ValueError, TypeError, KeyError):
        held = None
    if ended.returncode or ended.stderr.strip() or held is None:
        raise PermissionDeniedError(f"whether anything in {STATE}/store is held cannot be told: bodycamd verify; nothing was removed")
    if held:
        raise PermissionDeniedError(f"{len(held)} recordings are held ({held[0]}, …): bodycamd hold list; nothing was removed")
