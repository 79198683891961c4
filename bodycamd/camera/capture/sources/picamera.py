"""The camera module of a Raspberry Pi, through picamera2: the only file that knows it.

Wire the camera to the CSI connector and install `python3-picamera2` from apt (libcamera is the system's; it cannot come from pip).
`rpicam-hello --list-cameras` must show the camera.

- The H.264 encoder follows picamera2's own word on the platform (`choose_encoder`) and is stated in `encoder`: V4L2 hardware on Pi
  Zero 2 W, 3 and 4; libx264 on a Pi 5, which has none. picamera2 counts every unknown machine among the former: where the encoder's device
  is missing it is libx264, and stated.
- A frame's time is the sensor's, as CLOCK_BOOTTIME; picamera2 counts from the first frame, whose time is added again.
- The whole sensor is seen where it can be, upright, sharp where it matters; what the module cannot do is refused with what it offers
  (`view`), and what is in force is read back and stated (`sight`).
- A fragment is no longer in the dark than in the light (`keyframes`).
- No exception leaves the encoder's callback: it would end picamera2's event loop without a word and make `stop_recording` wait for ever.

Read in picamera2 0.3.38. Not guaranteed: that any call returns; the driver may hang, and the recorder then kills this process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bodycamd.camera.capture.sources import view
from bodycamd.camera.capture.sources.keyframes import KeyframeRule
from bodycamd.camera.capture.sources.sight import Sight
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.sources.view import SensorMode
from bodycamd.config.modules import BUFFERS
from bodycamd.config.settings import VideoSettings
from bodycamd.errors import UnavailableError
from bodycamd.footage import ViewFacts
from bodycamd.linux.clock import boottime_us

V4L2_ENCODER: Final = "/dev/video11"
"""Where the kernel puts bcm2835-codec-encode; picamera2 opens this very name."""
ENCODABLE: Final = ("YUV420", "NV12")
DEVICE_TREE_MODEL: Final = Path("/proc/device-tree/model")
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


class ForcedKeyframes:
    """Stands in for the software encoder's stream: each frame for which `must()` says so becomes a keyframe.

    picamera2's own `force_key_frame` sets `pict_type = "I"`, which PyAV 18 refuses.
    """

    def __init__(self, stream: Any, must: Callable[[], bool]) -> None:
        import av

        self._stream, self._must = stream, must
        self._keyframe = av.video.frame.PictureType.I

    def encode(self, frame: Any = None) -> Any:
        """The stream's packets; without a frame, those that it still holds."""
        if frame is not None and self._must():
            frame.pict_type = self._keyframe
        return self._stream.encode(frame)


