"""What one opened camera sees: what was decided for it, what libcamera said of it, and both together as they are stated. Pure."""

from __future__ import annotations

from typing import TypedDict

from bodycamd.camera.capture.sources.view import (
    Focus,
    Offered,
    Rectangle,
    SensorMode,
    area,
    choose_focus,
    choose_mode,
    differences,
    seen,
    whole_sensor,
)
from bodycamd.config.modules import parts
from bodycamd.config.settings import VideoSettings
from bodycamd.footage import ViewFacts


class SensorConfiguration(TypedDict):
    """picamera2's `sensor`: which mode it is to take."""

    output_size: tuple[int, int]
    bit_depth: int


class Sight:
    """One opening's. Made when the camera is open and before it is configured; used by the opening thread and the camera's own."""

    def __init__(self, settings: VideoSettings, *, model: str, modes: list[SensorMode], board: str, board_named: str | None) -> None:
        """`model`: libcamera's name of the module; `board`: what the kernel calls the Raspberry Pi; `board_named`: the configuration."""
        self.model, self._board = model, board
        self._settings = settings
        self._modes = modes
        self._mode = choose_mode(modes, settings.width, settings.height, settings.frame_rate)
        self._whole = whole_sensor(modes)
        self._module = parts().fitted(model, settings.module)
        named = parts().board(board_named)
        self._differs = differences(parts().module(settings.module), self._module, model, named.title if named else None, board)
        self._focus = Focus("fixed", None, {})
        self._made: SensorConfiguration | None = None
        self._slowest: float | None = None
        self._told_crop: Rectangle | None = None
        self._told_dioptres: float | None = None
        self.asked = False
        """Whether the facts were asked for: what frames say after that is of no use."""

    def choose_focus(self, offered: Offered) -> Focus:
        """How the lens is to be. Raises `UnavailableError` for what the module cannot do."""
        crop = self._expected_crop()
        hyperfocal = self._module.hyperfocal_dioptres(crop[2], self._settings.width) if self._module and crop else None
        self._focus = choose_focus(self._settings.focus, offered, self.model, hyperfocal)
        return self._focus

    def sensor_configuration(self) -> SensorConfiguration | None:
        """Which sensor mode to ask for; `None` where the camera states none: libcamera then chooses."""
        mode = self._mode
        return None if mode is None else {"output_size": (mode.width, mode.height), "bit_depth": mode.bit_depth}

    def configured(self, made: SensorConfiguration | None, slowest: float | None) -> None:
        """What came of it: the sensor mode that libcamera took, and the rate to which it may fall (`None`: it may not)."""
        self._made, self._slowest = made, slowest
        if made is not None:
            self._mode = next(
                (m for m in self._modes if (m.width, m.height) == made["output_size"] and m.bit_depth == made["bit_depth"]), self._mode
            )

    def told(self, crop: Rectangle | None, dioptres: float | None) -> None:
        """What a frame's metadata say; `None`: nothing. The last one counts."""
        self._told_crop = crop or self._told_crop
        self._told_dioptres = dioptres if dioptres is not None else self._told_dioptres

    def facts(self, *, encoder: str, width: int, height: int, frame_rate: float) -> ViewFacts:
        """As it is stated."""
        settings, whole, focus = self._settings, self._whole, self._focus
        crop = self._told_crop or self._expected_crop()
        made = self._made or self.sensor_configuration()
        x, y, crop_width, crop_height = crop or (None, None, None, None)
        return ViewFacts(
            module=self.model[:200],
            board=self._board[:200],
            sensor_width=whole[2] if whole else None,
            sensor_height=whole[3] if whole else None,
            mode_width=made["output_size"][0] if made else None,
            mode_height=made["output_size"][1] if made else None,
            bit_depth=made["bit_depth"] if made else None,
            crop_x=x,
            crop_y=y,
            crop_width=crop_width,
            crop_height=crop_height,
            seen_percent=round(min(100.0, 100 * area(crop) / area(whole)), 1) if crop and whole and area(whole) else None,
            rotation=settings.rotation,
            flip=settings.flip,
            focus=focus.mode,
            dioptres=_rounded(focus.dioptres if self._told_dioptres is None or focus.mode == "fixed" else self._told_dioptres),
            tuning_file=(settings.tuning_file or "")[-200:],
            encoder=encoder[:200],
            width=width,
            height=height,
            frame_rate=frame_rate,
            night_frame_rate=self._slowest,
            differs=self._differs,
        )

    def _expected_crop(self) -> Rectangle | None:
        return None if self._mode is None else seen(self._mode.crop, self._settings.width, self._settings.height)


def _rounded(dioptres: float | None) -> float | None:
    return None if dioptres is None else round(max(0.0, dioptres), 3)
