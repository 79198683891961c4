"""What picamera.py decides by itself; the real library is in tests/camera."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.camera.capture.sources.picamera import FrameDelivery, PiCamera, choose_encoder, clock_offset_us, parameter_sets
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.config.settings import VideoSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import boottime_us

SPS = b"\0\0\0\1\x67\x64\0\x28\xac"
PPS = b"\0\0\0\1\x68\xee\x3c\x80"
IDR = b"\0\0\0\1\x65" + bytes(range(1, 100))
P = b"\0\0\0\1\x41" + bytes(range(1, 50))


@pytest.mark.parametrize(
    ("platform", "device", "hardware", "words"),
    [
        ("VC4", True, True, "V4L2"),
        ("VC4", False, False, "no /dev/video11"),
        ("PISP", False, False, "Pi 5"),
        ("PISP", True, False, "Pi 5"),
        ("PI6", True, False, "unknown platform PI6"),
    ],
)
def test_the_encoder_follows_the_platform_and_is_stated(platform: str, device: bool, hardware: bool, words: str) -> None:
    choice = choose_encoder(platform, device)
    assert choice.hardware is hardware
    assert words in choice.stated


def test_only_this_file_imports_picamera2() -> None:
    package = Path(__file__).parents[3] / "bodycamd"
    assert [path.name for path in package.rglob("*.py") if "import picamera2" in path.read_text()] == ["picamera.py"]


@pytest.mark.skipif(importlib.util.find_spec("picamera2") is not None, reason="picamera2 is installed here: tests/camera has the real one")
def test_without_picamera2_it_says_what_to_install() -> None:
    with pytest.raises(UnavailableError, match="install python3-picamera2"):
        PiCamera(VideoSettings())


def test_sensor_times_become_boottime_whichever_clock_the_kernel_used() -> None:
    slept_us = 3_600_000_000
    assert clock_offset_us(5_000_000, 5_030_000, 5_030_007) == 0
    assert clock_offset_us(5_000_000, 5_030_000, 5_030_000 + slept_us) == slept_us
    assert clock_offset_us(5_000_000 + slept_us, 5_030_000, 5_030_000 + slept_us) == 0


def test_parameter_sets_are_what_stands_before_the_slice() -> None:
    assert parameter_sets(SPS + PPS + IDR) == SPS + PPS
    assert parameter_sets(SPS[1:] + PPS[1:] + IDR[1:]) == SPS[1:] + PPS[1:]
    assert parameter_sets(b"\0\0\0\1\x09\xf0" + SPS + PPS + IDR) == b"\0\0\0\1\x09\xf0" + SPS + PPS
    assert parameter_sets(IDR) is None
    assert parameter_sets(SPS + PPS) is None


@given(st.binary(max_size=200))
def test_parameter_sets_of_anything(data: bytes) -> None:
    sets = parameter_sets(data)
    assert sets is None or data.startswith(sets)


class Told:
    def __init__(self, first_us: int | None = None) -> None:
        self.frames: list[EncodedFrame] = []
        self.errors: list[str] = []
        self.first_us = boottime_us() if first_us is None else first_us
        self.delivery = FrameDelivery(SimpleNamespace(firsttimestamp=self.first_us), self.frames.append, self.errors.append)


def test_frames_come_from_the_first_keyframe_with_the_sensors_time() -> None:
    told = Told()
    told.delivery.take(P, False, 0)
    told.delivery.take(SPS + PPS + IDR, True, 33_333)
    told.delivery.take(P, False, 66_667)
    assert told.frames == [EncodedFrame(SPS + PPS + IDR, told.first_us + 33_333, True), EncodedFrame(P, told.first_us + 66_667, False)]
    assert told.errors == []


def test_a_keyframe_without_parameter_sets_gets_the_last_ones() -> None:
    told = Told()
    told.delivery.take(SPS + PPS + IDR, True, 0)
    told.delivery.take(IDR, True, 1_000_000)
    assert told.frames[1].data == SPS + PPS + IDR


@pytest.mark.parametrize(
    ("data", "keyframe", "timestamp", "reason"),
    [(IDR, True, 0, "no parameter sets"), (P, False, None, "without a time"), (None, True, 0, "cannot convert")],
)
def test_errors_are_told_once_and_never_raised(data: bytes, keyframe: bool, timestamp: int | None, reason: str) -> None:
    told = Told()
    told.delivery.take(data, keyframe, timestamp)
    told.delivery.take(SPS + PPS + IDR, True, 1)
    assert told.frames == []
    assert len(told.errors) == 1
    assert reason in told.errors[0]


def test_a_callback_that_raises_does_not_reach_the_encoder() -> None:
    errors: list[str] = []

    def full(frame: EncodedFrame) -> None:
        raise OverflowError("queue full")

    delivery = FrameDelivery(SimpleNamespace(firsttimestamp=boottime_us()), full, errors.append)
    delivery.take(SPS + PPS + IDR, True, 0)
    assert errors == ["the encoder's output failed: queue full"]
