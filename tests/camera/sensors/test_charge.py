"""Charge and minutes from what a gauge measured."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.sensors.charge import CELL_CURVE, SLOPE_LEAST_US, ChargeEstimate, Measured, cell_percent
from bodycamd.camera.sensors.readings import Charge, Reading, encode
from tests.kit.scale import count

S = 1_000_000


def test_the_curve_rises_from_empty_to_full() -> None:
    assert (CELL_CURVE[0][1], CELL_CURVE[-1][1]) == (0, 100)
    assert all(low < high for low, high in pairwise(volts for volts, _ in CELL_CURVE))
    assert all(low < high for low, high in pairwise(percent for _, percent in CELL_CURVE))
    for volts, percent in CELL_CURVE:
        assert cell_percent(volts) == pytest.approx(percent)


@given(st.floats(0, 6), st.floats(0, 6))
@settings(max_examples=count(1000))
def test_more_volts_are_never_less_charge(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= cell_percent(low) <= cell_percent(high) <= 100


def test_cells_in_series_share_the_voltage() -> None:
    two = ChargeEstimate(2, None).take(Measured(volts=7.68), 0)
    assert two is not None
    assert (round(two.percent, 6), two.estimated) == (50.0, True)


def test_minutes_by_the_current_and_the_stated_capacity() -> None:
    estimate = ChargeEstimate(1, 2000)
    charge = None
    for second in range(0, 60, 5):  # 400 and 600 mA by turns: 500 mA on average
        charge = estimate.take(Measured(percent=50, milliamperes=-400.0 if second % 10 else -600.0), second * S)
    assert charge is not None
    assert (charge.minutes_left, charge.minutes_from, charge.charging) == (120, "current", False)


def test_minutes_by_the_slope_come_after_five_minutes_and_one_percent() -> None:
    estimate = ChargeEstimate(1, None)
    told = [estimate.take(Measured(percent=60 - minute), minute * 60 * S) for minute in range(31)]
    known = [charge.minutes_left for charge in told if charge is not None]
    assert known[:5] == [None] * 5
    assert known[5:] == pytest.approx([60 - minute for minute in range(5, 31)], abs=1)
    assert {charge.minutes_from for charge in told[5:] if charge is not None} == {"slope"}


def test_a_battery_that_charges_has_no_minutes_and_begins_a_new_slope() -> None:
    estimate = ChargeEstimate(1, None)
    for minute in range(10):
        estimate.take(Measured(percent=60 - minute), minute * 60 * S)
    charging = estimate.take(Measured(percent=51, charging=True), 600 * S)
    after = estimate.take(Measured(percent=51, charging=False), 660 * S)
    assert charging is not None
    assert after is not None
    assert (charging.minutes_left, charging.charging, after.minutes_left) == (None, True, None)


def test_the_gauges_own_word_comes_first() -> None:
    charge = ChargeEstimate(1, 2000).take(Measured(percent=50, milliamperes=-500, minutes_left=33.9), 0)
    assert charge == Charge(percent=50, estimated=False, charging=False, minutes_left=33, minutes_from="gauge")


def test_what_measures_neither_charge_nor_voltage_says_nothing() -> None:
    assert ChargeEstimate(1, None).take(Measured(milliamperes=3), 0) is None


numbers = st.none() | st.floats(-1e9, 1e9)


@given(
    st.lists(st.tuples(numbers, numbers, numbers, st.none() | st.booleans(), numbers, st.integers(0, 10**12)), max_size=60),
    st.integers(1, 4),
    st.none() | st.integers(100, 100_000),
)
@settings(max_examples=count(400))
def test_whatever_a_gauge_says_what_is_told_is_within_bounds(
    looks: list[tuple[float | None, float | None, float | None, bool | None, float | None, int]], cells: int, capacity: int | None
) -> None:
    estimate, at_us = ChargeEstimate(cells, capacity), 0
    for percent, volts, milliamperes, charging, minutes, later_us in looks:
        at_us += later_us
        charge = estimate.take(Measured(percent, volts, milliamperes, charging, minutes), at_us)
        encode(Reading(sequence=1, at_us=at_us % 2**50, charge=charge))
        if charge is not None and charge.minutes_left is not None:
            assert charge.charging is not True
    assert SLOPE_LEAST_US > 0
