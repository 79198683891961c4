"""What the worker needs of a picture source: encoded frames with the time at which the light fell on the sensor; and how long it may take
until footage can be made of them.

`picamera.PiCamera`, `pattern.Pattern` and `film.FilmLoop` are the shipped sources; the configuration chooses, there is no fall-back.
A source is used once: made (opens no device, checks what can be checked), opened, closed. All times are CLOCK_BOOTTIME microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from bodycamd.config.settings import VideoSettings
from bodycamd.footage import ViewFacts

MAX_FILM_GROUP_SECONDS: Final = 4.0
"""Of a film in a loop, see `film`."""


class EncodedFrame(Struct, frozen=True):
    """One H.264 access unit as an Annex-B byte stream.

    A keyframe carries its SPS and PPS. Frames come in the order of their times, without B-frames.
    """

    data: bytes
    pts_us: int
    keyframe: bool


class Group(Struct, frozen=True):
    """The longest group of pictures that still counts as healthy; only the keyframe after it ends a fragment.

    It counts in frames, too: an encoder that is slower than its camera makes groups of as many frames, which last longer.
    """

    frames: int
    us: int

    @classmethod
    def of(cls, video: VideoSettings) -> Group:
        """Half as long again as an encoder is set to; of a film what it is allowed."""
        seconds = MAX_FILM_GROUP_SECONDS if video.source == "file" else 1.5 * video.gop_seconds
        return cls(round(seconds * video.frame_rate) + 1, round(seconds * 1e6))


class PictureSource(Protocol):
    """A camera, or something that stands in for one.

    `encoder`, `width`, `height` and `frame_rate` say what was really chosen; they are right once `open` has returned (the worker states
    them with the init segment).
    """

    encoder: str
    width: int
    height: int
    frame_rate: float

    def open(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        """Start; the first frame given is a keyframe.

        Both callbacks may come from any thread, never raise and never wait: `on_frame` only enqueues. `on_error(reason)` is called at
        most once; no frame follows it. Raises `BodycamError` where the camera cannot be opened. May hang for ever where the driver does:
        the recorder's liveness answers that.
        """

    def view(self) -> ViewFacts | None:
        """What it is set to and sees, as far as it is known now; asked for once, after the first fragment is whole. `None`: this is no
        camera. Never waits."""

    def close(self) -> None:
        """Stop; when this has returned no callback comes any more.

        May be called after an error, and twice. May hang where the driver does.
        """
