"""What each report of a part changes in the state: capture, sound, voice, disk, storage, battery, clock, button. They set flags, and
notes for the ledger.

Reports of a generation that is over, or older than the newest that was heard of, are late and change nothing.
"""

from __future__ import annotations

import math

from msgspec import structs
from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import closed
from bodycamd.camera.control.ending import stop
from bodycamd.camera.control.events import (
    Action,
    AudioChanged,
    AudioSilent,
    BatteryChanged,
    BoardChanged,
    ButtonFreed,
    ButtonStuck,
    CaptureClosed,
    CaptureFlowing,
    CaptureStalled,
    ClockChanged,
    DiskChanged,
    EmptyRing,
    MicrophoneOpened,
    OpenCapture,
    RingOverflowed,
    StorageChanged,
    ViewStated,
    VoiceHealth,
    WriteFailed,
    note,
)
from bodycamd.camera.control.state import State, Step
from bodycamd.camera.control.warning import abandon


def capture_flowing(state: State, event: CaptureFlowing) -> Step:
    """Footage comes."""
    if _late(state, event.generation):
        return state, []
    newer = event.generation > state.generation
    state = _heard(state, event.generation, ended=False)
    state = replace(state, flowing=True, capture_stalled=False, gave_nothing=False)
    if newer:
        state = replace(state, audio_lost=False, audio_silent=False)
    return state, [note("capture_flowing", generation=event.generation, encoder=event.encoder, frame_rate=_finite(event.frame_rate))]


def view_stated(state: State, event: ViewStated) -> Step:
    """What the camera is set to and sees."""
    if _late(state, event.generation):
        return state, []
    return _heard(state, event.generation, ended=False), [note("view", generation=event.generation, **structs.asdict(event.view))]


def capture_stalled(state: State, event: CaptureStalled) -> Step:
    """Frames stopped. Only a capture that is wanted can be missing; one that dies while it closes is noted."""
    if event.generation < state.generation:
        return state, []
    repeated = _late(state, event.generation)
    if state.capture_open:
        flowed = state.flowing and event.generation == state.generation
        state = replace(state, capture_stalled=True, gave_nothing=state.gave_nothing if repeated else not flowed)
    state = _heard(state, event.generation, ended=True)
    if repeated:
        return state, []
    entry = note("capture_stalled", generation=event.generation, reason=event.reason, last_frame_us=event.last_frame_us)
    return state, [entry, *_emptied(state)]


def capture_closed(state: State, event: CaptureClosed) -> Step:
    """A generation ended as asked: the ring is emptied of its last fragment. If the capture is wanted by now, it is asked for again."""
    if _late(state, event.generation):
        return state, []
    state = _heard(state, event.generation, ended=True)
    if state.capture_open:
        return state, [OpenCapture(state.microphone_open)]
    return state, _emptied(state)


def audio_changed(state: State, event: AudioChanged) -> Step:
    """The sound of the stream became live, off or lost."""
    if _late(state, event.generation):
        return state, []
    state = replace(_heard(state, event.generation, ended=False), audio_lost=event.audio == "lost")
    return state, [note("audio_changed", generation=event.generation, audio=event.audio)]


def microphone_opened(state: State, event: MicrophoneOpened) -> Step:
    """Noted: which sound card it was."""
    if _late(state, event.generation):
        return state, []
    return _heard(state, event.generation, ended=False), [note("microphone_opened", generation=event.generation, device=event.device)]


def audio_silent(state: State, event: AudioSilent) -> Step:
    """The microphone gives digital silence, or sound again."""
    if _late(state, event.generation):
        return state, []
    state = _heard(state, event.generation, ended=False)
    if state.audio_silent == event.silent:
        return state, []
    return replace(state, audio_silent=event.silent), [note("audio_silent", generation=event.generation, silent=event.silent)]


def voice_health(state: State, event: VoiceHealth) -> Step:
    """The voice can speak, or cannot."""
    if state.voice_failed != event.ok:
        return state, []
    state = replace(state, voice_failed=not event.ok)
    return state, [note("voice_ready" if event.ok else "voice_failed", detail=event.detail)]


def write_failed(state: State, event: WriteFailed) -> Step:
    """Shown as missing until a fragment is durable again; the recording stays open and the writer keeps trying."""
    return replace(state, disk_failing=state.recording is not None), [note("write_failed", operation=event.operation, reason=event.reason)]