class PiCamera:
    """A `PictureSource`: one opening of one camera."""

    def __init__(self, settings: VideoSettings, board: str | None = None) -> None:
        """Load picamera2, choose the encoder, look for the tuning file; the camera stays closed. `board`: the Raspberry Pi that the
        configuration names. Raises `UnavailableError` if picamera2 or that file is missing.
        """
        try:
            import picamera2
            from picamera2.platform import get_platform
        except (ImportError, RuntimeError) as error:
            raise UnavailableError(f"picamera2 cannot be loaded ({error}); install python3-picamera2 with apt") from error
        self._picamera2: Any = picamera2
        self._settings, self._board = settings, board
        platform = get_platform().name
        self._choice = choose_encoder(platform, os.path.exists(V4L2_ENCODER))
        self._tuning = view.tuning_path(settings.tuning_file, platform.lower())
        self.encoder = self._choice.stated
        self.width, self.height = settings.width, settings.height
        self.frame_rate = float(settings.frame_rate)
        self._camera: Any = None
        self._sight: Sight | None = None

    def open(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        """Open the camera and film. Raises `UnavailableError` with picamera2's reasons, or with what the module offers instead."""
        try:
            self._start(on_frame, on_error)
        except Exception as error:  # picamera2 and libcamera raise RuntimeError, OSError, IndexError, ValueError
            reasons = _reasons(error)
            try:
                self.close()
            except UnavailableError as left:
                reasons += f"; {left}"
            raise UnavailableError(f"camera {self._settings.camera} cannot be opened: {reasons}") from error

    def view(self) -> ViewFacts | None:
        """What the camera is set to and sees; from now on its frames are not asked any more."""
        sight = self._sight
        if sight is None:
            return None
        sight.asked = True
        return sight.facts(encoder=self.encoder, width=self.width, height=self.height, frame_rate=self.frame_rate)

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
        settings = self._settings
        camera = self._camera = self._picamera2.Picamera2(settings.camera, tuning=self._tuning)
        model = str(camera.camera_properties.get("Model", "unnamed camera"))
        sight = Sight(settings, model=model, modes=_sensor_modes(camera), board=_board(), board_named=self._board)
        hflip, vflip = view.flips(settings.rotation, settings.flip)
        transform = _transform(hflip, vflip)
        focus = sight.choose_focus(_offered(camera))
        wanted_us = view.durations_us(settings.frame_rate, settings.night_frame_rate, (1, 0))
        controls = {"FrameDurationLimits": wanted_us, **focus.controls}
        view.check_controls(controls, _offered(camera), sight.model)
        camera.configure(
            camera.create_video_configuration(
                main={"size": (self.width, self.height), "format": "YUV420"},
                raw=None,  # nobody takes raw pictures, and their buffers are larger than the others
                sensor=sight.sensor_configuration(),
                transform=transform,
                buffer_count=BUFFERS,
                controls=controls,
                display=None,
                queue=False,  # do not hold the last frame back for a still picture
            )
        )
        made = camera.camera_configuration()
        if made["main"]["format"] not in ENCODABLE:
            raise RuntimeError(f"it gives {made['main']['format']}; {' or '.join(ENCODABLE)} can be encoded")
        if made["transform"] != transform:
            raise UnavailableError(f"video.rotation and video.flip ask for {transform}; {sight.model} gives {made['transform']}")
        self.width, self.height = made["main"]["size"]
        shortest_us, longest_us, _ = camera.camera_controls["FrameDurationLimits"]
        day_us, night_us = view.durations_us(settings.frame_rate, settings.night_frame_rate, (shortest_us, longest_us))
        self.frame_rate = 1_000_000 / day_us if day_us != wanted_us[0] else float(settings.frame_rate)
        sight.configured(made.get("sensor"), 1_000_000 / night_us if settings.night_frame_rate is not None else None)
        camera.pre_callback = lambda request: _look(request, sight)
        self._sight = sight
        encoder = self._encoder()
        camera.start_recording(encoder, _output(encoder, on_frame, on_error))

    def _encoder(self) -> Any:
        """The encoder, with a keyframe wherever the time asks for one that its own count would bring too late."""
        settings = self._settings
        period = max(1, round(self.frame_rate * settings.gop_seconds))
        rule = KeyframeRule(round(settings.gop_seconds * 1e6), period)
        if self._choice.hardware:
            from picamera2.encoders.h264_encoder import H264Encoder  # the package's own H264Encoder is another class on a Pi 5

            class HardwareEncoder(H264Encoder):  # type: ignore[misc]  # picamera2 has no types
                def _encode(self, stream: Any, request: Any) -> None:
                    if rule.must(self._timestamp(request)):
                        self.force_key_frame()
                    super()._encode(stream, request)

            return HardwareEncoder(
                bitrate=settings.bit_rate, repeat=True, iperiod=period, framerate=self.frame_rate, enable_sps_framerate=True, profile="high"
            )
        from picamera2.encoders.libav_h264_encoder import LibavH264Encoder

        class SoftwareEncoder(LibavH264Encoder):  # type: ignore[misc]
            must = False

            def _start(self) -> None:
                super()._start()
                self._stream: Any = ForcedKeyframes(self._stream, lambda: self.must)

            def _encode(self, stream: Any, request: Any) -> None:
                self.must = rule.must(self._timestamp(request))
                super()._encode(stream, request)

        encoder = SoftwareEncoder(bitrate=settings.bit_rate, repeat=True, iperiod=period, framerate=round(self.frame_rate))
        encoder.drop_final_frames = False  # the last frames are footage too
        return encoder


def _board() -> str:
    """What the kernel calls this Raspberry Pi; empty where it is none."""
    try:
        return DEVICE_TREE_MODEL.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""  # no device tree: the facts then say so by their emptiness


def _look(request: Any, sight: Sight) -> None:
    """What a frame's metadata say of crop and lens, until somebody has asked. Never raises: it would end picamera2's event loop, and so
    would taking the callback away between its look and its call."""
    if sight.asked:
        return
    try:
        metadata = request.get_metadata()
        crop, dioptres = metadata.get("ScalerCrop"), metadata.get("LensPosition")
        sight.told(None if crop is None else _rectangle(crop), None if dioptres is None else float(dioptres))
    except Exception as error:
        sys.stderr.write(f"bodycamd worker: a frame's metadata cannot be read: {_reasons(error)[:300]}\n")


def _transform(hflip: bool, vflip: bool) -> Any:
    import libcamera

    return libcamera.Transform(hflip=int(hflip), vflip=int(vflip))


def _rectangle(found: Any) -> view.Rectangle:
    x, y, width, height = map(int, found)
    return x, y, width, height


def _offered(camera: Any) -> view.Offered:
    """The camera's controls; bounds only of those that are single numbers."""
    found: dict[str, tuple[view.Number, view.Number] | None] = {}
    for name, (least, most, _) in camera.camera_controls.items():
        numbers = all(isinstance(bound, int | float) for bound in (least, most))
        found[name] = (least, most) if numbers else None
    return found


def _sensor_modes(camera: Any) -> list[SensorMode]:
    """What the sensor can do, from picamera2, which configures the camera once for each mode to learn it. Without the buffers that it
    would allocate each time: on a Zero 2 W there is no memory for them. Cameras that are no Raspberry Pi modules state no modes."""
    if "ColorFilterArrangement" not in camera.camera_properties:
        return []
    from picamera2.allocators.allocator import Allocator

    allocator, camera.allocator = camera.allocator, Allocator()
    try:
        modes = camera.sensor_modes
    finally:
        camera.allocator = allocator
    return [
        SensorMode(int(mode["size"][0]), int(mode["size"][1]), int(mode["bit_depth"]), float(mode["fps"]), _rectangle(mode["crop_limits"]))
        for mode in modes
        if "crop_limits" in mode
    ]


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
