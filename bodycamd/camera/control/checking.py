"""A check that records nothing has camera and voice for some seconds: in standby, until it ends or they are needed. Its verdict is shown.

A press takes both back at once, like all that leaves standby: `EndCheck` then comes before anything that needs them. Nothing of a check is
kept, so that no footage is lost with it.
"""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import rest_capture
from bodycamd.camera.control.events import Action, CheckJudged, EndCheck, Pulse
from bodycamd.camera.control.state import Judged, State, Step


def asked(state: State) -> Step:
    """Lend camera and voice, or change nothing. A pre-event buffer is closed meanwhile."""
    if state.name != "standby" or state.leaving is not None or state.checking:
        return state, []
    return rest_capture(replace(state, checking=True))


def ended(state: State) -> Step:
    """Both are back."""
    return rest_capture(replace(state, checking=False)) if state.checking else (state, [])


def judged(state: State, event: CheckJudged, now_us: int) -> Step:
    """Show it, unless there is something else to show."""
    if state.name != "standby" or state.leaving is not None:
        return state, []
    return replace(state, judged=Judged(now_us, event.passed)), [Pulse("check_passed" if event.passed else "check_failed")]


def taken_back(state: State, actions: list[Action]) -> Step:
    """What a step leads to: outside standby no check goes on."""
    if not state.checking or (state.name == "standby" and state.leaving is None):
        return state, actions
    return replace(state, checking=False), [EndCheck(), *actions]
