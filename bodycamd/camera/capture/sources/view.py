"""What a camera module is asked for so that it shows what the configuration means: sensor mode, flips, focus, rates. Pure.

`picamera` reads what the module offers, asks here, sets it, and reads back what is in force. Nothing is asked for that is not offered:
picamera2 raises on every control that the camera does not advertise, and here is the sentence that says what it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from bodycamd.config.checks import TUNING_FOLDERS
from bodycamd.config.modules import Module
from bodycamd.errors import UnavailableError
from bodycamd.foreign_text import shown

Rectangle: TypeAlias = tuple[int, int, int, int]
"""x, y, width, height, in pixels of the whole sensor."""
Flip: TypeAlias = Literal["horizontal", "vertical"]
Wanted: TypeAlias = float | Literal["continuous"] | None
Number: TypeAlias = int | float
ControlValue: TypeAlias = Number | tuple[int, int]
Offered: TypeAlias = Mapping[str, tuple[Number, Number] | None]
"""The camera's controls by libcamera's names, each with least and most where these are numbers."""

AF_MANUAL: Final = 0
AF_CONTINUOUS: Final = 2
"""libcamera's `AfMode` (control_ids_core.yaml)."""
RATE_SLACK: Final = 0.995
"""A mode of 29.98 frames/s gives 30."""


@dataclass(frozen=True, slots=True)
class SensorMode:
    """One way in which the sensor can be read: pixels that come out, and the `crop` of the sensor that they come from."""

    width: int
    height: int
    bit_depth: int
    frame_rate: float
    crop: Rectangle


def seen(crop: Rectangle, width: int, height: int) -> Rectangle:
    """The part of `crop` that a picture of this shape shows: as much as fits, from the middle, as libcamera's pipelines cut it."""
    x, y, crop_width, crop_height = crop
    if crop_width * height > crop_height * width:
        kept = crop_height * width // height
        return x + (crop_width - kept) // 2, y, kept, crop_height
    kept = crop_width * height // width
    return x, y + (crop_height - kept) // 2, crop_width, kept


def area(rectangle: Rectangle) -> int:
    """In pixels of the sensor."""
    return rectangle[2] * rectangle[3]


def whole_sensor(modes: Sequence[SensorMode]) -> Rectangle | None:
    """What the modes show at most; `None` where there are none."""
    return max((mode.crop for mode in modes), key=area, default=None)


def choose_mode(modes: Sequence[SensorMode], width: int, height: int, frame_rate: float) -> SensorMode | None:
    """The mode that shows most in a picture of this shape at this rate; where none reaches the rate, of the fastest that show most.

    Of equal ones: with no fewer pixels than the picture has, then the fewest pixels (they cost memory and heat), then most bits.
    `None` where the camera states no modes.
    """

    def worth(mode: SensorMode) -> tuple[float, int, bool, int, int]:
        reached = min(mode.frame_rate, RATE_SLACK * frame_rate)
        enough = mode.width >= width and mode.height >= height
        pixels = mode.width * mode.height
        return reached, area(seen(mode.crop, width, height)), enough, -pixels if enough else pixels, mode.bit_depth

    return max(modes, key=worth, default=None)


def flips(rotation: int, flip: Flip | None) -> tuple[bool, bool]:
    """How the sensor must read: mirrored left to right, and upside down. Half a turn is both; 90 degrees no Raspberry Pi can do."""
    turned = rotation == 180
    return turned != (flip == "horizontal"), turned != (flip == "vertical")


@dataclass(frozen=True, slots=True)
class Focus:
    """How the lens is asked to be, and the controls that ask for it."""

    mode: Literal["fixed", "manual", "continuous"]
    dioptres: float | None
    controls: Mapping[str, Number]


def choose_focus(wanted: Wanted, offered: Offered, model: str, hyperfocal: float | None) -> Focus:
    """`hyperfocal`: of this lens in dioptres, where it is known; else 1 m, libcamera's own default. Continuous is never a default: on a
    chest it hunts, and stays on the hand that passed (picamera2 #1082, #1272). Raises `UnavailableError` for what the module cannot do."""
    limits = offered.get("LensPosition")
    modes = offered.get("AfMode")
    if limits is None or modes is None:
        if wanted is not None:
            raise UnavailableError(f"video.focus is {wanted}, but {shown(model, 60)} has no focus motor; leave it at null")
        return Focus("fixed", None, {})
    if wanted == "continuous":
        if modes[1] < AF_CONTINUOUS:
            raise UnavailableError(f"video.focus is continuous, but {shown(model, 60)} cannot: it offers dioptres, {_span(limits)}")
        return Focus("continuous", None, {"AfMode": AF_CONTINUOUS})
    if wanted is None:
        dioptres = min(max(1.0 if hyperfocal is None else hyperfocal, limits[0]), limits[1])
    elif limits[0] <= wanted <= limits[1]:
        dioptres = wanted
    else:
        raise UnavailableError(f"video.focus is {wanted:g} dioptres; {shown(model, 60)} offers {_span(limits)}")
    return Focus("manual", dioptres, {"AfMode": AF_MANUAL, "LensPosition": float(dioptres)})


def check_controls(controls: Mapping[str, ControlValue], offered: Offered, model: str) -> None:
    """Raises `UnavailableError` unless the camera advertises every control, and every single number is within what it offers."""
    for name, value in controls.items():
        if name not in offered:
            raise UnavailableError(f"{shown(model, 60)} has no control {name}; it offers {shown(', '.join(sorted(offered)), 600)}")
        limits = offered[name]
        if limits is not None and not isinstance(value, tuple) and not limits[0] <= value <= limits[1]:
            raise UnavailableError(f"{name} {value:g} is out of bounds; {shown(model, 60)} offers {_span(limits)}")


def durations_us(frame_rate: int, night_frame_rate: int | None, limits: tuple[Number, Number]) -> tuple[int, int]:
    """The shortest and the longest time of a frame to be asked for, within what the sensor mode can do (`limits`: shortest and longest; a
    longest below the shortest means that there is none)."""
    least, most = round(limits[0]), round(limits[1])

    def within(us: int) -> int:
        return max(least, min(us, most) if most >= least else us)

    return within(round(1_000_000 / frame_rate)), within(round(1_000_000 / (night_frame_rate or frame_rate)))


def tuning_path(name: str | None, platform: str, folders: Sequence[str] = TUNING_FOLDERS) -> str | None:
    """The file that libcamera is to read; `platform` is its folder there (`vc4`, `pisp`). Raises `UnavailableError` without one."""
    if name is None:
        return None
    places = [Path(name)] if "/" in name else [Path(folder, platform, name) for folder in folders]
    for place in places:
        if place.is_file():
            return str(place)
    looked = " nor ".join(shown(place, 200) for place in places)
    raise UnavailableError(f"video.tuning_file: there is no file {looked}; `ls {folders[-1]}/{platform}` shows what libcamera brings")


def differences(module: Module | None, fitted: Module | None, model: str, board_title: str | None, board: str) -> str:
    """Where the parts are not those of the configuration (`module`, `board_title`: what it names), in words; empty where nothing is."""
    told = []
    if module is not None and module != fitted:
        told.append(f"video.module is {module.name}, the camera says {shown(model, 40)}")
    if board_title is not None and not board.startswith(board_title):
        told.append(f"board.model is {board_title}, this is {shown(board, 60) or 'not said'}")
    return "; ".join(told)[:200]


def _span(limits: tuple[Number, Number]) -> str:
    return f"{limits[0]:g} to {limits[1]:g}"
