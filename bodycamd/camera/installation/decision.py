"""Whether a camera may take a bundle, and what an interrupted update leaves to do: pure, from values to values."""

from __future__ import annotations

from dataclasses import dataclass

from bodycamd.camera.installation.installed import Installed
from bodycamd.camera.installation.manifest import Manifest, release_number
from bodycamd.errors import BodycamError, DataError, PermissionDeniedError, StorageError, StoreBusyError

ROOM_FACTOR = 5
"""A version takes so many times the bytes of its files while it is installed: 51.6 MB, their 141 MB unpacked and compiled modules: 4.1."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a bundle must fit: `machine` as `uname -m`, `python` as Debian's (`3.13`), free bytes where versions lie."""

    machine: str
    python: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Camera:
    """What the recorder says of itself. `state` is `None` where no recorder answers, `charging` where no gauge tells."""

    state: str | None
    charging: bool | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A change under way: from this folder (empty where nothing was installed) to that one. It is over when its file is gone."""

    came_from: str
    to: str


def objection(current: Installed | None, candidate: Manifest, name: str, machine: Machine) -> BodycamError | None:
    """Why this camera does not take the bundle of this name, which a release key signed; `None` where it does."""
    wanted, has = (candidate.machine, candidate.python), (machine.machine, machine.python)
    if wanted != has:
        return DataError(f"the bundle is for {wanted[0]} and Python {wanted[1]}, and this is {has[0]} with Python {has[1]}")
    if current is not None and current.bundle != name and release_number(candidate.version) <= release_number(current.version):
        what = "the same version with other content" if candidate.version == current.version else "an older version"
        back = "`bodycamd bundle rollback` leads back to the version before"
        return PermissionDeniedError(f"the bundle has {candidate.version}, {what}, and {current.version} runs here: {back}")
    needed = ROOM_FACTOR * sum(member.size for member in candidate.files)
    if machine.free_bytes < needed:
        return StorageError(f"{needed >> 20} MiB are needed for a new version, and {machine.free_bytes >> 20} are free: make room first")
    return None


def refusal_now(camera: Camera, docked: bool) -> BodycamError | None:
    """Why nothing may be changed at this moment; `None` where it may. `docked`: the technician says that it is on its supply."""
    if camera.state is None:
        return None
    if camera.state != "standby":
        return StoreBusyError(f"the camera is not in standby ({camera.state}): nothing was changed; try again when it is")
    if not docked and camera.charging is not True:
        found = "it runs on its battery" if camera.charging is False else "no gauge says that it is on its supply"
        return StoreBusyError(f"the camera must be docked, and {found}: dock it, and say so with --docked where no gauge can")
    return None


def must_lead_back(trial: Trial, used: bool, last_came: str) -> bool:
    """Whether an interrupted change must be undone. `used`: the new version is in use; `last_came`: what the record says came last."""
    return bool(trial.came_from) and trial.came_from != trial.to and (used or last_came == trial.to)


def superfluous(folders: frozenset[str], current: str, previous: str) -> frozenset[str]:
    """The versions that are kept no longer: all but the one in use and the one before it."""
    return folders - {current, previous}
