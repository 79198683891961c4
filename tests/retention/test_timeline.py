"""Clocks that contradict each other: none of the series that may be true is believed beyond what all of them say."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.retention.elapsed import Moment, Timeline
from tests.kit.resting_camera import DAY, HOUR
from tests.kit.scale import count

BEGIN = 1_767_225_600_000_000


def boots(*claims: int | None, running_us: int = HOUR) -> Timeline:
    """Boots of an hour; each claims so many days off before it, or nothing."""
    timeline = Timeline()
    for number, days in enumerate(claims):
        moment = timeline.see(f"boot-{number}", running_us)
        if days is not None:
            timeline.confirm(moment, BEGIN + days * DAY + (number + 1) * running_us)
    return timeline


def wall_days(timeline: Timeline, boot: int, off_days: int) -> float | None:
    """What the wall clock shows to have passed since the end of a boot, at the beginning of the next one."""
    last = len(timeline.boots)
    now = timeline.now(f"boot-{last}", 0, BEGIN + off_days * DAY + last * HOUR)
    age = timeline.ages([Moment(boot, HOUR)], now)[0]
    return None if age.wall_us is None else (age.wall_us - age.running_us) / DAY


def test_of_two_clocks_that_contradict_each_other_the_later_time_counts() -> None:
    """One of two boots was years behind, trusted for half an hour: which one, nobody can tell."""
    timeline = boots(0, None, -2383)
    assert wall_days(timeline, 0, 14) == 14
    assert wall_days(timeline, 1, 14) == 0, "nothing after the boot that may have been right: it counts from now"


def test_a_clock_that_was_ahead_is_passed_over() -> None:
    assert wall_days(boots(0, 3000), 0, 14) is None, "ahead or behind: the clock of now does not settle it"
    assert wall_days(boots(0, 3000, 14), 0, 15) == 15


@settings(max_examples=count(500))
@given(st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=7), st.integers(0, 9))
def test_no_longest_series_makes_footage_younger(claims: list[int | None], off: int) -> None:
    """Against every series of growing claims there is: the longest ones alone count, and of them the one that shows least."""
    stated = [(boot, claim) for boot, claim in enumerate(claims) if claim is not None]
    numbered = [*stated, (len(claims), off)]
    growing = [
        chosen
        for size in range(1, len(numbered) + 1)
        for chosen in combinations(numbered, size)
        if all(one[1] <= other[1] for one, other in pairwise(chosen))
    ]
    longest = max(len(chosen) for chosen in growing)
    best = [chosen for chosen in growing if len(chosen) == longest]
    timeline = boots(*claims)
    for boot in range(len(claims)):
        found = wall_days(timeline, boot, off)
        if all(chosen[-1][0] == len(claims) for chosen in best):
            assert found == min(off - next(claim for number, claim in chosen if number >= boot) for chosen in best)
        else:
            assert found is None
