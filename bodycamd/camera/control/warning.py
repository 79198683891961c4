"""From the press to the recording: the spoken warning, skipped, failed or unanswered."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import open_capture
from bodycamd.camera.control.events import ButtonDown, Note, RetainFrom, SilenceVoice, SpeakWarning, WarningEnded, WarningOutcome, note
from bodycamd.camera.control.recording import begin
from bodycamd.camera.control.refusal import refuse
from bodycamd.camera.control.standby import to_standby
from bodycamd.camera.control.state import VOICE_ANSWER_US, State, Step


def press(state: State, now_us: int, at_us: int) -> Step:
    """A press in standby: the voice speaks, the camera opens into the ring, the ring holds on to the time of the press."""
    if state.storage_full:
        return refuse(state, now_us, "storage_full", at_us)
    state = replace(state, name="warning", pressed_us=at_us, spoken_us=now_us, stopped=None)
    state, camera = open_capture(state)
    return state, [SpeakWarning(), *camera, RetainFrom(max(0, at_us - state.policy.pre_event_us))]


def skip(state: State, event: ButtonDown, now_us: int) -> Step:
    """A new press during the warning, and no part of the one that started it: no time for the warning, record at once."""
    state, actions = _record(state, now_us, event.at_us, "skipped", state.policy.warning_sha256, "pressed again during the warning")
    return state, [SilenceVoice(), *actions]


def ended(state: State, event: WarningEnded, now_us: int) -> Step:
    """The voice has spoken or failed. `skipped`, or an end before this warning began, is the echo of an earlier one and changes nothing."""
    if state.spoken_us is None or event.outcome == "skipped" or event.at_us < state.spoken_us:
        return state, []
    if event.outcome == "played_to_device":
        return _record(replace(state, voice_failed=False), now_us, event.at_us, event.outcome, event.file_sha256, event.detail)
    return _failed(state, now_us, event.at_us, event.file_sha256, event.detail)


def answer_due_us(state: State) -> int | None:
    """When the voice must have answered; `None` where it is not speaking."""
    return None if state.spoken_us is None else state.spoken_us + state.policy.warning_us + VOICE_ANSWER_US


def unanswered(state: State, now_us: int) -> Step:
    """The voice neither ended nor failed in time: silence it, and continue as after a failure."""
    state, actions = _failed(state, now_us, now_us, state.policy.warning_sha256, "the voice did not answer")
    return state, [SilenceVoice(), *actions]


def abandon(state: State, now_us: int, reason: str) -> Step:
    """The recording that this warning announces cannot be made: silence, camera closed, the press refused. Ends in standby."""
    state, refusal = refuse(state, now_us, reason, _pressed_us(state))
    state, stand = to_standby(state)
    return state, [SilenceVoice(), *refusal, *stand]


def _pressed_us(state: State) -> int:
    """Of the present warning, which always has one; the types do not say so."""
    return state.at_us if state.pressed_us is None else state.pressed_us


def _record(state: State, now_us: int, ended_us: int, outcome: WarningOutcome, sha256: str, detail: str) -> Step:
    pressed_us = _pressed_us(state)
    ended_us = max(pressed_us, min(ended_us, now_us))
    if state.policy.pre_event_us > 0:
        keep_from_us = pressed_us - state.policy.pre_event_us
    else:
        keep_from_us = pressed_us if state.policy.record_warning else ended_us
    state, actions = begin(state, now_us, keep_from_us, outcome)
    return state, [*actions, _entry(state.number, outcome, sha256, pressed_us, ended_us, detail)]


def _entry(number: int | None, outcome: WarningOutcome, sha256: str, pressed_us: int, ended_us: int, detail: str) -> Note:
    return note("warning", recording=number, outcome=outcome, file_sha256=sha256, pressed_us=pressed_us, ended_us=ended_us, detail=detail)


def _failed(state: State, now_us: int, ended_us: int, sha256: str, detail: str) -> Step:
    state = replace(state, voice_failed=True)
    if state.policy.on_warning_failure == "record":
        return _record(state, now_us, ended_us, "failed", sha256, detail)
    pressed_us = _pressed_us(state)
    entry = _entry(None, "failed", sha256, pressed_us, ended_us, detail)
    state, refusal = refuse(state, now_us, "warning_failed", pressed_us)
    state, stand = to_standby(state)
    return state, [entry, *refusal, *stand]
