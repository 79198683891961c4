"""How a recording ends and how the camera leaves: signs, instants, and that nothing is left open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bodycamd.camera.control.events import (
    BatteryChanged,
    BeginRecording,
    ButtonDown,
    ButtonHeld,
    EndRecording,
    Event,
    Exit,
    Pulse,
    Ready,
    RecordingSealed,
    Refuse,
    ShutdownRequested,
    StorageChanged,
    TimePassed,
)
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import Leaving, Policy
from tests.camera.control.camera import (
    BUFFER,
    POST,
    Camera,
    S,
    after,
    no_notes,
    recording,
    standby,
    stopped,
    strict,
    warning,
)

# --- the end of a recording ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        ("storage_full", lambda: after(recording(), StorageChanged("full", 0.0))),
        ("battery_critical", lambda: after(recording(), BatteryChanged("critical", 2.0))),
        ("not_saved", stopped),
    ],
)
def test_the_sign_of_what_was_not_saved_as_asked_is_on_show_for_three_seconds(reason: str, make: Callable[[], Camera]) -> None:
    camera = make()
    camera.later(1)
    actions = camera.handle(RecordingSealed("000007-0001", S, camera.now_us, whole=reason != "not_saved"))
    assert no_notes(actions)[:2] == [Refuse(reason), Pulse("refused")]
    camera.later(2.999)
    assert camera.shown() == "refused"
    camera.later(0.002)
    assert camera.shown() != "refused"


@pytest.mark.parametrize(
    "make",
    [
        lambda: after(standby(), StorageChanged("full", 0.0), ButtonDown(0)),
        lambda: after(warning(), StorageChanged("full", 0.0)),
        lambda: after(Camera(), StorageChanged("full", 0.0), ButtonDown(0), Ready()),
        lambda: after(stopped(), StorageChanged("full", 0.0), ButtonDown(0)),
        lambda: after(recording(), ShutdownRequested(), ButtonDown(0)),
        strict,
        lambda: after(warning(), BatteryChanged("critical", 2.0)),
        lambda: after(Camera(), ButtonDown(0), BatteryChanged("critical", 2.0)),
    ],
)
def test_the_sign_of_a_refused_press_is_on_show_for_three_seconds(make: Callable[[], Camera]) -> None:
    camera = make()
    assert camera.state.refused_us == camera.now_us
    assert camera.shown() == "refused"
    camera.later(2.999)
    assert camera.shown() == "refused"
    camera.later(0.002)
    assert camera.shown() != "refused"


@pytest.mark.parametrize(
    ("make", "keep_from_us"),
    [
        # the end that the press withdrew, or where it lay in the future, or there never was one: now
        (lambda: after(stopped(), ButtonDown(108 * S)), 107 * S),
        (lambda: after(stopped(POST), ButtonDown(108 * S)), 110 * S),
        (recording, 110 * S),
    ],
)
def test_a_seal_that_nobody_waits_for_begins_the_next_recording(make: Callable[[], Camera], keep_from_us: int) -> None:
    camera = make()
    camera.now_us = 110 * S
    assert camera.seal() == [BeginRecording(2, 101 * S, keep_from_us, "none", "000007-0001")]
    assert camera.state.recording is not None
    assert camera.state.recording.began_us == 110 * S


@pytest.mark.parametrize(
    ("settings", "held_us", "now_us", "end_us", "seal_us"),
    [
        (Policy(), 107 * S, 107 * S, 107 * S, 110 * S),
        (Policy(), 106 * S, 107 * S, 106 * S, 110 * S),
        (Policy(), 108 * S, 107 * S, 107 * S, 110 * S),
        (Policy(), 99 * S, 107 * S, 104 * S, 110 * S),
        (POST, 107 * S, 107 * S, 117 * S, 120 * S),
        (POST, 106 * S, 107 * S, 116 * S, 119 * S),
        (POST, 106 * S, 130 * S, 116 * S, 133 * S),
    ],
)
def test_where_it_ends_and_when_its_seal_is_forced(settings: Policy, held_us: int, now_us: int, end_us: int, seal_us: int) -> None:
    """Where the hold came (not before the recording began, not in the future), plus the post-event time; the seal 3 s after that, or after
    now where the loop was late."""
    camera = recording(replace(settings, stop="hold"))
    camera.down()
    camera.now_us = now_us
    actions = camera.handle(ButtonHeld(held_us))
    assert EndRecording(end_us, "officer") in actions
    assert camera.state.recording is not None
    assert camera.state.recording.ending is not None
    assert camera.state.recording.ending.seal_us == seal_us


@pytest.mark.parametrize(("late_us", "next_us"), [(0, 234 * S), (1, 234 * S), (10 * S - 1, 234 * S), (10 * S, 244 * S), (25 * S, 254 * S)])
def test_the_rhythm_of_the_reminder_is_kept_where_the_loop_is_late(late_us: int, next_us: int) -> None:
    """Begun at 104 s, every 10 s; woken for that of 224 s so much too late."""
    camera = recording(Policy(reminder_us=10 * S))
    camera.now_us = 215 * S
    camera.handle(TimePassed())
    camera.now_us = 224 * S + late_us
    assert camera.handle(TimePassed()) == [Pulse("reminder")]
    assert camera.state.recording is not None
    assert repr(camera.state.recording.reminder_us) == repr(next_us)


# --- leaving ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "leaving"),
    [
        (ShutdownRequested(), Leaving("shutdown", power_off=False, not_before_us=105 * S, give_up_us=115 * S)),
        (BatteryChanged("critical", 2.0), Leaving("battery_critical", power_off=True, not_before_us=108 * S, give_up_us=115 * S)),
    ],
)
def test_how_it_leaves_while_recording(event: Event, leaving: Leaving) -> None:
    camera = recording()
    camera.handle(event)
    assert camera.state.leaving == leaving


@pytest.mark.parametrize("make", [standby, warning, Camera])
def test_a_critical_battery_ends_it_after_its_sign(make: Callable[[], Camera]) -> None:
    camera = make()
    camera.now_us = 105 * S
    camera.handle(BatteryChanged("critical", 2.0))
    assert camera.name() == "closing"
    assert next_deadline(camera.state) == 108 * S
    assert camera.shown() == "refused"
    camera.now_us = 108 * S - 1
    assert camera.handle(TimePassed()) == []
    camera.now_us = 108 * S
    assert camera.handle(TimePassed()) == [Exit(True)]


@pytest.mark.parametrize("first", [ShutdownRequested(), BatteryChanged("critical", 2.0)])
@pytest.mark.parametrize("second", [ShutdownRequested(), BatteryChanged("critical", 2.0)])
def test_a_second_reason_only_adds_its_power_off(first: Event, second: Event) -> None:
    once = after(recording(), first)
    assert once.state.leaving is not None
    powers_off = BatteryChanged in (type(first), type(second))
    leaving = once.state.leaving
    assert no_notes(once.handle(second)) == []
    assert once.state.leaving == replace(leaving, power_off=powers_off)


@pytest.mark.parametrize("settings", [Policy(), BUFFER])
def test_nothing_is_open_after_the_end(settings: Policy) -> None:
    """Nor since it was told to leave: no footage comes of which nothing is recorded."""
    for make in (Camera, standby, warning, recording, stopped):
        camera = make(settings)
        camera.handle(ShutdownRequested())
        assert not camera.state.capture_open
        camera.later(11)
        state = camera.state
        assert (state.name, state.recording, state.capture_open, state.microphone_open) == ("ended", None, False, False)
        assert camera.actions[-1] == Exit(False)
