"""Wall clocks at the ends of the years that the format admits, with every time of boot: whatever computes with them gives a date, and what
lies beyond them is no statement.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.recorder.store import Store
from bodycamd.errors import DataError
from bodycamd.evidence import statements
from bodycamd.evidence.statements import ClockQuality, Entry, FragmentStatement, wall_text, wall_us
from bodycamd.municipality.film.captions import cues
from bodycamd.municipality.publish.transparency import count as month_counts
from bodycamd.municipality.publish.transparency import days_in
from bodycamd.municipality.report.story import instant
from bodycamd.municipality.words.formats import Formats, LocaleWriting
from bodycamd.retention.judgement import DeletionJudge
from tests.kit.local_time import AMSTERDAM
from tests.kit.scale import count
from tests.municipality.verify.attacks.scene import ticking_clock
from tests.retention.world import stated

DUTCH, ENGLISH = LocaleWriting("nl"), LocaleWriting("en")
FIRST, LAST = "1970-01-01T00:00:00.000000Z", "2299-12-31T23:59:59.999999Z"
WALLS = st.one_of(st.sampled_from([FIRST, LAST]), st.integers(0, wall_us(LAST, "")).map(wall_text))
BOOT_NS = st.one_of(st.sampled_from([0, 2**63 - 1]), st.integers(0, 2**63 - 1))
COUNTS = st.one_of(st.sampled_from([0, 2**53 - 1]), st.integers(0, 2**53 - 1))
COMMON = {"n": 1, "prev": "0" * 64, "key": "0" * 64, "device": "cam-7", "start": 1, "boot_id": "b", "clock": ClockQuality(source="rtc")}
AGE = {"generation": 1, "seq": 1, "size": 1, "sha256": "0" * 64, "frames": 30, "audio": "off", "audio_samples": 0, "gap_us": 0}


@pytest.mark.parametrize("wall", ["0001-01-01", "1969-12-31", "2300-01-01", "9999-12-31", "2025-02-30", "2025-06-15T24"])
def test_years_that_no_clock_shows_are_no_statement(wall: str) -> None:
    text = wall if len(wall) > 10 else f"{wall}T23:59:59.999999Z"
    entry = Entry(type="marker", boottime_ns=0, wall=FIRST, **COMMON)  # type: ignore[arg-type]
    raw = statements.encode_entry(entry)[0].replace(FIRST.encode(), text.encode())
    with pytest.raises(DataError):
        statements.decode_entry(raw, "line")
    with pytest.raises(DataError):
        wall_us(text, "line")


@pytest.mark.parametrize("wall", [FIRST, LAST, "2000-02-29T00:00:00.000000Z"])
def test_the_first_and_the_last_instant_are_statements(wall: str) -> None:
    raw, entry = statements.encode_entry(Entry(type="marker", boottime_ns=0, wall=wall, **COMMON))  # type: ignore[arg-type]
    assert statements.decode_entry(raw, "line") == entry
    assert wall_text(wall_us(wall, "")) == wall


@pytest.mark.parametrize("wall_us_now", [-(10**18), -1, 10**16, 10**19])
def test_a_camera_whose_clock_is_beyond_reason_records_all_the_same(wall_us_now: int, tmp_path: Path) -> None:
    from bodycamd.evidence.keys import provision

    provision(tmp_path / "keys")
    clock = ticking_clock()
    clock.wall_us = wall_us_now + clock.boottime_us
    store = Store.open(tmp_path / "store", signing=tmp_path / "keys", device_id="cam-7", clock=clock, config_sha256="0" * 64, boot_id="b")
    store.ledger.append("marker", {"at_us": 1})
    store.close()


@settings(max_examples=count(300))
@given(WALLS, BOOT_NS, COUNTS)
def test_instants_of_the_story_are_dates(wall: str, boottime_ns: int, at_us: int) -> None:
    entry = Entry(type="marker", boottime_ns=boottime_ns, wall=wall, **COMMON)  # type: ignore[arg-type]
    assert wall_us(instant(entry, at_us).wall, "instant") <= wall_us(wall, "entry")


@settings(max_examples=count(300))
@given(WALLS, BOOT_NS, COUNTS, st.integers(1, 10_000_000))
def test_subtitles_have_dates(wall: str, boottime_ns: int, pts_us: int, duration_us: int) -> None:
    place = {"recording": "000001-0001", "segment": 0, "index": 1, "boottime_ns": boottime_ns, "wall": wall}
    found = cues(FragmentStatement(**COMMON, **AGE, **place, pts_us=pts_us, duration_us=duration_us), Formats("nl", AMSTERDAM))  # type: ignore[arg-type]
    assert 1 <= len(found) <= 11
    assert all(1970 <= int(text[:4]) <= 2300 for _, _, text in found), "the last hour of 2299 in UTC is one of 2300 here"


@settings(max_examples=count(300))
@given(WALLS, WALLS, BOOT_NS, COUNTS)
def test_months_pages_and_retention_take_them(wall: str, later: str, boottime_ns: int, end_us: int) -> None:
    name = "000001-0001"
    at_us, then_us, later_us = boottime_ns // 1000, wall_us(wall, ""), wall_us(later, "")
    entries = [
        stated("start", 1, "a", at_us, then_us, {}),
        stated("time", 1, "a", at_us, then_us, {"confirmed": True}),
        stated("recording_opened", 1, "a", at_us, then_us, {"recording": name}),
        stated("recording_closed", 1, "a", at_us, later_us, {"recording": name, "duration_us": end_us, "end_us": end_us}),
        stated("start", 2, "b", at_us, later_us, {}),
        stated("time", 2, "b", at_us, later_us, {"confirmed": True}),
    ]
    for month in {wall[:7], later[:7]}:
        assert dataclasses.asdict(month_counts(entries, month, AMSTERDAM))["month"] == month
        assert 28 <= days_in(month) <= 31
    assert DUTCH.date(wall[:10]).endswith(str(int(wall[:4])))
    judge = DeletionJudge()
    for entry, detail in entries:
        judge.take(entry, detail)
    timeline, end = judge.facts.timeline, judge.facts.recordings()[0].end
    assert end is not None
    (age,) = timeline.ages([end], timeline.now("b", at_us, later_us))
    assert wall_us(wall_text(age.was_before_us or 0), "") >= 0


@pytest.mark.parametrize("text", ["2026-99-01", "0000-00-00", "tomorrow", "", "2026-1-1xx", "2026-02-30"])
def test_a_day_that_is_none_stays_as_it_is(text: str) -> None:
    assert ENGLISH.date(text) == text
