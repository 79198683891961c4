"""A worker that the kernel does not end: shown at once, and a reboot where no footage comes for a minute; never while footage comes."""

from __future__ import annotations

import pytest

from bodycamd.camera.control.events import (
    BatteryChanged,
    CaptureFlowing,
    CloseCapture,
    EndRecording,
    Exit,
    Pulse,
    ShutdownRequested,
    WorkerFreed,
    WorkerStuck,
)
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import REBOOT_US, STUCK_US
from tests.camera.control.camera import BUFFER, Camera, S, recording, standby, stopped, warning

LATER = REBOOT_US
"""By then the machine has run for long enough."""


def stuck(camera: Camera, at_us: int = LATER) -> Camera:
    camera.now_us = max(camera.now_us, at_us)
    camera.handle(WorkerStuck(camera.now_us))
    return camera


def test_it_is_stated_and_shown_at_once_until_it_is_freed() -> None:
    camera = stuck(standby())
    assert "worker_stuck" in camera.state.conditions(camera.now_us)
    camera.handle(WorkerStuck(camera.now_us))
    assert camera.noted("worker_stuck") == [{"at_us": LATER}]
    camera.later(30)
    camera.handle(WorkerFreed())
    camera.handle(WorkerFreed())
    assert camera.noted("worker_freed") == [{"at_us": camera.now_us}]
    camera.later(300)
    assert camera.name() == "standby", "freed in time: no reboot"


def test_in_standby_a_reboot_is_asked_for_after_a_minute() -> None:
    camera = stuck(standby())
    assert camera.later(59.9) == []
    assert camera.later(0.2)[-1] == Exit(power_off=False, reboot=True)
    assert camera.noted("leaving") == [{"reason": "worker_stuck", "power_off": False}]


def test_a_recording_without_footage_is_sealed_first_and_continues_afterwards() -> None:
    camera = recording()
    camera.now_us = LATER
    camera.durable()
    stuck(camera)
    assert EndRecording(LATER + STUCK_US, "shutdown") not in camera.later(59.9)
    assert camera.later(0.1)[-2:] == [EndRecording(LATER + STUCK_US, "shutdown"), CloseCapture()]
    assert camera.seal() == [Pulse("saved"), Exit(False, True, camera.state.number)]


def test_with_footage_on_the_disk_it_waits() -> None:
    camera = stuck(recording())
    for _ in range(300):
        camera.later(1)
        camera.durable()
    assert camera.name() == "recording"
    camera.later(60)
    assert camera.name() == "closing", "a minute after the last of it"


def test_not_in_the_first_minutes_of_a_boot() -> None:
    """A driver that always hangs must not take every minute of the camera's."""
    camera = stuck(standby(), at_us=101 * S)
    camera.later((REBOOT_US - camera.now_us) / S - 0.1)
    assert camera.name() == "standby"
    camera.later(0.2)
    assert camera.name() == "ended"


@pytest.mark.parametrize("make", [Camera, warning, lambda: stopped()])
def test_a_start_a_warning_and_an_end_are_not_interrupted(make: object) -> None:
    assert callable(make)
    camera: Camera = make()
    camera.now_us = LATER
    stuck(camera)
    assert camera.noted("leaving") == []


def test_a_buffer_that_flows_is_no_reason() -> None:
    camera = standby(BUFFER)
    stuck(camera)
    camera.handle(CaptureFlowing(camera.state.generation + 1, "libx264", 30.0))
    camera.later(600)
    assert camera.name() == "standby"


def test_an_empty_battery_wins() -> None:
    camera = recording()
    stuck(camera)
    camera.later(61)
    assert camera.name() == "closing"
    camera.handle(BatteryChanged("critical", 1.0))
    assert camera.seal()[-1] == Exit(power_off=True)


def test_a_shutdown_that_has_begun_stays_one() -> None:
    camera = recording()
    stuck(camera)
    camera.handle(ShutdownRequested())
    assert next_deadline(camera.state) is not None
    assert camera.seal()[-1] == Exit(False)
