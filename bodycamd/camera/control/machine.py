"""The decisions of the camera: `step(state, event, now_us)` gives the next state and what to do. Pure and total: any event, in any state,
in any order.

Guarantees (each is a property test):

- At most one recording is open; numbers grow by one. A recording always ends after a shutdown request, and `Exit` comes once, within 10 s.
- No gesture both starts and stops: only a down that began in `recording` can mark (released before the hold time), ask to stop (held and
  released) or, where the policy says so, stop (held). By default no single contact stops, whatever its length.
- No recording starts without a warning, but for: a new press, `BURST_US` or more after the last down, that skips it; a resume; a press soon
  after a stop, where a hold alone stops; a warning that failed, where the policy records all the same.
- No press is lost: a down in `starting` is latched, in `standby` starts the warning or is refused with a sign, in `warning` skips it or
  belongs to the press that started it, in `recording` marks, asks or answers, in `closing` goes on with the same recording or is refused
  with a sign.
- No gesture but a hold of 10 s calls for help, no call touches the recording, and *answered* is felt once for each call at most.
- A late event (of an earlier warning, another recording, an older generation) changes nothing.
- Time never runs backward: an earlier `now_us` counts as the latest one seen. After a step at `now_us` everything that was due is done and
  `next_deadline` lies after it. The loop posts `TimePassed` then; when it is late, the event comes first, then what was due.

`noted.NOTED` lists what is noted for the ledger.
"""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control import (
    checking,
    conditions,
    ending,
    help_call,
    recording,
    refusal,
    resume,
    shift_card,
    start_up,
    stopping,
    stuck_worker,
    warning,
)
from bodycamd.camera.control.events import (
    Action,
    AudioChanged,
    AudioSilent,
    BatteryChanged,
    BoardChanged,
    ButtonDown,
    ButtonFreed,
    ButtonHeld,
    ButtonReleased,
    ButtonStuck,
    ButtonTapped,
    CaptureClosed,
    CaptureFlowing,
    CaptureStalled,
    CardAnswered,
    CheckAsked,
    CheckEnded,
    CheckJudged,
    ClockChanged,
    DiskChanged,
    Event,
    FragmentDurable,
    HelpAnswered,
    HelpSent,
    MicrophoneOpened,
    Ready,
    RecordingSealed,
    RingOverflowed,
    ShutdownRequested,
    StorageChanged,
    TimePassed,
    ViewStated,
    VoiceHealth,
    WarningEnded,
    WorkerFreed,
    WorkerStuck,
    WriteFailed,
)
from bodycamd.camera.control.indicator import changes
from bodycamd.camera.control.leaving import depart, exit_due_us, leave
from bodycamd.camera.control.state import BURST_US, CALM_US, GOES_ON_US, Policy, State, Step


def initial(policy: Policy) -> State:
    """The state before the first event: starting."""
    return State(policy)


def step(state: State, event: Event, now_us: int) -> tuple[State, list[Action]]:
    """What follows from `event`, and from all that is due by `now_us`."""
    now_us = max(now_us, state.at_us)
    if state.name == "ended":
        return state, []
    state, actions = _answer(replace(state, at_us=now_us), event, now_us)
    state, due = _due(state, now_us)
    return checking.taken_back(state, actions + due)


def next_deadline(state: State) -> int | None:
    """When the loop must post `TimePassed`: something is due, or what the lamp shows changes by time alone. `None`: only an event can bring
    anything new."""
    if state.name == "ended":
        return None
    instants = changes(state)
    answer_us = warning.answer_due_us(state)
    if answer_us is not None:
        instants.append(answer_us)
    help_us = help_call.due_us(state)
    if help_us is not None:
        instants.append(help_us)
    if state.recording is not None:
        instants += ending.deadlines(state.recording) + stopping.deadlines(state)
    reboot_us = stuck_worker.reboot_due_us(state)
    if reboot_us is not None:
        instants.append(reboot_us)
    if state.leaving is not None:
        instants.append(exit_due_us(state, state.leaving))
    return min((instant for instant in instants if instant > state.at_us), default=None)


