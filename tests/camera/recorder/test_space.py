"""Room for footage: levels, hysteresis, the ledger's reserve, the measured rate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bodycamd.camera.control.events import StorageLevel
from bodycamd.camera.recorder.space import Room, room, smoothed_rate

MB = 1_000_000
LEVELS: tuple[StorageLevel, ...] = ("ok", "low", "full")


def report(minutes: float, previous: StorageLevel) -> Room:
    free_bytes = 64 * MB + round(minutes * 60 * MB)
    return room(free_bytes=free_bytes, reserve_bytes=64 * MB, bytes_per_second=MB, low_minutes=30, previous=previous)


def test_levels_come_at_their_thresholds_and_go_later() -> None:
    assert [report(minutes, "ok").level for minutes in (31, 30, 29.9, 0.2, 0.1, 0)] == ["ok", "ok", "low", "low", "full", "full"]
    assert [report(minutes, "low").level for minutes in (31, 32.9, 33.1)] == ["low", "low", "ok"]
    assert [report(minutes, "full").level for minutes in (0.5, 0.9, 1.1, 31, 40)] == ["full", "full", "low", "low", "ok"]


def test_the_reserve_is_not_room_for_footage() -> None:
    got = room(free_bytes=64 * MB, reserve_bytes=64 * MB, bytes_per_second=MB, low_minutes=30, previous="ok")
    assert got == Room(0, 0.0, "full")
    assert room(free_bytes=5, reserve_bytes=64 * MB, bytes_per_second=MB, low_minutes=30, previous="ok").footage_bytes == 0


@given(st.floats(0, 100), st.sampled_from(LEVELS))
def test_a_second_look_at_the_same_disk_changes_nothing(minutes: float, previous: StorageLevel) -> None:
    once = report(minutes, previous)
    assert report(minutes, once.level).level == once.level


def test_the_rate_follows_the_footage_of_about_the_last_minute() -> None:
    rate = 2.0 * MB
    for _ in range(240):
        rate = smoothed_rate(rate, size_bytes=MB // 2, duration_us=1_000_000)
    assert 0.5 * MB < rate < 0.54 * MB
    assert smoothed_rate(rate, size_bytes=5, duration_us=0) == rate
    assert smoothed_rate(rate, size_bytes=90 * MB, duration_us=90_000_000) == MB
