"""A press that cannot be honoured: how it is shown, felt and noted."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.events import Pulse, Refuse, note
from bodycamd.camera.control.state import SAME_PRESS_US, State, Step


def show_refusal(state: State, now_us: int, reason: str) -> Step:
    """Three flashes and three pulses."""
    return replace(state, refused_us=now_us), [Refuse(reason), Pulse("refused")]


def refuse(state: State, now_us: int, reason: str, at_us: int) -> Step:
    """A press that cannot be honoured: shown, felt and noted. The sign of a refusal that was just given stands for this one too."""
    if state.refused_us is not None and now_us - state.refused_us < SAME_PRESS_US:
        return state, []
    state, actions = show_refusal(state, now_us, reason)
    return state, [*actions, note("press_refused", reason=reason, at_us=at_us)]
