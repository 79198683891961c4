"""Installing, updating, rolling back, removing: the order of the steps. What each step does to the machine is behind `System`.

An update never touches the version that runs. The new one is made beside it, checked there, and comes into use by one rename, in standby,
while no recorder runs; where its recorder does not become ready the old one comes back. A cut at any step leaves the old version in use, or
the new one, whole; and what nobody confirmed is led back at the next boot, before the recorder starts.

The camera's configuration is rewritten last, once the new version is in use for good: a newer version reads an older file as it stands, an
older version no newer one. So a file that is newer than the version in use is there at no time, whenever the power goes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bodycamd.camera.installation import decision
from bodycamd.camera.installation.archive import VerifiedBundle, unpack, verify
from bodycamd.camera.installation.decision import Camera, Machine, Trial
from bodycamd.camera.installation.installed import Installed, Outcome, installed_in
from bodycamd.camera.installation.release_key import ReleaseKey
from bodycamd.camera.installation.versions import CURRENT, PREVIOUS, Versions, remove_tree
from bodycamd.errors import BodycamError, ConfigError, NotFoundError, UnavailableError


class System(Protocol):
    """The machine around the versions."""

    def machine(self) -> Machine:
        """What a bundle must fit."""

    def camera(self) -> Camera:
        """What the recorder says now."""

    def install_debian(self, packages: list[Path]) -> None:
        """Install those of these Debian packages that are missing, from their files alone. Raises `DataError` where they do not fit what is
        installed, with nothing changed; `UnavailableError`."""

    def check_configuration(self, wheels: Path) -> None:
        """Raises `ConfigError` with the key where the version in these wheels, not installed yet, refuses the configuration."""

    def make_environment(self, folder: Path, wheels: list[Path]) -> None:
        """Make a virtual environment in `folder` with these wheels, from their files alone. Raises `UnavailableError`."""

    def check_health(self, folder: Path) -> str:
        """The keys of the camera's configuration that this version reads otherwise than they are written; empty where none. Raises the
        `BodycamError` that says why it must not come into use: `ConfigError` names the key."""

    def migrate_configuration(self, folder: Path) -> None:
        """Have this version, which is in use and reads the file as it stands, bring it to its own form; what it was stays beside it. Raises
        `UnavailableError`."""

    def restore_configuration(self, folder: Path) -> bool:
        """Put back what it was before this version, which is in use, migrated it. False where it did not, or it was changed since."""

    def prepare(self, folder: Path) -> None:
        """What a camera needs once beside the versions: users, configuration, keys. What is there stays."""

    def stop(self) -> None:
        """End the recorder and what belongs to it; a recording is closed first."""

    def start(self) -> None:
        """Read the units of the version in use and start them."""

    def becomes_ready(self, bundle: str) -> bool:
        """Wait until the recorder of this bundle is ready; false where that takes too long, or it ended."""


def update(
    versions: Versions, system: System, path: Path, keys: tuple[ReleaseKey, ...], *, docked: bool = False, named: str = ""
) -> Installed | None:
    """Bring a bundle into use: the first one, or a newer one. Returns it; `None` where it is in use already and nothing was changed. With
    `named` only the bundle of this name.

    Raises, with the version in use untouched: what `verify` raises; `StoreBusyError` unless docked and in standby; `PermissionDeniedError`
    for an older version; `ConfigError` where the new version refuses the configuration, with the key; `UnavailableError` where it is not
    healthy, also once it was tried and led back.
    """
    settle(versions, system, docked=docked)
    bundle = verify(path, keys)
    if named and bundle.sha256 != named:
        raise UnavailableError(f"{path}: it is bundle {bundle.sha256} now, and {named} was meant: nothing was changed")
    current = versions.installed()
    if current is not None and current.bundle == bundle.sha256:
        return None
    _raise(decision.objection(current, bundle.manifest, bundle.sha256, system.machine()))
    _raise(decision.refusal_now(system.camera(), docked))
    trial = Trial(versions.named(CURRENT), bundle.manifest.version)
    versions.begin(trial)
    try:
        _make(versions, system, bundle)
        read_otherwise = _check(versions, system, trial.to, docked)
    except BaseException:
        if trial.to != versions.named(PREVIOUS):
            versions.discard(trial.to)
        versions.end_trial()
        raise
    _bring_into_use(versions, system, trial, configuration=read_otherwise)
    if read_otherwise:
        system.migrate_configuration(versions.folder / trial.to)
    return Installed(bundle.manifest.version, bundle.sha256)


def rollback(versions: Versions, system: System, *, docked: bool = False) -> Installed:
    """Bring the version before into use again, as a technician wants it. Raises as `update` does, `NotFoundError` where there is none."""
    settle(versions, system, docked=docked)
    trial = Trial(versions.named(CURRENT), versions.named(PREVIOUS))
    before = installed_in(versions.folder / trial.to) if trial.to else None
    if before is None or trial.to == trial.came_from:
        raise NotFoundError(f"{versions.folder}: there is no version before this one to go back to")
    _raise(decision.refusal_now(system.camera(), docked))
    versions.begin(trial)
    try:
        try:
            _check(versions, system, trial.to, docked)
        except ConfigError:
            if not system.restore_configuration(versions.folder / trial.came_from):
                raise
            _check(versions, system, trial.to, docked)
    except BaseException:
        versions.end_trial()
        raise
    _bring_into_use(versions, system, trial, asked=True)
    return before


def settle(versions: Versions, system: System | None, *, docked: bool = False) -> Trial | None:
    """Lead an unconfirmed change back; returns it, `None` where nothing was under way.

    At boot without `system`: the recorder does not run yet. Later a recorder of the unconfirmed version may run, and is asked first. A
    first installation that was interrupted stays as far as it came.
    """
    trial = versions.trial()
    if trial is None:
        return None
    used = versions.named(CURRENT) == trial.to
    if decision.must_lead_back(trial, used, versions.last_came()):
        if used and system is not None:
            _raise(decision.refusal_now(system.camera(), docked))
            system.stop()
        versions.record("rolled_back", trial.came_from, trial.to, "interrupted")
        versions.use(trial.came_from)
        if used and system is not None:
            system.start()
    if trial.to and trial.to not in (versions.named(CURRENT), versions.named(PREVIOUS)):
        versions.discard(trial.to)
    versions.end_trial()
    return trial


def _make(versions: Versions, system: System, bundle: VerifiedBundle) -> None:
    """The version's folder, whole and durable; one of this bundle that is there is used again."""
    name = bundle.manifest.version
    folder = versions.folder / name
    found = installed_in(folder)
    if found is not None and found.bundle == bundle.sha256:
        return
    versions.discard(name)
    unpacked = folder / "bundle"
    unpack(bundle, unpacked)
    system.check_configuration(unpacked / "wheels")
    if (debian := unpacked / "debian").is_dir():
        system.install_debian(sorted(debian.glob("*.deb")))
    system.make_environment(folder, sorted((unpacked / "wheels").glob("*.whl")))
    for used in (unpacked / "wheels", unpacked / "debian"):
        if used.is_dir():
            remove_tree(used)
    versions.complete(name, bundle.raw, bundle.signature)


