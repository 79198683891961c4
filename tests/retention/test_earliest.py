"""The earliest time at which something can have been: what an order to hold an interval is judged by. Never later than the truth."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.retention.elapsed import Moment, Now, Timeline
from tests.kit.resting_camera import DAY, HOUR
from tests.kit.scale import count
from tests.retention.test_timeline import BEGIN, boots
from tests.retention.world import MINUTE, World


def days(timeline: Timeline, boot: int, off_now: int | None) -> float | None:
    """Of the end of a boot's first hour: so many days off before it at least, as claimed; asked at the beginning of the next boot."""
    last = len(timeline.boots)
    now = timeline.now(f"boot-{last}", 0, None if off_now is None else BEGIN + off_now * DAY + last * HOUR)
    found = timeline.earliest_us([Moment(boot, HOUR)], now)[0]
    return None if found is None else (found - BEGIN - (boot + 1) * HOUR) / DAY


@pytest.mark.parametrize(
    ("claims", "boot", "off_now", "earliest"),
    [
        ([], 0, None, None),
        ([None], 0, None, None),
        ([None], 0, 5, None),
        ([3], 0, None, 3),
        ([3], 0, 9, 3),
        ([3, None], 1, 9, 3),
        ([3, None, 7], 1, None, 3),
        ([None, 7], 0, 9, None),
        ([3, 900, 7], 1, 9, 7),
        ([3, 900, None], 2, 9, 9),
        ([3, 900, None], 2, None, 900),
        ([3, 7], 1, 2, 2),
        ([3, -2000, 7], 1, 9, -2000),
        ([3, -2000, 7], 0, 9, -2000),
    ],
)
def test_the_claim_before_counts_and_none_that_a_later_one_contradicts(
    claims: list[int | None], boot: int, off_now: int | None, earliest: int | None
) -> None:
    assert days(boots(*claims), boot, off_now) == earliest


def test_a_moment_of_a_boot_that_nothing_was_stated_of_is_after_all_that_was() -> None:
    timeline = boots(3)
    here = Moment(1, 5)
    assert timeline.earliest_us([here], Now(here)) == [BEGIN + 3 * DAY + HOUR + 5]


@settings(max_examples=count(40), deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 40))
def test_in_a_cameras_life_with_honest_clocks_it_is_never_later_than_the_truth(seed: int, sessions: int) -> None:
    world = World(seed, honest=True)
    told = 0
    for _ in range(sessions):
        world.session()
        now = world.now()
        for name, clip in world.clips.items():
            end = world.facts.known[name].end
            assert end is not None
            earliest_us = world.facts.timeline.earliest_us([end], now)[0]
            assert earliest_us is None or earliest_us <= clip.known_end_us + MINUTE
            told += earliest_us is not None
        world.true_us += world.chance.choice((HOUR, 14 * HOUR, 60 * HOUR))
    assert told or not world.clips or world.facts.timeline.boots[0].offset_us is None
