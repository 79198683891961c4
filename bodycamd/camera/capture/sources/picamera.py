"""The camera module of a Raspberry Pi, through picamera2: the only file that knows it.

Wire the camera to the CSI connector and install `python3-picamera2` from apt (libcamera is the system's; it cannot come from pip).
`rpicam-hello --list-cameras` must show the camera.

- The H.264 encoder follows picamera2's own word on the platform (`choose_encoder`) and is stated in `encoder`: V4L2 hardware on Pi
  Zero 2 W, 3 and 4; libx264 on a Pi 5, which has none. picamera2 counts every unknown machine among the former: where the encoder's device
  is missing it is libx264, and stated.
- A frame's time is the sensor's, as CLOCK_BOOTTIME; picamera2 counts from the first frame, whose time is added again.
- No exception leaves the encoder's callback: it would end picamera2's event loop without a word and make `stop_recording` wait for ever.

Read in picamera2 0.3.38. Not guaranteed: that any call returns; the driver may hang, and the recorder then kills this process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.config.settings import VideoSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import boottime_us

V4L2_ENCODER: Final = "/dev/video11"
"""Where the kernel puts bcm2835-codec-encode; picamera2 opens this very name."""
BUFFERS: Final = 6
"""As rpicam-vid: the sensor, the image processor and the encoder hold some each; each costs 3 MB of contiguous memory at 1080p."""
ENCODABLE: Final = ("YUV420", "NV12")
_START_CODE: Final = b"\x00\x00\x01"
_SPS: Final = 7
_SLICES: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """Which of picamera2's encoders, and how it is stated."""

    hardware: bool
    stated: str


def choose_encoder(platform: str, v4l2_encoder: bool) -> EncoderChoice:
    """The encoder for picamera2's `platform` (`VC4`: Pi Zero 2 W, 3, 4; `PISP`: Pi 5); `v4l2_encoder`: the hardware's device exists."""
    match platform:
        case "VC4" if v4l2_encoder:
            return EncoderChoice(True, "picamera2 H264Encoder, V4L2 hardware")
        case "VC4":
            return EncoderChoice(False, f"picamera2 LibavH264Encoder, libx264 (no {V4L2_ENCODER})")
        case "PISP":
            return EncoderChoice(False, "picamera2 LibavH264Encoder, libx264 (Pi 5)")
        case _:
            return EncoderChoice(False, f"picamera2 LibavH264Encoder, libx264 (unknown platform {platform})")


def clock_offset_us(sensor_us: int, monotonic_us: int, boottime_us: int) -> int:
    """What to add to the sensor's times to get CLOCK_BOOTTIME.

    libcamera documents CLOCK_BOOTTIME, kernels stamp with CLOCK_MONOTONIC; the two part where a machine has slept. The nearer one is it.
    """
    slept_us = boottime_us - monotonic_us
    never_slept = abs(slept_us) < 1_000  # the two clocks were not read at the same instant
    return 0 if never_slept or abs(boottime_us - sensor_us) <= abs(monotonic_us - sensor_us) else slept_us


def parameter_sets(access_unit: bytes) -> bytes | None:
    """What stands before the first slice of an Annex-B access unit if it holds an SPS, else `None`."""
    at, found = access_unit.find(_START_CODE), False
    while at >= 0 and at + 3 < len(access_unit):
        kind = access_unit[at + 3] & 0x1F
        if kind in _SLICES:
            start = at - 1 if at > 0 and access_unit[at - 1] == 0 else at
            return access_unit[:start] if found else None
        found = found or kind == _SPS
        at = access_unit.find(_START_CODE, at + 3)
    return None


