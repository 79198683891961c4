"""A recording from its beginning to its stop: begin, durable, mark, remind.

Every function takes a state and the instant `now_us` and returns the next state and the actions, like `machine.step`.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from bodycamd.camera.control.events import BeginRecording, FragmentDurable, Pulse, WarningOutcome, note
from bodycamd.camera.control.state import SAME_PRESS_US, Recording, State, Step


def number_of(recording: str) -> int | None:
    """The number within its start that a recording's id `<start>-<number>` ends with, or `None` if it is no id."""
    digits = recording.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def begin(state: State, now_us: int, keep_from_us: int, warning: WarningOutcome | Literal["none"], resumes: str | None = None) -> Step:
    """Open the next recording. The capture is open or opening, the ring retains from the press."""
    keep_from_us = max(0, min(keep_from_us, now_us))
    number = state.number + 1
    recording = Recording(number, now_us, keep_from_us, reminder_us=now_us + state.policy.reminder_us)
    state = replace(state, name="recording", number=number, recording=recording, spoken_us=None, stopped=None)
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
    """A marker in the ledger, felt as a tick; one that follows the last within 0.3 s is the same one."""
    if recording.marked_us is not None and abs(at_us - recording.marked_us) < SAME_PRESS_US:
        return state, []
    state = replace(state, recording=replace(recording, marked_us=at_us))
    return state, [note("marker", recording=recording.number, at_us=at_us, cause=cause), Pulse("marker")]


def remind(state: State, recording: Recording, now_us: int) -> Step:
    """One short pulse; reminders that were missed are not made up for."""
    missed = (now_us - recording.reminder_us) // state.policy.reminder_us
    next_us = recording.reminder_us + (missed + 1) * state.policy.reminder_us
    return replace(state, recording=replace(recording, reminder_us=next_us)), [Pulse("reminder")]
