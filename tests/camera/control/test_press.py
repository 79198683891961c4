"""The tables of the design's control, cell by cell: starting, standby, the warning."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bodycamd.camera.control.events import (
    BeginRecording,
    ButtonHeld,
    ButtonTapped,
    CaptureClosed,
    CloseCapture,
    EmptyRing,
    OpenCapture,
    Pulse,
    Ready,
    Refuse,
    ResumeOffer,
    RetainFrom,
    SetMicrophone,
    SilenceVoice,
    SpeakWarning,
    WarningEnded,
)
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import Policy
from tests.camera.control.camera import BUFFER, BUFFER_WITH_SOUND, REFUSE, Camera, S, no_notes, recording, standby, warning

# --- starting -----------------------------------------------------------------------------------------------------------------------------


def test_ready_is_one_long_pulse_and_the_camera_stays_closed() -> None:
    camera = Camera()
    assert camera.handle(Ready()) == [Pulse("ready")]
    assert camera.name() == "standby"
    assert next_deadline(camera.state) is None


@pytest.mark.parametrize(
    "flags",
    [{"storage_full": True}, {"disk_unusable": True}, {"worker_missing": True}, {"capture_stalled": True}, {"button_stuck": True}],
)
def test_what_cannot_record_is_not_felt_as_ready(flags: dict[str, bool]) -> None:
    camera = Camera()
    camera.state = replace(camera.state, **flags)
    assert Pulse("ready") not in camera.handle(Ready())


def test_with_a_pre_event_time_the_camera_opens_when_ready_with_its_microphone_closed() -> None:
    assert Camera(BUFFER).handle(Ready()) == [OpenCapture(False), Pulse("ready")]
    assert Camera(BUFFER_WITH_SOUND).handle(Ready()) == [OpenCapture(True), Pulse("ready")]


def test_a_press_while_starting_is_latched_and_honoured_when_ready() -> None:
    camera = Camera()
    pressed_us = camera.now_us
    assert camera.tap() == []
    camera.later(1)
    assert camera.tap() == [], "pressed again: still one press, and its warning is not skipped"
    camera.later(3)
    actions = camera.handle(Ready())
    assert no_notes(actions) == [SpeakWarning(), OpenCapture(True), RetainFrom(pressed_us)]
    assert camera.noted("press_latched") == [{"at_us": pressed_us, "waited_us": camera.now_us - pressed_us}]
    assert camera.name() == "warning"


def test_a_latched_press_with_full_storage_is_refused_when_ready() -> None:
    camera = Camera(BUFFER)
    camera.storage("full")
    camera.down()
    assert no_notes(camera.handle(Ready())) == [Refuse("storage_full"), Pulse("refused"), OpenCapture(False)]
    assert camera.name() == "standby"


def test_ready_twice_is_ready_once() -> None:
    camera = recording()
    assert camera.handle(Ready(ResumeOffer("000001-0001", camera.now_us, 0))) == []


@pytest.mark.parametrize("age_seconds", [0, 3, 60])
def test_an_open_recording_is_resumed_at_once_without_a_warning(age_seconds: int) -> None:
    camera = Camera()
    actions = camera.handle(Ready(ResumeOffer("000006-0003", camera.now_us - age_seconds * S, 0)))
    begin = BeginRecording(1, None, camera.now_us, "none", "000006-0003")
    assert actions == [OpenCapture(True), RetainFrom(camera.now_us), begin]
    assert camera.durable() == [Pulse("started")]


def test_a_recording_that_is_too_old_is_not_resumed() -> None:
    camera = Camera()
    actions = camera.handle(Ready(ResumeOffer("000006-0003", camera.now_us - 60 * S - 1, 0)))
    assert no_notes(actions) == [Pulse("ready")]
    assert camera.noted("resume_declined") == [{"recording": "000006-0003", "reason": "too_old", "age_us": 60 * S + 1}]


def test_nothing_is_resumed_onto_full_storage() -> None:
    camera = Camera()
    camera.storage("full")
    assert no_notes(camera.handle(Ready(ResumeOffer("000006-0003", camera.now_us, 0)))) == []
    assert camera.noted("resume_declined")[0]["reason"] == "storage_full"


@pytest.mark.parametrize(("recent", "failing"), [(3, False), (4, True), (9, True)])
def test_five_resumes_in_a_minute_are_failing(recent: int, failing: bool) -> None:
    camera = Camera()
    camera.handle(Ready(ResumeOffer("000006-0003", camera.now_us, recent)))
    assert camera.name() == "recording", "it goes on trying"
    assert camera.state.failing(camera.now_us) == failing
    assert bool(camera.noted("failing")) == failing


def test_a_press_latched_before_a_resume_is_a_marker() -> None:
    camera = Camera()
    camera.down()
    pressed_us = camera.now_us
    camera.later(1)
    camera.handle(Ready(ResumeOffer("000006-0003", camera.now_us, 0)))
    assert camera.noted("marker") == [{"recording": 1, "at_us": pressed_us, "cause": "latched_press"}]
    assert SpeakWarning() not in camera.actions


# --- standby ------------------------------------------------------------------------------------------------------------------------------


def test_down_in_standby_speaks_opens_and_retains_at_once() -> None:
    camera = standby()
    assert camera.down() == [SpeakWarning(), OpenCapture(True), RetainFrom(camera.now_us)]
    assert camera.name() == "warning"


def test_down_in_standby_with_a_pre_event_time_retains_it_and_opens_the_microphone() -> None:
    camera = standby(BUFFER)
    assert camera.down() == [SpeakWarning(), SetMicrophone(True), RetainFrom(camera.now_us - 30 * S)]
    camera = standby(BUFFER_WITH_SOUND)
    assert camera.down() == [SpeakWarning(), RetainFrom(camera.now_us - 30 * S)]


def test_without_sound_the_microphone_is_never_opened() -> None:
    camera = recording(Policy(audio=False))
    assert camera.of(OpenCapture) == [OpenCapture(False)]
    silent = recording(Policy(audio=False, pre_event_us=30 * S, record_warning=True, pre_event_audio=True))
    assert silent.of(OpenCapture) == [OpenCapture(False)]
    assert silent.of(SetMicrophone) == []


@pytest.mark.parametrize("gesture", [ButtonTapped, ButtonHeld])
def test_release_and_hold_in_standby_are_nothing(gesture: type[ButtonTapped | ButtonHeld]) -> None:
    camera = standby()
    assert camera.handle(gesture(camera.now_us)) == []


def test_a_press_with_full_storage_is_refused_shown_felt_and_noted() -> None:
    camera = standby()
    camera.storage("full")
    assert no_notes(camera.down()) == [Refuse("storage_full"), Pulse("refused")]
    assert camera.noted("press_refused") == [{"reason": "storage_full", "at_us": camera.now_us}]
    camera.later(0.2)
    assert camera.down() == [], "a chattering button: the sign is on show, one entry is enough"
    camera.later(0.3)
    assert no_notes(camera.down()) == [Refuse("storage_full"), Pulse("refused")]
    camera.storage("ok")
    assert SpeakWarning() in camera.down()


# --- warning ------------------------------------------------------------------------------------------------------------------------------


def test_the_recording_begins_at_the_warnings_end() -> None:
    camera = warning()
    pressed_us = camera.now_us
    camera.later(4)
    ended_us = camera.now_us
    camera.later(0.01)
    actions = camera.handle(WarningEnded(ended_us, "played_to_device", "ab", "hw:0"))
    assert no_notes(actions) == [BeginRecording(1, pressed_us, ended_us, "played_to_device", None)]
    entry = {"recording": 1, "outcome": "played_to_device", "file_sha256": "ab", "detail": "hw:0"}
    assert camera.noted("warning") == [{**entry, "pressed_us": pressed_us, "ended_us": ended_us}]


@pytest.mark.parametrize(("settings", "before_us"), [(Policy(record_warning=True), 0), (Policy(pre_event_us=1), 1), (BUFFER, 30 * S)])
@pytest.mark.parametrize("skipped", [False, True])
def test_with_record_warning_or_a_pre_event_time_it_begins_earlier(settings: Policy, before_us: int, skipped: bool) -> None:
    camera = warning(settings)
    pressed_us = camera.now_us
    camera.later(4)
    _ = camera.down() if skipped else camera.warned()
    assert camera.of(BeginRecording)[0].keep_from_us == pressed_us - before_us


def test_nothing_begins_before_the_clock_did() -> None:
    camera = Camera(BUFFER, now_us=2 * S)
    camera.handle(Ready())
    assert RetainFrom(0) in camera.down()
    camera.warned()
    assert camera.of(BeginRecording)[0].keep_from_us == 0


def test_a_new_down_skips_the_warning_and_records_at_once() -> None:
    camera = warning(Policy(warning_sha256="ef"))
    pressed_us = camera.now_us
    camera.handle(ButtonTapped(camera.now_us))
    camera.later(1)
    actions = camera.down()
    assert no_notes(actions) == [SilenceVoice(), BeginRecording(1, pressed_us, camera.now_us, "skipped", None)]
    assert camera.noted("warning")[0]["outcome"] == "skipped"
    assert camera.noted("warning")[0]["file_sha256"] == "ef"


@pytest.mark.parametrize("gesture", [ButtonTapped, ButtonHeld])
def test_the_first_downs_release_or_hold_during_the_warning_is_nothing(gesture: type[ButtonTapped | ButtonHeld]) -> None:
    camera = warning()
    camera.later(2)
    assert camera.handle(gesture(camera.now_us)) == []
    assert camera.name() == "warning"


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("gesture", [ButtonTapped, ButtonHeld])
def test_a_down_from_before_the_recording_neither_marks_nor_stops_it(gesture: type[ButtonTapped | ButtonHeld], skips: bool) -> None:
    camera = warning()
    camera.later(1)
    _ = camera.down() if skips else camera.warned()
    assert camera.name() == "recording"
    camera.later(1)
    assert camera.handle(gesture(camera.now_us)) == []


def test_a_failed_warning_records_all_the_same() -> None:
    camera = warning()
    pressed_us = camera.now_us
    camera.later(1)
    assert no_notes(camera.warned("failed")) == [BeginRecording(1, pressed_us, camera.now_us, "failed", None)]
    assert camera.state.voice_failed
    assert camera.noted("warning")[0]["outcome"] == "failed"
    camera.durable()
    assert camera.shown() == "low"


def test_a_failed_warning_is_refused_where_the_policy_says_so_and_the_camera_closed() -> None:
    camera = warning(REFUSE)
    camera.later(1)
    actions = camera.warned("failed")
    assert no_notes(actions) == [Refuse("warning_failed"), Pulse("refused"), CloseCapture(), RetainFrom(None), EmptyRing()]
    assert camera.noted("warning")[0]["recording"] is None
    assert camera.noted("press_refused")[0]["reason"] == "warning_failed"
    assert camera.name() == "standby"
    assert camera.handle(CaptureClosed(1)) == [EmptyRing()], "the last fragment came after the first emptying"


def test_a_voice_that_never_answers_counts_as_failed() -> None:
    camera = warning(Policy(warning_us=5 * S, warning_sha256="ef"))
    assert next_deadline(camera.state) == camera.now_us + 7 * S
    assert camera.later(6.999) == []
    actions = camera.later(0.001)
    assert [type(action) for action in no_notes(actions)] == [SilenceVoice, BeginRecording]
    assert camera.of(BeginRecording)[0].warning == "failed"
    assert camera.noted("warning")[0]["detail"] == "the voice did not answer"
    assert camera.warned() == [], "too late"


def test_an_answer_that_a_late_loop_sees_after_the_deadline_counts() -> None:
    camera = warning(Policy(warning_us=5 * S))
    spoken_us = camera.now_us
    camera.now_us += 20 * S
    actions = camera.handle(WarningEnded(spoken_us + 5 * S, "played_to_device", "ab"))
    assert no_notes(actions)[0] == BeginRecording(1, spoken_us, spoken_us + 5 * S, "played_to_device", None)


@pytest.mark.parametrize(("outcome", "ago_us"), [("skipped", 0), ("played_to_device", 5 * S), ("failed", 5 * S)])
def test_the_echo_of_an_earlier_warning_changes_nothing(outcome: str, ago_us: int) -> None:
    camera = warning()
    before = camera.state
    assert camera.handle(WarningEnded(camera.now_us - ago_us, outcome, "ab")) == []  # type: ignore[arg-type]
    assert camera.state == before


def test_storage_that_fills_during_the_warning_refuses_the_press() -> None:
    camera = warning()
    actions = no_notes(camera.storage("full"))
    assert actions == [SilenceVoice(), Refuse("storage_full"), Pulse("refused"), CloseCapture(), RetainFrom(None), EmptyRing()]
    assert camera.name() == "standby"
