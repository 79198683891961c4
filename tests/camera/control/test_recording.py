"""The tables of the design's control, cell by cell: recording, closing."""

from __future__ import annotations

import pytest

from bodycamd.camera.control.events import (
    AudioChanged,
    BeginRecording,
    ButtonHeld,
    ButtonTapped,
    CaptureClosed,
    CaptureFlowing,
    CaptureStalled,
    CloseCapture,
    ContinueRecording,
    EmptyRing,
    EndRecording,
    Note,
    OpenCapture,
    Pulse,
    RecordingSealed,
    Refuse,
    RetainFrom,
    RingOverflowed,
    SealNow,
    SetMicrophone,
    SpeakWarning,
    TimePassed,
    WriteFailed,
)
from tests.camera.control.camera import BUFFER, HOLD, POST, S, confirmed, fragment, no_notes, recording, stopped, warning

# --- recording ----------------------------------------------------------------------------------------------------------------------------


def test_two_pulses_when_the_first_fragment_is_durable_and_only_then() -> None:
    camera = warning()
    camera.warned()
    assert Pulse("started") not in camera.actions
    camera.later(1)
    assert camera.durable() == [Pulse("started")]
    camera.later(1)
    assert camera.durable() == []


def test_a_tap_is_a_marker_at_the_time_of_its_down() -> None:
    camera = recording()
    down_us = camera.now_us
    assert camera.down() == []
    camera.later(0.3)
    camera.handle(ButtonTapped(camera.now_us))
    assert camera.noted("marker") == [{"recording": 1, "at_us": down_us, "cause": "tap"}]
    assert camera.handle(ButtonTapped(camera.now_us)) == [], "one marker for one down"


def test_markers_of_a_chattering_button_are_one() -> None:
    camera = recording()
    for _ in range(50):
        camera.down()
        camera.later(0.02)
        camera.handle(ButtonTapped(camera.now_us))
        camera.later(0.02)
    assert len(camera.noted("marker")) == 7, "2 s at one each 0.3 s"


def test_a_hold_that_began_in_recording_stops_it_and_closes_the_camera() -> None:
    camera = recording(HOLD)
    camera.down()
    camera.later(2)
    held_us = camera.now_us
    camera.later(0.05)
    assert camera.handle(ButtonHeld(held_us)) == [EndRecording(held_us, "officer"), CloseCapture()]
    assert camera.name() == "closing"
    camera.later(0.4)
    assert camera.handle(CaptureClosed(1)) == []
    assert camera.seal() == [Pulse("saved"), RetainFrom(None), EmptyRing()]
    assert camera.name() == "standby"
    assert camera.handle(ButtonTapped(camera.now_us)) == []


def test_a_stop_with_a_pre_event_time_goes_back_to_buffering() -> None:
    camera = stopped(BUFFER)
    assert camera.actions[-2:] == [EndRecording(camera.now_us, "officer"), SetMicrophone(False)]
    assert camera.seal() == [Pulse("saved"), RetainFrom(None)]
    assert CloseCapture() not in camera.actions
    assert camera.handle(CaptureClosed(1)) == [OpenCapture(False)], "it reopens after any close"


