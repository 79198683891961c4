"""A picture source without a camera: the test card, encoded by x264, paced in real time.

Frames that could not be made in time are left out, as a camera would: the recording then states a gap, and the burned clock jumps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction

import av

from bodycamd.camera.capture.sources.pacing import Pacer
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.sources.testcard import TestCard
from bodycamd.config.settings import VideoSettings

_MICROS = Fraction(1, 1_000_000)


class Pattern:
    """The `pattern` source. See `source.PictureSource`."""

    def __init__(self, settings: VideoSettings) -> None:
        self.encoder = "libx264"
        self.width, self.height, self.frame_rate = settings.width, settings.height, float(settings.frame_rate)
        self._settings = settings
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        """Start painting and encoding in a thread."""
        self._thread = threading.Thread(target=self._run, args=(on_frame, on_error), name="pattern", daemon=True)
        self._thread.start()

    def view(self) -> None:
        """This is no camera."""

    def close(self) -> None:
        """Stop; the encoder holds no frame back, so none is lost."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        try:
            card, encoder = TestCard(self.width, self.height), x264(self._settings)
            encoder.open()
            card.frame(0)  # what is slow the first time is done before time counts
            pacer = Pacer(1_000_000 / self.frame_rate, self._stop)
            while (instant := pacer.wait()) is not None:
                picture = card.frame(instant[1])
                picture.pts, picture.time_base = instant[1], _MICROS
                for packet in encoder.encode(picture):
                    on_frame(EncodedFrame(bytes(packet), instant[1], packet.is_keyframe))
        except Exception as error:
            on_error(f"the pattern source failed: {error!r}")


def x264(settings: VideoSettings) -> av.VideoCodecContext:
    """An encoder as the cameras' are set up: fixed groups of pictures, SPS and PPS with each, no B-frames, no delay."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = settings.width, settings.height, "yuv420p"
    encoder.time_base, encoder.framerate = _MICROS, Fraction(settings.frame_rate)
    encoder.bit_rate = settings.bit_rate
    group = max(1, round(settings.frame_rate * settings.gop_seconds))
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "x264-params": f"keyint={group}:min-keyint={group}:scenecut=0:repeat-headers=1:annexb=1",
    }
    return encoder