def disk_changed(state: State, event: DiskChanged) -> Step:
    """In standby shown as *cannot record*, beside a recording as `low`: what of it is missing is told by its fragments. A press is honoured
    all the same, for the ring is a cushion and disks come back."""
    if state.disk_unusable != event.usable:
        return state, []
    return replace(state, disk_unusable=not event.usable), [note("disk_changed", usable=event.usable, reason=event.reason)]


def ring_overflowed(state: State, event: RingOverflowed) -> Step:
    """The disk is too slow and footage is lost: shown as missing until a fragment is durable again."""
    entry = note("ring_overflowed", fragments=event.fragments, dropped_us=event.dropped_us)
    return replace(state, disk_failing=state.recording is not None), [entry]


def storage_changed(state: State, event: StorageChanged, now_us: int) -> Step:
    """Full ends what is running: a warning is abandoned, a recording (its post-event time too) closed at once."""
    full, low = event.level == "full", event.level != "ok"
    if (full, low) == (state.storage_full, state.storage_low):
        return state, []
    state = replace(state, storage_full=full, storage_low=low)
    entry = note("storage_changed", level=event.level, minutes_left=_finite(event.minutes_left))
    if not full:
        return state, [entry]
    match state.policy.when_full:
        case "stop" | "overwrite_sent":  # of what was sent nothing more may go, or it would not be full
            state, actions = _stop_for_room(state, now_us)
            return state, [entry, *actions]


def _stop_for_room(state: State, now_us: int) -> Step:
    if state.name == "warning":
        return abandon(state, now_us, "storage_full")
    recording = state.recording
    if recording is not None and recording.awaits_footage(now_us):
        return stop(state, recording, now_us, now_us, "storage_full")
    return state, []


def battery_changed(state: State, event: BatteryChanged) -> Step:
    """The flag and the note; what a critical battery does is in `leaving`."""
    percent = None if event.percent is None else _finite(event.percent)
    return replace(state, battery_low=event.level != "ok"), [note("battery_changed", level=event.level, percent=percent)]


def board_changed(state: State, event: BoardChanged) -> Step:
    """Heat, throttling, the supply, the gauge, the sensors: shown as `low`, noted, and no reason to stop. The card reader: noted, and not
    shown, as no footage depends on it. Without a worker nothing can be recorded: in standby it is shown as *cannot record*."""
    if getattr(state, event.condition) == event.present:
        return state, []
    entry = note("board_changed", condition=event.condition, change="began" if event.present else "ended", detail=event.detail)
    match event.condition:
        case "hot":
            state = replace(state, hot=event.present)
        case "throttled":
            state = replace(state, throttled=event.present)
        case "under_voltage":
            state = replace(state, under_voltage=event.present)
        case "gauge_silent":
            state = replace(state, gauge_silent=event.present)
        case "sensors_silent":
            state = replace(state, sensors_silent=event.present)
        case "card_reader_silent":
            state = replace(state, card_reader_silent=event.present)
        case "worker_missing":
            state = replace(state, worker_missing=event.present)
    return state, [entry]


def clock_changed(state: State, event: ClockChanged) -> Step:
    """The wall clock became trusted, lost trust, or was stepped."""
    entry = note("clock_changed", trusted=event.trusted, source=event.source, step_us=event.step_us)
    return replace(state, clock_untrusted=not event.trusted), [entry]


def button_stuck(state: State, event: ButtonStuck) -> Step:
    """No press can come: in standby shown as *cannot record*."""
    if state.button_stuck:
        return state, []
    return replace(state, button_stuck=True), [note("button_stuck", at_us=event.at_us)]


def button_freed(state: State, event: ButtonFreed) -> Step:
    """The button came up again."""
    if not state.button_stuck:
        return state, []
    return replace(state, button_stuck=False), [note("button_freed", at_us=event.at_us)]


def _late(state: State, generation: int) -> bool:
    return generation < state.generation or (generation == state.generation and state.generation_ended)


def _heard(state: State, generation: int, ended: bool) -> State:
    flowing = state.flowing and not ended and generation == state.generation
    state = replace(state, generation=generation, generation_ended=ended, flowing=flowing)
    return closed(state) if ended and not state.capture_open else state


def _emptied(state: State) -> list[Action]:
    """In standby a closed camera leaves nothing behind: its last fragment came after the first emptying."""
    return [EmptyRing()] if state.name == "standby" and not state.capture_open else []


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
