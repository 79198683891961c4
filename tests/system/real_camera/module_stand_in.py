"""Inside the root: makes the virtual camera look like one of the camera modules, to libcamera's Python and so to picamera2 and to us.

It advertises the module's controls and sensor modes (`modules`), keeps what is set (at the start, and in each request), answers with it in
the metadata, and turns the pictures as the sensor's own flips would. What a control *does* to a picture nothing here can show.
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

MODULES: Any = importlib.import_module("modules").MODULES  # beside this file, inside the root


class Module:
    """The stand-in for `model`. `set_to`: every control that reached the camera, by name; `sensor`: the mode that was asked for."""

    def __init__(self, model: str) -> None:
        import libcamera
        import picamera2.picamera2
        import picamera2.request

        self.model = model
        self.limits, self.modes = MODULES[model]
        self.set_to: dict[str, Any] = {}
        self.sensor: tuple[int, int, int] | None = None
        self.orientation = libcamera.Orientation.Rotate0
        self.libcamera, self.camera_class = libcamera, libcamera.Camera
        self.start_camera, self.configure_camera, self.set_control = self.camera_class.start, self.camera_class.configure, None
        real_properties = self.camera_class.properties
        real_controls = self.camera_class.controls
        self.camera_class.properties = property(lambda camera: {**real_properties.__get__(camera), **self._properties()})
        self.camera_class.controls = property(lambda camera: {**self._real(real_controls.__get__(camera)), **self._controls()})
        self.camera_class.start = lambda camera, controls: self._start(camera, controls)
        self.camera_class.configure = lambda camera, configuration: self._configure(camera, configuration)
        real_set = libcamera.Request.set_control

        def set_control(request: Any, control: Any, value: Any) -> Any:
            self._keep(control, value)
            return real_set(request, control, value)

        libcamera.Request.set_control = set_control
        picamera2.Picamera2.sensor_modes = property(lambda camera: self._sensor_modes())
        picamera2.Picamera2._get_raw_modes = lambda camera: [
            {"format": f"SRGGB{bits}_CSI2P", "size": (width, height)} for width, height, bits, _, _ in self.modes
        ]
        self._answer_metadata(picamera2.request.CompletedRequest)

    def _properties(self) -> dict[Any, Any]:
        properties = self.libcamera.properties
        return {properties.Model: self.model, properties.draft.ColorFilterArrangement: 0}

    def _mode(self) -> Any:
        return next((mode for mode in self.modes if mode[:3] == self.sensor), self.modes[-1])

    def _controls(self) -> dict[Any, Any]:
        x, y, width, height = self._mode()[4]
        rectangle = self.libcamera.Rectangle
        limits = {
            **self.limits,
            "FrameDurationLimits": (round(1e6 / self._mode()[3]), 112_075_593),
            "ScalerCrop": (rectangle(0, 0, 64, 64), rectangle(x, y, width, height)),
        }
        return {self._id(name): SimpleNamespace(min=low, max=high, default=low) for name, (low, high) in limits.items()}

    def _real(self, controls: Any) -> dict[Any, Any]:
        """None of the virtual camera's own: a module has no face detection."""
        return {}

    def _id(self, name: str) -> Any:
        controls = self.libcamera.controls
        return getattr(controls, name, None) or getattr(controls.draft, name)

    def _configure(self, camera: Any, configuration: Any) -> Any:
        asked = configuration.sensor_config
        self.sensor = None if asked is None else (asked.output_size.width, asked.output_size.height, asked.bit_depth)
        self.orientation = configuration.orientation
        return self.configure_camera(camera, configuration)

    def _keep(self, control: Any, value: Any) -> None:
        plain = isinstance(value, bool | int | float)
        self.set_to[control.name] = list(value) if isinstance(value, tuple | list) else value if plain else int(value)

    def _start(self, camera: Any, controls: Any) -> Any:
        for control, value in controls.items():
            self._keep(control, value)
        mine = {control: value for control, value in controls.items() if control.name == "FrameDurationLimits"}
        return self.start_camera(camera, mine)

    def _sensor_modes(self) -> list[dict[str, Any]]:
        return [
            {"size": (width, height), "bit_depth": bits, "fps": rate, "crop_limits": crop} for width, height, bits, rate, crop in self.modes
        ]

    def _answer_metadata(self, request_class: Any) -> None:
        real, real_init = request_class.get_metadata, request_class.__init__

        def get_metadata(request: Any) -> dict[str, Any]:
            told: dict[str, Any] = {**real(request), "ScalerCrop": self._seen()}
            if "LensPosition" in self.set_to:
                told["LensPosition"] = self.set_to["LensPosition"]
            return told

        def init(request: Any, *arguments: Any) -> None:
            real_init(request, *arguments)
            self._turn(request)

        request_class.get_metadata, request_class.__init__ = get_metadata, init

    def _seen(self) -> tuple[int, int, int, int]:
        """The crop of a 16:9 picture, as the image processor cuts it."""
        x, y, width, height = self._mode()[4]
        cut = height - width * 9 // 16
        return (x, y + cut // 2, width, height - cut)

    def _turn(self, request: Any) -> None:
        """The sensor's flips, in the buffer: luma, then pairs of chroma."""
        import libcamera
        from picamera2.request import MappedArray

        both = {libcamera.Orientation.Rotate180: (-1, -1), libcamera.Orientation.Rotate0Mirror: (1, -1)}
        down, across = both.get(self.orientation, (1, 1))
        if (down, across) == (1, 1) or not request.config["main"]:
            return
        with MappedArray(request, "main") as mapped:
            lines = mapped.array.shape[0] * 2 // 3
            luma, chroma = mapped.array[:lines], mapped.array[lines:].reshape(lines // 2, -1, 2)
            luma[:] = luma[::down, ::across].copy()
            chroma[:] = chroma[::down, ::across].copy()
