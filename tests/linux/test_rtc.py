"""A declared real-time clock confirms the wall clock while they agree, and never longer."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.linux.clock import SystemClock, boottime_us
from bodycamd.linux.rtc import AGREES_US, FRESH_US, KINDS, Look, RealTimeClock, holds, judge
from bodycamd.retention.clock_trust import CONTINUOUS_US, Trust
from tests.kit.scale import count

S = 1_000_000
NOW_US = 1_800_000_000 * S


def clock(root: Path, name: str, since_epoch: str, number: int = 0) -> Path:
    folder = root / f"rtc{number}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "since_epoch").write_text(since_epoch)
    return root


@given(st.integers(-10 * S, 10 * S), st.integers(0, 2**40))
@settings(max_examples=count(500))
def test_they_agree_within_two_seconds_of_the_clocks_whole_second(ahead_us: int, at_us: int) -> None:
    look = judge(NOW_US // S, NOW_US + ahead_us, at_us)
    assert (look is not None) is (-AGREES_US <= ahead_us <= S + AGREES_US)
    assert look is None or look == Look(at_us, NOW_US + ahead_us - at_us)


@given(st.integers(-400 * S, 400 * S), st.integers(-5 * S, 5 * S))
@settings(max_examples=count(500))
def test_what_agreed_holds_for_three_minutes_and_without_a_step(later_us: int, stepped_us: int) -> None:
    look = Look(1000 * S, NOW_US - 1000 * S)
    at_us = look.at_us + later_us
    held = holds(look, at_us + look.offset_us + stepped_us, at_us)
    assert held is (0 <= later_us < FRESH_US and abs(stepped_us) < AGREES_US)
    assert not holds(None, NOW_US, at_us)


@pytest.mark.parametrize(
    ("kind", "name"), [("ds3231", "rtc-ds1307 1-0068"), ("pi5", "rpi-rtc soc:rpi_rtc"), ("rv3028", "rtc-rv3028 1-0052")]
)
def test_the_declared_clock_is_found_by_its_drivers_name(kind: str, name: str, tmp_path: Path) -> None:
    clock(tmp_path, "rtc_cmos rtc_cmos", "0\n")
    clock(tmp_path, name, f"{int(time.time())}\n", 1)
    rtc = RealTimeClock(kind, boottime_us, tmp_path)
    assert rtc.error_ms(time.time_ns() // 1000, boottime_us()) is None, "nobody has looked"
    rtc.look()
    assert rtc.error_ms(time.time_ns() // 1000, boottime_us()) == KINDS[kind].error_ms


@pytest.mark.parametrize(
    ("name", "since_epoch"),
    [("rtc-pcf8523 1-0068", "now"), ("rtc-ds1307 1-0068", "0\n"), ("rtc-ds1307 1-0068", ""), ("rtc-ds1307 1-0068", "late"), ("", "now")],
)
def test_another_clock_a_wrong_one_and_one_that_does_not_answer_confirm_nothing(name: str, since_epoch: str, tmp_path: Path) -> None:
    clock(tmp_path, name, f"{int(time.time())}\n" if since_epoch == "now" else since_epoch)
    rtc = RealTimeClock("ds3231", boottime_us, tmp_path)
    rtc.look()
    assert rtc.error_ms(time.time_ns() // 1000, boottime_us()) is None


def test_a_clock_that_is_gone_confirms_no_more(tmp_path: Path) -> None:
    clock(tmp_path, "rtc-ds1307 1-0068", f"{int(time.time())}\n")
    rtc = RealTimeClock("ds3231", boottime_us, tmp_path)
    rtc.look()
    (tmp_path / "rtc0" / "since_epoch").unlink()
    rtc.look()
    assert rtc.error_ms(time.time_ns() // 1000, boottime_us()) is None


def test_a_clock_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    """A pipe that nobody writes to stands for a bus that does not answer."""
    clock(tmp_path, "rtc-ds1307 1-0068", "")
    (tmp_path / "rtc0" / "since_epoch").unlink()
    os.mkfifo(tmp_path / "rtc0" / "since_epoch")
    rtc = RealTimeClock("ds3231", boottime_us, tmp_path)
    began = time.monotonic()
    rtc.begin()
    assert time.monotonic() - began < 30
    assert rtc.error_ms(time.time_ns() // 1000, boottime_us()) is None
    with (tmp_path / "rtc0" / "since_epoch").open("w") as pipe:  # let the thread go
        pipe.write("0\n")
    rtc.close()


def test_the_system_clock_says_rtc_where_nobody_synchronises_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(tmp_path, "rtc-ds1307 1-0068", f"{int(time.time())}\n")
    rtc = RealTimeClock("ds3231", boottime_us, tmp_path)
    rtc.begin()
    reading = SystemClock(rtc).read()
    if reading.source != "kernel-ntp":  # this computer's kernel says so itself
        assert (reading.trusted, reading.source, reading.error_ms) == (True, "rtc", KINDS["ds3231"].error_ms)
    rtc.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "real-time clock" and not thread.daemon]


@pytest.mark.parametrize(
    ("answer", "confirms", "expected"),
    [
        ((5, 0x40, 16_000_000), 160_680, (True, "rtc", 160_680)),
        ((5, 0x40, 16_000_000), None, (False, "unsynchronised", None)),
        ((0, 0x2001, 1_234_001), 160_680, (True, "kernel-ntp", 1235)),
    ],
)
def test_the_kernels_word_comes_before_the_clocks(
    answer: tuple[int, int, int], confirms: int | None, expected: tuple[bool, str, int | None]
) -> None:
    from bodycamd.linux.clock import quality

    assert quality(*answer, confirms) == expected


def test_a_declared_clock_that_jumps_years_ahead_proves_nothing_for_half_an_hour() -> None:
    """The rule on forward jumps is that of any trusted clock."""
    trust = Trust().step(0, NOW_US, NOW_US - 10 * 365 * 86_400 * S)
    assert (trust.trusted, trust.confirmed) == (True, False)
    for minute in range(1, CONTINUOUS_US // (60 * S)):
        trust = trust.step(minute * 60 * S, NOW_US + minute * 60 * S, NOW_US - 10 * 365 * 86_400 * S)
        assert not trust.confirmed
    assert trust.step(CONTINUOUS_US, NOW_US + CONTINUOUS_US, None).confirmed
