"""A call for help, cell by cell: what makes one, what is felt of it, and what changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.control.events import ButtonHeld, ButtonReleased, CallHelp, EndRecording, HelpAnswered, HelpSent, Pulse
from bodycamd.camera.control.machine import next_deadline, step
from bodycamd.camera.control.state import Policy
from tests.camera.control.button_traces import Worn
from tests.camera.control.button_traces import standby as worn_standby
from tests.camera.control.camera import Camera, S, recording, standby, warning
from tests.kit.scale import count

MS = 1000
HELP = Policy(help_call=True)
OF_HELP = ("help_sent", "help_not_sent", "help_answered")


def held(policy: Policy = HELP, seconds: float = 10) -> Camera:
    """Recording, with the button down for so long."""
    camera = recording(policy)
    camera.later(2)
    camera.down()
    camera.later(2)
    camera.handle(ButtonHeld(camera.now_us))
    camera.later(seconds - 2)
    return camera


def felt(camera: Camera) -> list[str]:
    return [pulse.name for pulse in camera.of(Pulse) if pulse.name in OF_HELP]


def test_ten_seconds_call_once_and_the_recording_goes_on() -> None:
    camera = held(seconds=9.999)
    assert camera.of(CallHelp) == []
    down_us = camera.now_us - 9_999 * MS
    camera.later(0.001)
    assert camera.of(CallHelp) == [CallHelp(1, 1, down_us)]
    assert camera.noted("button_held") == [{"recording": 1, "at_us": down_us}], "the ledger has the hold too"
    camera.later(15)
    assert camera.handle(ButtonReleased(camera.now_us)) == []
    camera.later(60)
    assert len(camera.of(CallHelp)) == 1
    assert camera.of(EndRecording) == []
    assert camera.name() == "recording"


@pytest.mark.parametrize("policy", [Policy(), Policy(stop="hold"), Policy(help_call=True, stop="hold")])
def test_no_call_where_it_is_off_and_where_a_hold_stops(policy: Policy) -> None:
    assert held(policy, 12).of(CallHelp) == []


def test_a_call_that_nobody_confirms_is_felt_as_not_sent_after_twenty_seconds() -> None:
    camera = held()
    called_us = camera.now_us
    camera.later(19.999)
    assert felt(camera) == []
    camera.later(0.001)
    assert felt(camera) == ["help_not_sent"]
    assert camera.noted("help_not_sent") == [{"number": 1, "called_us": called_us}]
    camera.later(600)
    assert felt(camera) == ["help_not_sent"]
    assert camera.handle(HelpSent(1)) == [Pulse("help_sent")], "it went after all: that is felt too"


def test_sent_and_answered_are_felt_once_each() -> None:
    camera = held()
    assert camera.handle(HelpSent(1)) == [Pulse("help_sent")]
    assert camera.handle(HelpSent(1)) == []
    assert camera.handle(HelpAnswered(1)) == [Pulse("help_answered")]
    assert camera.handle(HelpAnswered(1)) == []
    camera.later(60)
    assert felt(camera) == ["help_sent", "help_answered"]


def test_an_answer_that_overtakes_the_confirmation_is_enough() -> None:
    camera = held()
    assert camera.handle(HelpAnswered(1)) == [Pulse("help_answered")]
    assert camera.handle(HelpSent(1)) == []
    camera.later(60)
    assert felt(camera) == ["help_answered"]


def again(camera: Camera) -> None:
    """Let go, and held for ten seconds once more."""
    camera.handle(ButtonReleased(camera.now_us))
    camera.later(3)
    camera.down()
    camera.later(2)
    camera.handle(ButtonHeld(camera.now_us))
    camera.later(8)


def test_while_one_is_on_its_way_no_second_one_is_made() -> None:
    camera = held()
    again(camera)
    assert len(camera.of(CallHelp)) == 1
    camera.later(10)
    assert felt(camera) == ["help_not_sent"]
    again(camera)
    assert [call.number for call in camera.of(CallHelp)] == [1, 2]
    assert camera.handle(HelpSent(1)) == [], "the first one is over"
    assert camera.handle(HelpSent(2)) == [Pulse("help_sent")]


def test_an_answer_to_an_earlier_call_counts_and_an_old_one_does_not_come_back() -> None:
    camera = held()
    camera.handle(HelpSent(1))
    again(camera)
    assert camera.handle(HelpAnswered(1)) == [Pulse("help_answered")], "somebody comes"
    assert camera.handle(HelpAnswered(2)) == [Pulse("help_answered")]
    for number in (-1, 0, 1, 2, 3):
        assert camera.handle(HelpAnswered(number)) == []


def test_a_hold_too_soon_after_another_press_calls_too() -> None:
    """In a struggle nobody waits two seconds; asking to stop still needs the calm."""
    camera = recording(HELP)
    camera.later(2)
    camera.tap()
    camera.later(0.3)
    camera.down()
    camera.later(2)
    assert camera.handle(ButtonHeld(camera.now_us)) == []
    camera.later(8)
    assert len(camera.of(CallHelp)) == 1
    early = recording(HELP)
    early.tap()
    early.later(0.3)
    assert Pulse("asked") not in early.hold(), "let go sooner it asks nothing"


def test_the_press_that_answers_calls_where_it_is_held() -> None:
    camera = recording(HELP)
    camera.later(2)
    camera.hold()
    camera.later(1)
    camera.down()
    assert camera.later(2) == [Pulse("continues")]
    assert camera.handle(ButtonHeld(camera.now_us)) == []
    camera.later(8)
    assert len(camera.of(CallHelp)) == 1
    assert camera.of(EndRecording) == []


@pytest.mark.parametrize("make", [standby, warning])
def test_a_down_that_began_before_the_recording_calls_nobody(make) -> None:  # type: ignore[no-untyped-def]
    camera: Camera = make(HELP)
    camera.down()
    camera.later(2)
    camera.handle(ButtonHeld(camera.now_us))
    camera.warned()
    camera.later(20)
    assert camera.name() == "recording"
    assert camera.of(CallHelp) == []


@settings(max_examples=count(2_000))
@given(st.integers(21_000, 40 * S))
def test_one_contact_calls_if_and_only_if_it_lasts_ten_seconds(length_us: int) -> None:
    """Through the real gestures."""
    worn = Worn(worn_standby("hold_then_press", help_call=True), 10 * S)
    worn.feel([(10 * S, 10 * S + 200 * MS)], 20 * S)
    assert worn.state.name == "recording"
    at_us = worn.now_us
    worn.feel([(at_us, at_us + length_us)], at_us + length_us + 5 * S)
    called = worn.count(CallHelp, 0)
    if abs(length_us - 10 * S) > 50 * MS:  # the bounce time of the release
        assert called == (length_us > 10 * S)
    assert worn.count(EndRecording, 0) == 0


def test_a_clock_that_stands_still_is_no_second_not_sent() -> None:
    camera = held()
    camera.later(20)
    state, actions = step(camera.state, HelpSent(7), camera.now_us - 5 * S)
    assert (state, actions) == (camera.state, [])
    due_us = next_deadline(camera.state)
    assert due_us is None or due_us > camera.now_us
