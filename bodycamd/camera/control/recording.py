"""A recording from its beginning to its seal: begin, durable, mark, stop, go on, seal; and the refusal of one.

Every function takes a state and the instant `now_us` and gives the next state and the actions, like `machine.step`, which alone calls them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from bodycamd.camera.control.events import (
    Action,
    BeginRecording,
    CloseCapture,
    ContinueRecording,
    EmptyRing,
    EndRecording,
    FragmentDurable,
    Note,
    OpenCapture,
    Pulse,
    RecordingSealed,
    Refuse,
    RetainFrom,
    SealNow,
    SetMicrophone,
    StopReason,
    WarningOutcome,
)
from bodycamd.camera.control.state import SAME_PRESS_US, SEAL_AGAIN_US, SEAL_US, SIGN_US, Ending, Recording, State, Step


def note(type_: str, **fields: str | int | float | bool | None) -> Note:
    """An entry for the ledger."""
    return Note(type_, tuple(fields.items()))


def number_of(recording: str) -> int | None:
    """The number within its start that a recording's id `<start>-<number>` ends with, or `None` if it is no id."""
    digits = recording.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def open_capture(state: State) -> Step:
    """Camera on, and the microphone with it where sound is recorded."""
    wanted = state.settings.audio
    if not state.capture_open:
        return replace(state, capture_open=True, microphone_open=wanted), [OpenCapture(wanted)]
    if state.microphone_open != wanted:
        return replace(state, microphone_open=wanted), [SetMicrophone(wanted)]
    return state, []


def rest_capture(state: State) -> Step:
    """The capture as standby wants it: closed, or with a pre-event time open into the ring, its microphone closed unless the policy opens
    it."""
    if state.settings.pre_event_us == 0 or state.leaving is not None:
        return replace(state, capture_open=False, microphone_open=False), [CloseCapture()] if state.capture_open else []
    microphone = state.settings.audio and state.settings.pre_event_audio
    if not state.capture_open:
        return replace(state, capture_open=True, microphone_open=microphone), [OpenCapture(microphone)]
    if state.microphone_open != microphone:
        return replace(state, microphone_open=microphone), [SetMicrophone(microphone)]
    return state, []


def show_refusal(state: State, now_us: int, reason: str) -> Step:
    """Three flashes and three pulses."""
    return replace(state, refused_us=now_us), [Refuse(reason), Pulse("refused")]


def refuse(state: State, now_us: int, reason: str, at_us: int) -> Step:
    """A press that cannot be honoured: shown, felt and noted. The sign of a refusal that was just given stands for this one too."""
    if state.refused_us is not None and now_us - state.refused_us < SAME_PRESS_US:
        return state, []
    state, actions = show_refusal(state, now_us, reason)
    return state, [*actions, note("press_refused", reason=reason, at_us=at_us)]


def begin(state: State, now_us: int, keep_from_us: int, warning: WarningOutcome | Literal["none"], resumes: str | None = None) -> Step:
    """Open the next recording. The capture is open or opening, the ring retains from the press."""
    keep_from_us = max(0, min(keep_from_us, now_us))
    number = state.number + 1
    recording = Recording(number, now_us, keep_from_us, reminder_us=now_us + state.settings.reminder_us)
    state = replace(state, name="recording", number=number, recording=recording, spoken_us=None)
    return state, [BeginRecording(number, state.pressed_us, keep_from_us, warning, resumes)]


def durable(state: State, event: FragmentDurable, now_us: int) -> Step:
    """A fragment of the open recording is on disk: the lamp may say so for 3 s."""
    recording = state.recording
    if recording is None or number_of(event.recording) != recording.number:
        return state, []
    first = recording.durable_us is None
    durable_us = min(event.at_us, now_us) if recording.durable_us is None else max(recording.durable_us, min(event.at_us, now_us))
    state = replace(state, recording=replace(recording, durable_us=durable_us), disk_failing=False)
    return state, [Pulse("started")] if first else []


def mark(state: State, recording: Recording, at_us: int, cause: Literal["tap", "continued", "latched_press"]) -> Step:
    """A marker in the ledger; one that follows the last within 0.3 s is the same one."""
    if recording.marked_us is not None and abs(at_us - recording.marked_us) < SAME_PRESS_US:
        return state, []
    state = replace(state, recording=replace(recording, marked_us=at_us))
    return state, [note("marker", recording=recording.number, at_us=at_us, cause=cause)]


