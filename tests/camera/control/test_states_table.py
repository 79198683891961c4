"""What the camera remembers after a step, and that nothing is carried over from one recording to the next."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import fields, replace

from bodycamd.camera.control.events import (
    AudioChanged,
    AudioSilent,
    BatteryChanged,
    ButtonDown,
    ButtonFreed,
    ButtonHeld,
    ButtonStuck,
    ButtonTapped,
    CaptureClosed,
    CaptureFlowing,
    CaptureStalled,
    ClockChanged,
    ContinueRecording,
    DiskChanged,
    EmptyRing,
    Event,
    Exit,
    MicrophoneOpened,
    OpenCapture,
    Ready,
    RingOverflowed,
    ShutdownRequested,
    StorageChanged,
    VoiceHealth,
    WarningEnded,
    WarningOutcome,
    WriteFailed,
)
from bodycamd.camera.control.state import Policy, State
from tests.camera.control.camera import (
    BUFFER,
    BUFFER_WITH_SOUND,
    POST,
    Camera,
    S,
    after,
    confirmed,
    fragment,
    no_notes,
    recording,
    sealed,
    standby,
    stopped,
    strict,
    warning,
)

SHORTEST_BUFFER = Policy(pre_event_us=1, record_warning=True)


def changed(before: State, after: State) -> dict[str, object]:
    """The fields that a step changed, but for the time."""
    names = [field.name for field in fields(State) if field.name != "at_us"]
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}


# --- what a report changes ----------------------------------------------------------------------------------------------------------------

PRESSED = {"name": "warning", "pressed_us": 100 * S, "spoken_us": 100 * S, "last_down_us": 100 * S}
FLOWING, STALLED = CaptureFlowing(1, "x", 30.0), CaptureStalled(1, "no frame", None)


@pytest.mark.parametrize(
    ("make", "event", "changes"),
    [
        (standby, VoiceHealth(False), {"voice_failed": True}),
        (lambda: after(standby(), VoiceHealth(False)), VoiceHealth(True), {"voice_failed": False}),
        (standby, DiskChanged(False), {"disk_unusable": True}),
        (lambda: after(standby(), DiskChanged(False)), DiskChanged(True), {"disk_unusable": False}),
        # footage can be missing only from a recording
        (recording, WriteFailed("write", "EIO"), {"disk_failing": True}),
        (standby, WriteFailed("write", "EIO"), {}),
        (recording, RingOverflowed(1, S), {"disk_failing": True}),
        (standby, RingOverflowed(1, S), {}),
        (standby, StorageChanged("low", 9.0), {"storage_low": True}),
        (standby, StorageChanged("full", 0.0), {"storage_low": True, "storage_full": True}),
        (lambda: after(standby(), StorageChanged("full", 0.0)), StorageChanged("low", 9.0), {"storage_full": False}),
        (lambda: after(standby(), StorageChanged("low", 9.0)), StorageChanged("full", 0.0), {"storage_full": True}),
        (lambda: after(standby(), StorageChanged("low", 9.0)), StorageChanged("ok", 99.0), {"storage_low": False}),
        (standby, BatteryChanged("low", 9.0), {"battery_low": True}),
        (lambda: after(standby(), BatteryChanged("low", 9.0)), BatteryChanged("ok", 99.0), {"battery_low": False}),
        (standby, ClockChanged(True, "ntp"), {"clock_untrusted": False}),
        (lambda: after(standby(), ClockChanged(True, "ntp")), ClockChanged(False, "ntp"), {"clock_untrusted": True}),
        (standby, ButtonStuck(0), {"button_stuck": True}),
        (lambda: after(standby(), ButtonStuck(0)), ButtonFreed(0), {"button_stuck": False}),
        (lambda: after(recording(), WriteFailed("write", "EIO")), fragment(1, 105 * S), {"disk_failing": False}),
        # a press opens the camera, or the microphone of one that buffers
        (standby, ButtonDown(100 * S), {**PRESSED, "capture_open": True, "microphone_open": True}),
        (lambda: standby(BUFFER), ButtonDown(100 * S), {**PRESSED, "microphone_open": True}),
        # the camera: what is heard of a new generation, of the same one, and of one that is over
        (recording, FLOWING, {"generation": 1, "generation_ended": False, "flowing": True}),
        (recording, STALLED, {"generation": 1, "capture_stalled": True, "gave_nothing": True}),
        (standby, STALLED, {"generation": 1}),
        (standby, CaptureClosed(1), {"generation": 1}),
        (recording, AudioChanged(1, "lost"), {"generation": 1, "generation_ended": False, "audio_lost": True}),
        (recording, AudioChanged(1, "off"), {"generation": 1, "generation_ended": False}),
        (lambda: after(recording(), FLOWING), STALLED, {"generation_ended": True, "flowing": False, "capture_stalled": True}),
        (lambda: after(recording(), FLOWING), CaptureClosed(1), {"generation_ended": True, "flowing": False}),
        (lambda: after(recording(), FLOWING), AudioChanged(1, "lost"), {"audio_lost": True}),
        (lambda: after(recording(), FLOWING), AudioChanged(2, "off"), {"generation": 2, "flowing": False}),
        (lambda: after(recording(), FLOWING, AudioChanged(1, "lost")), AudioChanged(1, "live"), {"audio_lost": False}),
        (lambda: after(recording(), FLOWING, AudioChanged(1, "lost")), FLOWING, {}),
        (
            lambda: after(recording(), FLOWING, AudioChanged(1, "lost")),
            CaptureFlowing(2, "x", 30.0),
            {"generation": 2, "audio_lost": False},
        ),
        (lambda: after(recording(), AudioChanged(1, "lost")), FLOWING, {"flowing": True}),
        (recording, AudioSilent(1, True), {"generation": 1, "generation_ended": False, "audio_silent": True}),
        (lambda: after(recording(), FLOWING), AudioSilent(1, False), {}),
        (lambda: after(recording(), FLOWING, AudioSilent(1, True)), AudioSilent(1, False), {"audio_silent": False}),
        (lambda: after(recording(), FLOWING, AudioSilent(1, True)), FLOWING, {}),
        (
            lambda: after(recording(), FLOWING, AudioSilent(1, True)),
            CaptureFlowing(2, "x", 30.0),
            {"generation": 2, "audio_silent": False},
        ),
        (lambda: after(recording(), FLOWING), MicrophoneOpened(1, "Device"), {}),
        (lambda: after(recording(), FLOWING), MicrophoneOpened(2, "Device"), {"generation": 2, "flowing": False}),
        (lambda: after(recording(), STALLED), FLOWING, {}),
        (lambda: after(recording(), STALLED), AudioChanged(1, "lost"), {}),
        (lambda: after(recording(), STALLED), CaptureClosed(1), {}),
        (
            lambda: after(recording(), STALLED),
            CaptureFlowing(2, "x", 30.0),
            {"generation": 2, "generation_ended": False, "flowing": True, "capture_stalled": False, "gave_nothing": False},
        ),
        # a camera that stalled while nobody wanted it is known to be missing as soon as it is wanted and stalls again
        (lambda: after(standby(), STALLED, ButtonDown(0)), STALLED, {"capture_stalled": True}),
    ],
)
def test_what_a_report_changes(make: Callable[[], Camera], event: Event, changes: dict[str, object]) -> None:
    camera = make()
    before = camera.state
    camera.handle(event)
    assert changed(before, camera.state) == changes


@pytest.mark.parametrize(
    "late",
    [
        CaptureFlowing(4, "x", 30.0),
        CaptureStalled(4, "x", None),
        CaptureClosed(4),
        AudioChanged(4, "lost"),
        AudioSilent(4, True),
        MicrophoneOpened(4, "x"),
    ],
)
@pytest.mark.parametrize("make", [standby, warning, recording, stopped])
def test_a_late_report_changes_nothing(make: Callable[[], Camera], late: Event) -> None:
    camera = after(make(), CaptureStalled(5, "no frame", None))
    before = camera.state
    assert camera.handle(late) == []
    assert camera.state == before


# --- a closed camera leaves nothing behind ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [CaptureStalled(1, "killed", None), CaptureClosed(1)])
@pytest.mark.parametrize(
    ("make", "then"),
    [
        (standby, [EmptyRing()]),
        (lambda: after(stopped(), sealed(1, 0)), [EmptyRing()]),
        (stopped, []),
        (lambda: after(stopped(), ShutdownRequested()), []),
    ],
)
def test_the_ring_is_emptied_of_what_came_last(make: Callable[[], Camera], event: Event, then: list[object]) -> None:
    assert no_notes(make().handle(event)) == then


def test_a_camera_that_buffers_is_opened_again_and_its_ring_kept() -> None:
    for settings, microphone in ((BUFFER, False), (BUFFER_WITH_SOUND, True), (SHORTEST_BUFFER, False)):
        assert no_notes(standby(settings).handle(STALLED)) == [], "the worker is replaced without being asked"
        assert no_notes(standby(settings).handle(CaptureClosed(1))) == [OpenCapture(microphone)]
        assert EmptyRing() not in saved(settings).actions


# --- the voice ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outcome", "failed"), [("played_to_device", False), ("failed", True)])
@pytest.mark.parametrize("known_to_fail", [False, True])
def test_how_the_voice_is_known_after_a_warning(outcome: WarningOutcome, failed: bool, known_to_fail: bool) -> None:
    camera = after(warning(), VoiceHealth(not known_to_fail))
    camera.handle(WarningEnded(camera.now_us, outcome, ""))
    assert camera.name() == "recording"
    assert camera.state.voice_failed == failed


# --- back in standby ----------------------------------------------------------------------------------------------------------------------


def saved(settings: Policy) -> Camera:
    return after(confirmed(settings), sealed(1, 0))


def filled_up_with_the_button_down(settings: Policy) -> Camera:
    camera = after(recording(settings), ButtonDown(0), WriteFailed("write", "EIO"))
    return after(camera, StorageChanged("full", 0.0), StorageChanged("ok", 99.0), sealed(1, 0))


def given_up(settings: Policy) -> Camera:
    return after(warning(settings), StorageChanged("full", 0.0), StorageChanged("ok", 99.0))


def refused(settings: Policy) -> Camera:
    return after(strict(replace(settings, on_warning_failure="refuse")), VoiceHealth(True))


def latched_and_saved(settings: Policy) -> Camera:
    camera = after(Camera(settings), ButtonDown(0), Ready())
    camera.later(1)
    camera = after(camera, ButtonDown(102 * S))
    camera.later(3)
    camera.hold()
    camera.later(1)
    camera.tap()
    camera.later(1)
    return after(camera, sealed(1, 0))


def sealed_before_its_end(settings: Policy) -> Camera:
    return after(confirmed(replace(settings, post_event_us=10 * S)), sealed(1, 0))


@pytest.mark.parametrize("settings", [Policy(), BUFFER, BUFFER_WITH_SOUND, SHORTEST_BUFFER, POST], ids=str)
@pytest.mark.parametrize("make", [saved, filled_up_with_the_button_down, given_up, refused, latched_and_saved, sealed_before_its_end])
def test_standby_remembers_nothing_of_what_was(make: Callable[[Policy], Camera], settings: Policy) -> None:
    """The camera stands as after its start, but for the count of recordings, the sign that is on show and the last down."""
    was, fresh = make(settings).state, standby(settings).state
    assert replace(was, policy=settings, at_us=0, number=0, refused_us=None, last_down_us=None) == replace(fresh, at_us=0)


def test_an_honoured_press_is_not_refused_at_the_end() -> None:
    assert latched_and_saved(Policy()).noted("press_latched")
    assert no_notes(latched_and_saved(Policy()).handle(ShutdownRequested())) == [Exit(False)]


@pytest.mark.parametrize("settings", [Policy(), BUFFER, POST], ids=str)
def test_a_recording_that_goes_on_is_the_one_it_was(settings: Policy) -> None:
    was, camera = recording(replace(settings, stop="hold")), stopped(settings)
    assert was.state.recording is not None
    assert camera.state.recording is not None
    assert camera.state.recording.ending is not None
    end_us = camera.state.recording.ending.end_us
    camera.later(1)
    camera.down()
    now = camera.state
    goes_on = replace(was.state.recording, durable_us=107 * S, marked_us=108 * S, withdrawn_end_us=end_us)
    assert now == replace(was.state, recording=goes_on, at_us=108 * S, last_down_us=108 * S)


def test_a_recording_goes_on_also_where_its_marker_was_just_made() -> None:
    """Two presses within 0.3 s, and the storage full for a moment between them: one marker, and the same recording."""
    camera = after(recording(), ButtonDown(105 * S), ButtonTapped(0), StorageChanged("full", 0.0), StorageChanged("ok", 99.0))
    assert ContinueRecording(1) in camera.handle(ButtonDown(105 * S + 299_999))
    assert camera.state.recording is not None
    assert camera.state.recording.ending is None
    assert len(camera.noted("marker")) == 1


def test_a_down_from_before_the_end_does_not_stop_what_goes_on() -> None:
    """Its release got lost: the hold of the press that goes on is no stop."""
    camera = after(recording(), ButtonDown(0), StorageChanged("full", 0.0), StorageChanged("ok", 99.0), ButtonDown(0))
    assert camera.name() == "recording"
    camera.later(2)
    assert camera.handle(ButtonHeld(camera.now_us)) == []
    assert camera.name() == "recording"


@pytest.mark.parametrize("first", [ButtonTapped(0), ButtonHeld(107 * S)])
@pytest.mark.parametrize("second", [ButtonTapped(0), ButtonHeld(0)])
def test_one_down_is_one_gesture(first: Event, second: Event) -> None:
    camera = after(recording(), ButtonDown(105 * S), first)
    camera.later(1)
    before = camera.state
    assert camera.handle(second) == []
    assert changed(before, camera.state) == {}
