"""Which camera modules and Raspberry Pis there are, from `modules.toml`, which says where each fact was read; and what they mean for a
configuration. Pure but for reading that file once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from bodycamd.config.problems import Problem

if TYPE_CHECKING:
    from bodycamd.config.settings import Config

MACROBLOCKS_PER_SECOND: Final = 245_760
"""What the hardware encoder does: 1080p30 and a little, level 4.0 of H.264 (picamera2's `H264Encoder` counts the same)."""
BUFFERS: Final = 6
"""Pictures between sensor and encoder, as rpicam-vid: the sensor, the image processor and the encoder hold some each."""

Positive = Annotated[float, Meta(gt=0)]
Pixels = Annotated[int, Meta(gt=0)]


class Module(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera module. `models`: libcamera's names for it. `full_view`: width, height and frames per second of the fastest mode that
    uses the whole sensor. `degrees`: angles of view across and down, absent where the lens is anybody's, as its other figures then are.
    `tuning_file`: what must be configured because libcamera cannot tell the module from its sister."""

    name: str
    title: str
    models: tuple[str, ...]
    pixels: tuple[Pixels, Pixels]
    pixel_um: Positive
    full_view: tuple[Pixels, Pixels, Pixels]
    focus: Literal["motor", "by hand"]
    degrees: tuple[Positive, Positive] | None = None
    nearest_m: Positive | None = None
    focal_mm: Positive | None = None
    f_number: Positive | None = None
    tuning_file: str | None = None

    def hyperfocal_dioptres(self, seen_width: int, picture_width: int) -> float | None:
        """Where the lens must be focused so that everything from half that distance to the horizon is sharp: 1/metres; `None` where the
        lens is not known.

        H = f²/(N·c) + f, where c, the blur that may be, is one pixel of the *picture*: `seen_width` pixels of the sensor become
        `picture_width`. (S. F. Ray, Applied Photographic Optics.)
        """
        if self.focal_mm is None or self.f_number is None:
            return None
        blur_mm = self.pixel_um / 1000 * max(1.0, seen_width / picture_width)
        return 1000 / (self.focal_mm**2 / (self.f_number * blur_mm) + self.focal_mm)


class Board(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Raspberry Pi. `title` begins what its kernel says in /proc/device-tree/model; `memory_mb` is of the smallest that is sold."""

    name: str
    title: str
    memory_mb: Pixels
    hardware_encoder: bool

    def most_frames(self, width: int, height: int) -> int | None:
        """Frames per second that the hardware encodes at this size; `None` where the processor encodes."""
        return MACROBLOCKS_PER_SECOND // (-(-width // 16) * -(-height // 16)) if self.hardware_encoder else None


class Parts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    sources: dict[str, str]
    modules: tuple[Module, ...]
    boards: tuple[Board, ...]

    def module(self, name: str | None) -> Module | None:
        """By the name in the configuration."""
        return next((module for module in self.modules if module.name == name), None)

    def fitted(self, model: str, configured: str | None) -> Module | None:
        """By what libcamera calls it; `configured` decides between two that it cannot tell apart. `None`: not in the file."""
        found = [module for module in self.modules if model in module.models]
        return next((module for module in found if module.name == configured), found[0] if found else None)

    def board(self, name: str | None) -> Board | None:
        """By the name in the configuration."""
        return next((board for board in self.boards if board.name == name), None)


@cache
def parts() -> Parts:
    """The modules and boards of the package's file."""
    text = files("bodycamd.config").joinpath("modules.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Parts)


def buffer_bytes(width: int, height: int) -> int:
    """Contiguous memory for the pictures alone (YUV 4:2:0); what sensor, image processor and encoder take beside it is the driver's."""
    return BUFFERS * width * height * 3 // 2


def disagreements(config: Config) -> Iterator[Problem]:
    """Where the configuration and the parts that it names do not fit: to be warned of, not refused."""
    video = config.video
    if (module := parts().module(video.module)) is not None:
        width, height, rate = module.full_view
        others = ("video.module",)
        if video.focus is not None and module.focus != "motor":
            reason = f"{video.focus}, but the {module.title} has no focus motor: no picture comes with this"
            yield Problem("video.focus", reason, "null", others=others)
        if (
            isinstance(video.focus, float)
            and module.focus == "motor"
            and module.nearest_m is not None
            and video.focus * module.nearest_m > 1
        ):
            reason = f"{video.focus} dioptres are nearer than the {module.title} focuses: {module.nearest_m} m"
            yield Problem("video.focus", reason, f"0 to {1 / module.nearest_m:g}, continuous or null", others=others)
        if video.frame_rate > rate:
            reason = f"{video.frame_rate} frames/s are more than the {module.title} gives of its whole view"
            yield Problem("video.frame_rate", reason, f"5 to {rate}, or less of the view", others=others)
        if video.width > width or video.height > height:
            reason = f"the {module.title} gives its whole view in {width} by {height} pixels: this picture is an enlarged one"
            fitting = f"at most {width}, with a height of at most {height}; or an enlarged picture"
            yield Problem("video.width", reason, fitting, others=others)
        if module.tuning_file is not None and video.tuning_file is None:
            reason = f"none, but libcamera takes the {module.title} for one with an infrared filter: colours are wrong"
            yield Problem("video.tuning_file", reason, module.tuning_file, others=others)
    if (board := parts().board(config.board.model)) is not None:
        if config.clock.rtc == "pi5" and board.name != "pi-5":
            reason = f"pi5, but the {board.title} has no clock of its own"
            yield Problem("clock.rtc", reason, "none, or the clock that is fitted", others=("board.model",))
        most = board.most_frames(video.width, video.height)
        if most is not None and video.frame_rate > most:
            reason = f"{video.width} by {video.height} at {video.frame_rate} frames/s is more than the encoder of the {board.title} does"
            yield Problem("video.frame_rate", reason, f"5 to {most} at this size", others=("board.model",))
