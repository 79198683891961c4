"""What the motor plays when several words want to be felt at once. Pure: every function takes the instant (µs of one clock, never back).

Guarantees, whatever comes when:

- Words never overlap. Before each lies `PAUSE_US` of stillness, several times the rest within a word, so that the pulses of two words are
  not counted as one.
- The answers to the hand (`HAND`) begin within `HAND_LATE_US`, whatever else plays: they cut a word of which more than `HAND_WAITS_US` is
  left, and need only `HAND_REST_US` before them. They alone use ticks and strong pulses, so that they are not counted into another word.
- A word is cut only where what was felt of it is no word, nor close to one (`CUTS`): the first half of *continues* would be *saved*.
- A word that was cut is played again from its beginning: no alarm is lost, only late.
- *Asked* is four ticks and no fifth: a tick that would come while it waits or plays is left out, one right after it waits `ASKED_REST_US`.
- A word whose meaning is over does not begin any more (`forget`): *saved* is not felt in the next recording.
- A word that a row repeats waits once at most, and is forgotten when its row is no longer shown: *missing* does not begin after *saved*.
- While *missing* is shown there is no *reminder*: the one says that nothing is stored, the other that footage is.

Not guaranteed: of many words that wait, more than `MAX_WAITING` are not played; the newest count.
"""

from __future__ import annotations

import itertools

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import PULSES, REST_MS, RepeatedPulse

HAND: frozenset[HapticName] = frozenset({"marker", "held", "asked"})
"""What is felt while the thumb is on the button, or just off it."""
PAUSE_US = 900_000
HAND_REST_US = REST_MS * 1000
HAND_WAITS_US = 700_000
HAND_LATE_US = 2_200_000
"""*Ready* is cut nowhere: it takes 1.9 s, and the rest after it."""
ASKED_REST_US = 600_000
MAX_WAITING = 4
"""More than the officer can tell apart is not played."""
OVER_AT_START: frozenset[HapticName] = frozenset(
    {"ready", "started", "reminder", "continues", "saved", "shift_begun", "shift_ended", "check_passed", "check_failed"}
)
"""What would be felt as said of the warning or the recording that begins."""
OVER_AT_END: frozenset[HapticName] = frozenset({"started", "reminder", "continues"})
"""What says that the recording runs, when it has ended."""


def _cuts(name: HapticName) -> tuple[tuple[int, int], ...]:
    """From when to when (µs of the word) it may be cut. A pulse that is broken off may pass for the next shorter and for the next longer
    length; one that may pass for a tick is not left, as the answer may be ticks."""
    lengths = sorted({ms for pattern in PULSES.values() for on, ms in pattern.steps if on})
    words = {tuple(ms for on, ms in pattern.steps if on) for pattern in PULSES.values()}
    felt: tuple[int, ...] = ()
    at_ms, found = 0, list[tuple[int, int]]()
    for on, for_ms in PULSES[name].steps:
        if on:
            for shorter, longer in itertools.pairwise(lengths):
                from_ms = (shorter + longer) // 2 if shorter == lengths[0] else shorter
                if from_ms < for_ms and words.isdisjoint({(*felt, shorter), (*felt, longer)}):
                    found.append((at_ms + from_ms, at_ms + min(longer, for_ms)))
            felt = (*felt, for_ms)
        elif felt not in words:
            found.append((at_ms, at_ms + for_ms))
        at_ms += for_ms
    return tuple((from_ms * 1000, to_ms * 1000) for from_ms, to_ms in found)


CUTS: dict[HapticName, tuple[tuple[int, int], ...]] = {name: () if name in HAND else _cuts(name) for name in PULSES}


