"""The judge of the lamp itself."""

from __future__ import annotations

from bodycamd.camera.board.board_log import BoardLine
from tests.system.load.officer import untrue


def lamp(*changes: float) -> list[BoardLine]:
    """On, off, on, … at these seconds."""
    return [{"at_us": round(at * 1e6), "on": number % 2 == 0} for number, at in enumerate(changes)]


def judged(changes: list[BoardLine], *durable: float) -> list[tuple[int, int]]:
    return untrue(changes, [round(at * 1e6) for at in durable], 100_000_000)


def test_a_blink_that_becomes_steady_with_the_first_fragment_is_true() -> None:
    assert judged(lamp(1, 1.1, 1.2, 5), 0.1, 1.3, 2.3, 3.3, 4.3) == []


def test_steady_without_footage_is_untrue() -> None:
    assert judged(lamp(1, 9)) != []
    assert judged(lamp(1, 9), 1.1, 2.1) == [(2_100_000, 9_000_000)]
    assert judged(lamp(1, 9), 1.1, 2.1, 8) == [(2_100_000, 8_000_000)]


def test_two_flashes_a_second_promise_nothing() -> None:
    assert judged(lamp(*(second + part for second in range(1, 20) for part in (0, 0.1, 0.2, 0.3)))) == []
