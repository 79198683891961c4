"""Words of the motor that want to be felt at once: none is counted into another, whatever comes when."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import LOW_PULSE, MISSING_PULSES, PULSES, TABLE, RepeatedPulse
from bodycamd.camera.control.motor import HAND, MAX_WAITING, Motor
from tests.kit.scale import count

MS, S = 1000, 1_000_000
LETTERS = {120: "t", 350: "s", 700: "S", 1300: "l"}
NAMES: tuple[HapticName, ...] = get_args(HapticName)
WORDS: dict[str, HapticName] = {"".join(LETTERS[ms] for on, ms in PULSES[name].steps if on): name for name in NAMES}


@dataclass(frozen=True)
class Felt:
    """A run of pulses with rests of less than half a second between them."""

    at_us: int
    pulses: str


class Hand:
    """Holds the motor and notes when it runs, on a clock that only `until` moves."""

    def __init__(self) -> None:
        self.now_us = 0
        self.motor = Motor()
        self.changes: list[tuple[int, bool]] = []
        self.begun: list[tuple[int, HapticName]] = []
        self._note()

    def play(self, *names: HapticName) -> None:
        for name in names:
            self._put(self.motor.play(name, self.now_us))

    def repeat(self, pulse: RepeatedPulse | None) -> None:
        self._put(self.motor.repeat(pulse, self.now_us))

    def until(self, at_us: int) -> None:
        while (next_us := self.motor.level(self.now_us)[1]) is not None and next_us <= at_us:
            assert next_us > self.now_us, "time goes on"
            self.now_us = next_us
            self._put(self.motor.at(self.now_us))
        self.now_us = at_us
        self._put(self.motor.at(self.now_us))

    def _put(self, motor: Motor) -> None:
        if motor.playing is not None and (motor.playing, motor.since_us) != (self.motor.playing, self.motor.since_us):
            self.begun.append((motor.since_us, motor.playing))
        self.motor = motor
        self._note()

    def _note(self) -> None:
        on = self.motor.level(self.now_us)[0]
        if on != (self.changes[-1][1] if self.changes else False):
            self.changes.append((self.now_us, on))

    def felt(self) -> list[Felt]:
        found: list[Felt] = []
        ended_us = 0
        for (on_us, on), (off_us, off) in zip(self.changes[::2], self.changes[1::2], strict=True):
            assert (on, off) == (True, False)
            letter = LETTERS.get((off_us - on_us) // MS, "x")
            if found and on_us - ended_us < 500 * MS:
                found[-1] = Felt(found[-1].at_us, found[-1].pulses + letter)
            else:
                found.append(Felt(on_us, letter))
            ended_us = off_us
        return found

    def pulses(self) -> list[str]:
        return [felt.pulses for felt in self.felt()]


@pytest.mark.parametrize(("one", "other"), list(itertools.product(NAMES, NAMES)))
def test_two_words_at_once_are_felt_as_two_words(one: HapticName, other: HapticName) -> None:
    hand = Hand()
    hand.play(one)
    hand.until(100 * MS)
    hand.play(other)
    hand.until(30 * S)
    runs = "|".join(hand.pulses())
    if other in HAND:  # cuts what takes long, which then comes whole; a short one is awaited
        answer = next(letters for letters, name in WORDS.items() if name == other)
        whole = next(letters for letters, name in WORDS.items() if name == one)
        expected = [f"x{answer}|{whole}"] if PULSES[one].length_us > 800 * MS and one not in HAND else [f"{whole}{answer}"]
        assert runs in expected
    else:
        assert [WORDS[run] for run in hand.pulses()] == [one, other]


def test_a_reminder_while_nothing_is_stored_is_not_felt() -> None:
    hand = Hand()
    hand.repeat(MISSING_PULSES)
    hand.until(2 * S)
    hand.play("reminder")
    hand.until(9 * S)
    assert hand.pulses() == ["lll"]
    hand.repeat(LOW_PULSE)
    hand.play("reminder")
    hand.until(60 * S)
    assert hand.pulses() == ["lll", "ssl", "s"]


def test_missing_does_not_begin_after_the_row_is_gone() -> None:
    hand = Hand()
    hand.play("started")
    hand.repeat(MISSING_PULSES)
    hand.until(500 * MS)
    hand.repeat(None)
    hand.play("saved")
    hand.until(30 * S)
    assert hand.pulses() == ["ss", "l"]


def test_a_missing_that_the_hand_cut_does_not_come_again_after_the_row_is_gone() -> None:
    hand = Hand()
    hand.repeat(MISSING_PULSES)
    hand.until(200 * MS)
    hand.play("held")
    hand.repeat(None)
    hand.until(30 * S)
    assert hand.pulses() == ["xS"]


def test_saved_that_the_hand_cut_comes_again_whole() -> None:
    hand = Hand()
    hand.repeat(LOW_PULSE)
    hand.until(10 * S)
    hand.play("saved")
    hand.until(10 * S + 100 * MS)
    hand.play("marker")
    hand.until(30 * S)
    assert hand.pulses() == ["ssl", "xt", "l"]


def test_a_refusal_that_waits_outlives_the_row_that_repeats_it() -> None:
    """A press in *cannot record*: the row *refused*, which repeats nothing, is shown from then on."""
    hand = Hand()
    hand.repeat(TABLE["cannot_record"].haptic)
    hand.play("saved")
    hand.until(1 * S)
    hand.play("refused")
    hand.repeat(None)
    hand.until(20 * S)
    assert hand.pulses() == ["l", "sssss"]


def test_a_strong_pulse_each_second_while_held_then_four_ticks_within_a_second() -> None:
    """Missing is shown all the while: it waits for the hand, and comes once, whole. The strong pulse that waits at the release is stale."""
    hand = Hand()
    hand.repeat(MISSING_PULSES)
    hand.until(1 * S)
    for second in range(1, 6):
        hand.until(second * S)
        hand.play("held")
    hand.until(5 * S + 200 * MS)
    hand.play("asked")
    hand.until(9_900 * MS)
    hand.repeat(None)
    hand.until(30 * S)
    assert hand.pulses() == ["xSSSStttt", "lll"]
    ticks_us = [at_us for at_us, on in hand.changes if on and 5 * S < at_us < 7 * S]
    assert ticks_us[0] <= 5_300 * MS


def test_ticks_keep_the_time_of_the_presses() -> None:
    hand = Hand()
    for number in range(20):
        hand.until(number * 420 * MS)
        hand.play("marker")
    hand.until(30 * S)
    assert [at_us for at_us, on in hand.changes if on] == [number * 420 * MS for number in range(20)]


@pytest.mark.parametrize("pulse", [MISSING_PULSES, LOW_PULSE, TABLE["cannot_record"].haptic])
def test_a_repeated_word_keeps_its_distance_to_the_millisecond(pulse: RepeatedPulse) -> None:
    hand = Hand()
    hand.repeat(pulse)
    hand.until((pulse.first_ms + 3 * pulse.every_ms) * MS + 8 * S)
    assert [felt.at_us for felt in hand.felt()] == [(pulse.first_ms + number * pulse.every_ms) * MS for number in range(4)]


def test_what_flaps_begins_again_only_after_its_distance() -> None:
    hand = Hand()
    for number in range(120):
        hand.until(number * 250 * MS)
        hand.repeat(MISSING_PULSES if number % 2 else None)
    hand.until(60 * S)
    begun_us = [felt.at_us for felt in hand.felt()]
    assert min(b - a for a, b in itertools.pairwise(begun_us)) >= 10 * S
    assert set(hand.pulses()) == {"lll"}


def test_of_many_that_wait_the_newest_are_played() -> None:
    hand = Hand()
    many: list[HapticName] = ["started"] * 10
    hand.play("ready", *many, "refused", "saved")
    hand.until(60 * S)
    assert hand.pulses() == ["sl", "ss", "ss", "sssss", "l"]
    assert len(hand.pulses()) == 1 + MAX_WAITING


Happening = Callable[[Hand], None]
ROWS: list[RepeatedPulse | None] = [None, LOW_PULSE, MISSING_PULSES, TABLE["cannot_record"].haptic]
happenings = st.one_of(
    st.sampled_from(NAMES).map(lambda name: lambda hand: hand.play(name)),
    st.sampled_from(ROWS).map(lambda pulse: lambda hand: hand.repeat(pulse)),
)
histories = st.lists(st.tuples(st.integers(0, 6_000), happenings), max_size=20)


@settings(max_examples=count(1000), deadline=None)
@given(histories)
def test_whatever_comes_when_only_words_are_felt(history: list[tuple[int, Happening]]) -> None:
    """A run is words of the hand, at most after one word that they cut or awaited; and it is a known word if no hand is in it."""
    hand = Hand()
    for wait_ms, happening in history:
        hand.until(hand.now_us + wait_ms * MS)
        happening(hand)
    hand.repeat(None)
    hand.until(hand.now_us + 60 * S)
    for run in hand.pulses():
        before = run.rstrip("tS").removesuffix("x")
        by_hand = run[len(before) :].lstrip("x")
        assert by_hand or run in WORDS, run
        assert before in WORDS or any(word.startswith(before) for word in WORDS), run
        assert set(by_hand) <= {"t", "S"}, run


@settings(max_examples=count(1000), deadline=None)
@given(histories, st.sampled_from(sorted(HAND)))
def test_the_hand_is_answered_within_a_second(history: list[tuple[int, Happening]], name: HapticName) -> None:
    hand = Hand()
    for wait_ms, happening in history:
        hand.until(hand.now_us + wait_ms * MS)
        happening(hand)
    if hand.motor.playing in HAND or hand.motor.hand:
        return
    asked_us = hand.now_us
    hand.play(name)
    hand.until(asked_us + 1 * S)
    assert any(begun == name and at_us >= asked_us for at_us, begun in hand.begun)


@settings(max_examples=count(1000), deadline=None)
@given(histories)
def test_no_alarm_is_lost(history: list[tuple[int, Happening]]) -> None:
    """However much came before: a row that stays is felt whole once the hand rests."""
    hand = Hand()
    for wait_ms, happening in history:
        hand.until(hand.now_us + wait_ms * MS)
        happening(hand)
    hand.repeat(MISSING_PULSES)
    since_us = hand.now_us
    hand.until(since_us + 60 * S)
    hand.repeat(None)
    hand.until(hand.now_us + 10 * S)
    assert sum(felt.pulses == "lll" and felt.at_us >= since_us for felt in hand.felt()) >= 3