class Motor(Struct, frozen=True):
    """The motor at rest, or playing a word, with the words that wait."""

    playing: HapticName | None = None
    since_us: int = 0
    """When the word that plays began."""
    by_row: bool = False
    """Whether a row repeats the word that plays."""
    still_us: int | None = None
    """Since when the motor has been still, or was before the word that plays; `None`: for as long as matters."""
    after: HapticName | None = None
    """The word that was played last."""
    hand: tuple[HapticName, ...] = ()
    """The answers to the hand that wait: they come first."""
    waiting: tuple[HapticName, ...] = ()
    """Other words that wait to be played once."""
    due: bool = False
    """Whether the repeated word waits: it comes last."""
    repeated: RepeatedPulse | None = None
    again_us: int = 0
    """When the repeated word is due next."""
    began_us: tuple[tuple[HapticName, int], ...] = ()
    """When each repeated word began last: one that is left and comes back keeps its distance."""

    def play(self, name: HapticName, now_us: int) -> Motor:
        """Have a word played once."""
        state = self.at(now_us)
        if name == "reminder" and state.repeated is not None and state.repeated.name == "missing":
            return state
        if name not in HAND:
            return replace(state, waiting=(*state.waiting, name)[-MAX_WAITING:]).at(now_us)
        if name == "marker" and "asked" in (state.playing, *state.hand):
            return state
        hand = state.hand if name == "marker" else tuple(word for word in state.hand if word != "held")
        return replace(state, hand=(*hand, name)[-MAX_WAITING:]).at(now_us)

    def forget(self, names: frozenset[HapticName], now_us: int) -> Motor:
        """Drop these words where they wait to be played once: their meaning is over."""
        state = self.at(now_us)
        return replace(state, waiting=tuple(name for name in state.waiting if name not in names))

    def repeat(self, pulse: RepeatedPulse | None, now_us: int) -> Motor:
        """From now on play this word again and again; `None`: none. The same one runs on undisturbed."""
        state = self.at(now_us)
        if pulse == state.repeated:
            return state
        if pulse is None:
            return replace(state, repeated=None, due=False)
        again_us = now_us + pulse.first_ms * 1000
        for name, began_us in state.began_us:
            if name == pulse.name:
                again_us = max(again_us, began_us + pulse.every_ms * 1000)
        return replace(state, repeated=pulse, due=False, again_us=again_us).at(now_us)

    def at(self, now_us: int) -> Motor:
        """The motor at this instant: what has ended is over, what is due has begun. A word that begins late is not shortened."""
        state = self
        if state.playing is not None and state._end_us(state.playing) <= now_us:
            state = replace(state, playing=None, still_us=state._end_us(state.playing), after=state.playing)
        if state.repeated is not None and now_us >= state.again_us:
            state = replace(state, due=True, again_us=now_us + state.repeated.every_ms * 1000)
        if state._cut_us(now_us) == now_us:
            state = state._cut(now_us)
        begins_us = state._begins_us()
        if begins_us is None or now_us < begins_us:
            return state
        if state.hand:
            return replace(state, playing=state.hand[0], by_row=False, since_us=now_us, hand=state.hand[1:])
        if state.waiting:
            return replace(state, playing=state.waiting[0], by_row=False, since_us=now_us, waiting=state.waiting[1:])
        assert state.repeated is not None
        name = state.repeated.name
        began_us = (*(other for other in state.began_us if other[0] != name), (name, now_us))
        return replace(state, playing=name, by_row=True, since_us=now_us, due=False, began_us=began_us)

    def level(self, now_us: int) -> tuple[bool, int | None]:
        """Whether the motor runs at `now_us`, for which `at` has been called; and when both are to be called again, or `None`."""
        on, instants = False, list[int]()
        if self.playing is not None:
            on, change_in_us = PULSES[self.playing].level(now_us - self.since_us)
            instants += [now_us + change_in_us] if change_in_us is not None else []
        instants += [instant for instant in (self._begins_us(), self._cut_us(now_us)) if instant is not None]
        if self.repeated is not None:
            instants.append(self.again_us)
        return on, min(instants, default=None)

    def _cut_us(self, now_us: int) -> int | None:
        """When the word that plays is cut, or `None` where no hand waits for that, or its end is as near."""
        if self.playing is None or not self.hand:
            return None
        for from_us, to_us in CUTS[self.playing]:
            cut_us = max(now_us, self.since_us + from_us)
            if cut_us < self.since_us + to_us and self._end_us(self.playing) - cut_us > HAND_WAITS_US:
                return cut_us
        return None

    def _cut(self, now_us: int) -> Motor:
        """Break off the word that plays, and have it played again."""
        name = self.playing
        state = replace(self, playing=None, still_us=now_us, after=name)
        if name is None or self.by_row:
            return replace(state, due=self.repeated is not None and self.repeated.name == name)
        return replace(state, waiting=(name, *self.waiting)[:MAX_WAITING])

    def _end_us(self, name: HapticName) -> int:
        return self.since_us + PULSES[name].length_us

    def _begins_us(self) -> int | None:
        """When the next word may begin, or `None` where one plays or none waits."""
        if self.playing is not None or not (self.hand or self.waiting or self.due):
            return None
        if self.still_us is None:
            return 0
        rest_us = ASKED_REST_US if self.after == "asked" else HAND_REST_US
        return self.still_us + (rest_us if self.hand else PAUSE_US)
