"""The end of the start: resume, honour a latched press, or stand by."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import rest_capture
from bodycamd.camera.control.events import Action, Pulse, Ready, note
from bodycamd.camera.control.recording import mark
from bodycamd.camera.control.resume import resume
from bodycamd.camera.control.state import State, Step
from bodycamd.camera.control.warning import press


def ready(state: State, event: Ready, now_us: int) -> Step:
    """The start is over: resume, honour a latched press, or stand by."""
    actions: list[Action] = []
    latched_us, state = state.latched_us, replace(state, name="standby", latched_us=None)
    if event.resume is not None:
        state, actions = resume(state, event.resume, now_us)
    if latched_us is not None:
        actions.append(note("press_latched", at_us=latched_us, waited_us=now_us - latched_us))
        if state.recording is None:
            state, more = press(state, now_us, latched_us)
        else:
            state, more = mark(state, state.recording, latched_us, "latched_press")
        actions += more
    if state.name == "standby":
        state, more = rest_capture(state)
        actions += more
        if not state.unable and state.refused_us != now_us:
            actions.append(Pulse("ready"))
    return state, actions