def _answer(state: State, event: Event, now_us: int) -> Step:  # one arm per event
    match event:
        case ButtonDown():
            return _down(state, event, now_us)
        case ButtonTapped() | ButtonHeld() | ButtonReleased():
            return _after_the_down(state, event, now_us)
        case FragmentDurable():
            return recording.durable(state, event, now_us)
        case RecordingSealed():
            return ending.sealed(state, event, now_us)
        case WarningEnded():
            return warning.ended(state, event, now_us)
        case Ready():
            return start_up.ready(state, event, now_us) if state.name == "starting" else (state, [])
        case CaptureFlowing():
            return conditions.capture_flowing(state, event)
        case ViewStated():
            return conditions.view_stated(state, event)
        case CaptureStalled():
            return conditions.capture_stalled(state, event)
        case CaptureClosed():
            return conditions.capture_closed(state, event)
        case WorkerStuck():
            return stuck_worker.worker_stuck(state, event, now_us)
        case WorkerFreed():
            return stuck_worker.worker_freed(state, event, now_us)
        case AudioChanged():
            return conditions.audio_changed(state, event)
        case MicrophoneOpened():
            return conditions.microphone_opened(state, event)
        case AudioSilent():
            return conditions.audio_silent(state, event)
        case VoiceHealth():
            return conditions.voice_health(state, event)
        case WriteFailed():
            return conditions.write_failed(state, event)
        case DiskChanged():
            return conditions.disk_changed(state, event)
        case RingOverflowed():
            return conditions.ring_overflowed(state, event)
        case StorageChanged():
            return conditions.storage_changed(state, event, now_us)
        case BatteryChanged():
            state, noted = conditions.battery_changed(state, event)
            state, left = leave(state, now_us, "battery_critical") if event.level == "critical" else (state, [])
            return state, noted + left
        case BoardChanged():
            return conditions.board_changed(state, event)
        case CardAnswered():
            return shift_card.card_answered(state, event, now_us)
        case ClockChanged():
            return conditions.clock_changed(state, event)
        case ButtonStuck():
            return conditions.button_stuck(state, event)
        case ButtonFreed():
            return conditions.button_freed(state, event)
        case CheckAsked():
            return checking.asked(state)
        case CheckEnded():
            return checking.ended(state)
        case CheckJudged():
            return checking.judged(state, event, now_us)
        case HelpSent():
            return help_call.sent(state, event)
        case HelpAnswered():
            return help_call.answered(state, event)
        case ShutdownRequested():
            return leave(state, now_us, "shutdown")
        case TimePassed():
            return state, []


def _down(state: State, event: ButtonDown, now_us: int) -> Step:
    at_us = min(event.at_us, now_us)
    if state.button_stuck:  # a down says that it had come up
        state, freed = conditions.button_freed(state, ButtonFreed(at_us))
        state, actions = _down(state, event, now_us)
        return state, [*freed, *actions]
    since_us = None if state.last_down_us is None else at_us - state.last_down_us
    burst = since_us is not None and since_us < BURST_US
    calm = since_us is None or since_us >= CALM_US
    state = replace(state, last_down_us=at_us if state.last_down_us is None else max(at_us, state.last_down_us))
    if state.leaving is not None:
        return refusal.refuse(state, now_us, state.leaving.reason, at_us)
    match state.name:
        case "starting":
            return replace(state, latched_us=at_us if state.latched_us is None else state.latched_us), []
        case "standby":
            stopped = state.stopped
            if stopped is not None and at_us < stopped.at_us + GOES_ON_US and not state.storage_full:
                return resume.go_on(state, stopped, now_us, at_us)
            return warning.press(state, now_us, at_us)
        case "warning":
            return (state, []) if burst else warning.skip(state, event, now_us)
        case "recording":
            return stopping.down(state, at_us, calm)
        case _:  # closing
            if state.storage_full:
                return refusal.refuse(state, now_us, "storage_full", at_us)
            return ending.withdraw(state, at_us)


def _after_the_down(state: State, event: ButtonTapped | ButtonHeld | ButtonReleased, now_us: int) -> Step:
    if state.name != "recording" or state.recording is None:
        return state, []
    match event:
        case ButtonTapped():
            return stopping.tapped(state, state.recording, min(event.at_us, now_us))
        case ButtonHeld():
            return stopping.held(state, state.recording, event, now_us)
        case ButtonReleased():
            return stopping.released(state, state.recording, event, now_us)


def _due(state: State, now_us: int) -> Step:
    actions: list[Action] = []
    answer_us = warning.answer_due_us(state)
    if answer_us is not None and now_us >= answer_us:
        state, actions = warning.unanswered(state, now_us)
    reboot_us = stuck_worker.reboot_due_us(state)
    if reboot_us is not None and now_us >= reboot_us:
        state, more = leave(state, now_us, "worker_stuck")
        actions += more
    help_us = help_call.due_us(state)
    if state.help is not None and help_us is not None and now_us >= help_us:
        state, more = help_call.not_sent(state, state.help)
        actions += more
    if state.recording is not None:
        state, more = stopping.due(state, state.recording, now_us)
        actions += more
    if state.recording is not None:
        state, more = ending.due(state, state.recording, now_us)
        actions += more
    if state.leaving is not None and now_us >= exit_due_us(state, state.leaving):
        state, more = depart(state, state.leaving)
        actions += more
    return state, actions
