"""What goes next, whether anything does, and after which pauses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.keeping.waiting import WaitingRecording
from bodycamd.camera.uplink.order import (
    LEAST_PART_BYTES,
    MOST_PART_BYTES,
    Conditions,
    Plan,
    Upload,
    in_order,
    next_part_bytes,
    pause_seconds,
    plan,
)
from tests.kit.scale import count

UPLOADS: list[Upload] = ["dock", "held_first", "always"]


def recording(number: int, *, held: bool = False, marked: bool = False) -> WaitingRecording:
    return WaitingRecording(recording=f"000001-{number:04d}", segments=1, bytes=10, held=held, marked=marked)


def now(
    *, link_up: bool = False, charging: bool | None = None, battery_percent: float | None = None, left_bytes: int | None = None
) -> Conditions:
    return Conditions(link_up=link_up, charging=charging, battery_percent=battery_percent, left_bytes=left_bytes)


WAITING = [recording(1, held=True), recording(2), recording(3, marked=True), recording(4)]
ALL = ("000001-0003", "000001-0001", "000001-0004", "000001-0002")
FIRST = ALL[:2]

CASES: dict[str, tuple[Upload, Conditions, tuple[str, ...], bool, str]] = {
    # upload, conditions → recordings, metered, why
    "in the dock": ("dock", now(link_up=True, charging=True, battery_percent=5, left_bytes=0), ALL, False, ""),
    "in the dock, full": ("dock", now(link_up=True, charging=False, battery_percent=99.5), ALL, False, ""),
    "in the dock, without a gauge": ("dock", now(link_up=True), ALL, False, ""),
    "a link, and no power": ("dock", now(link_up=True, charging=False, battery_percent=80), (), True, "waits for the dock"),
    "power, and no link": ("dock", now(charging=True, battery_percent=80), (), True, "waits for the dock"),
    "always, on the street": ("always", now(charging=False, battery_percent=30), ALL, True, ""),
    "always, below the floor": ("always", now(charging=False, battery_percent=29), (), True, "29 % is less than 30 %"),
    "always, below the floor and charging": ("always", now(charging=True, battery_percent=29), ALL, True, ""),
    "always, without a gauge": ("always", now(), ALL, True, ""),
    "always, and the allowance used up": ("always", now(left_bytes=0), (), True, "allowance"),
    "always, and something left": ("always", now(left_bytes=1), ALL, True, ""),
    "always, in the dock": ("always", now(link_up=True, charging=True, left_bytes=0), ALL, False, ""),
    "held first, on the street": ("held_first", now(charging=False, battery_percent=50), FIRST, True, "waits for the dock"),
    "held first, in the dock": ("held_first", now(link_up=True, charging=True), ALL, False, ""),
    "held first, below the floor": ("held_first", now(charging=False, battery_percent=3), (), True, "waits for charge"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_goes(case: str) -> None:
    upload, conditions, recordings, metered, why = CASES[case]
    found = plan(WAITING, upload, conditions, 30)
    assert (found.recordings, found.metered) == (recordings, metered)
    assert why in found.why
    assert bool(found.why) == bool(why)
    assert found.ledger == (recordings != ()), "where footage may go, what says what it is goes too"


@given(
    st.lists(st.builds(recording, st.integers(1, 9999), held=st.booleans(), marked=st.booleans()), unique_by=lambda one: one.recording),
    st.sampled_from(UPLOADS),
    st.builds(
        now,
        link_up=st.booleans(),
        charging=st.sampled_from([None, True, False]),
        battery_percent=st.none() | st.floats(0, 100),
        left_bytes=st.none() | st.integers(0, 10),
    ),
    st.integers(0, 100),
)
@settings(max_examples=count(500))
def test_the_order_holds_whatever_waits(waiting: list[WaitingRecording], upload: Upload, conditions: Conditions, floor: int) -> None:
    found = plan(waiting, upload, conditions, floor)
    known = {one.recording: one for one in waiting}
    ranks = [(not (known[name].held or known[name].marked), -int(name.replace("-", ""))) for name in found.recordings]
    assert ranks == sorted(ranks)
    assert len(set(found.recordings)) == len(found.recordings)
    if upload == "always" and found.recordings:
        assert set(found.recordings) == set(known)
    if not conditions.docked:
        assert found.metered
        assert upload != "dock" or found == Plan(ledger=False, recordings=(), metered=True, why="waits for the dock")
        assert conditions.left_bytes != 0 or not found.ledger
    else:
        assert found.recordings == in_order(waiting)


@given(st.integers(1, 10_000), st.floats(0, 1), st.integers(5, 3600), st.none() | st.floats(0, 1e6))
@settings(max_examples=count(500))
def test_pauses_grow_and_stay_within_bounds(failures: int, chance: float, longest: int, asked: float | None) -> None:
    found = pause_seconds(failures, chance, longest, asked)
    assert 0.5 <= found <= longest
    assert pause_seconds(failures, 0, longest) <= pause_seconds(failures + 1, 0, longest)
    assert asked is None or found >= min(asked, longest)
    assert pause_seconds(20, chance, longest) >= longest / 2


@given(st.lists(st.floats(0, 100), max_size=30))
@settings(max_examples=count(500))
def test_parts_stay_within_bounds(took: list[float]) -> None:
    size = LEAST_PART_BYTES
    for seconds in took:
        before, size = size, next_part_bytes(size, seconds)
        assert LEAST_PART_BYTES <= size <= MOST_PART_BYTES
        assert (size >= before) if seconds < 1 else (size <= before)
    for _ in range(10):
        size = next_part_bytes(size, 0.1)
    assert size == MOST_PART_BYTES
