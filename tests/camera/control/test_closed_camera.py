"""What a camera that was closed after a recording shows in standby: what a press would do, not how the last opening ended."""

from __future__ import annotations

import pytest

from bodycamd.camera.control.events import AudioChanged, AudioSilent, CaptureClosed, CaptureFlowing, CaptureStalled, Event
from bodycamd.camera.control.indicator import STEADY, RowName, indicate
from bodycamd.camera.control.state import Policy
from tests.camera.control.camera import BUFFER, BUFFER_WITH_SOUND, HOLD, Camera, after, recording, standby


def after_a_stop(*during: Event) -> Camera:
    """Stopped and sealed, the camera closed, after a recording during which this was reported."""
    camera = after(recording(HOLD), CaptureFlowing(1, "x", 30.0), *during)
    camera.hold()
    camera.seal()
    camera.handle(CaptureClosed(camera.state.generation))
    return camera


OPENED_IN_VAIN = (CaptureStalled(1, "no frame", 1), CaptureStalled(2, "no camera", None))


@pytest.mark.parametrize("during", [(CaptureStalled(1, "no frame", 1),), (AudioChanged(1, "lost"),), (AudioSilent(1, True),)])
def test_a_closed_camera_carries_nothing_on_that_its_last_opening_had(during: tuple[Event, ...]) -> None:
    """A press would record: the ready lamp is on, and nothing is felt."""
    camera = after_a_stop(*during)
    shown = indicate(camera.state, camera.now_us)
    assert (shown.name, shown.ready_lamp, shown.haptic) == ("ready", STEADY, None)
    assert camera.state.conditions(camera.now_us) == ["clock_untrusted"]


@pytest.mark.parametrize("late", [CaptureStalled(1, "killed", 1), AudioChanged(1, "lost"), AudioSilent(1, True)])
def test_nor_what_is_reported_while_it_closes(late: Event) -> None:
    camera = after(recording(HOLD), CaptureFlowing(1, "x", 30.0))
    camera.hold()
    after(camera, late, CaptureClosed(1))
    camera.seal()
    assert indicate(camera.state, camera.now_us).haptic is None
    assert camera.shown() == "ready"


def test_a_camera_that_gave_no_footage_when_it_was_last_opened_cannot_record() -> None:
    camera = after_a_stop(*OPENED_IN_VAIN)
    assert camera.shown() == "cannot_record"
    camera.later(4)
    camera.down()
    camera.warned()
    after(camera, CaptureFlowing(3, "x", 30.0))
    camera.durable()
    assert camera.shown() == "recording"
    camera.later(3)
    camera.hold()
    camera.seal()
    assert camera.shown() == "ready"


@pytest.mark.parametrize(("policy", "row"), [(BUFFER, "cannot_record"), (BUFFER_WITH_SOUND, "buffering")])
def test_what_is_open_into_the_ring_keeps_its_conditions(policy: Policy, row: RowName) -> None:
    camera = after(standby(policy), CaptureFlowing(1, "x", 30.0))
    after(camera, CaptureStalled(1, "no frame", 1) if row == "cannot_record" else AudioChanged(1, "lost"))
    camera.later(60)
    assert camera.shown() == row
    assert indicate(camera.state, camera.now_us).haptic is not None
