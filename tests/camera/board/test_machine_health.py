"""Conditions from readings that tremble: they begin with the second in a row, and end after a minute of peace."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.board.machine_health import COOL_CELSIUS, END_US, HOT_CELSIUS, MachineHealth
from bodycamd.camera.control.events import BoardChanged
from bodycamd.camera.sensors.readings import READ_SECONDS, Reading
from tests.kit.scale import count

STEP_US = int(READ_SECONDS * 1e6)


def run(readings: list[Reading]) -> list[tuple[int, BoardChanged]]:
    health = MachineHealth()
    return [(number, changed) for number, reading in enumerate(readings) for changed in health.heard(reading, reading.at_us)]


def at(number: int, *, celsius: float | None = 40.0, throttled: bool | None = False, under_voltage: bool | None = False) -> Reading:
    return Reading(sequence=number + 1, at_us=number * STEP_US, celsius=celsius, throttled=throttled, under_voltage=under_voltage)


def test_heat_begins_at_80_degrees_and_ends_a_minute_after_it_was_above_75() -> None:
    degrees = [79.9, 80.0, 79.0, 81.0, 82.0, 76.0, *[74.0] * 13]
    assert run([at(number, celsius=value) for number, value in enumerate(degrees)]) == [
        (4, BoardChanged("hot", True, "82 °C")),
        (17, BoardChanged("hot", False, "74 °C")),
    ]


def test_what_a_machine_does_not_tell_is_no_condition() -> None:
    assert run([at(number, celsius=None, throttled=None, under_voltage=None) for number in range(30)]) == []
    health = MachineHealth()
    zero = Reading(sequence=1, at_us=1, under_voltage="not_measurable")
    assert list(health.heard(zero, 1)) == []


def test_the_same_reading_twice_is_one() -> None:
    health, reading = MachineHealth(), at(1, throttled=True)
    assert [list(health.heard(reading, reading.at_us)) for _ in range(5)] == [[]] * 5


@given(st.lists(st.tuples(st.floats(-20, 120), st.booleans(), st.booleans()), max_size=200))
@settings(max_examples=count(300))
def test_conditions_alternate_and_never_end_within_a_minute(values: list[tuple[float, bool, bool]]) -> None:
    readings = [at(n, celsius=c, throttled=t, under_voltage=u) for n, (c, t, u) in enumerate(values)]
    told = run(readings)
    for name in ("hot", "throttled", "under_voltage"):
        changes = [(number, changed.present) for number, changed in told if changed.condition == name]
        assert [present for _, present in changes] == [n % 2 == 0 for n in range(len(changes))]
        for (began, _), (ended, _) in zip(changes[::2], changes[1::2], strict=False):
            assert (ended - began) * STEP_US >= END_US
    on = [changed.present for number, changed in told if changed.condition == "throttled"]
    if len(values) >= 2 and values[-1][1] and values[-2][1]:
        assert on[-1]
    if all(celsius < HOT_CELSIUS for celsius, _, _ in values):
        assert not [changed for _, changed in told if changed.condition == "hot"]
    assert COOL_CELSIUS < HOT_CELSIUS


@pytest.mark.parametrize("what", ["gauge", "sensors"])
def test_what_is_silent_is_told_once_and_when_it_answers(what: Literal["gauge", "sensors"]) -> None:
    health = MachineHealth()
    look, condition = {"gauge": (health.gauge, "gauge_silent"), "sensors": (health.sensors, "sensors_silent")}[what]
    faults = ["not yet", None, "blip", None, "loose", "loose", "loose", "looser", "looser", None, None]
    told = [(number, changed) for number, fault in enumerate(faults) for changed in look(fault, number * STEP_US)]
    assert [(number, changed.condition, changed.present, changed.detail) for number, changed in told] == [
        (7, condition, True, "looser"),
        (9, condition, False, ""),
    ]
