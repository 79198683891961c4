"""A help call that could not work is refused before anybody relies on it."""

from __future__ import annotations

import msgspec
import pytest

from bodycamd.config.settings import Config
from bodycamd.config.station_checks import station_contradictions

GOOD = {
    "device_id": "HV-07",
    "help_call": True,
    "keys": {"root": "root.json"},
    "control": {"uplink_user": "bodycam-uplink"},
    "station": {"url": "https://station.example.org", "id": "station-1", "upload": "always"},
}


def wrong(**changes: object) -> set[str]:
    return {problem.key for problem in station_contradictions(msgspec.convert({**GOOD, **changes}, Config))}


def test_with_a_station_a_motor_and_a_hold_that_does_not_stop() -> None:
    assert wrong() == set()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"station": {}}, "station.url"),
        ({"gestures": {"stop": "hold"}}, "gestures.stop"),
        ({"board": {"gpio": {"haptic": None}}}, "board.gpio.haptic"),
    ],
)
def test_without_one_of_them_it_is_refused(changes: dict[str, object], key: str) -> None:
    assert wrong(**changes) == {key}
    assert wrong(**changes, help_call=False) == set()
