"""A capture worker that the kernel does not end: counted, replaced, shown; and where no footage comes for a minute, a reboot.

Nothing else frees a camera whose driver hangs. What records is not disturbed: with footage on the disk the reboot waits, and so it does
with a warning, an end or a press under way. The recording is closed and sealed first, and continues afterwards (`resume`).
"""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.events import WorkerFreed, WorkerStuck, note
from bodycamd.camera.control.state import REBOOT_US, STUCK_US, State, Step


def worker_stuck(state: State, event: WorkerStuck, now_us: int) -> Step:
    """Stated once, until the last one has ended."""
    if state.worker_stuck:
        return state, []
    at_us = min(event.at_us, now_us)
    return replace(state, worker_stuck=True, stuck_us=at_us), [note("worker_stuck", at_us=at_us)]


def worker_freed(state: State, event: WorkerFreed, now_us: int) -> Step:
    """The driver let go."""
    if not state.worker_stuck:
        return state, []
    return replace(state, worker_stuck=False), [note("worker_freed", at_us=now_us)]


def reboot_due_us(state: State) -> int | None:
    """When a reboot is asked for, if nothing changes."""
    if not state.worker_stuck or state.leaving is not None or state.down_us is not None:
        return None
    since_us = state.stuck_us
    if state.name == "recording" and state.recording is not None:
        durable_us = state.recording.durable_us
        since_us = max(since_us, state.recording.began_us if durable_us is None else durable_us)
    elif state.name != "standby" or state.flowing:
        return None
    return max(since_us + STUCK_US, REBOOT_US)
