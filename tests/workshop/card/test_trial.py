"""The card tried: each of its advices is followed to the letter, and officers used to another make's rules do what they are used to.

A row of the second table is a wrong move, what comes of it with each `gestures.stop`, and the words of the card that say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from bodycamd.camera.control.events import HapticName
from bodycamd.config.settings import Config
from bodycamd.workshop.card.officer_card import card
from tests.workshop.card.test_officer_card import AFTER, BEFORE, HOLD, Values, drawn, text
from tests.workshop.card.wearing import Worn

ASK: Values = {}
RULES = {"hold_then_press": ASK, "hold": HOLD}
LONG_HOLD: Values = {"gestures": {"hold_seconds": 4.0}}


def configured(values: Values) -> Config:
    return msgspec.convert({"device_id": "camera-07", **values}, Config)


def recording(values: Values) -> Worn:
    """Pressed, warned, and recording for some seconds: the lamp is steady."""
    worn = Worn(configured(values))
    worn.press()
    worn.wait_for_lamp("recording")
    worn.wait(5)
    return worn


def stop_as_the_card_says(worn: Worn) -> None:
    """Hold for the time that it names; with `hold_then_press` let go and press once, a moment later."""
    worn.press(worn.config.gestures.hold_seconds + 0.3)
    if worn.config.gestures.stop == "hold_then_press":
        worn.wait(1.5)
        worn.press()


# --- the card's own advice ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [ASK, HOLD, BEFORE, AFTER, LONG_HOLD])
def test_press_once_then_stop_as_the_card_says(values: Values) -> None:
    worn = recording(values)
    assert worn.begun() == ["played_to_device"]
    stop_as_the_card_says(worn)
    worn.wait(worn.config.post_event_seconds + 4)
    assert worn.state.name == "standby"
    assert worn.felt()[-1] == "saved"
    assert worn.lamp() == "ready"
    assert worn.markers() == 0, "to stop is not to mark"


@pytest.mark.parametrize("press_seconds", [0.1, 0.6])
@pytest.mark.parametrize("after_seconds", [0.4, 1.0, 3.0, 4.5])
def test_the_press_that_stops_may_come_at_any_time_that_the_card_gives(after_seconds: float, press_seconds: float) -> None:
    worn = recording(ASK)
    worn.press(2.3)
    worn.wait(after_seconds)
    worn.press(press_seconds)
    worn.wait(5)
    assert worn.state.name == "standby"


def test_what_is_felt_while_stopping_is_drawn_at_its_step() -> None:
    worn = recording(ASK)
    stop_as_the_card_says(worn)
    worn.wait(5)
    felt = [name for name in worn.felt() if name != "marker"]
    assert felt == ["held", "asked", "saved"]
    page = card(worn.config, "nl")
    steps = page[page.index("Stoppen") : page.index('class="otherwise"')]
    assert list(drawn(steps, "motor")) == ["held", "asked"]


def test_who_does_not_press_goes_on() -> None:
    worn = recording(ASK)
    worn.press(2.3)
    worn.wait(20)
    assert worn.state.name == "recording"
    assert worn.felt() == ["held", "asked", "continues"]
    assert worn.lamp() == "recording"


@pytest.mark.parametrize("values", RULES.values())
def test_wait_a_second_and_press_again_records_at_once(values: Values) -> None:
    worn = Worn(configured(values))
    worn.press()
    worn.wait(0.8)  # a second after the first press went down
    worn.press()
    assert worn.begun() == ["skipped"]


@pytest.mark.parametrize("values", RULES.values())
def test_a_short_press_marks_and_is_felt(values: Values) -> None:
    worn = recording(values)
    worn.press()
    worn.wait(10)
    assert worn.state.name == "recording"
    assert (worn.markers(), worn.felt()) == (1, ["marker"])


@pytest.mark.parametrize("values", [ASK, HOLD, BEFORE])
def test_pressed_by_accident_wait_for_the_steady_lamp_and_stop(values: Values) -> None:
    worn = Worn(configured(values))
    worn.press()
    worn.wait_for_lamp("recording")
    stop_as_the_card_says(worn)
    worn.wait(5)
    assert worn.state.name == "standby"
    assert worn.begun() == ["played_to_device"]
    assert worn.felt()[-1] == "saved"


@pytest.mark.parametrize("values", [ASK, HOLD])
def test_pressed_by_accident_and_once_more_begins_at_once_as_the_card_warns(values: Values) -> None:
    worn = Worn(configured(values))
    worn.press()
    worn.wait(2)
    worn.press()
    assert worn.begun() == ["skipped"]
    assert "druk niet nog een keer, want dan begint de opname meteen" in text(card(worn.config, "nl"))


def test_go_on_after_all_while_the_lamp_is_on() -> None:
    worn = recording(AFTER)
    stop_as_the_card_says(worn)
    worn.wait(worn.config.post_event_seconds - 1)
    assert worn.lamp() == "recording"
    worn.press()
    worn.wait(60)
    assert worn.state.name == "recording"
    assert worn.begun() == ["played_to_device"], "the same recording"


@pytest.mark.parametrize("values", [HOLD, HOLD | AFTER, HOLD | {"post_event_seconds": 5}])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_go_on_after_all_within_the_time_of_the_card(values: Values, share: float) -> None:
    worn = recording(values)
    worn.press(2.3)
    worn.wait(share * max(10, worn.config.post_event_seconds) - 0.3)
    worn.press()
    worn.wait(5)
    assert worn.state.name == "recording"
    assert worn.warnings() == 1, "without a new warning"


def test_without_post_event_nobody_is_quick_enough_so_the_card_does_not_promise_it() -> None:
    worn = recording(ASK)
    stop_as_the_card_says(worn)
    worn.wait(4)
    worn.press()
    assert worn.warnings() == 2
    assert "Toch verder" not in text(card(worn.config, "nl"))


# --- as an officer used to another make ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """After some time: what the camera does, which recordings began how, markers, and the words that were felt since the move."""

    state: str
    begun: list[str]
    markers: int
    felt: list[HapticName]


Move = Callable[[Worn], None]


def hold_until_felt_and_walk_away(worn: Worn) -> None:
    worn.press(3)


def hold_very_long(worn: Worn) -> None:
    worn.press(12)


def press_to_stop(worn: Worn) -> None:
    worn.press()


def press_twice_quickly(worn: Worn) -> None:
    worn.press(0.12)
    worn.wait(0.18)
    worn.press(0.12)


def press_twice_slowly(worn: Worn) -> None:
    worn.press()
    worn.wait(0.8)
    worn.press()


def hold_again_since_nothing_seemed_to_happen(worn: Worn) -> None:
    worn.press(3)
    worn.wait(1.5)
    worn.press(3)


def hold_then_press_twice(worn: Worn) -> None:
    worn.press(3)
    worn.wait(1)
    press_twice_quickly(worn)


def mark_and_hold_at_once(worn: Worn) -> None:
    worn.press()
    worn.wait(0.8)
    worn.press(3)


GOES_ON = ["played_to_device"]
RESUMED = ["played_to_device", "none"]
ASKED: list[HapticName] = ["held", "asked", "continues"]
HELD_LONG: list[HapticName] = ["held"] * 8

WHILE_RECORDING: list[tuple[Move, Outcome, Outcome]] = [
    # with `hold_then_press`, and with `hold`
    (
        hold_until_felt_and_walk_away,
        Outcome("recording", GOES_ON, 0, ASKED),
        Outcome("standby", GOES_ON, 0, ["saved"]),
    ),
    (
        hold_very_long,
        Outcome("recording", GOES_ON, 0, HELD_LONG),
        Outcome("standby", GOES_ON, 0, ["saved"]),
    ),
    (
        press_to_stop,
        Outcome("recording", GOES_ON, 1, ["marker"]),
        Outcome("recording", GOES_ON, 1, ["marker"]),
    ),
    (
        press_twice_quickly,
        Outcome("recording", GOES_ON, 2, ["marker", "marker"]),
        Outcome("recording", GOES_ON, 2, ["marker", "marker"]),
    ),
    (
        hold_again_since_nothing_seemed_to_happen,
        Outcome("recording", GOES_ON, 0, ASKED),
        Outcome("recording", RESUMED, 0, ["saved"]),
    ),
    (
        hold_then_press_twice,
        Outcome("standby", GOES_ON, 0, ["held", "asked", "marker", "saved"]),
        Outcome("recording", RESUMED, 1, ["saved", "marker"]),
    ),
    (
        mark_and_hold_at_once,
        Outcome("recording", GOES_ON, 1, ["marker"]),
        Outcome("standby", GOES_ON, 1, ["marker", "saved"]),
    ),
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("move", "asks", "holds"), WHILE_RECORDING, ids=lambda value: getattr(value, "__name__", ""))
def test_the_habits_of_another_make_while_recording(move: Move, asks: Outcome, holds: Outcome, rule: str) -> None:
    worn = recording(RULES[rule])
    move(worn)
    worn.wait(30)
    assert Outcome(worn.state.name, worn.begun(), worn.markers(), worn.felt()) == (asks if rule == "hold_then_press" else holds)
    assert set(worn.felt()) <= set(drawn(card(worn.config, "nl"), "motor")), "whatever is felt is on the card"


@pytest.mark.parametrize("values", RULES.values())
@pytest.mark.parametrize(
    ("move", "warning"),
    [
        (hold_until_felt_and_walk_away, "played_to_device"),
        (hold_very_long, "played_to_device"),
        (press_twice_quickly, "played_to_device"),
        (press_twice_slowly, "skipped"),
        (hold_again_since_nothing_seemed_to_happen, "skipped"),
    ],
)
def test_the_habits_of_another_make_to_begin_with(move: Move, warning: str, values: Values) -> None:
    """They all begin a recording, and none stops it again. Who presses anew, a second or more later, goes without the warning."""
    worn = Worn(configured(values))
    move(worn)
    worn.wait(30)
    assert (worn.state.name, worn.begun()) == ("recording", [warning])
    assert worn.felt() == []


@pytest.mark.parametrize("values", RULES.values())
@pytest.mark.parametrize("move", [press_to_stop, hold_until_felt_and_walk_away, hold_very_long])
def test_to_press_or_hold_during_the_warning_stops_nothing_and_records_at_once(move: Move, values: Values) -> None:
    worn = Worn(configured(values))
    worn.press()
    worn.wait(2)
    move(worn)
    worn.wait(30)
    assert (worn.state.name, worn.begun()) == ("recording", ["skipped"])


def test_what_the_trial_shows_is_on_the_card() -> None:
    asks, holds = text(card(configured(ASK), "nl")), text(card(configured(HOLD), "nl"))
    assert "lang drukken alleen stopt niet, ook niet twee keer" in asks
    assert "Trilt hij niet? Laat los, wacht 2 tellen en houd hem opnieuw ingedrukt" in asks, "a hold soon after a marker is not felt"
    assert "kort drukken stopt niet, maar markeert" in holds
    assert "Druk dan niet nog eens: de opname gaat verder" in holds, "the second hold of who was not sure"
    for page in (asks, holds):
        assert "lang of snel twee keer drukken werkt als één keer drukken" in page


def test_who_follows_that_advice_stops() -> None:
    worn = recording(ASK)
    mark_and_hold_at_once(worn)
    worn.wait(2)
    stop_as_the_card_says(worn)
    worn.wait(5)
    assert worn.state.name == "standby"
