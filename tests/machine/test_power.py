"""A battery from full to empty on a real I2C bus (Debian's i2c-stub), through the real sensors process to the real recorder: alarms in
minutes, a charger in time, a gauge that fails, and at the end everything closed.

Whether there is footage is not asked here: an emulated processor that is shared cannot keep the worker's 800 ms. A critical battery with
footage is in `tests/system/test_policy.py` and `make test-unit`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.camera.capture.films import marked_film
from tests.camera.sensors.registers import max17048
from tests.machine.virtual_machine import VirtualMachine, make_share

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(1200)]

CONFIGURATION = """
device_id: camera-power
simulation_directory: /var/lib/bodycamd
audio: false
video: { source: file, file: /bench/film.h264, frame_rate: 10 }
speaker: { output: simulated }
board: { adapter: simulated, battery: { gauge: max17048, bus: BUS, low_percent: 15, low_minutes: 20, critical_percent: 3 } }
"""
STEPS: list[dict[str, Any]] = [
    {"name": "full", "registers": max17048(90, 4.1, -20), "says": {"gauge": "read", "level": "ok", "percent": 90.0, "state": "standby"}},
    {
        "name": "recording",
        "registers": max17048(40, 3.8, -20),
        "press": True,
        "says": {"state": "recording", "level": "ok"},
    },
    {"name": "18 minutes", "registers": max17048(30, 3.77, -100), "says": {"level": "low", "flags": ["battery_low"]}},
    {"name": "empty, but it charges", "registers": max17048(2, 3.5, 20), "says": {"charging": True, "percent": 2.0, "level": "low"}},
    {"name": "the gauge fails", "registers": max17048(0, 0, 0), "says": {"gauge": "silent", "flags": ["gauge_silent"]}},
    {"name": "empty", "registers": max17048(2, 3.5, -20), "ends": True},
]


@pytest.fixture(scope="module")
def seen(machine: VirtualMachine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    share = make_share(tmp_path_factory.mktemp("power"), CONFIGURATION)
    marked_film(share / "film.h264", b"a battery that runs down", seconds=60)
    (share / "steps.json").write_text(json.dumps(STEPS))
    machine.run(share, "power", seconds=1000)
    told: dict[str, Any] = json.loads((share / "seen.json").read_text())
    print(*((step["name"], step["seconds"], step["status"].get("lamp")) for step in told["steps"]), sep="\n")
    return told


def of(seen: dict[str, Any], type: str) -> list[dict[str, Any]]:
    return [entry["detail"] for entry in seen["ledger"] if entry["type"] == type]


def test_every_step_was_told_by_status(seen: dict[str, Any]) -> None:
    steps = {step["name"]: step["status"] for step in seen["steps"]}
    assert list(steps) == [step["name"] for step in STEPS]
    assert steps["full"]["battery"]["minutes_left"] == pytest.approx(270, abs=15), "90 % at about 20 % an hour"
    assert steps["18 minutes"]["battery"]["minutes_left"] == pytest.approx(18, abs=1), "low by minutes: 30 % is above low_percent"
    assert steps["empty, but it charges"]["state"] == "recording", "nothing is saved from what charges"
    assert steps["empty, but it charges"]["battery"]["minutes_left"] is None
    assert steps["the gauge fails"]["battery"]["level"] == "low", "the last one in force, and said to be no reading"


def test_at_the_end_the_recording_is_closed_sealed_and_the_camera_asks_for_its_power_off(seen: dict[str, Any]) -> None:
    assert seen["ended"] == "100"
    assert [entry["reason"] for entry in of(seen, "recording_closed")] == ["battery_critical"]
    assert not [part for part in seen["parts"] if part.endswith(".part")]
    assert [entry["level"] for entry in of(seen, "battery_changed")] == ["low", "critical"]


def test_the_gauges_failure_is_in_the_ledger(seen: dict[str, Any]) -> None:
    changes = [entry for entry in of(seen, "board_changed") if entry["condition"] == "gauge_silent"]
    assert [entry["change"] for entry in changes][-2:] == ["began", "ended"]
    assert "0x36 says 0.00 V" in changes[-2]["detail"]


def test_the_sensors_process_is_closed_in_and_outlives_the_recorder(seen: dict[str, Any]) -> None:
    assert seen["sensors"] == "active"
    assert seen["reached"].count("Permission denied") == 2, seen["reached"]
