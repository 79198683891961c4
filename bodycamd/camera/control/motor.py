"""What the motor plays when several words want to be felt at once. Pure: every function takes the instant (µs of one clock, never back).

Guarantees, whatever comes when:

- Words never overlap. Before each lies `PAUSE_US` of stillness, several times the rest within a word, so that the pulses of two words are
  not counted as one.
- The answers to the hand (`HAND`) come within a second, whatever plays: they cut a word of which more than `HAND_WAITS_US` is left, and
  need only `HAND_REST_US` before them. They alone use ticks and strong pulses, so that they are not counted into another word.
- A word that was cut is played again from its beginning: no alarm is lost, only late.
- A word that a row repeats waits once at most, and is forgotten when its row is no longer shown: *missing* does not begin after *saved*.
- While *missing* is shown there is no *reminder*: the one says that nothing is stored, the other that footage is.

Not guaranteed: of many words that wait, more than `MAX_WAITING` are not played; the newest count.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import PULSES, RepeatedPulse

HAND: frozenset[HapticName] = frozenset({"marker", "held", "asked"})
"""What is felt while the thumb is on the button, or just off it."""
PAUSE_US = 900_000
HAND_REST_US = 300_000
HAND_WAITS_US = 700_000
MAX_WAITING = 4
"""More than the officer can tell apart is not played."""


class Motor(Struct, frozen=True):
    """The motor at rest, or playing a word, with the words that wait."""

    playing: HapticName | None = None
    since_us: int = 0
    """When the word that plays began."""
    by_row: bool = False
    """Whether a row repeats the word that plays."""
    still_us: int | None = None
    """Since when the motor has been still, or was before the word that plays; `None`: for as long as matters."""
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
        hand = tuple(word for word in state.hand if word != "held") if name == "asked" else state.hand
        return replace(state._cut(now_us), hand=(*hand, name)[-MAX_WAITING:]).at(now_us)

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
            state = replace(state, playing=None, still_us=state._end_us(state.playing))
        if state.repeated is not None and now_us >= state.again_us:
            state = replace(state, due=True, again_us=now_us + state.repeated.every_ms * 1000)
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
        if (begins_us := self._begins_us()) is not None:
            instants.append(begins_us)
        if self.repeated is not None:
            instants.append(self.again_us)
        return on, min(instants, default=None)

    def _cut(self, now_us: int) -> Motor:
        """Break off the word that plays, if the hand would have to wait for it, and have it played again."""
        name = self.playing
        if name is None or name in HAND or self._end_us(name) - now_us <= HAND_WAITS_US:
            return self
        state = replace(self, playing=None, still_us=now_us)
        if not self.by_row:
            return replace(state, waiting=(name, *self.waiting)[:MAX_WAITING])
        return replace(state, due=self.repeated is not None and self.repeated.name == name)

    def _end_us(self, name: HapticName) -> int:
        return self.since_us + PULSES[name].length_us

    def _begins_us(self) -> int | None:
        """When the next word may begin, or `None` where one plays or none waits."""
        if self.playing is not None or not (self.hand or self.waiting or self.due):
            return None
        return 0 if self.still_us is None else self.still_us + (HAND_REST_US if self.hand else PAUSE_US)
