"""Leaving, and what is reported about the camera's parts."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec.structs import replace

from bodycamd.camera.control.events import (
    AudioChanged,
    AudioSilent,
    BatteryChanged,
    ButtonDown,
    ButtonFreed,
    ButtonHeld,
    ButtonStuck,
    CaptureClosed,
    CaptureFlowing,
    CaptureStalled,
    ClockChanged,
    CloseCapture,
    EndRecording,
    Event,
    Exit,
    MicrophoneOpened,
    Pulse,
    Refuse,
    SealNow,
    ShutdownRequested,
    SilenceVoice,
    TimePassed,
    VoiceHealth,
    WorkerStuck,
)
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import Condition, Policy, State
from tests.camera.control.camera import BUFFER, HOLD, POST, Camera, S, no_notes, recording, sealed, standby, stopped, warning

# --- leaving ------------------------------------------------------------------------------------------------------------------------------


def test_shutdown_in_starting_and_standby_ends_at_once() -> None:
    assert no_notes(Camera().handle(ShutdownRequested())) == [Exit(False)]
    assert no_notes(standby().handle(ShutdownRequested())) == [Exit(False)]
    assert no_notes(standby(BUFFER).handle(ShutdownRequested())) == [CloseCapture(), Exit(False)]


def test_shutdown_refuses_a_latched_press_and_a_warning() -> None:
    camera = Camera()
    camera.down()
    assert no_notes(camera.handle(ShutdownRequested())) == [Refuse("shutdown"), Pulse("refused"), Exit(False)]
    camera = warning()
    actions = no_notes(camera.handle(ShutdownRequested()))
    assert actions[:3] == [SilenceVoice(), Refuse("shutdown"), Pulse("refused")]
    assert actions[-1] == Exit(False)
    assert camera.noted("press_refused")[0]["reason"] == "shutdown"


@pytest.mark.parametrize("settings", [Policy(), BUFFER, POST])
def test_shutdown_while_recording_seals_then_ends(settings: Policy) -> None:
    camera = recording(settings)
    actions = no_notes(camera.handle(ShutdownRequested()))
    assert actions == [EndRecording(camera.now_us, "shutdown"), CloseCapture()]
    assert no_notes(camera.down()) == [Refuse("shutdown"), Pulse("refused")], "no press is lost, but nothing can go on"
    camera.later(1)
    assert camera.seal() == [Pulse("saved"), Exit(False)]
    assert camera.name() == "ended"
    assert camera.down() == []
    assert next_deadline(camera.state) is None


def test_shutdown_in_the_post_event_time_ends_it() -> None:
    camera = stopped(POST)
    camera.later(1)
    assert no_notes(camera.handle(ShutdownRequested())) == [EndRecording(camera.now_us, "shutdown"), CloseCapture()]


def test_a_disk_that_never_answers_does_not_hold_up_the_shutdown() -> None:
    camera = recording()
    camera.handle(ShutdownRequested())
    actions = camera.later(10)
    assert SealNow() in actions
    assert actions[-1] == Exit(False)
    assert camera.noted("left_unsealed") == [{"recording": 1}]


def test_a_critical_battery_closes_seals_says_so_and_powers_off() -> None:
    camera = recording(POST)
    actions = no_notes(camera.handle(BatteryChanged("critical", 2.0)))
    assert actions == [EndRecording(camera.now_us, "battery_critical"), CloseCapture()]
    camera.later(1)
    assert camera.seal() == [Refuse("battery_critical"), Pulse("refused")]
    assert camera.shown() == "refused"
    assert camera.later(2.999) == []
    assert camera.later(0.001) == [Exit(True)]


@pytest.mark.parametrize("settings", [Policy(), BUFFER])
def test_a_critical_battery_in_standby_says_so_and_powers_off(settings: Policy) -> None:
    camera = standby(settings)
    actions = no_notes(camera.handle(BatteryChanged("critical", 2.0)))
    assert actions[:2] == [Refuse("battery_critical"), Pulse("refused")]
    camera.later(1)
    assert no_notes(camera.down()) == [Refuse("battery_critical"), Pulse("refused")]
    assert no_notes(camera.later(2)) == [Exit(True)]


def test_a_battery_that_dies_during_a_shutdown_powers_off_too() -> None:
    camera = recording()
    camera.handle(ShutdownRequested())
    camera.handle(BatteryChanged("critical", 2.0))
    assert camera.seal()[-1] == Exit(True)


# --- conditions ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "type_", "again"),
    [
        (VoiceHealth(False, "no device"), "voice_failed", False),
        (ClockChanged(True, "kernel-ntp", 5), "clock_changed", True),
        (BatteryChanged("low", 12.0), "battery_changed", True),
        (ButtonStuck(1), "button_stuck", False),
        (CaptureFlowing(1, "libx264", 30.0), "capture_flowing", True),
        (CaptureStalled(1, "no frame", None), "capture_stalled", False),
        (AudioChanged(1, "lost"), "audio_changed", True),
        (AudioSilent(1, True), "audio_silent", False),
        (MicrophoneOpened(1, "Device (USB Audio Device), plughw:CARD=Device,DEV=0"), "microphone_opened", True),
        (WorkerStuck(1), "worker_stuck", False),
    ],
)
def test_conditions_are_noted_in_any_state(event: Event, type_: str, again: bool) -> None:
    for make in (Camera, standby, warning, recording, stopped):
        camera = make()
        camera.handle(event)
        assert len(camera.noted(type_)) == 1
        camera.handle(event)
        assert len(camera.noted(type_)) == 1 + again


def test_flags_follow_what_is_reported() -> None:
    camera = standby()
    assert camera.state.clock_untrusted
    camera.handle(ClockChanged(True, "kernel-ntp"))
    assert not camera.state.clock_untrusted
    camera.handle(ClockChanged(False, "unsynchronised"))
    assert camera.state.clock_untrusted
    camera.handle(VoiceHealth(False))
    camera.handle(VoiceHealth(True, "restarted"))
    assert not camera.state.voice_failed
    assert camera.noted("voice_ready") == [{"detail": "restarted"}]
    camera.storage("low")
    camera.storage("low")
    assert len(camera.noted("storage_changed")) == 1
    assert (camera.state.storage_low, camera.state.storage_full) == (True, False)
    camera.handle(BatteryChanged("low", None))
    camera.handle(BatteryChanged("ok", 40.0))
    assert not camera.state.battery_low


def test_a_stuck_button_is_freed_by_its_release_or_by_the_next_down() -> None:
    camera = standby()
    camera.handle(ButtonStuck(camera.now_us))
    camera.handle(ButtonFreed(camera.now_us))
    camera.handle(ButtonFreed(camera.now_us))
    assert len(camera.noted("button_freed")) == 1
    camera.handle(ButtonStuck(camera.now_us))
    camera.down()
    assert not camera.state.button_stuck
    assert camera.name() == "warning"


@pytest.mark.parametrize(
    "event", [CaptureFlowing(4, "x", 30.0), CaptureStalled(4, "x", None), CaptureClosed(4), AudioChanged(4, "lost"), AudioSilent(4, True)]
)
def test_reports_of_an_older_generation_change_nothing(event: Event) -> None:
    camera = recording()
    camera.handle(CaptureFlowing(5, "libx264", 30.0))
    before = camera.state
    assert camera.handle(event) == []
    assert camera.state == before


def test_a_generation_that_is_over_flows_no_more() -> None:
    camera = recording()
    camera.handle(CaptureStalled(5, "no frame", None))
    assert camera.handle(CaptureFlowing(5, "libx264", 30.0)) == []
    assert camera.state.capture_stalled


def test_time_that_runs_backward_stands_still() -> None:
    camera = recording(HOLD)
    at_us = camera.state.at_us
    camera.now_us -= 50 * S
    camera.handle(TimePassed())
    assert camera.state.at_us == at_us
    camera.handle(ButtonDown(camera.now_us))
    actions = camera.handle(ButtonHeld(camera.now_us + 90 * S))
    assert actions[0] == EndRecording(at_us, "officer"), "no end in the future"


def test_an_end_never_lies_before_its_beginning() -> None:
    camera = warning(HOLD)
    camera.later(4)
    camera.warned()
    camera.down()
    began_us = camera.now_us
    assert camera.handle(ButtonHeld(began_us - 3 * S))[0] == EndRecording(began_us, "officer")


def test_ids_of_many_recordings_are_told_apart() -> None:
    camera = recording()
    assert camera.handle(sealed(10_001, camera.now_us)) == []
    assert camera.name() == "recording"


@pytest.mark.parametrize("name", get_args(Condition))
def test_each_condition_is_listed_by_its_name(name: Condition) -> None:
    well = State(Policy(), clock_untrusted=False)
    assert well.conditions(5) == []
    if name == "failing":
        wrong = replace(well, failing_until_us=6)
        assert wrong.conditions(6) == [], "for its minute only"
    else:
        flag: dict[str, Any] = {name: True}
        wrong = replace(well, **flag)
    assert wrong.conditions(5) == [name]


def test_all_conditions_at_once_are_listed_in_their_order() -> None:
    flags: dict[str, Any] = {name: True for name in get_args(Condition) if name != "failing"}
    assert replace(State(Policy()), failing_until_us=6, **flags).conditions(5) == list(get_args(Condition))
