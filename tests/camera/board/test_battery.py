"""The gauge: thresholds, hysteresis, and a gauge that is absent or says nonsense."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.camera.board.battery import HYSTERESIS_PERCENT, BatteryThresholds, NoBattery, SysfsBattery, battery
from bodycamd.config.settings import BatterySettings
from bodycamd.errors import UnavailableError

ORDER = {"critical": 0, "low": 1, "ok": 2}
SETTINGS = BatterySettings(supply="BAT0", low_percent=15, critical_percent=3)


@pytest.fixture
def gauge(tmp_path: Path) -> Path:
    (tmp_path / "BAT0").mkdir()
    capacity = tmp_path / "BAT0" / "capacity"
    capacity.write_text("80\n")
    return capacity


def test_levels(gauge: Path, tmp_path: Path) -> None:
    board_battery = battery(SETTINGS, tmp_path)
    told = []
    for percent in (80, 16, 15, 17, 18, 19, 4, 3, 5, 6, 7, 19, 100, 2, 100):
        gauge.write_text(f"{percent}\n")
        told.append((percent, board_battery.read()[0]))
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


@pytest.mark.parametrize("content", ["", "full\n", "-1\n", "101\n", "nan\n", "inf\n"])
def test_nonsense_is_told(content: str, gauge: Path, tmp_path: Path) -> None:
    board_battery = battery(SETTINGS, tmp_path)
    gauge.write_text(content)
    with pytest.raises(UnavailableError, match=r"BAT0/capacity.*check its wiring"):
        board_battery.read()
    gauge.write_text("50\n")
    assert board_battery.read() == ("ok", 50.0)


@pytest.mark.parametrize("supply", ["BAT1", "../BAT0", "..", ""])
def test_a_gauge_that_is_not_there_is_told_with_the_ones_that_are(supply: str, gauge: Path, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"board\.battery\.supply"):
        SysfsBattery(BatterySettings(supply=supply), tmp_path)
    if supply == "BAT1":
        with pytest.raises(UnavailableError, match="found: BAT0"):
            SysfsBattery(BatterySettings(supply=supply), tmp_path)


def test_no_gauge_is_configured() -> None:
    assert isinstance(battery(BatterySettings()), NoBattery)
    assert battery(BatterySettings()).read() == ("ok", None)
