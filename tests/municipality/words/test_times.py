"""Local time with UTC beside it: always clear, also on the two Sundays on which summer time begins and ends."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.evidence.statements import wall_text, wall_us
from bodycamd.municipality.words.times import Digits, LocalTime
from tests.kit.local_time import AMSTERDAM
from tests.kit.scale import count, one_in, only_in_full

ZONES = st.sampled_from(["Europe/Amsterdam", "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
LATEST_US = 10_413_791_999_999_999
"""The last microsecond of the year 2299."""
TEXT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{3})?) \((?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d(?:\.\d{3})?) UTC\)")


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        ("2026-03-29T00:59:59Z", "2026-03-29 01:59:59 (00:59:59 UTC)"),  # then two o'clock does not come
        ("2026-03-29T01:00:00Z", "2026-03-29 03:00:00 (01:00:00 UTC)"),
        ("2026-10-25T00:30:00Z", "2026-10-25 02:30:00 (00:30:00 UTC)"),  # half past two comes twice
        ("2026-10-25T01:30:00Z", "2026-10-25 02:30:00 (01:30:00 UTC)"),
        ("2026-06-30T22:30:00Z", "2026-07-01 00:30:00 (2026-06-30 22:30:00 UTC)"),  # another day, another month
        ("2026-12-31T23:00:00Z", "2027-01-01 00:00:00 (2026-12-31 23:00:00 UTC)"),
    ],
)
def test_summer_time_and_midnight(wall: str, text: str) -> None:
    assert AMSTERDAM.wall_beside_utc(wall) == text
    assert AMSTERDAM.day(wall) == text[:10]
    assert AMSTERDAM.clock_beside_utc(wall_us(wall, "")) == text[11:]


@settings(max_examples=count(2000))
@given(at_us=st.integers(0, LATEST_US), zone=ZONES, digits=st.sampled_from([0, 3]))
def test_the_text_leads_back_to_the_one_instant(at_us: int, zone: str, digits: Digits) -> None:
    """Whatever the zone: local and UTC name the same instant, and no other has the same text."""
    local = LocalTime(ZoneInfo(zone))
    read = TEXT.fullmatch(local.beside_utc(at_us, digits))
    assert read is not None
    utc = datetime.fromisoformat(f"{read[3] or read[1]}T{read[4]}+00:00")
    step_us = 1000 if digits else 1_000_000
    assert utc == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us // step_us * step_us)
    assert utc.astimezone(local.zone).replace(tzinfo=None) == datetime.fromisoformat(f"{read[1]}T{read[2]}")
    assert (read[3] is None) == (utc.date().isoformat() == read[1])
    assert local.day(wall_text(at_us)) == read[1]


@settings(max_examples=count(1000))
@given(first_us=st.integers(0, LATEST_US), second_us=st.integers(0, LATEST_US), zone=ZONES)
def test_days_never_run_backwards(first_us: int, second_us: int, zone: str) -> None:
    local = LocalTime(ZoneInfo(zone))
    first, second = sorted((first_us, second_us))
    assert local.day(wall_text(first)) <= local.day(wall_text(second))


@pytest.mark.parametrize("at_us", [-(10**18), -1, LATEST_US + 1, 10**20])
def test_a_clock_beyond_reason_costs_no_page(at_us: int) -> None:
    assert TEXT.fullmatch(AMSTERDAM.beside_utc(at_us)) is not None


@only_in_full
@one_in(6)
@pytest.mark.parametrize("command", [["recordings", "list"], ["recordings", "log"], ["transparency", "--month", "2026-01"]])
@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../../../etc/passwd", "Europe"])
def test_an_unknown_time_zone_is_refused_in_one_line(command: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--timezone", name]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "--timezone" in said.err
    assert "Europe/Amsterdam" in said.err