def test_the_reminder_comes_every_two_minutes_of_recording() -> None:
    camera = warning()
    camera.warned()
    began_us, felt = camera.now_us, []
    for _ in range(365):
        if Pulse("reminder") in camera.later(1):
            felt.append((camera.now_us - began_us) // S)
        camera.durable()
    assert felt == [120, 240, 360]


def test_missed_reminders_are_not_made_up_for() -> None:
    camera = recording()
    camera.now_us += 500 * S
    assert camera.handle(TimePassed()).count(Pulse("reminder")) == 1
    assert camera.handle(TimePassed()) == []


def test_storage_full_while_recording_closes_seals_and_shows_refused() -> None:
    camera = recording(POST)
    actions = no_notes(camera.storage("full"))
    assert actions == [EndRecording(camera.now_us, "storage_full"), CloseCapture()], "no post-event time"
    assert no_notes(camera.down()) == [Refuse("storage_full"), Pulse("refused")], "it cannot go on"
    camera.later(1)
    assert camera.seal() == [Refuse("storage_full"), Pulse("refused"), RetainFrom(None), EmptyRing()]
    camera.later(4)
    assert camera.shown() == "cannot_record"


def test_a_recording_that_is_not_whole_on_disk_is_not_called_saved() -> None:
    camera = recording(HOLD)
    camera.down()
    camera.later(2)
    camera.handle(ButtonHeld(camera.now_us))
    number = camera.state.number
    actions = camera.handle(RecordingSealed(f"000007-{number:04d}", S, camera.now_us, whole=False))
    assert no_notes(actions)[:2] == [Refuse("not_saved"), Pulse("refused")]
    assert Pulse("saved") not in actions


def test_a_recording_goes_on_through_failed_writes_overflows_stalls_and_lost_sound() -> None:
    camera = recording()
    camera.handle(CaptureFlowing(1, "libx264", 30.0))
    camera.handle(WriteFailed("fdatasync", "EIO"))
    camera.handle(RingOverflowed(2, 2 * S))
    camera.handle(CaptureStalled(1, "no frame for 800 ms", camera.now_us - S))
    camera.handle(AudioChanged(2, "lost"))
    camera.handle(CaptureFlowing(2, "libx264", 30.0))
    assert camera.name() == "recording"
    assert camera.state.audio_lost, "the loss belongs to the generation that flows"
    assert camera.noted("write_failed") == [{"operation": "fdatasync", "reason": "EIO"}]
    assert camera.noted("ring_overflowed") == [{"fragments": 2, "dropped_us": 2 * S}]
    assert camera.noted("capture_stalled")[0]["generation"] == 1
    assert [entry["generation"] for entry in camera.noted("capture_flowing")] == [1, 2]
    assert not camera.of(EndRecording)
    camera.handle(CaptureStalled(2, "no frame", None))
    camera.handle(CaptureFlowing(3, "libx264", 30.0))
    assert not camera.state.audio_lost, "a new worker has not said that its sound is lost"


def test_a_camera_that_closes_unasked_is_asked_for_again() -> None:
    camera = recording()
    camera.handle(CaptureFlowing(1, "libx264", 30.0))
    assert camera.handle(CaptureClosed(1)) == [OpenCapture(True)]


def test_a_seal_that_overtook_the_press_begins_the_next_recording_without_a_hole() -> None:
    camera = stopped()
    end_us = camera.now_us
    camera.later(0.5)
    assert ContinueRecording(1) in camera.down()
    camera.later(0.01)
    assert camera.seal() == [BeginRecording(2, camera.state.pressed_us, end_us, "none", "000007-0001")]
    assert camera.name() == "recording"


# --- closing ------------------------------------------------------------------------------------------------------------------------------


def test_a_down_while_closing_goes_on_with_the_same_recording_and_marks_it() -> None:
    camera = stopped()
    camera.later(0.5)
    actions = camera.down()
    assert no_notes(actions) == [ContinueRecording(1), OpenCapture(True), Pulse("marker")]
    assert camera.noted("marker") == [{"recording": 1, "at_us": camera.now_us, "cause": "continued"}]
    assert camera.name() == "recording"
    camera.later(2)
    assert camera.handle(ButtonHeld(camera.now_us)) == [], "this down began in closing: it does not stop"
    assert camera.later(5) == [], "the seal is not forced any more"
    camera.down()
    camera.later(2)
    assert EndRecording(camera.now_us, "officer") in camera.handle(ButtonHeld(camera.now_us))


def test_a_down_in_the_post_event_time_finds_the_camera_still_open() -> None:
    camera = stopped(POST)
    assert camera.actions[-1] == EndRecording(camera.now_us + 10 * S, "officer")
    camera.later(5)
    assert no_notes(camera.down()) == [ContinueRecording(1), Pulse("marker")]
    buffering = stopped(BUFFER)
    assert no_notes(buffering.down()) == [ContinueRecording(1), SetMicrophone(True), Pulse("marker")]


def test_the_post_event_time_is_recorded_with_sound_then_the_camera_closes() -> None:
    camera = stopped(POST)
    assert camera.later(9.999) == []
    assert camera.later(0.001) == [CloseCapture()]
    assert camera.seal()[0] == Pulse("saved")


def test_storage_full_in_the_post_event_time_ends_it() -> None:
    camera = stopped(POST)
    camera.later(2)
    assert no_notes(camera.storage("full")) == [EndRecording(camera.now_us, "storage_full"), CloseCapture()]


def test_a_seal_before_the_end_closes_the_camera_all_the_same() -> None:
    camera = stopped(POST)
    camera.later(2)
    assert camera.seal() == [Pulse("saved"), CloseCapture(), RetainFrom(None), EmptyRing()]


def test_the_seal_is_forced_after_three_seconds_and_tried_again() -> None:
    camera = stopped()
    end_us = camera.now_us
    assert camera.later(2.999) == []
    assert camera.later(0.001) == [SealNow(), Note("seal_forced", (("recording", 1), ("end_us", end_us)))]
    assert camera.later(9.999) == []
    assert camera.later(0.001) == [SealNow()]
    assert camera.name() == "closing"
    assert camera.shown() == "missing"
    assert camera.seal()[0] == Pulse("saved")


def test_a_press_during_the_silence_of_the_disk_goes_on() -> None:
    camera = stopped()
    camera.later(30)
    assert ContinueRecording(1) in camera.down()


def test_sealed_twice_is_sealed_once() -> None:
    camera = stopped()
    camera.seal()
    before = camera.state
    assert camera.seal() == []
    assert camera.state == before


@pytest.mark.parametrize("recording_id", ["000007-0002", "000007-0000", "0001-", "", "-", "000007-0001x", "\u0667-\u0660\u0661"])
def test_reports_about_another_recording_change_nothing(recording_id: str) -> None:
    for camera in (recording(), stopped()):
        before = camera.state
        assert camera.handle(RecordingSealed(recording_id, S, camera.now_us)) == []
        assert camera.state == before


def test_a_fragment_of_another_recording_does_not_light_the_lamp() -> None:
    camera = recording()
    camera.later(3)
    camera.handle(fragment(2, camera.now_us))
    assert camera.shown() == "missing"


def test_a_press_after_a_stop_opens_a_camera_that_is_still_closing() -> None:
    camera = confirmed()
    camera.handle(CaptureFlowing(1, "libx264", 30.0))
    camera.seal()
    assert no_notes(camera.down()) == [SpeakWarning(), OpenCapture(True), RetainFrom(camera.now_us)]
    assert camera.handle(CaptureClosed(1)) == [OpenCapture(True)], "asked for again, and the ring is not emptied"
