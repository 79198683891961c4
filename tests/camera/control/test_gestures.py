"""Gestures from raw edges: bounce, holds, a stuck button, floods, bad time stamps."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.control.events import ButtonDown, ButtonFreed, ButtonHeld, ButtonReleased, ButtonStuck, ButtonTapped
from bodycamd.camera.control.gestures import Gesture, Gestures
from tests.kit.scale import count, only_in_full

MS = 1000
BOUNCE, HOLD, STUCK = 20 * MS, 2000 * MS, 30_000 * MS


class Loop:
    """The control loop as far as the button goes: a contact with a true level, edges as they come, `due` at every deadline."""

    def __init__(self) -> None:
        self.gestures = Gestures(BOUNCE, HOLD, STUCK)
        self.level = False
        self.found: list[Gesture] = []
        self.found_us: list[int] = []

    def until(self, now_us: int) -> None:
        while (due_us := self.gestures.next_deadline()) is not None and due_us <= now_us:
            self.gestures, found = self.gestures.due(due_us, self.level)
            self._take(found, due_us)
            after = self.gestures.next_deadline()
            assert after is None or after > due_us

    def edge(self, pressed: bool, at_us: int) -> None:
        self.until(at_us)
        self.level = pressed
        self.gestures, found = self.gestures.edge(pressed, at_us)
        self._take(found, at_us)

    def _take(self, found: list[Gesture], now_us: int) -> None:
        self.found += found
        self.found_us += [now_us] * len(found)


def play(*edges: tuple[float, bool], end_ms: float) -> list[Gesture]:
    """Edges in milliseconds."""
    loop = Loop()
    for at_ms, pressed in edges:
        loop.edge(pressed, round(at_ms * MS))
    loop.until(round(end_ms * MS))
    return loop.found


def down(ms: float) -> ButtonDown:
    return ButtonDown(round(ms * MS))


def tapped(ms: float) -> ButtonTapped:
    return ButtonTapped(round(ms * MS))


def held(ms: float) -> ButtonHeld:
    return ButtonHeld(round(ms * MS))


def released(ms: float) -> ButtonReleased:
    return ButtonReleased(round(ms * MS))


D, U = True, False
CASES: dict[str, tuple[list[tuple[float, bool]], list[Gesture]]] = {
    "a tap": ([(100, D), (300, U)], [down(100), tapped(300)]),
    "a tap that bounces at both ends": (
        [(100, D), (101, U), (103, D), (110, U), (119, D), (300, U), (301, D), (302, U), (319, D), (319.5, U)],
        [down(100), tapped(300)],
    ),
    "two presses": ([(100, D), (200, U), (300, D), (400, U)], [down(100), tapped(200), down(300), tapped(400)]),
    "a press shorter than the bounce time": ([(100, D), (105, U)], [down(100), tapped(120)]),
    "a press that begins in the bounce time of a release": (
        [(100, D), (200, U), (210, D), (400, U)],
        [down(100), tapped(200), down(220), tapped(400)],
    ),
    "a press within the bounce time of a release is bounce": ([(100, D), (200, U), (205, D), (212, U)], [down(100), tapped(200)]),
    "a hold": ([(100, D), (2500, U)], [down(100), held(2100), released(2500)]),
    "released just before the hold time": ([(100, D), (2099, U)], [down(100), tapped(2099)]),
    "released at the hold time": ([(100, D), (2100, U)], [down(100), held(2100), released(2100)]),
    "a contact that breaks starts the hold anew": (
        [(100, D), (1500, U), (1501, D), (4000, U)],
        [down(100), tapped(1500), down(1520), held(3520), released(4000)],
    ),
    "a press just after a hold is released": (
        [(0, D), (2500, U), (2600, D), (2700, U)],
        [down(0), held(2000), released(2500), down(2600), tapped(2700)],
    ),
    "stuck, stated once": ([(0, D), (200_000, U)], [down(0), held(2000), ButtonStuck(STUCK), ButtonFreed(200_000 * MS)]),
    "a release without a press is no press": ([(100, U)], []),
    "a release without a press, and then one": ([(100, U), (110, D), (300, U)], [down(120), tapped(300)]),
    "a missed release: the hold starts anew": ([(0, D), (1500, D), (3000, U)], [down(0), tapped(1500), down(1500), tapped(3000)]),
    "a press at the very instant of a release": ([(0, D), (100, U), (100, D), (300, U)], [down(0), tapped(100), down(120), tapped(300)]),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    edges, expected = CASES[name]
    assert play(*edges, end_ms=300_000) == expected


def test_edges_with_equal_stamps() -> None:
    assert play((5, D), (5, U), (5, D), (5, U), (5, D), end_ms=1000) == [down(5)]
    assert play((5, D), (5, U), (5, D), (5, U), end_ms=1000) == [down(5), tapped(25)]


def test_time_that_runs_backward_stands_still() -> None:
    gestures, found = Gestures(BOUNCE, HOLD, STUCK).edge(D, 1000 * MS)
    assert found == [down(1000)]
    gestures, found = gestures.due(1020 * MS, level=True)
    assert found == []
    gestures, found = gestures.edge(U, 400 * MS)
    assert found == [tapped(1020)]
    gestures, found = gestures.edge(D, 0)
    assert found == []
    gestures, found = gestures.due(500 * MS, level=True)
    assert found == []
    gestures, found = gestures.due(1040 * MS, level=True)
    assert found == [down(1040)]
    assert gestures.next_deadline() == 1060 * MS


def test_a_button_that_is_down_at_the_start_counts_as_pressed() -> None:
    gestures, found = Gestures(BOUNCE, HOLD, STUCK).due(5 * MS, level=True)
    assert found == [down(5)]
    assert gestures.due(25 * MS, level=True)[1] == []


def test_a_missed_edge_is_healed_by_the_level() -> None:
    gestures, _ = Gestures(BOUNCE, HOLD, STUCK).edge(D, 0)
    gestures, _ = gestures.due(20 * MS, level=True)
    gestures, found = gestures.due(2000 * MS, level=False)
    assert found == [tapped(2000)], "no hold: the button is up when the hold time is over"


def test_a_late_loop_takes_the_edges_word() -> None:
    late = Gestures(BOUNCE, HOLD, STUCK).edge(D, 0)[0]
    assert late.edge(U, 2500 * MS)[1] == [held(2000), released(2500)]
    assert late.edge(U, 1500 * MS)[1] == [tapped(1500)]
    bounced = late.edge(U, 10 * MS)[0]
    assert bounced.edge(D, 1900 * MS)[1] == [tapped(20), down(1900)], "released in the bounce time, so no hold from 0"


def test_a_release_that_only_bounce_saw_starts_the_hold_anew() -> None:
    gestures = Gestures(BOUNCE, HOLD, STUCK).edge(D, 0)[0].edge(U, 10 * MS)[0]
    gestures, found = gestures.due(3000 * MS, level=True)
    assert found == []
    assert gestures.next_deadline() == 5000 * MS


def test_a_late_loop_finds_hold_and_stuck_together() -> None:
    gestures = Gestures(BOUNCE, HOLD, STUCK).edge(D, 0)[0]
    gestures, found = gestures.due(STUCK + 5, level=True)
    assert found == [held(2000), ButtonStuck(STUCK)]
    assert gestures.due(2 * STUCK, level=True)[1] == []
    assert gestures.next_deadline() is None


@pytest.mark.parametrize("lengths", [(0, HOLD, STUCK), (HOLD, HOLD, STUCK), (BOUNCE, STUCK, STUCK), (-1, 2, 3)])
def test_lengths_that_make_no_sense_are_refused(lengths: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="longer than the one before"):
        Gestures(*lengths)


def well_formed(found: list[Gesture]) -> bool:
    """Down, then one of: tapped; held and released; held and stuck and freed. Time stamps in order."""
    follows: dict[str, dict[type[Gesture], str]] = {
        "up": {ButtonDown: "down"},
        "down": {ButtonTapped: "up", ButtonHeld: "held"},
        "held": {ButtonStuck: "stuck", ButtonReleased: "up"},
        "stuck": {ButtonFreed: "up"},
    }
    state = "up"
    for gesture in found:
        if type(gesture) not in follows[state]:
            return False
        state = follows[state][type(gesture)]
    stamps = [gesture.at_us for gesture in found]
    return stamps == sorted(stamps)


times = st.integers(-5 * MS, 60 * MS) | st.integers(0, 4000 * MS) | st.just(0)


@only_in_full
@settings(max_examples=count(3_000))
@given(st.lists(st.tuples(times, st.booleans(), st.booleans()), max_size=60))
def test_any_edges_give_well_formed_gestures(moves: list[tuple[int, bool, bool]]) -> None:
    """Any edges, with any stamps, by a loop that reads the level or not: the order of gestures always makes sense."""
    gestures, now_us, found = Gestures(BOUNCE, HOLD, STUCK), 100 * MS, list[Gesture]()
    for later_us, pressed, is_edge in moves:
        now_us += later_us
        gestures, more = gestures.edge(pressed, now_us) if is_edge else gestures.due(now_us, pressed)
        found += more
    assert well_formed(found)


@settings(max_examples=count(3_000))
@given(
    st.lists(st.tuples(st.integers(45, 4000), st.integers(45, 3000)), min_size=1, max_size=8),
    st.lists(st.lists(st.integers(1, 19_999), max_size=6), min_size=16, max_size=16),
)
def test_every_real_press_is_found_whatever_bounces(presses: list[tuple[int, int]], bounces: list[list[int]]) -> None:
    """Presses and pauses of at least 45 ms, up to 20 ms of bounce at each edge: exactly these, tapped or held by their true length."""
    loop, now_ms, expected = Loop(), 1000, list[Gesture]()
    for number, (long_ms, pause_ms) in enumerate(presses):
        up_ms = now_ms + long_ms
        expected += [down(now_ms), *([held(now_ms + 2000), released(up_ms)] if long_ms >= 2000 else [tapped(up_ms)])]
        for at_ms, level, bounce in ((now_ms, True, bounces[2 * number]), (now_ms + long_ms, False, bounces[2 * number + 1])):
            loop.edge(level, at_ms * MS)
            instants = sorted(set(bounce))
            for position, offset_us in enumerate(instants[: len(instants) // 2 * 2]):
                loop.edge(level if position % 2 else not level, at_ms * MS + offset_us)
        now_ms += long_ms + pause_ms
    loop.until((now_ms + 10_000) * MS)
    assert loop.found == expected


def test_a_flood_of_edges_is_bounded_and_never_a_hold() -> None:
    chance, loop, at_us = random.Random(5), Loop(), 0
    for number in range(count(200_000)):
        at_us += chance.randrange(0, 400)
        loop.edge(number % 2 == 0, at_us)
    assert not [gesture for gesture in loop.found if isinstance(gesture, ButtonHeld | ButtonStuck)]
    assert well_formed(loop.found)
    assert len(loop.found) <= at_us // BOUNCE + 2


def test_edges_cost_the_same_however_many_came_before() -> None:
    """Prints the cost of an edge, and fails only where the last edges of a flood are far dearer than the first."""
    gestures, cost = Gestures(BOUNCE, HOLD, STUCK), []
    for part in range(10):
        began = time.process_time()
        for number in range(5_000):
            gestures, _ = gestures.edge(number % 2 == 0, part * 5_000 * 100 + number * 100)
        cost.append((time.process_time() - began) / 5_000 * 1e6)
    print(f"{min(cost):.2f} to {max(cost):.2f} µs an edge")
    assert min(cost[5:]) < 5 * min(cost[:5])
