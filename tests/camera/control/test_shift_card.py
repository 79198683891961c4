"""What a card does to the shift: never anything to a recording, once for each time that it is shown, and never without end."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from bodycamd.camera.control.card_outcome import CardOutcome, CardRefusal
from bodycamd.camera.control.events import CardAnswered, Note, Pulse, Ready, Refuse, ShutdownRequested, note
from bodycamd.camera.control.machine import step
from bodycamd.camera.control.shift_card import AGAIN_US, HOUR_US, MOST_ANSWERS, Answers, CardVerdict, Showings, judge
from bodycamd.camera.control.state import Policy, State, StateName
from tests.camera.control.camera import Camera
from tests.kit.scale import count

STANDBY = State(Policy(), name="standby")
REFUSALS: tuple[CardRefusal, ...] = get_args(CardRefusal)


@pytest.mark.parametrize(
    ("officer", "worn", "verdict"),
    [
        ("H-12", None, CardVerdict("begun", "H-12")),
        ("H-12", "H-12", CardVerdict("ended", None)),
        ("H-13", "H-12", CardVerdict("changed", "H-13")),
        (None, None, CardVerdict("refused", None, "unknown_card")),
        (None, "H-12", CardVerdict("refused", "H-12", "unknown_card")),
    ],
)
def test_in_standby(officer: str | None, worn: str | None, verdict: CardVerdict) -> None:
    assert judge(officer, worn, STANDBY) == verdict


@pytest.mark.parametrize(
    ("name", "reason"),
    [("starting", "starting"), ("warning", "recording"), ("recording", "recording"), ("closing", "recording"), ("ended", "leaving")],
)
@pytest.mark.parametrize("officer", [None, "H-12", "H-13"])
@pytest.mark.parametrize("worn", [None, "H-12"])
def test_elsewhere_every_card_is_refused_and_the_shift_stays(
    name: StateName, reason: CardRefusal, officer: str | None, worn: str | None
) -> None:
    assert judge(officer, worn, State(Policy(), name=name)) == CardVerdict("refused", worn, reason)


def test_a_camera_that_is_about_to_end_takes_no_card() -> None:
    camera = Camera()
    camera.handle(Ready())
    camera.down()
    camera.handle(ShutdownRequested())
    assert camera.state.leaving is not None
    assert judge("H-12", None, structs.replace(camera.state, name="standby")).reason == "leaving"


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 2 * AGAIN_US)), max_size=40))
@settings(max_examples=count(400))
def test_a_card_is_shown_anew_only_when_it_was_away_for_three_seconds(seen: list[tuple[str, int]]) -> None:
    showings, now_us, last = Showings(), 0, dict[str, int]()
    for card, later_us in seen:
        now_us += later_us
        showings, anew = showings.take(card, now_us)
        assert anew == (card not in last or now_us - last[card] >= AGAIN_US)
        last[card] = now_us


def test_a_stack_of_cards_is_forgotten_in_order_and_not_kept_without_end() -> None:
    showings = Showings()
    for number in range(100):
        showings, anew = showings.take(str(number), number)
        assert anew
    assert len(showings.seen) == 8


@given(st.lists(st.integers(0, HOUR_US // 10), min_size=1, max_size=300))
@settings(max_examples=count(400))
def test_no_hour_has_more_answers_than_so_many(pauses_us: list[int]) -> None:
    answers, now_us, given_us = Answers(), 0, list[int]()
    for pause_us in pauses_us:
        now_us += pause_us
        answers, may = answers.take(now_us)
        if may:
            given_us.append(now_us)
        assert sum(now_us - instant < HOUR_US for instant in given_us) <= MOST_ANSWERS
        assert may or sum(now_us - instant < HOUR_US for instant in given_us) == MOST_ANSWERS


@pytest.mark.parametrize(("outcome", "felt"), [("begun", "shift_begun"), ("changed", "shift_begun"), ("ended", "shift_ended")])
def test_a_shift_that_changes_is_felt(outcome: CardOutcome, felt: str) -> None:
    camera = Camera()
    camera.handle(Ready())
    assert camera.handle(CardAnswered(outcome)) == [Pulse(felt)]  # type: ignore[arg-type]


def test_a_refusal_in_standby_is_shown_felt_and_noted() -> None:
    camera = Camera()
    camera.handle(Ready())
    answered = camera.handle(CardAnswered("refused", "unknown_card"))
    assert answered == [Refuse("unknown_card"), Pulse("refused"), note("card_refused", reason="unknown_card")]
    assert camera.shown() == "refused"


def test_beside_a_recording_a_card_is_noted_and_neither_shown_nor_felt() -> None:
    """*Refused* in the middle of one says that not all of it is stored."""
    camera = Camera()
    camera.handle(Ready())
    camera.down()
    for _ in range(2):
        before = camera.state
        assert camera.handle(CardAnswered("refused", "recording")) == [note("card_refused", reason="recording")]
        assert structs.replace(camera.state, at_us=0) == structs.replace(before, at_us=0)
        camera.later(20)


@given(
    st.sampled_from(get_args(StateName)),
    st.builds(CardAnswered, st.sampled_from(get_args(CardOutcome)), st.sampled_from((None, *REFUSALS))),
)
@settings(max_examples=count(400))
def test_no_answer_begins_or_ends_anything(name: StateName, event: CardAnswered) -> None:
    before = State(Policy(), name=name)
    after, actions = step(before, event, 5)
    assert structs.replace(after, refused_us=None, at_us=0) == before
    assert all(isinstance(action, Pulse | Note | Refuse) for action in actions)
