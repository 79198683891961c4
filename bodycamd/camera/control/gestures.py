"""From raw, timestamped edges of the button to gestures: down, tapped, held, released, stuck.

Guarantees, whatever the contacts do:

- The leading edge acts at once. Edges of the next `bounce_us` are ignored; then the level is read again, and what it says acts. A press of
  at least `bounce_us` is therefore never lost, and one that begins while the contacts are at rest may be as short as it likes.
- A hold is stated only for a button that was down without a break, by its edges *and* by its level when the hold time is over: no phantom
  hold. Where a release may have been missed, the hold time starts again.
- Each down ends in one release: `ButtonTapped` before the hold time, `ButtonReleased` after it, `ButtonFreed` where the button was stuck. A
  stuck button is stated once.
- Every edge costs the same small, constant time; at most one change of state comes out of each `bounce_us`.
- Time stamps may be equal or run backward: time then stands still.

Not guaranteed: a press that begins and ends within the bounce time of the release before it is bounce by definition. A release edge with no
press before it is no press; it only has the level read again.

The caller hands over every edge it has before it calls `due`, and stamps no edge later than its own clock. It calls `due(now, level)` at
`next_deadline()` (more often does no harm: a level that disagrees heals a missed edge), and once at its start: a button that is down then
counts as pressed. All times are CLOCK_BOOTTIME microseconds.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.camera.control.events import ButtonDown, ButtonFreed, ButtonHeld, ButtonReleased, ButtonStuck, ButtonTapped

Gesture = ButtonDown | ButtonTapped | ButtonHeld | ButtonReleased | ButtonStuck | ButtonFreed


class Gestures(Struct, frozen=True):
    """The state of one button. Raises `ValueError` unless 0 < bounce_us < hold_us < stuck_us."""

    bounce_us: int
    hold_us: int
    stuck_us: int
    down: bool = False
    """The accepted level: what the gestures so far say."""
    down_us: int = 0
    held: bool = False
    stuck: bool = False
    settle_us: int | None = None
    """The end of the running bounce time, when the level is read."""
    level: bool = False
    """What the latest edge said, ignored or not."""
    now_us: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.bounce_us < self.hold_us < self.stuck_us:
            lengths = f"bounce {self.bounce_us} µs, hold {self.hold_us} µs, stuck {self.stuck_us} µs"
            raise ValueError(f"{lengths}: each must be longer than the one before")

    def edge(self, pressed: bool, at_us: int) -> tuple[Gestures, list[Gesture]]:
        """One raw edge, `pressed` being the level after it."""
        at = max(at_us, self.now_us)
        settled, found = self._settled_by_edges(at)
        if settled.settle_us is not None:  # within the bounce time
            return replace(settled, level=pressed, now_us=at), found
        if pressed:
            if settled.down:  # a release was missed: the hold time starts again
                settled, released = settled._up(at)
                found += released
            after, pressed_now = settled._down(at)
            return after, found + pressed_now
        if settled.down:
            if not settled.held and at >= settled.down_us + settled.hold_us:  # the caller was late for the hold
                found.append(ButtonHeld(settled.down_us + settled.hold_us))
                settled = replace(settled, held=True)
            after, released = settled._up(at)
            return after, found + released
        return replace(settled, level=False, settle_us=at + self.bounce_us, now_us=at), found

    def due(self, now_us: int, level: bool) -> tuple[Gestures, list[Gesture]]:
        """The level as it is read now: ends the bounce time, heals missed edges, finds holds and a stuck button."""
        now = max(now_us, self.now_us)
        state = replace(self, now_us=now)
        if state.settle_us is not None:
            if now < state.settle_us:
                return state, []
            unbroken = state.level or not state.down
            state = replace(state, settle_us=None, level=level, down_us=state.down_us if unbroken else now)
        found: list[Gesture] = []
        if level != state.down:
            return state._down(now) if level else state._up(now)
        if state.down and not state.held and now >= state.down_us + state.hold_us:
            found.append(ButtonHeld(state.down_us + state.hold_us))
            state = replace(state, held=True)
        if state.down and not state.stuck and now >= state.down_us + state.stuck_us:
            found.append(ButtonStuck(state.down_us + state.stuck_us))
            state = replace(state, stuck=True)
        return state, found

    def next_deadline(self) -> int | None:
        """When `due` must be called next, or `None` while only an edge can bring anything new."""
        if self.settle_us is not None:
            return self.settle_us
        if not self.down or self.stuck:
            return None
        return self.down_us + (self.stuck_us if self.held else self.hold_us)

    def _settled_by_edges(self, at: int) -> tuple[Gestures, list[Gesture]]:
        """End a bounce time for which the caller has not read the level in time: the latest edge stands for it."""
        state, found = self, list[Gesture]()
        while state.settle_us is not None and at >= state.settle_us:
            when, state = state.settle_us, replace(state, settle_us=None)
            if state.level != state.down:
                state, change = state._down(when) if state.level else state._up(when)
                found += change
        return state, found

    def _down(self, at: int) -> tuple[Gestures, list[Gesture]]:
        after = replace(self, down=True, down_us=at, held=False, stuck=False, level=True, settle_us=at + self.bounce_us, now_us=at)
        return after, [ButtonDown(at)]

    def _up(self, at: int) -> tuple[Gestures, list[Gesture]]:
        gesture = ButtonFreed(at) if self.stuck else ButtonReleased(at) if self.held else ButtonTapped(at)
        after = replace(self, down=False, held=False, stuck=False, level=False, settle_us=at + self.bounce_us, now_us=at)
        return after, [gesture]