def _check(versions: Versions, system: System, name: str, docked: bool) -> str:
    """The last look before the switch; the health check took its time, and somebody may have pressed the button meanwhile. Returns what
    `check_health` does."""
    system.prepare(versions.folder / name)
    read_otherwise = system.check_health(versions.folder / name)
    _raise(decision.refusal_now(system.camera(), docked))
    return read_otherwise


def _bring_into_use(versions: Versions, system: System, trial: Trial, *, asked: bool = False, configuration: str = "") -> None:
    """The switch, and the way back where the new version does not become ready."""
    system.stop()
    name = installed_in(versions.folder / trial.to)
    assert name is not None, "only a whole version gets here"
    try:
        if asked:
            versions.record("rolled_back", trial.to, trial.came_from, "asked")
        else:
            outcome: Outcome = "updated" if trial.came_from else "installed"
            versions.record(outcome, trial.to, trial.came_from, configuration=configuration)
        versions.use(trial.to)
        system.start()
        ready = system.becomes_ready(name.bundle)
    except BaseException:
        _lead_back(versions, system, trial, "interrupted")
        raise
    if not ready:
        led_back = _lead_back(versions, system, trial, "not_ready")
        what = f"{trial.came_from} is in use again" if led_back else "it stays, as there was none before it"
        raise UnavailableError(f"bodycamd {name.version} did not become ready, and {what}: journalctl -u bodycamd")
    versions.confirm(trial)


def _lead_back(versions: Versions, system: System, trial: Trial, reason: str) -> bool:
    if not trial.came_from:
        versions.end_trial()
        return False
    system.stop()
    versions.record("rolled_back", trial.came_from, trial.to, reason)
    versions.use(trial.came_from)
    system.start()
    if trial.to != versions.named(PREVIOUS):
        versions.discard(trial.to)
    versions.end_trial()
    return True


def _raise(error: BodycamError | None) -> None:
    if error is not None:
        raise error
