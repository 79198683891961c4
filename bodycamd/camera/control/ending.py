"""The end of a recording: the stop, the press that withdraws it, and the seal, by force where the last fragment does not come."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import open_capture, rest_capture
from bodycamd.camera.control.events import Action, ContinueRecording, EndRecording, Pulse, RecordingSealed, SealNow, StopReason, note
from bodycamd.camera.control.recording import begin, mark, number_of, remind
from bodycamd.camera.control.refusal import show_refusal
from bodycamd.camera.control.standby import to_standby
from bodycamd.camera.control.state import SEAL_AGAIN_US, SEAL_US, SIGN_US, Ending, Recording, State, Step, Stopped


def stop(state: State, recording: Recording, now_us: int, at_us: int, reason: StopReason) -> Step:
    """End the recording at `at_us` plus, where the officer stopped it, the post-event time. In `closing` it replaces a later end."""
    end_us = max(min(at_us, now_us), recording.keep_from_us)
    if reason == "officer":
        end_us += state.policy.post_event_us
    ended = replace(recording, ending=Ending(end_us, reason, seal_us=max(end_us, now_us) + SEAL_US))
    state = replace(state, down_us=None, calm=False, hold=None, question=None)
    return replace(state, name="closing", recording=ended), [EndRecording(end_us, reason)]


def withdraw(state: State, at_us: int) -> Step:
    """A press during `closing`: the same recording continues, with a marker."""
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
    if ending.reason == "officer" and state.policy.stop == "hold":
        state = replace(state, stopped=Stopped(event.recording, ending.end_us - state.policy.post_event_us))
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
