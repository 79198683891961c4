"""The button's limits, case by case, to the microsecond."""

from __future__ import annotations

import pytest

from bodycamd.camera.control.events import ButtonDown, ButtonFreed, ButtonHeld, ButtonReleased, ButtonStuck, ButtonTapped
from bodycamd.camera.control.gestures import Gesture, Gestures

BOUNCE, HOLD, STUCK = 20_000, 2_000_000, 10_000_000
FRESH = Gestures(BOUNCE, HOLD, STUCK)
Input = tuple[str, int]


def after(*inputs: Input) -> tuple[Gestures, list[Gesture]]:
    """`down` and `up` are edges; `due_down` and `due_up` readings of the level."""
    state, found = FRESH, list[Gesture]()
    for what, at_us in inputs:
        state, more = state.due(at_us, what == "due_down") if what.startswith("due") else state.edge(what == "down", at_us)
        found += more
    return state, found


@pytest.mark.parametrize(
    ("inputs", "gestures"),
    [
        ([("down", 5)], [ButtonDown(5)]),
        ([("down", 5), ("due_down", 5 + BOUNCE), ("up", 5 + BOUNCE)], [ButtonDown(5), ButtonTapped(5 + BOUNCE)]),
        # edges within the bounce time say nothing; at its end the level counts
        ([("down", 0), ("up", BOUNCE - 1)], [ButtonDown(0)]),
        ([("down", 0), ("up", BOUNCE - 1), ("due_up", BOUNCE - 1)], [ButtonDown(0)]),
        ([("down", 0), ("up", BOUNCE - 1), ("due_up", BOUNCE)], [ButtonDown(0), ButtonTapped(BOUNCE)]),
        ([("down", 0), ("up", BOUNCE)], [ButtonDown(0), ButtonTapped(BOUNCE)]),
        ([("down", 0), ("up", 9), ("up", BOUNCE + 7)], [ButtonDown(0), ButtonTapped(BOUNCE)]),
        ([("down", 0), ("up", 9), ("down", 2 * BOUNCE)], [ButtonDown(0), ButtonTapped(BOUNCE), ButtonDown(2 * BOUNCE)]),
        ([("down", 0), ("up", 9), ("down", 2 * BOUNCE - 1), ("due_up", 2 * BOUNCE)], [ButtonDown(0), ButtonTapped(BOUNCE)]),
        ([("down", 0), ("up", 5), ("down", 9), ("up", BOUNCE + 5)], [ButtonDown(0), ButtonTapped(BOUNCE + 5)]),
        ([("up", 0), ("down", 3 * BOUNCE)], [ButtonDown(3 * BOUNCE)]),
        (
            [("up", 0), ("down", 5), ("down", 3 * BOUNCE)],
            [ButtonDown(BOUNCE), ButtonTapped(3 * BOUNCE), ButtonDown(3 * BOUNCE)],
        ),
        # a hold, by the level or by a release that comes late
        ([("down", 0), ("due_down", BOUNCE), ("due_down", HOLD - 1)], [ButtonDown(0)]),
        ([("down", 0), ("due_down", BOUNCE), ("due_down", HOLD)], [ButtonDown(0), ButtonHeld(HOLD)]),
        ([("down", 0), ("due_down", BOUNCE), ("up", HOLD - 1)], [ButtonDown(0), ButtonTapped(HOLD - 1)]),
        ([("down", 0), ("due_down", BOUNCE), ("up", HOLD)], [ButtonDown(0), ButtonHeld(HOLD), ButtonReleased(HOLD)]),
        (
            [("down", 0), ("due_down", BOUNCE), ("due_down", HOLD), ("up", HOLD + 1)],
            [ButtonDown(0), ButtonHeld(HOLD), ButtonReleased(HOLD + 1)],
        ),
        ([("down", 0), ("due_down", BOUNCE), ("due_down", HOLD), ("due_down", HOLD + 9)], [ButtonDown(0), ButtonHeld(HOLD)]),
        # a stuck button, and its end
        ([("down", 0), ("due_down", HOLD), ("due_down", STUCK - 1)], [ButtonDown(0), ButtonHeld(HOLD)]),
        ([("down", 0), ("due_down", HOLD), ("due_down", STUCK)], [ButtonDown(0), ButtonHeld(HOLD), ButtonStuck(STUCK)]),
        ([("down", 0), ("due_down", STUCK)], [ButtonDown(0), ButtonHeld(HOLD), ButtonStuck(STUCK)]),
        (
            [("down", 0), ("due_down", STUCK), ("due_down", STUCK + 1), ("up", STUCK + 2)],
            [ButtonDown(0), ButtonHeld(HOLD), ButtonStuck(STUCK), ButtonFreed(STUCK + 2)],
        ),
        # a level that broke off within the bounce time: the hold counts from its end
        ([("down", 0), ("up", 5), ("due_down", BOUNCE), ("due_down", HOLD)], [ButtonDown(0)]),
        ([("down", 0), ("up", 5), ("due_down", BOUNCE), ("due_down", HOLD + BOUNCE)], [ButtonDown(0), ButtonHeld(HOLD + BOUNCE)]),
        # missed edges
        ([("due_down", 7)], [ButtonDown(7)]),
        ([("down", 0), ("due_down", BOUNCE), ("due_up", 99_999)], [ButtonDown(0), ButtonTapped(99_999)]),
        ([("down", 0), ("due_down", BOUNCE), ("down", 99_999)], [ButtonDown(0), ButtonTapped(99_999), ButtonDown(99_999)]),
        ([("up", 5)], []),
        ([("up", 5), ("down", 4 + BOUNCE), ("due_down", 5 + BOUNCE)], [ButtonDown(5 + BOUNCE)]),
        # a new press begins anew: neither held nor stuck
        (
            [("down", 0), ("due_down", STUCK), ("up", STUCK + 1), ("down", STUCK + 1 + BOUNCE), ("due_down", STUCK + 1 + BOUNCE + HOLD)],
            [
                ButtonDown(0),
                ButtonHeld(HOLD),
                ButtonStuck(STUCK),
                ButtonFreed(STUCK + 1),
                ButtonDown(STUCK + 1 + BOUNCE),
                ButtonHeld(STUCK + 1 + BOUNCE + HOLD),
            ],
        ),
        # time never goes back
        ([("down", 50_000), ("up", 10)], [ButtonDown(50_000)]),
        ([("due_up", 50_000), ("down", 10)], [ButtonDown(50_000)]),
        ([("down", 0), ("due_down", HOLD), ("due_up", 10)], [ButtonDown(0), ButtonHeld(HOLD), ButtonReleased(HOLD)]),
    ],
)
def test_gestures(inputs: list[Input], gestures: list[Gesture]) -> None:
    assert after(*inputs)[1] == gestures


