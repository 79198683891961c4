"""How much time has provably passed, case by case, in microseconds."""

from __future__ import annotations

import pytest

from bodycamd.retention.elapsed import Age, Boot, Moment, Now, Timeline

WALL = 1_000_000


def timeline(*boots: tuple[int, int | None]) -> Timeline:
    """Boots that lasted so long, each with the time off before it that its clock claims, or no confirmed clock."""
    made, position = Timeline(), 0
    for number, (lasted_us, off_us) in enumerate(boots):
        made.see(f"boot-{number}", lasted_us)
        if off_us is not None:
            made.confirm(Moment(number, 0), WALL + position + off_us)
        position += lasted_us
    return made


def age(made: Timeline, moment: Moment, at_us: int, off_us: int | None, *, boot: int | None = None) -> Age:
    """Of a moment now, `at_us` into the boot after the last (or into `boot`), where the clock claims so much time off, or none."""
    number = len(made.boots) if boot is None else boot
    position = sum(each.last_us for each in made.boots[:number])
    (found,) = made.ages([moment], Now(Moment(number, at_us), None if off_us is None else WALL + position + off_us))
    return found


@pytest.mark.parametrize(
    ("boots", "moment", "at_us", "off_us", "expected"),
    [
        # running time alone: boots and what is left of the moment's own
        ([(100, None)], Moment(0, 100), 0, None, Age(0, None, None)),
        ([(100, None)], Moment(0, 60), 5, None, Age(45, None, None)),
        ([(100, None), (30, None)], Moment(0, 60), 5, None, Age(75, None, None)),
        ([(100, None), (30, None)], Moment(1, 30), 1, None, Age(1, None, None)),
        ([(100, None)], Moment(0, 150), 5, None, Age(0, None, None)),  # later than anything stated: never negative
        # the wall clock adds the time off
        ([(100, 0)], Moment(0, 100), 0, 7, Age(0, 7, WALL + 100)),
        ([(100, 0)], Moment(0, 60), 5, 7, Age(45, 52, WALL + 60)),
        ([(100, 3)], Moment(0, 60), 5, 7, Age(45, 49, WALL + 63)),
        ([(100, 7)], Moment(0, 60), 5, 7, Age(45, 45, WALL + 67)),
        # the clock of now shows less time off than before: it does not fit, and proves nothing
        ([(100, 8)], Moment(0, 60), 5, 7, Age(45, None, WALL + 68)),
        ([(100, 0)], Moment(0, 60), 5, None, Age(45, None, WALL + 60)),
        ([(100, 8), (30, None)], Moment(1, 30), 0, 7, Age(0, None, None)),
        ([(100, 8)], Moment(1, 2), 5, 7, Age(3, None, None)),
        # no clock then: the next boot that has one stands for it
        ([(100, None), (30, 4)], Moment(0, 60), 5, 7, Age(75, 78, WALL + 64)),
        ([(100, None), (30, None)], Moment(0, 60), 5, 7, Age(75, 75, WALL + 67)),
        ([(100, None), (30, 4), (10, 5)], Moment(0, 100), 0, 9, Age(40, 45, WALL + 104)),
        ([(100, 2), (30, None), (10, 5)], Moment(1, 30), 0, 9, Age(10, 14, WALL + 135)),
        # a clock that was ahead in one boot is passed over
        ([(100, 0), (30, 9000), (10, 2)], Moment(0, 100), 0, 3, Age(40, 43, WALL + 100)),
        ([(100, 0), (30, 9000), (10, 2)], Moment(1, 30), 0, 3, Age(10, 11, WALL + 132)),
        # of two series of the same length the one counts that shows least
        ([(100, 0), (30, -50)], Moment(0, 100), 0, 3, Age(30, 33, WALL + 100)),
        ([(100, 5), (30, 1), (10, 6)], Moment(0, 100), 0, 9, Age(40, 44, WALL + 105)),
        ([(100, 5), (30, 1)], Moment(0, 100), 0, 3, Age(30, 32, WALL + 101)),
        ([(100, 7), (30, 2), (10, 3)], Moment(0, 100), 0, 4, Age(40, 42, WALL + 102)),
        # a boot that nothing has been stated of counts as the one after the last
        ([(100, 0)], Moment(9, 2), 5, 7, Age(3, 3, WALL + 109)),
    ],
)
def test_ages(boots: list[tuple[int, int | None]], moment: Moment, at_us: int, off_us: int | None, expected: Age) -> None:
    assert age(timeline(*boots), moment, at_us, off_us) == expected


