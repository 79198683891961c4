"""What the hand does while it records, cell by cell, by both rules of `gestures.stop`. One contact of any length stops nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.control.events import (
    BeginRecording,
    ButtonHeld,
    ButtonReleased,
    ButtonTapped,
    CloseCapture,
    ContinueRecording,
    EndRecording,
    OpenCapture,
    Pulse,
    Ready,
    Refuse,
    RetainFrom,
    SetMicrophone,
    SpeakWarning,
)
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import Policy
from tests.camera.control.button_traces import Worn, standby
from tests.camera.control.camera import BUFFER, HOLD, POST, Camera, S, confirmed, no_notes, recording, stopped, warning
from tests.kit.scale import count

MS = 1000


def asked(policy: Policy | None = None) -> Camera:
    """Held for 3 s, and released just now."""
    camera = recording(policy)
    camera.later(2)
    camera.hold()
    assert camera.name() == "recording"
    assert camera.actions[-1] == Pulse("asked")
    return camera


def press(camera: Camera, seconds: float = 0.2) -> None:
    camera.down()
    camera.later(seconds)
    camera.handle(ButtonTapped(camera.now_us))


def felt(camera: Camera) -> list[str]:
    return [pulse.name for pulse in camera.of(Pulse)]


# --- a hold, its release, a press ---------------------------------------------------------------------------------------------------------


def test_a_hold_pulses_each_second_and_its_release_asks() -> None:
    camera = recording()
    camera.later(2)
    camera.down()
    camera.later(2)
    assert camera.handle(ButtonHeld(camera.now_us)) == [Pulse("held")]
    assert camera.later(0.999) == []
    assert camera.later(0.001) == [Pulse("held")]
    assert camera.later(1) == [Pulse("held")]
    camera.later(0.5)
    assert camera.handle(ButtonReleased(camera.now_us)) == [Pulse("asked")]
    assert camera.noted("marker") == []


def test_a_press_within_five_seconds_stops_where_the_press_was() -> None:
    camera = asked()
    camera.later(4.9)
    pressed_us = camera.now_us
    assert camera.down() == []
    camera.later(0.2)
    assert camera.handle(ButtonTapped(camera.now_us)) == [Pulse("marker")], "the press is felt at once"
    assert camera.later(0.999) == []
    assert camera.later(0.001) == [EndRecording(pressed_us, "officer"), CloseCapture()]
    assert camera.seal()[0] == Pulse("saved")
    assert camera.name() == "standby"
    assert camera.noted("marker") == []


def test_without_a_press_two_long_pulses_say_that_it_goes_on() -> None:
    camera = asked()
    assert camera.later(4.999) == []
    assert camera.later(0.001) == [Pulse("continues")]
    assert camera.later(60) == []
    press(camera)
    assert len(camera.noted("marker")) == 1, "an ordinary press again"


def test_held_for_ten_seconds_it_stops_nothing_and_is_in_the_ledger() -> None:
    camera = recording()
    camera.later(2)
    down_us = camera.now_us
    camera.down()
    camera.later(2)
    camera.handle(ButtonHeld(camera.now_us))
    camera.later(7.999)
    assert camera.noted("button_held") == []
    camera.later(0.001)
    assert camera.noted("button_held") == [{"recording": 1, "at_us": down_us}]
    assert felt(camera)[-8:] == ["held"] * 8
    assert camera.later(5) == []
    assert camera.handle(ButtonReleased(camera.now_us)) == []
    press(camera)
    camera.later(10)
    assert camera.of(EndRecording) == []


def test_a_late_loop_learns_of_the_release_after_ten_seconds() -> None:
    camera = recording()
    camera.later(2)
    camera.down()
    camera.later(2)
    camera.handle(ButtonHeld(camera.now_us))
    camera.now_us += 20 * S
    late = camera.handle(ButtonReleased(camera.now_us - 15 * S))
    assert late == [Pulse("asked"), Pulse("continues")], "in time, and too late for a press"
    again = recording()
    again.later(2)
    again.down()
    again.later(2)
    again.handle(ButtonHeld(again.now_us))
    again.now_us += 20 * S
    again.handle(ButtonReleased(again.now_us))
    assert len(again.noted("button_held")) == 1


@pytest.mark.parametrize(
    ("name", "contacts_ms", "stops"),
    [  # contacts after the release, from its instant
        ("a press", [(300, 500)], True),
        ("as long as a press may be", [(300, 1299)], True),
        ("a longer one is a grip", [(300, 1301)], False),
        ("the release bounces", [(100, 150), (600, 800)], True),
        ("the grip is changed", [(100, 500), (900, 1100)], False),
        ("the bounce alone", [(100, 150)], False),
        ("a glove makes contact twice", [(600, 800), (950, 1000)], True),
        ("three contacts are mashing", [(600, 700), (800, 900), (1000, 1100)], False),
        ("two presses", [(600, 700), (1100, 1200)], False),
        ("one a second later", [(600, 700), (1701, 1800)], True),
        ("too late", [(5001, 5200)], False),
        ("another hold", [(600, 3000)], False),
    ],
)
def test_what_answers(name: str, contacts_ms: list[tuple[int, int]], stops: bool) -> None:
    worn = recorded()
    down_us = worn.now_us
    released_us = down_us + 3 * S
    contacts = [(released_us + begin * MS, released_us + end * MS) for begin, end in contacts_ms]
    worn.feel([(down_us, released_us), *contacts], contacts[0][1] + 20 * S)
    ends = [action for _, action in worn.done if isinstance(action, EndRecording)]
    assert bool(ends) == stops, name
    if not stops:
        assert [action for _, action in worn.done].count(Pulse("continues")) >= 1


def recorded() -> Worn:
    """Through real gestures: pressed, warned, and recording for 3 s."""
    worn = Worn(standby("hold_then_press"), 10 * S)
    worn.feel([(10 * S, 10 * S + 200 * MS)], 20 * S)
    assert worn.state.name == "recording"
    return worn


@settings(max_examples=count(2_000))
@given(st.integers(21_000, 60 * S), st.integers(0, 40 * S))
def test_one_contact_of_any_length_stops_nothing(length_us: int, rest_us: int) -> None:
    worn = recorded()
    worn.feel([(worn.now_us, worn.now_us + length_us)], worn.now_us + length_us + rest_us)
    assert worn.count(EndRecording, 0) == 0
    assert worn.state.name == "recording"


def test_a_hold_soon_after_another_press_does_not_ask() -> None:
    camera = recording()
    press(camera)
    camera.later(1.799)
    camera.hold()
    assert "asked" not in felt(camera)
    later = recording()
    press(later)
    later.later(1.8)
    later.hold()
    assert felt(later)[-1] == "asked"


def test_storage_that_fills_during_the_question_closes_at_once() -> None:
    camera = asked(POST)
    assert no_notes(camera.storage("full")) == [EndRecording(camera.now_us, "storage_full"), CloseCapture()]
    assert camera.later(0.5) == []
    assert camera.seal()[:2] == [Refuse("storage_full"), Pulse("refused")]
    assert "continues" not in felt(camera)


def test_the_post_event_time_counts_from_the_press() -> None:
    camera = confirmed(POST)
    pressed_us = camera.now_us - 1_200 * MS
    assert camera.of(EndRecording) == [EndRecording(pressed_us + 10 * S, "officer")]


def test_a_down_while_it_closes_goes_on() -> None:
    camera = confirmed()
    assert ContinueRecording(1) in camera.down()


# --- the hold alone -----------------------------------------------------------------------------------------------------------------------


def test_a_press_within_ten_seconds_of_a_stop_by_hold_goes_on_without_a_warning() -> None:
    camera = stopped()
    stopped_us = camera.now_us
    camera.later(0.5)
    camera.seal()
    camera.later(9.4)
    at_us = camera.now_us
    assert at_us < stopped_us + 10 * S
    assert camera.down() == [OpenCapture(True), RetainFrom(at_us), BeginRecording(2, at_us, at_us, "none", "000007-0001")]
    assert camera.name() == "recording"
    camera.handle(ButtonHeld(camera.now_us + 2 * S))
    assert camera.name() == "recording", "its own press does not stop it"


def test_with_a_pre_event_time_it_goes_on_where_the_other_ended() -> None:
    camera = stopped(BUFFER)
    stopped_us = camera.now_us
    camera.later(0.5)
    camera.seal()
    camera.later(5)
    begin = BeginRecording(2, camera.now_us, stopped_us, "none", "000007-0001")
    assert camera.down() == [SetMicrophone(True), RetainFrom(stopped_us), begin]


@pytest.mark.parametrize(
    "make",
    [
        lambda: sealed_later(stopped(), 10),
        lambda: sealed_later(confirmed(), 0.1),
        lambda: sealed_later(shown_full(), 0.1),
    ],
)
def test_else_a_press_after_a_stop_warns(make: Callable[[], Camera]) -> None:
    camera = make()
    assert SpeakWarning() in camera.down()
    assert camera.state.stopped is None


def sealed_later(camera: Camera, seconds: float) -> Camera:
    camera.seal()
    camera.later(seconds)
    return camera


def shown_full() -> Camera:
    """Closed because the storage was full, and there is room again."""
    camera = recording(HOLD)
    camera.storage("full")
    camera.storage("ok")
    return camera


def test_nothing_goes_on_onto_full_storage() -> None:
    camera = sealed_later(stopped(), 1)
    camera.storage("full")
    assert no_notes(camera.down()) == [Refuse("storage_full"), Pulse("refused")]


# --- the burst ----------------------------------------------------------------------------------------------------------------------------


def test_the_burst_slides_with_each_down() -> None:
    camera = warning()
    for _ in range(10):
        camera.later(0.699)
        assert camera.down() == [], "the same nervous press"
    assert camera.name() == "warning"
    camera.later(0.7)
    assert camera.down()[1] == BeginRecording(1, 101 * S, camera.now_us, "skipped", None)


def test_a_press_latched_just_before_ready_begins_a_burst() -> None:
    camera = Camera()
    camera.down()
    camera.later(0.1)
    camera.handle(Ready())
    camera.later(0.5)
    assert camera.down() == []
    assert camera.name() == "warning"
    assert next_deadline(camera.state) is not None
