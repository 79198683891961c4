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
from bodycamd.camera.control.motor import HAND, HAND_LATE_US, MAX_WAITING, OVER_AT_END, OVER_AT_START, Motor
from tests.kit.scale import count, only_in_full

MS, S = 1000, 1_000_000
LETTERS = {120: "t", 350: "s", 700: "S", 1300: "l"}
NAMES: tuple[HapticName, ...] = get_args(HapticName)
SPELT: dict[HapticName, str] = {name: "".join(LETTERS[ms] for on, ms in PULSES[name].steps if on) for name in NAMES}
WORDS: dict[str, HapticName] = {letters: name for name, letters in SPELT.items()}


def as_heard(lengths_ms: list[int]) -> set[str]:
    """What these pulses may pass for: each for the length that it has, or for the next shorter and the next longer one."""
    letters = [
        LETTERS[ms] if ms in LETTERS else LETTERS[max(n for n in LETTERS if n < ms)] + LETTERS[min(n for n in LETTERS if n > ms)]
        for ms in lengths_ms
    ]
    return {"".join(run) for run in itertools.product(*letters)}


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
        self.cut: list[tuple[int, int]] = []
        """When words that were cut began, and ended."""
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

    def forget(self, names: frozenset[HapticName]) -> None:
        self._put(self.motor.forget(names, self.now_us))

    def _put(self, motor: Motor) -> None:
        before = self.motor
        if before.playing is not None and motor.playing is None and self.now_us < before.since_us + PULSES[before.playing].length_us:
            self.cut.append((before.since_us, self.now_us))
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

    def lengths_ms(self, from_us: int, to_us: int) -> list[int]:
        """Of the pulses that began in this time."""
        runs = zip(self.changes[::2], self.changes[1::2], strict=True)
        return [(off_us - on_us) // MS for (on_us, _), (off_us, _) in runs if from_us <= on_us < to_us]

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
    first, second = SPELT[one], SPELT[other]
    if other not in HAND:
        assert [WORDS[run] for run in hand.pulses()] == [one, other]
    elif one == "asked":  # four ticks and no fifth
        assert runs == (first if other == "marker" else f"{first}|{second}")
    elif hand.cut:  # then it comes whole
        assert runs in (f"lx{second}|{first}", f"ssx{second}|{first}")
    else:
        assert runs == first + second


@pytest.mark.parametrize("word", [name for name in NAMES if name not in HAND])
@pytest.mark.parametrize("answer", sorted(HAND))
def test_what_is_felt_before_a_cut_is_no_word(word: HapticName, answer: HapticName) -> None:
    """Whenever in the word the hand wants its answer."""
    for at_ms in range(0, PULSES[word].length_us // MS, 50):
        hand = Hand()
        hand.play(word)
        hand.until(at_ms * MS)
        hand.play(answer)
        hand.until(20 * S)
        [answered_us] = [begun_us for begun_us, name in hand.begun if name == answer]
        assert answered_us - at_ms * MS <= HAND_LATE_US
        before = as_heard(hand.lengths_ms(0, answered_us))
        assert before == {SPELT[word]} if not hand.cut else before.isdisjoint(WORDS)


def test_the_press_that_stops_adds_no_tick_to_the_four() -> None:
    """Held, released, pressed 0.3 s later: its tick would be a fifth, 2 s late."""
    hand = Hand()
    hand.play("held")
    hand.until(10 * MS)
    hand.play("asked")
    hand.until(510 * MS)
    hand.play("marker")
    hand.until(20 * S)
    assert hand.pulses() == ["Stttt"]


@pytest.mark.parametrize("late_ms", range(0, 800, 50))
def test_nor_does_one_right_after_them(late_ms: int) -> None:
    hand = Hand()
    hand.play("asked")
    hand.until(PULSES["asked"].length_us + late_ms * MS)
    hand.play("marker")
    hand.until(20 * S)
    assert hand.pulses() == ["tttt", "t"]


def test_a_hold_while_an_alarm_plays_is_one_strong_pulse_not_a_row_of_late_ones() -> None:
    hand = Hand()
    hand.repeat(MISSING_PULSES)
    for second in range(1, 4):
        hand.until(second * 500 * MS)
        hand.play("held")
    hand.until(9 * S)
    assert hand.pulses() == ["lxS", "lll"]


@pytest.mark.parametrize("over", [OVER_AT_START, OVER_AT_END])
@pytest.mark.parametrize("word", [name for name in NAMES if name not in HAND])
def test_what_waits_is_forgotten_when_its_meaning_is_over(word: HapticName, over: frozenset[HapticName]) -> None:
    hand = Hand()
    hand.play("refused", word)
    hand.until(1 * S)
    hand.forget(over)
    hand.until(30 * S)
    assert hand.pulses() == (["sssss"] if word in over else ["sssss", SPELT[word]])


def test_what_is_forgotten_ends_as_it_began() -> None:
    hand = Hand()
    hand.play("continues")
    hand.until(1 * S)
    hand.forget(OVER_AT_START)
    hand.until(30 * S)
    assert hand.pulses() == ["ll"]


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
    assert hand.pulses() == ["lxS"]


def test_a_word_that_the_hand_cut_comes_again_whole() -> None:
    hand = Hand()
    hand.repeat(LOW_PULSE)
    hand.until(10 * S)
    hand.play("continues")
    hand.until(10 * S + 100 * MS)
    hand.play("marker")
    hand.until(30 * S)
    assert hand.pulses() == ["ssl", "lxt", "ll"]


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


def test_a_strong_pulse_each_second_while_held_then_four_ticks() -> None:
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
    assert hand.pulses() == ["lxSSSStttt", "lll"]
    [asked_us] = [at_us for at_us, name in hand.begun if name == "asked"]
    assert asked_us <= 6 * S


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
    st.sampled_from([OVER_AT_START, OVER_AT_END]).map(lambda names: lambda hand: hand.forget(names)),
)
histories = st.lists(st.tuples(st.integers(0, 6_000), happenings), max_size=20)


@only_in_full
@settings(max_examples=count(1000))
@given(histories)
def test_whatever_comes_when_only_words_are_felt(history: list[tuple[int, Happening]]) -> None:
    """Each is whole, or was cut for the hand where what was felt is no word; before each the motor is still."""
    hand = Hand()
    for wait_ms, happening in history:
        hand.until(hand.now_us + wait_ms * MS)
        happening(hand)
    hand.repeat(None)
    hand.until(hand.now_us + 60 * S)
    cut, ended_us = dict(hand.cut), -S
    for (at_us, name), following in itertools.zip_longest(hand.begun, hand.begun[1:]):
        assert at_us - ended_us >= (250 if name in HAND else 900) * MS
        ended_us = cut.get(at_us, at_us + PULSES[name].length_us)
        heard = as_heard(hand.lengths_ms(at_us, ended_us))
        if at_us in cut:
            assert heard.isdisjoint(WORDS)
            assert following[1] in HAND
        else:
            assert heard == {SPELT[name]}
    assert sum(len(hand.lengths_ms(at_us, cut.get(at_us, at_us + PULSES[name].length_us))) for at_us, name in hand.begun) == len(
        hand.lengths_ms(0, hand.now_us)
    )


@settings(max_examples=count(1000))
@given(histories, st.sampled_from(sorted(HAND)))
def test_the_hand_is_answered_in_time(history: list[tuple[int, Happening]], name: HapticName) -> None:
    hand = Hand()
    for wait_ms, happening in history:
        hand.until(hand.now_us + wait_ms * MS)
        happening(hand)
    if hand.motor.playing in HAND or hand.motor.hand or hand.motor.after == "asked":
        return
    asked_us = hand.now_us
    hand.play(name)
    hand.until(asked_us + HAND_LATE_US)
    assert any(begun == name and at_us >= asked_us for at_us, begun in hand.begun)


@settings(max_examples=count(1000))
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
