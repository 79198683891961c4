"""What the lamp says in every situation, and when that changes by time alone. How the patterns look stands in `test_indicator`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bodycamd.camera.control.indicator import (
    CANNOT_RECORD_PULSES,
    LOW_PULSE,
    MISSING_PULSES,
    TABLE,
    LampPattern,
    RepeatedPulse,
    RowName,
    changes,
    indicate,
)
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import State
from tests.camera.control.camera import BUFFER, POST, REFUSE, Camera, S, recording, standby, stopped, warning

SHORTEST_BUFFER = replace(BUFFER, pre_event_us=1)


def latched() -> Camera:
    camera = Camera()
    camera.down()
    return camera


def begun() -> Camera:
    """Recording since now, with nothing durable."""
    camera = warning()
    camera.warned()
    return camera


def buffering() -> Camera:
    camera = standby(BUFFER)
    camera.state = replace(camera.state, flowing=True)
    return camera


def refused() -> Camera:
    """Just now."""
    camera = standby()
    camera.storage("full")
    camera.down()
    return camera


def changed(make: Callable[[], Camera], **flags: object) -> Callable[[], Camera]:
    """The same camera, but for these fields of its state."""

    def made() -> Camera:
        camera = make()
        camera.state = replace(camera.state, **flags)
        return camera

    return made


@pytest.mark.parametrize(
    ("make", "shown", "later"),
    [  # at once; and, when nothing else happens, from so many µs on
        (Camera, "off", None),
        (latched, "blink", None),
        (warning, "blink", None),
        (standby, "ready", None),
        (buffering, "buffering", None),
        (lambda: standby(BUFFER), "ready", None),
        (changed(lambda: standby(SHORTEST_BUFFER), flowing=True), "buffering", None),
        (changed(standby, flowing=True), "ready", None),
        (begun, "blink", (5 * S, "missing")),
        (recording, "recording", (3 * S, "missing")),
        (stopped, "recording", (3 * S, "missing")),
        (lambda: stopped(POST), "recording", (3 * S, "missing")),
        (refused, "refused", (3 * S, "cannot_record")),
        (changed(refused, storage_full=False, storage_low=False), "refused", (3 * S, "ready")),
        # a sign is above all else
        (changed(recording, refused_us=105 * S, disk_failing=True), "refused", (3 * S, "missing")),
        (changed(warning, refused_us=101 * S), "refused", (3 * S, "blink")),
        (changed(latched, refused_us=100 * S), "refused", (3 * S, "blink")),
        (changed(recording, name="ended", refused_us=105 * S), "off", None),
        # standby that cannot record
        (changed(standby, voice_failed=True), "ready", None),
        (changed(lambda: standby(REFUSE), voice_failed=True), "cannot_record", None),
        (changed(standby, storage_full=True), "cannot_record", None),
        (changed(standby, disk_unusable=True), "cannot_record", None),
        (changed(standby, button_stuck=True), "cannot_record", None),
        (changed(standby, capture_stalled=True), "cannot_record", None),
        (changed(standby, worker_missing=True), "cannot_record", None),
        (changed(recording, worker_missing=True), "recording", (3 * S, "missing")),
        (changed(standby, failing_until_us=160 * S), "cannot_record", (60 * S, "ready")),
        (changed(buffering, failing_until_us=160 * S), "cannot_record", (60 * S, "buffering")),
        (changed(standby, disk_failing=True), "ready", None),
        # a recording of which footage is missing, and one that is low
        (changed(recording, disk_failing=True), "missing", None),
        (changed(recording, capture_stalled=True), "missing", None),
        (changed(recording, failing_until_us=106 * S), "missing", (S, "recording")),
        (changed(begun, failing_until_us=102 * S), "missing", (S, "blink")),
        (changed(begun, disk_failing=True), "missing", None),
        (changed(begun, storage_low=True), "blink", (5 * S, "missing")),
        *[
            (changed(recording, **{flag: True}), "low", (3 * S, "missing"))
            for flag in ("storage_low", "battery_low", "voice_failed", "audio_lost", "audio_silent", "disk_unusable")
        ],
        (changed(recording, storage_full=True), "recording", (3 * S, "missing")),
        (changed(recording, button_stuck=True), "recording", (3 * S, "missing")),
        (changed(recording, clock_untrusted=True), "recording", (3 * S, "missing")),
        # after the end the camera is not wanted any more: its stall is no matter
        (changed(stopped, capture_stalled=True), "recording", (3 * S, "missing")),
        (changed(lambda: stopped(POST), capture_stalled=True), "missing", None),
        (changed(stopped, disk_failing=True), "missing", None),
        # leaving: nothing open, nothing shown
        (changed(standby, name="closing"), "off", None),
    ],
)
def test_the_row(make: Callable[[], Camera], shown: RowName, later: tuple[int, RowName] | None) -> None:
    camera = make()
    assert indicate(camera.state, camera.now_us).name == shown
    if later is None:
        assert indicate(camera.state, camera.now_us + 1000 * S).name == shown
        return
    instant_us = camera.now_us + later[0]
    assert instant_us in changes(camera.state), "the loop wakes for it"
    assert indicate(camera.state, instant_us - 1).name == shown
    assert indicate(camera.state, instant_us).name == later[1]


@pytest.mark.parametrize(
    ("make", "row", "haptic"),
    [
        (standby, "ready", None),
        (buffering, "buffering", None),
        (changed(standby, battery_low=True), "ready", LOW_PULSE),
        (changed(buffering, battery_low=True), "buffering", LOW_PULSE),
        (changed(standby, voice_failed=True), "ready", LOW_PULSE),
        (changed(lambda: standby(REFUSE), voice_failed=True), "cannot_record", CANNOT_RECORD_PULSES),
        (changed(standby, storage_full=True), "cannot_record", CANNOT_RECORD_PULSES),
        (changed(standby, storage_full=True, battery_low=True), "cannot_record", CANNOT_RECORD_PULSES),
        (warning, "blink", None),
        (recording, "recording", None),
        (changed(recording, battery_low=True), "low", LOW_PULSE),
        (changed(recording, disk_failing=True), "missing", MISSING_PULSES),
        (refused, "refused", None),
        (Camera, "off", None),
    ],
)
def test_what_is_seen_and_felt(make: Callable[[], Camera], row: RowName, haptic: RepeatedPulse | None) -> None:
    camera = make()
    shown = indicate(camera.state, camera.now_us)
    assert (shown.name, shown.lamp, shown.ready_lamp) == (row, TABLE[row].lamp, TABLE[row].ready_lamp)
    assert shown.haptic == haptic
    assert shown.episode_us == (camera.now_us if row == "refused" else 0)


@pytest.mark.parametrize(
    ("make", "instants"),
    [
        (standby, []),
        (warning, []),
        (begun, [106 * S]),
        (recording, [108 * S]),
        (refused, [103 * S]),
        (changed(recording, refused_us=104 * S, failing_until_us=109 * S), [107 * S, 108 * S, 109 * S]),
    ],
)
def test_when_the_lamp_changes_by_time_alone(make: Callable[[], Camera], instants: list[int]) -> None:
    assert sorted(changes(make().state)) == instants


@pytest.mark.parametrize(
    ("make", "wakes"),
    [  # every instant at which the loop is woken while nothing happens
        (standby, []),
        (warning, [118 * S, 123 * S, 238 * S]),
        (recording, [108 * S, 224 * S]),
        (stopped, [110 * S, 120 * S, 130 * S]),
        (lambda: stopped(POST), [110 * S, 117 * S, 120 * S]),
        (refused, [103 * S]),
    ],
)
def test_the_loop_is_woken_when_something_is_due_and_no_oftener(make: Callable[[], Camera], wakes: list[int]) -> None:
    camera, seen = make(), list[int]()
    while len(seen) < len(wakes) and (due_us := next_deadline(camera.state)) is not None:
        seen.append(due_us)
        camera.later((due_us - camera.now_us) / S)
    assert seen == wakes
    if not wakes:
        assert next_deadline(camera.state) is None


def test_a_state_that_has_ended_waits_for_nothing() -> None:
    assert next_deadline(replace(refused().state, name="ended")) is None


@pytest.mark.parametrize("late_us", [-1, 0, 1])
def test_failing_is_over_at_its_instant(late_us: int) -> None:
    assert State(BUFFER, failing_until_us=500).failing(500 + late_us) == (late_us < 0)
    assert not State(BUFFER).failing(late_us)


TWO = ((True, 100), (False, 300), (True, 50), (False, 550))


@pytest.mark.parametrize(
    ("pattern", "elapsed_us", "level"),
    [
        (LampPattern(((True, 1),)), 0, (True, None)),
        (LampPattern(((False, 1),)), 10**9, (False, None)),
        (LampPattern(TWO), 0, (True, 100_000)),
        (LampPattern(TWO), 1, (True, 99_999)),
        (LampPattern(TWO), 40_000, (True, 60_000)),
        (LampPattern(TWO), 99_999, (True, 1)),
        (LampPattern(TWO), 100_000, (False, 300_000)),
        (LampPattern(TWO), 150_000, (False, 250_000)),
        (LampPattern(TWO), 399_999, (False, 1)),
        (LampPattern(TWO), 400_000, (True, 50_000)),
        (LampPattern(TWO), 450_001, (False, 549_999)),
        (LampPattern(TWO), 999_999, (False, 1)),
        (LampPattern(TWO), 1_000_000, (True, 100_000)),
        (LampPattern(TWO), 3_420_000, (True, 30_000)),
        (LampPattern(TWO, repeat=False), 999_999, (False, 1)),
        (LampPattern(TWO, repeat=False), 1_000_000, (False, None)),
        (LampPattern(((True, 7),), repeat=False), 2_000, (True, 5_000)),
        (LampPattern(((True, 7),), repeat=False), 7_000, (False, None)),
    ],
)
def test_the_level_and_the_next_change(pattern: LampPattern, elapsed_us: int, level: tuple[bool, int | None]) -> None:
    """Also between two changes: the loop asks whenever it wakes, and would sleep past the change."""
    assert pattern.level(elapsed_us) == level