def remind(state: State, recording: Recording, now_us: int) -> Step:
    """One short pulse; reminders that were missed are not made up for."""
    missed = (now_us - recording.reminder_us) // state.settings.reminder_us
    next_us = recording.reminder_us + (missed + 1) * state.settings.reminder_us
    return replace(state, recording=replace(recording, reminder_us=next_us)), [Pulse("reminder")]


def stop(state: State, recording: Recording, now_us: int, at_us: int, reason: StopReason) -> Step:
    """End the recording at `at_us` plus, where the officer stopped it, the post-event time. In `closing` it replaces a later end."""
    end_us = max(min(at_us, now_us), recording.keep_from_us)
    if reason == "officer":
        end_us += state.settings.post_event_us
    ended = replace(recording, ending=Ending(end_us, reason, seal_us=max(end_us, now_us) + SEAL_US))
    return replace(state, name="closing", recording=ended, down_us=None), [EndRecording(end_us, reason)]


def go_on(state: State, at_us: int) -> Step:
    """A press during `closing`: the same recording goes on, with a marker."""
    recording = state.recording
    if recording is None or recording.ending is None:
        raise AssertionError("closing without a recording that ends is leaving")
    continued = replace(recording, withdrawn_end_us=recording.ending.end_us, ending=None)
    state, camera = open_capture(replace(state, name="recording", recording=continued))
    state, marker = mark(state, continued, at_us, "continued")
    return state, [ContinueRecording(recording.number), *camera, *marker]


def force_seal(state: State, recording: Recording, ending: Ending, now_us: int) -> Step:
    """The last fragment did not come, or the disk does not answer: seal with what is there, and try again later."""
    state = replace(state, recording=replace(recording, ending=replace(ending, forced=True, seal_us=now_us + SEAL_AGAIN_US)))
    if ending.forced:
        return state, [SealNow()]
    return state, [SealNow(), note("seal_forced", recording=recording.number, end_us=ending.end_us)]


def sealed(state: State, event: RecordingSealed, now_us: int) -> Step:
    """The open recording is whole on disk. In `closing` that is its end; in `recording` a withdrawn end came too late, and the next one
    begins at once."""
    recording = state.recording
    if recording is None or number_of(event.recording) != recording.number:
        return state, []
    ending = recording.ending
    if ending is None:
        keep_from_us = now_us if recording.withdrawn_end_us is None else recording.withdrawn_end_us
        return begin(state, now_us, keep_from_us, "none", resumes=event.recording)
    state = replace(state, recording=None, disk_failing=False)
    leaving = state.leaving
    if leaving is not None and leaving.reason == "battery_critical":
        state, sign = show_refusal(state, now_us, "battery_critical")
        return replace(state, leaving=replace(leaving, not_before_us=now_us + SIGN_US)), sign
    if ending.reason == "storage_full":
        state, sign = show_refusal(state, now_us, "storage_full")
    elif not event.whole:
        state, sign = show_refusal(state, now_us, "not_saved")
    else:
        sign = [Pulse("saved")]
    if leaving is not None:
        return state, sign
    state, stand = to_standby(state)
    return state, sign + stand


def to_standby(state: State) -> Step:
    """Let go of what was retained. With no pre-event time nothing stays: camera closed, ring emptied (again when the camera says it is
    closed)."""
    state, camera = rest_capture(replace(state, name="standby", spoken_us=None, pressed_us=None))
    buffering = state.settings.pre_event_us > 0
    return state, [*camera, RetainFrom(None)] if buffering else [*camera, RetainFrom(None), EmptyRing()]


def deadlines(recording: Recording) -> list[int]:
    """When `due` has something to do."""
    return [recording.reminder_us] if recording.ending is None else [recording.ending.end_us, recording.ending.seal_us]


def due(state: State, recording: Recording, now_us: int) -> Step:
    """The reminder; after the end the winding up, and the seal by force."""
    ending = recording.ending
    if ending is None:
        return remind(state, recording, now_us) if now_us >= recording.reminder_us else (state, [])
    actions: list[Action] = []
    if now_us >= ending.end_us:
        state, actions = rest_capture(state)
    if now_us >= ending.seal_us:
        state, more = force_seal(state, recording, ending, now_us)
        actions += more
    return state, actions
