"""Enters standby: keeps footage no longer, and closes the camera unless a pre-event buffer is configured."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import rest_capture
from bodycamd.camera.control.events import EmptyRing, RetainFrom
from bodycamd.camera.control.state import State, Step


def to_standby(state: State) -> Step:
    """Let go of what was retained. With no pre-event time nothing stays: camera closed, ring emptied (again when the camera says it is
    closed)."""
    state, camera = rest_capture(replace(state, name="standby", spoken_us=None, pressed_us=None))
    buffering = state.policy.pre_event_us > 0
    return state, [*camera, RetainFrom(None)] if buffering else [*camera, RetainFrom(None), EmptyRing()]
