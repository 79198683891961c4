"""What can be told of capture to a person: the values behind `bodycamd status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from bodycamd.footage import SoundLevel, ViewFacts

if TYPE_CHECKING:
    from bodycamd.camera.capture.worker_process import Child

State = Literal["starting", "standby", "opening", "flowing", "closing", "replacing", "retrying", "refused", "stopped"]
"""`starting`: no worker is prepared yet. `standby`: prepared, camera closed. `replacing`: the worker is being killed.
`retrying`: footage is wanted, but there is no worker yet that could be opened. `refused`: the settings cannot work on this machine."""


class WorkerStatus(Struct, frozen=True):
    """What a person may want to know of capture; `pid` is the open worker's, else the spare's."""

    state: State
    pid: int | None
    generation: int
    prepared: bool
    """A worker is prepared or open."""
    spare: bool
    """A worker is prepared beside the one that is open, or waits to be opened."""
    sandbox: str
    unlocked: str | None
    """Why a worker's memory is not locked against swap; `None` if it is, or while no worker is prepared."""
    versions: Mapping[str, str]
    last_frame_us: int | None
    frames: int
    dropped: int
    restarts: int
    """Workers that ended without being asked."""
    unkillable: int
    refused: str | None
    last_failure: str | None
    microphone: str = ""
    """The device that gives the sound, as it was opened; empty: none now."""
    level: SoundLevel | None = None
    """Of a block of the last second."""
    view: ViewFacts | None = None
    """What the open camera, or the last one, is set to and sees; `None` before the first, and of a source that is no camera."""


def state_of(current: Child | None, spare: Child | None, *, running: bool, wanted: bool, refused: bool) -> State:
    """What capture is at: `current` is the worker that is open, `spare` the next."""
    if not running:
        return "stopped"
    if current is not None:
        if current.closing:
            return "closing"
        if current.phase != "open":
            return "replacing"
        return "flowing" if current.flowing else "opening"
    if refused:
        return "refused"
    if wanted:
        return "retrying"
    return "standby" if spare is not None and spare.phase == "prepared" else "starting"
