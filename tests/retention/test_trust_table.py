"""When a clock is confirmed, reading by reading: the limits to the microsecond. Random lives stand in `test_three_years`."""

from __future__ import annotations

import pytest

from bodycamd.retention.clock_trust import Trust

SECOND = 1_000_000
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND
WALL = 1_767_225_600_000_000
OFFSET = WALL
Reading = tuple[int, int | None]
"""CLOCK_BOOTTIME, and the wall clock where it is trusted."""


def at(boottime_us: int, ahead_us: int = 0, trusted: bool = True) -> Reading:
    """A reading of a clock that runs so much ahead of the right one."""
    return boottime_us, OFFSET + boottime_us + ahead_us if trusted else None


def after(*readings: Reading, floor_us: int | None = None) -> Trust:
    trust = Trust()
    for reading in readings:
        trust = trust.step(*reading, floor_us)
    return trust


@pytest.mark.parametrize(
    ("floor", "confirmed"),
    [  # the first reading of a boot, by how far it lies ahead of the earliest time that it can be
        (None, False),
        (0, True),
        (1, True),
        (DAY - 1, True),
        (DAY, False),
        (-1, True),
        (-MINUTE, True),
        (-MINUTE - 1, False),
        (10 * 365 * DAY, False),
    ],
)
def test_the_first_reading_of_a_boot(floor: int | None, confirmed: bool) -> None:
    trust = after(at(5 * SECOND), floor_us=None if floor is None else WALL + 5 * SECOND - floor)
    assert (trust.confirmed, trust.trusted) == (confirmed, True)
    assert trust == Trust(OFFSET if confirmed else None, OFFSET, 5 * SECOND, 5 * SECOND)


@pytest.mark.parametrize(
    ("readings", "confirmed"),
    [  # half an hour of trust without a pause, with nothing before it
        ([at(0), at(900 * SECOND), at(1800 * SECOND)], True),
        ([at(0), at(900 * SECOND), at(1800 * SECOND - 1)], False),
        ([at(7), at(900 * SECOND), at(1800 * SECOND), at(1800 * SECOND + 6)], False),
        ([at(7), at(900 * SECOND), at(1800 * SECOND), at(1800 * SECOND + 7)], True),
        ([at(0), at(900 * SECOND + 1), at(1800 * SECOND)], False),  # nobody looked for more than a quarter of an hour
        ([at(0), at(900 * SECOND + 1), at(1800 * SECOND + 1), at(2700 * SECOND + 1)], True),
        ([at(0), at(900 * SECOND, trusted=False), at(1800 * SECOND)], False),
        ([at(0), at(900 * SECOND), at(1800 * SECOND, trusted=False)], False),
        ([at(0), at(900 * SECOND, MINUTE - 1), at(1800 * SECOND)], True),
        ([at(0), at(900 * SECOND, MINUTE), at(1800 * SECOND, MINUTE)], False),  # a step: the half hour begins again
        ([at(0), at(900 * SECOND, -MINUTE), at(1800 * SECOND, -MINUTE)], False),
        ([at(0), at(900 * SECOND, -MINUTE + 1), at(1800 * SECOND)], True),
        ([at(0), at(900 * SECOND, DAY), at(1800 * SECOND, DAY), at(2700 * SECOND, DAY)], True),
    ],
)
def test_half_an_hour_without_a_pause(readings: list[Reading], confirmed: bool) -> None:
    assert after(*readings).confirmed == confirmed


@pytest.mark.parametrize(
    ("reading", "confirmed"),
    [  # after a confirmed one in the same boot
        (at(100 * SECOND), True),
        (at(100 * SECOND, MINUTE - 1), True),
        (at(100 * SECOND, MINUTE), False),
        (at(100 * SECOND, 1 - MINUTE), True),
        (at(100 * SECOND, -MINUTE), False),
        (at(30 * DAY), True),  # however long nobody looked: CLOCK_BOOTTIME tells
        (at(100 * SECOND, trusted=False), False),
    ],
)
def test_what_was_confirmed_before_in_this_boot(reading: Reading, confirmed: bool) -> None:
    """The floor counts for the first reading alone: here it would refuse every one."""
    at_us, wall_us = reading
    trust = after(at(0), floor_us=WALL).step(at_us, wall_us, OFFSET + at_us + 365 * DAY)
    assert trust.confirmed == confirmed
    assert trust.trusted == (wall_us is not None)
    assert trust.confirmed_us == (wall_us - at_us if confirmed and wall_us is not None else OFFSET)


def test_an_untrusted_reading_leaves_all_else_as_it_was() -> None:
    before = after(at(0), floor_us=WALL)
    assert before.step(*at(9, trusted=False), WALL) == Trust(OFFSET, None, 0, 0)
    assert not Trust().trusted
    assert not Trust().confirmed


def test_a_slow_drift_stays_confirmed_and_a_step_takes_half_an_hour() -> None:
    trust = after(at(0), floor_us=WALL)
    for minute in range(1, 200):
        trust = trust.step(*at(minute * MINUTE, minute * SECOND), None)
        assert trust.confirmed
    stepped = [trust.step(*at(200 * MINUTE, DAY), None)]
    for minute in range(1, 31):
        stepped.append(stepped[-1].step(*at((200 + minute) * MINUTE, DAY), None))
    assert [state.confirmed for state in stepped] == [False] * 30 + [True]
