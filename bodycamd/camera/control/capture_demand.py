"""Whether camera and microphone are wanted: what is asked of the capture, and only where it is not asked already."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.events import CloseCapture, OpenCapture, SetMicrophone
from bodycamd.camera.control.state import State, Step


def open_capture(state: State) -> Step:
    """Camera on, and the microphone with it where sound is recorded."""
    wanted = state.policy.audio
    if not state.capture_open:
        return replace(state, capture_open=True, microphone_open=wanted), [OpenCapture(wanted)]
    if state.microphone_open != wanted:
        return replace(state, microphone_open=wanted), [SetMicrophone(wanted)]
    return state, []


def closed(state: State) -> State:
    """Nothing is wanted of the capture: its sound is no condition any more, nor is a stall, unless its last opening gave no footage."""
    state = replace(state, capture_open=False, microphone_open=False, audio_lost=False, audio_silent=False)
    return replace(state, capture_stalled=state.capture_stalled and state.gave_nothing)


def rest_capture(state: State) -> Step:
    """The capture as standby wants it: closed, or with a pre-event time open into the ring, its microphone closed unless the policy opens
    it, and no check has the camera."""
    if state.policy.pre_event_us == 0 or state.leaving is not None or state.checking:
        return (closed(state), [CloseCapture()]) if state.capture_open else (state, [])
    microphone = state.policy.audio and state.policy.pre_event_audio
    if not state.capture_open:
        return replace(state, capture_open=True, microphone_open=microphone), [OpenCapture(microphone)]
    if state.microphone_open != microphone:
        return replace(state, microphone_open=microphone), [SetMicrophone(microphone)]
    return state, []
