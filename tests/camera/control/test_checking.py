"""A check has the camera in standby only, and gives it back to whatever needs it; its verdict is shown and felt, and over after a press."""

from __future__ import annotations

import pytest

from bodycamd.camera.control.events import (
    BatteryChanged,
    ButtonDown,
    CheckAsked,
    CheckEnded,
    CheckJudged,
    CloseCapture,
    EndCheck,
    OpenCapture,
    Pulse,
    RecordingSealed,
    ShutdownRequested,
    SpeakWarning,
)
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import Policy
from tests.camera.control.camera import Camera, S, recording, standby, warning

BUFFERING = Policy(pre_event_us=30 * S, record_warning=True)


def checking(policy: Policy | None = None) -> Camera:
    camera = standby(policy) if policy is not None else standby()
    camera.handle(CheckAsked())
    assert camera.state.checking
    return camera


def test_in_standby_the_camera_is_lent_and_comes_back() -> None:
    camera = checking()
    assert camera.handle(CheckEnded()) == []
    assert not camera.state.checking


def test_a_buffer_is_closed_for_the_check_and_opened_again() -> None:
    camera = standby(BUFFERING)
    assert camera.handle(CheckAsked()) == [CloseCapture()]
    assert camera.handle(CheckEnded()) == [OpenCapture(microphone=False)]


@pytest.mark.parametrize("make", [warning, recording])
def test_nothing_is_lent_while_it_records_or_is_about_to(make: object) -> None:
    camera = make()  # type: ignore[operator]
    assert camera.handle(CheckAsked()) == []
    assert not camera.state.checking


def test_nothing_is_lent_by_a_camera_that_leaves() -> None:
    camera = standby()
    camera.handle(ShutdownRequested())
    assert camera.handle(CheckAsked()) == []
    assert not camera.state.checking


@pytest.mark.parametrize("policy", [Policy(), BUFFERING])
def test_a_press_ends_the_check_before_anything_else_and_begins_as_ever(policy: Policy) -> None:
    camera = checking(policy)
    actions = camera.handle(ButtonDown(camera.now_us))
    assert actions[:2] == [EndCheck(), SpeakWarning()]
    assert any(isinstance(action, OpenCapture) for action in actions)
    assert camera.handle(CheckEnded()) == [], "its late end changes nothing"
    assert camera.state.name == "warning"


@pytest.mark.parametrize("event", [ShutdownRequested(), BatteryChanged("critical", 2.0)])
def test_leaving_ends_the_check(event: ShutdownRequested | BatteryChanged) -> None:
    camera = checking()
    assert camera.handle(event)[0] == EndCheck()
    assert not camera.state.checking


@pytest.mark.parametrize(("passed", "word"), [(True, "check_passed"), (False, "check_failed")])
def test_the_verdict_is_shown_for_three_seconds_and_felt_once(passed: bool, word: str) -> None:
    camera = standby()
    assert camera.handle(CheckJudged(passed)) == [Pulse(word)]  # type: ignore[arg-type]
    assert camera.shown() == word
    assert next_deadline(camera.state) == camera.now_us + 3 * S
    camera.later(3.0)
    assert camera.shown() == "ready"


def test_after_a_press_no_verdict_is_shown() -> None:
    camera = standby()
    camera.handle(CheckJudged(True))
    camera.handle(ButtonDown(camera.now_us))
    assert camera.shown() == "blink"
    assert camera.handle(CheckJudged(True)) == []
    assert camera.shown() == "blink"


def test_a_late_event_of_a_recording_does_not_end_a_check() -> None:
    camera = checking()
    assert camera.handle(RecordingSealed("000007-0001", S, camera.now_us)) == []
    assert camera.state.checking