@pytest.mark.parametrize(
    ("inputs", "deadline"),
    [
        ([], None),
        ([("down", 5)], 5 + BOUNCE),
        ([("down", 5), ("due_down", 5 + BOUNCE)], 5 + HOLD),
        ([("down", 5), ("up", 6), ("due_down", 9 + BOUNCE)], 9 + BOUNCE + HOLD),
        ([("down", 5), ("due_down", 5 + HOLD)], 5 + STUCK),
        ([("down", 5), ("due_down", 5 + STUCK)], None),
        ([("down", 5), ("due_down", 5 + BOUNCE), ("up", 90_000)], 90_000 + BOUNCE),
        ([("down", 5), ("due_down", 5 + BOUNCE), ("up", 90_000), ("due_up", 90_000 + BOUNCE)], None),
        ([("up", 5)], 5 + BOUNCE),
    ],
)
def test_when_the_level_is_to_be_read(inputs: list[Input], deadline: int | None) -> None:
    assert after(*inputs)[0].next_deadline() == deadline


@pytest.mark.parametrize(
    ("inputs", "state"),
    [
        ([("up", 5)], Gestures(BOUNCE, HOLD, STUCK, settle_us=5 + BOUNCE, now_us=5)),
        (
            [("down", 5), ("up", 15_000)],
            Gestures(BOUNCE, HOLD, STUCK, down=True, down_us=5, level=False, settle_us=5 + BOUNCE, now_us=15_000),
        ),
        (
            [("down", 5), ("up", 6), ("due_down", 5 + BOUNCE)],
            Gestures(BOUNCE, HOLD, STUCK, down=True, down_us=5 + BOUNCE, level=True, now_us=5 + BOUNCE),
        ),
        ([("up", 5), ("due_up", 99_999)], Gestures(BOUNCE, HOLD, STUCK, now_us=99_999)),
    ],
)
def test_what_is_kept(inputs: list[Input], state: Gestures) -> None:
    assert after(*inputs)[0] == state


def test_a_release_leaves_a_fresh_button() -> None:
    """Whatever was before: only the bounce time, the latest edge and the time are kept."""
    for pressed in (1, HOLD, STUCK):
        state, _ = after(("down", 0), ("due_down", BOUNCE), ("due_down", BOUNCE + pressed), ("up", 2 * STUCK))
        at = 2 * STUCK
        assert state == Gestures(BOUNCE, HOLD, STUCK, settle_us=at + BOUNCE, now_us=at)
    state, _ = after(("down", 0), ("due_down", STUCK), ("up", STUCK + 1), ("down", STUCK + 1 + BOUNCE))
    at = STUCK + 1 + BOUNCE
    assert state == Gestures(BOUNCE, HOLD, STUCK, down=True, down_us=at, level=True, settle_us=at + BOUNCE, now_us=at)


@pytest.mark.parametrize(
    ("bounce", "hold", "stuck", "right"),
    [(1, 2, 3, True), (0, 2, 3, False), (2, 2, 3, False), (1, 3, 3, False), (-1, 2, 3, False), (3, 2, 1, False)],
)
def test_lengths_that_make_no_button(bounce: int, hold: int, stuck: int, right: bool) -> None:
    if right:
        Gestures(bounce, hold, stuck)
        return
    with pytest.raises(ValueError, match=f"bounce {bounce} µs, hold {hold} µs, stuck {stuck} µs: each must be longer"):
        Gestures(bounce, hold, stuck)
