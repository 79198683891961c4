"""The station's clock: what it dates and deletes was never read a moment after the word on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.linux.clock import ClockReading
from bodycamd.municipality.station.station_clock import StationClock
from bodycamd.retention.clock_trust import CONTINUOUS_US, LARGE_JUMP_US
from bodycamd.retention.elapsed import TOLERANCE_US
from tests.evidence.ordering import HOLD, ordered
from tests.kit.scale import count, only_in_full
from tests.municipality.station.life import DAY_US, DEVICE, Life

SECOND_US = 1_000_000


class LifesClock:
    """As the kernel would say it in a life: `ahead_us` is how wrong the wall clock is."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.synchronised = True

    def now_us(self) -> int:
        return self.life.camera.clock.wall_us

    def read(self) -> ClockReading:
        return ClockReading(self.now_us(), self.life.now_us, self.synchronised, "kernel-ntp", 1)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """The station has dated a receipt, so its clock is confirmed at a start."""
    opened = Life(tmp_path)
    opened.record(segments=1, fragments=1)
    opened.send()
    started(opened)
    assert opened.clock().confirmed
    yield opened
    opened.close()


def started(life: Life) -> LifesClock:
    """The station starts, with its own clock."""
    clock = LifesClock(life)
    life.clock = StationClock(clock, life.index.newest_confirmed_us()).read
    life.again()
    return clock


@only_in_full
def test_a_clock_set_ahead_after_the_last_look_deletes_nothing(life: Life) -> None:
    name = life.here[0]
    life.ahead_us = 730 * DAY_US
    assert (life.sweep().deleted, life.here) == ((), [name])
    life.ahead_us = 0
    assert life.clock().confirmed


def test_a_clock_set_ahead_while_a_sweep_is_under_way_deletes_nothing(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    decided = life.copies.held

    def held(device: str) -> object:
        life.ahead_us = 730 * DAY_US
        return decided(device)

    monkeypatch.setattr(life.sweeper._copies, "held", held)
    assert life.sweep().deleted == ()


def test_a_clock_set_back_after_the_last_look_dates_nothing(life: Life) -> None:
    """A receipt that says too early a day would let its copy go too early."""
    name = life.record(segments=1, fragments=1)
    life.ahead_us = -20 * DAY_US
    life.send(name)
    copy = next(copy for copy in life.copies.copies(DEVICE) if copy.recording == name)
    assert (copy.received_us, [event for event, _ in life.log][-1]) == (None, "receipt_signed_undated")
    life.ahead_us = 0
    life.sweep()
    assert next(copy for copy in life.copies.copies(DEVICE) if copy.recording == name).received_us == life.true_us


@only_in_full
def test_a_line_of_an_unconfirmed_clock_confirms_none_at_the_next_start(life: Life) -> None:
    life.ahead_us = 730 * DAY_US
    life.order(ordered(HOLD))
    life.record(segments=1, fragments=1)
    life.send()
    started(life)
    assert not life.clock().confirmed
    assert life.sweep().deleted == ()


def test_readings_in_one_minute_do_not_carry_it_further(life: Life) -> None:
    """Each request reads it: a hundred small steps in a minute are one great one."""
    for _ in range(100):
        life.ahead_us += TOLERANCE_US // 2
        read = life.clock()
    assert not read.confirmed


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.boottime_us, self.off_us, self.synchronised = 0, 0, True

    def now_us(self) -> int:
        return self.boottime_us

    def read(self) -> ClockReading:
        return ClockReading(self.boottime_us, 1_790_000_000 * SECOND_US + self.boottime_us + self.off_us, self.synchronised, "", 1)


SET = st.one_of(st.sampled_from([0, TOLERANCE_US // 2, TOLERANCE_US - 1, 3600 * SECOND_US]), st.integers(-800 * DAY_US, 800 * DAY_US))


@settings(max_examples=count(1000))
@given(st.lists(st.tuples(st.integers(0, 300), st.booleans() | st.just(True), st.none() | SET | SET.map(lambda by: -by)), max_size=40))
def test_a_confirmed_time_is_near_the_last_one_or_was_watched_for_half_an_hour(moves: list[tuple[int, bool, int | None]]) -> None:
    """Each move: so many seconds pass, the kernel's word, and by how much the clock is set; then it is read."""
    hands = Hands()
    clock = StationClock(hands, hands.read().wall_us)
    confirmed_off_us, still_since_us = 0, 0
    for seconds, hands.synchronised, by_us in moves:
        hands.boottime_us += seconds * SECOND_US
        if not hands.synchronised or abs(by_us or 0) >= TOLERANCE_US:
            still_since_us = hands.boottime_us
        hands.off_us += by_us or 0
        read = clock.read()
        assert read.wall_us == hands.read().wall_us
        if not read.confirmed:
            continue
        assert hands.synchronised
        near = abs(hands.off_us - confirmed_off_us) < 2 * TOLERANCE_US
        assert near or hands.boottime_us - still_since_us >= CONTINUOUS_US
        confirmed_off_us = hands.off_us


@pytest.mark.parametrize(("newest_us", "confirmed"), [(None, False), (0, True), (1, False), (-LARGE_JUMP_US, False), (-1, True)])
def test_what_a_first_reading_is_worth(newest_us: int | None, confirmed: bool) -> None:
    """`newest_us`: from the clock's own time, in whole minutes where it is after it."""
    hands = Hands()
    floor_us = None if newest_us is None else hands.read().wall_us + (newest_us if newest_us <= 0 else TOLERANCE_US + newest_us)
    assert StationClock(hands, floor_us).read().confirmed is confirmed
