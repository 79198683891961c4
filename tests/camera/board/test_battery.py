"""The levels: thresholds by charge and by minutes, hysteresis, and what *critical* takes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.board.battery import (
    CRITICAL_READINGS,
    CRITICAL_US,
    HYSTERESIS_MINUTES,
    HYSTERESIS_PERCENT,
    BatteryThresholds,
    NoBattery,
)
from tests.kit.scale import count

ORDER = {"critical": 0, "low": 1, "ok": 2}
S = 1_000_000


def test_levels() -> None:
    thresholds = BatteryThresholds(15, 3)
    told = [(percent, thresholds.level(percent)) for percent in (80, 16, 15, 17, 18, 19, 4, 3, 5, 6, 7, 19, 100, 2, 100)]
    assert told == [
        *((80, "ok"), (16, "ok"), (15, "low"), (17, "low"), (18, "low"), (19, "ok"), (4, "low"), (3, "critical")),
        *((5, "critical"), (6, "critical"), (7, "low"), (19, "ok"), (100, "ok"), (2, "critical"), (100, "ok")),
    ]


@given(st.lists(st.floats(0, 100), max_size=200))
def test_an_alarm_is_never_late_and_never_trembles(readings: list[float]) -> None:
    thresholds = BatteryThresholds(15, 3)
    levels = [(percent, thresholds.level(percent)) for percent in readings]
    for percent, level in levels:
        assert ORDER[level] <= (0 if percent <= 3 else 1 if percent <= 15 else 2), "falling is told at once"
    for (before, old), (after, new) in pairwise(levels):
        if old != new and abs(before - after) < HYSTERESIS_PERCENT:
            assert ORDER[new] < ORDER[old] or after > (3 if old == "critical" else 15) + HYSTERESIS_PERCENT


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.integers(0, 200), st.booleans()), max_size=100))
@settings(max_examples=count(400))
def test_minutes_alarm_as_charge_does_and_what_charges_is_never_critical(readings: list[tuple[float, int | None, bool]]) -> None:
    thresholds, before = BatteryThresholds(15, 3, low_minutes=20), "ok"
    for percent, minutes, charging in readings:
        level = thresholds.level(percent, minutes_left=minutes, charging=charging)
        assert not (charging and level == "critical")
        if percent <= 15 or (minutes is not None and minutes <= 20):
            assert level != "ok"
        if before != "ok" and level == "ok":
            assert percent > 15 + HYSTERESIS_PERCENT or percent == 100
            assert minutes is None or minutes > 20 + HYSTERESIS_MINUTES
        before = level


def test_minutes_do_nothing_where_the_configuration_says_never() -> None:
    assert BatteryThresholds(15, 3).level(50, minutes_left=1) == "ok"


@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, 2.0, 3.0, 4.0, 40.0]), st.integers(0, 6 * S), st.integers(1, 3), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=count(600))
def test_critical_takes_several_readings_in_a_row_over_some_seconds(readings: list[tuple[float, int, int, bool]]) -> None:
    """However often one and the same is looked at, and at whatever rhythm they come."""
    thresholds, at_us = BatteryThresholds(15, 3), 0
    row: list[int] = []
    for percent, later_us, looks, charging in readings:
        at_us += later_us
        for _ in range(looks):
            level = thresholds.confirmed(percent, minutes_left=None, charging=charging, at_us=at_us)
        row = [] if charging or thresholds.level(percent, charging=charging) != "critical" else [*row, at_us]
        if level == "critical":
            distinct = sorted(set(row))
            assert len(distinct) >= CRITICAL_READINGS
            assert distinct[-1] - distinct[-CRITICAL_READINGS] >= CRITICAL_US


def test_critical_comes_at_the_third_reading_five_seconds_apart() -> None:
    thresholds = BatteryThresholds(15, 3)
    told = [thresholds.confirmed(2, minutes_left=None, charging=False, at_us=at * 5 * S) for at in range(4)]
    assert told == ["low", "low", "critical", "critical"]
    once = BatteryThresholds(15, 3)
    assert [once.confirmed(p, minutes_left=None, charging=False, at_us=i * 5 * S) for i, p in enumerate([60, 0, 60, 0, 60])] == [
        *("ok", "low", "ok", "low", "ok")
    ], "a wrong word on the bus ends no recording"


@pytest.mark.parametrize("percent", [0.0, 2.0])
def test_a_battery_that_charges_is_not_saved_from(percent: float) -> None:
    thresholds = BatteryThresholds(15, 3)
    told = [thresholds.confirmed(percent, minutes_left=None, charging=True, at_us=at * 5 * S) for at in range(9)]
    assert told == ["low"] * 9


def test_no_gauge_is_configured() -> None:
    assert NoBattery().read() == ("ok", None)