@pytest.mark.parametrize(
    ("boots", "moment", "at_us", "off_us", "expected"),
    [  # now in the last boot that is stated: its clock of now stands for what it was confirmed as
        ([(100, 0)], Moment(0, 60), 90, 0, Age(30, 30, WALL + 60)),
        ([(100, 0)], Moment(0, 60), 90, 4, Age(30, 30, WALL + 64)),
        ([(100, 4)], Moment(0, 60), 90, 0, Age(30, 30, WALL + 60)),
        ([(100, 4)], Moment(0, 60), 90, None, Age(30, None, WALL + 64)),
        ([(100, 0), (30, 5)], Moment(0, 100), 20, 6, Age(20, 26, WALL + 100)),
        ([(100, 0), (30, None)], Moment(1, 10), 20, 6, Age(10, 10, WALL + 116)),
    ],
)
def test_ages_in_a_running_boot(boots: list[tuple[int, int | None]], moment: Moment, at_us: int, off_us: int | None, expected: Age) -> None:
    assert age(timeline(*boots), moment, at_us, off_us, boot=len(boots) - 1) == expected


def test_several_moments_are_told_each_by_itself() -> None:
    made = timeline((100, 0), (30, None), (10, 5))
    ages = made.ages([Moment(2, 10), Moment(0, 0), Moment(3, 2)], Now(Moment(3, 4), WALL + 140 + 6))
    assert ages == [Age(4, 5, WALL + 145), Age(144, 150, WALL), Age(2, 2, WALL + 148)]


def test_what_is_seen_and_confirmed() -> None:
    made = Timeline()
    assert made.see("a", 50) == Moment(0, 50)
    assert made.see("a", 20) == Moment(0, 20)
    assert made.see("b", 9) == Moment(1, 9)
    assert made.see("a", 3) == Moment(2, 3), "the same id after another one: a boot of its own"
    made.reaches(Moment(1, 8))
    assert [boot.last_us for boot in made.boots] == [50, 9, 3]
    made.reaches(Moment(1, 12))
    assert made.positions() == [0, 50, 62, 65]
    made.confirm(Moment(0, 10), 1000)
    made.confirm(Moment(0, 20), 1005)
    assert made.boots[0] == Boot("a", 50, 990), "the highest offset counts"
    made.confirm(Moment(0, 20), 1030)
    assert made.boots[0].offset_us == 1010


def test_now_is_of_the_newest_boot_or_of_the_next() -> None:
    made = timeline((100, 0), (30, None))
    assert made.now("boot-1", 7, 50) == Now(Moment(1, 7), 43)
    assert made.now("boot-2", 7, None) == Now(Moment(2, 7), None)
    assert made.now("boot-0", 7, None) == Now(Moment(2, 7), None), "an earlier boot does not come again"
    assert timeline((100, 0)).now("boot-0", 7, None) == Now(Moment(0, 7), None)
    assert Timeline().now("x", 7, 9) == Now(Moment(0, 7), 2)


@pytest.mark.parametrize(
    ("boots", "boot", "at_us", "floor"),
    [
        ([], 0, 5, None),
        ([(100, None)], 1, 5, None),
        ([(100, 3)], 1, 5, WALL + 108),
        ([(100, 3)], 0, 70, WALL + 73),
        ([(100, 3), (30, None)], 2, 5, WALL + 138),
        ([(100, 3), (30, 9)], 2, 5, WALL + 144),
        ([(100, 9), (30, 3)], 2, 5, WALL + 138),  # the newest counts
    ],
)
def test_the_earliest_time_that_it_can_be(boots: list[tuple[int, int | None]], boot: int, at_us: int, floor: int | None) -> None:
    assert timeline(*boots).floor_us(Now(Moment(boot, at_us))) == floor


def test_what_this_boot_was_confirmed_as_before() -> None:
    made = timeline((100, 3), (30, None))
    assert [made.confirmed_offset_us(Now(Moment(boot, 0))) for boot in (0, 1, 2)] == [WALL + 3, None, None]