class FrameDelivery:
    """What becomes of the encoder's frames: each with the sensor's time, from the first keyframe on. Never raises, never waits."""

    def __init__(self, encoder: Any, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        """`encoder.firsttimestamp` is the first frame's sensor time in microseconds, set before the first frame comes out."""
        self._encoder, self._on_frame, self._on_error = encoder, on_frame, on_error
        self._sets: bytes | None = None
        self._anchor_us: int | None = None
        self._broken = False

    def take(self, data: bytes, keyframe: bool, timestamp_us: int | None) -> None:
        """Hand on one access unit; `timestamp_us` counts from the first frame. The first error is reported, then nothing more comes."""
        if self._broken:
            return
        try:
            self._hand_on(bytes(data), keyframe, timestamp_us)
        except Exception as error:
            self._broken = True
            self._on_error(f"the encoder's output failed: {_reasons(error)}")

    def _hand_on(self, data: bytes, keyframe: bool, timestamp_us: int | None) -> None:
        if timestamp_us is None:
            raise RuntimeError("a frame without a time")
        if self._anchor_us is None:
            first_us = self._encoder.firsttimestamp
            self._anchor_us = first_us + clock_offset_us(first_us, time.monotonic_ns() // 1000, boottime_us())
        if keyframe:
            sets = parameter_sets(data)
            if sets is None:
                if self._sets is None:
                    raise RuntimeError("the first keyframe has no parameter sets")
                data = self._sets + data
            else:
                self._sets = sets
        if self._sets is not None:
            self._on_frame(EncodedFrame(data, self._anchor_us + timestamp_us, keyframe))


class PiCamera:
    """A `PictureSource`: one opening of one camera."""

    def __init__(self, settings: VideoSettings) -> None:
        """Load picamera2 and choose the encoder; the camera stays closed. Raises `UnavailableError` if picamera2 is missing."""
        try:
            import picamera2
            from picamera2.platform import get_platform
        except (ImportError, RuntimeError) as error:
            raise UnavailableError(f"picamera2 cannot be loaded ({error}); install python3-picamera2 with apt") from error
        self._picamera2: Any = picamera2
        self._settings = settings
        self._choice = choose_encoder(get_platform().name, os.path.exists(V4L2_ENCODER))
        self.encoder = self._choice.stated
        self.width, self.height = settings.width, settings.height
        self.frame_rate = float(settings.frame_rate)
        self._camera: Any = None

    def open(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        """Open the camera and film. Raises `UnavailableError` with picamera2's reasons."""
        try:
            self._start(on_frame, on_error)
        except Exception as error:  # picamera2 and libcamera raise RuntimeError, OSError, IndexError, ValueError
            reasons = _reasons(error)
            try:
                self.close()
            except UnavailableError as left:
                reasons += f"; {left}"
            raise UnavailableError(f"camera {self._settings.camera} cannot be opened: {reasons}") from error

    def close(self) -> None:
        """Stop, giving the frames that the encoder still holds, and release the camera. Raises `UnavailableError` with the reasons."""
        camera, self._camera = self._camera, None
        if camera is None:
            return
        try:
            try:
                if camera.encoders:
                    camera.stop_recording()
            finally:
                camera.close()
        except Exception as error:
            raise UnavailableError(f"camera {self._settings.camera} cannot be closed: {_reasons(error)}") from error

    def _start(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        wanted_us = round(1_000_000 / self._settings.frame_rate)
        camera = self._camera = self._picamera2.Picamera2(self._settings.camera)
        camera.configure(
            camera.create_video_configuration(
                main={"size": (self.width, self.height), "format": "YUV420"},
                buffer_count=BUFFERS,
                controls={"FrameDurationLimits": (wanted_us, wanted_us)},
                display=None,
                queue=False,  # do not hold the last frame back for a still picture
            )
        )
        main = camera.camera_configuration()["main"]
        if main["format"] not in ENCODABLE:
            raise RuntimeError(f"it gives {main['format']}; {' or '.join(ENCODABLE)} can be encoded")
        self.width, self.height = main["size"]
        shortest_us, longest_us, _ = camera.camera_controls["FrameDurationLimits"]
        duration_us = max(shortest_us, min(wanted_us, longest_us) if longest_us >= shortest_us else wanted_us)
        self.frame_rate = 1_000_000 / duration_us if duration_us != wanted_us else float(self._settings.frame_rate)
        encoder = self._encoder()
        camera.start_recording(encoder, _output(encoder, on_frame, on_error))

    def _encoder(self) -> Any:
        settings = self._settings
        period = max(1, round(self.frame_rate * settings.gop_seconds))
        if self._choice.hardware:
            from picamera2.encoders.h264_encoder import H264Encoder  # the package's own H264Encoder is another class on a Pi 5

            return H264Encoder(
                bitrate=settings.bit_rate, repeat=True, iperiod=period, framerate=self.frame_rate, enable_sps_framerate=True, profile="high"
            )
        from picamera2.encoders.libav_h264_encoder import LibavH264Encoder

        encoder = LibavH264Encoder(bitrate=settings.bit_rate, repeat=True, iperiod=period, framerate=round(self.frame_rate))
        encoder.drop_final_frames = False  # the last frames are footage too
        return encoder


def _output(encoder: Any, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> Any:
    from picamera2.outputs import Output

    delivery = FrameDelivery(encoder, on_frame, on_error)

    class FrameOutput(Output):  # type: ignore[misc]  # picamera2 has no types
        def outputframe(
            self, frame: bytes, keyframe: bool = True, timestamp: int | None = None, packet: object = None, audio: bool = False
        ) -> None:
            delivery.take(frame, keyframe, timestamp)

    return FrameOutput()


def _reasons(error: BaseException) -> str:
    """The error and what caused it, in one line."""
    reasons: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(reasons) < 5:
        reasons.append(" ".join(str(cause).split()) or type(cause).__name__)
        cause = cause.__cause__
    return ": ".join(reasons)
