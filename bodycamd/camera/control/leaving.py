"""The end of the daemon: everything is closed and sealed first, within a bounded time."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import rest_capture
from bodycamd.camera.control.ending import stop
from bodycamd.camera.control.events import Action, Exit, note
from bodycamd.camera.control.refusal import refuse, show_refusal
from bodycamd.camera.control.state import LEAVE_US, SIGN_US, LeaveReason, Leaving, State, Step
from bodycamd.camera.control.warning import abandon


def leave(state: State, now_us: int, reason: LeaveReason) -> Step:
    """Close, seal, say so, end. A second reason only adds its power-off."""
    power_off = reason == "battery_critical"
    if state.leaving is not None:
        return replace(state, leaving=replace(state.leaving, power_off=state.leaving.power_off or power_off)), []
    actions: list[Action] = [note("leaving", reason=reason, power_off=power_off)]
    leaving = Leaving(reason, power_off, not_before_us=now_us + SIGN_US if power_off else now_us, give_up_us=now_us + LEAVE_US)
    recording = state.recording
    if reason == "worker_stuck" and recording is not None:
        leaving = replace(leaving, resumes=recording.number)
    state = replace(state, leaving=leaving)
    if recording is not None:
        if recording.awaits_footage(now_us):
            state, more = stop(state, recording, now_us, now_us, "shutdown" if reason == "worker_stuck" else reason)
            actions += more
        return state, actions
    if state.name == "warning":
        state, more = abandon(state, now_us, reason)
    elif state.latched_us is not None:
        state, more = refuse(state, now_us, reason, state.latched_us)
    elif power_off:
        state, more = show_refusal(state, now_us, reason)
    else:
        more = []
    actions += more
    state, more = rest_capture(replace(state, name="closing"))
    return state, actions + more


def exit_due_us(state: State, leaving: Leaving) -> int:
    """When the daemon ends: nothing open and the sign shown, or the wait for the seal over."""
    return leaving.give_up_us if state.recording is not None else leaving.not_before_us


def depart(state: State, leaving: Leaving) -> Step:
    """The last actions of all. The capture has been closed since `leave`."""
    actions: list[Action] = []
    if state.recording is not None:
        actions.append(note("left_unsealed", recording=state.recording.number))
    reboot = leaving.reason == "worker_stuck" and not leaving.power_off
    return replace(state, name="ended", recording=None), [*actions, Exit(leaving.power_off, reboot, leaving.resumes if reboot else None)]
