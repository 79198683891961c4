"""A picture source without a camera: an H.264 file (Annex-B byte stream) in a loop, paced in real time.

The file is read when the source is made, so that a file that cannot serve is refused with the configuration: it must begin with a keyframe
(IDR) that carries SPS and PPS, must have a keyframe at least every `MAX_FILM_GROUP_SECONDS`, and must hold no B-frames. Its frames are
passed on unchanged, byte for byte, with new times.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import av

from bodycamd.camera.capture.sources.pacing import Pacer
from bodycamd.camera.capture.sources.source import MAX_FILM_GROUP_SECONDS, EncodedFrame
from bodycamd.config.settings import VideoSettings
from bodycamd.errors import ConfigError
from bodycamd.footage import MAX_SIDE_PIXELS
from bodycamd.linux.named_thread import NamedThread

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
_SLICE: Final = 1
_IDR: Final = 5
_SPS: Final = 7
_PPS: Final = 8
_B_SLICES: Final = (1, 6)


@dataclass(frozen=True, slots=True)
class _Film:
    frames: tuple[tuple[bytes, bool], ...]
    """Access units, and whether each is a keyframe."""
    width: int
    height: int


class FilmLoop:
    """The `file` source. See `source.PictureSource`. Raises `ConfigError` when it is made from a file that cannot serve."""

    def __init__(self, settings: VideoSettings) -> None:
        if settings.file is None:
            raise ConfigError("video.file: needed by video.source: file")
        self._film = read_film(Path(settings.file))
        longest = longest_group(self._film.frames) / settings.frame_rate
        if longest > MAX_FILM_GROUP_SECONDS:
            found = f"{longest:g} s without a keyframe at {settings.frame_rate} frames a second"
            raise ConfigError(f"video.file: {settings.file}: {found}; at most {MAX_FILM_GROUP_SECONDS:g} s are allowed")
        self.encoder = "file"
        self.width, self.height, self.frame_rate = self._film.width, self._film.height, float(settings.frame_rate)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        """Start in a thread."""
        self._thread = NamedThread(target=self._run, args=(on_frame, on_error), name="film", daemon=True)
        self._thread.start()

    def view(self) -> None:
        """This is no camera."""

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, on_frame: Callable[[EncodedFrame], None], on_error: Callable[[str], None]) -> None:
        try:
            pacer = Pacer(1_000_000 / self.frame_rate, self._stop)
            shown = None
            while (instant := pacer.wait()) is not None:
                shown = following(self._film.frames, shown, instant[0])
                data, keyframe = self._film.frames[shown]
                on_frame(EncodedFrame(data, instant[1], keyframe))
        except Exception as error:
            on_error(f"the file source failed: {error!r}")


def read_film(path: Path) -> _Film:
    """Read and check the file. Raises `ConfigError`."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ConfigError(f"video.file: {path}: {size} bytes; at most {MAX_FILE_BYTES} are allowed")
        stream = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"video.file: {path}: cannot be read: {error.strerror}") from error
    if not stream.startswith((b"\0\0\1", b"\0\0\0\1")):
        raise ConfigError(f"video.file: {path}: not an H.264 Annex-B byte stream")
    try:
        with av.open(io.BytesIO(stream), "r", format="h264") as container:
            packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
            context = container.streams.video[0].codec_context
            width, height = context.width, context.height
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise ConfigError(f"video.file: {path}: not an H.264 Annex-B byte stream: {error}") from error
    if not packets or not width or not height:
        raise ConfigError(f"video.file: {path}: no picture in it")
    if max(width, height) > MAX_SIDE_PIXELS:
        raise ConfigError(f"video.file: {path}: {width}x{height} pixels; at most {MAX_SIDE_PIXELS} each way are allowed")
    return _Film(tuple(_checked_frames(packets, path)), width, height)


def following(frames: Sequence[tuple[bytes, bool]], shown: int | None, instant: int) -> int:
    """Which frame is shown at this instant, after `shown`: the next one, as only that can be decoded, and each keyframe at its own instant.
    So a source that was held up goes on at once, as a camera does that left pictures out, and is in step again from the next group on.
    """
    at_its_own = instant % len(frames)
    if frames[at_its_own][1]:
        return at_its_own
    return 0 if shown is None else (shown + 1) % len(frames)


def longest_group(frames: Sequence[tuple[bytes, bool]]) -> int:
    """The most frames from one keyframe to the next, where the film goes round."""
    keyframes = [number for number, (_, keyframe) in enumerate(frames) if keyframe]
    return max(later - earlier for earlier, later in pairwise([*keyframes, len(frames)]))


def _checked_frames(packets: list[bytes], path: Path) -> Iterator[tuple[bytes, bool]]:
    parameters = b""
    for number, packet in enumerate(packets):
        units = list(nal_units(packet))
        kinds = {unit[0] & 0x1F for unit in units}
        if any(unit[0] & 0x1F == _SLICE and _slice_type(unit) in _B_SLICES for unit in units):
            raise ConfigError(f"video.file: {path}: frame {number} is a B-frame; encode without (x264: bframes=0)")
        keyframe = _IDR in kinds
        if {_SPS, _PPS} <= kinds:
            parameters = b"".join(b"\0\0\0\1" + unit for unit in units if unit[0] & 0x1F in (_SPS, _PPS))
        if number == 0 and not keyframe:
            raise ConfigError(f"video.file: {path}: does not begin with a keyframe")
        if keyframe and not parameters:
            raise ConfigError(f"video.file: {path}: the first keyframe has no SPS and PPS")
        if keyframe and not {_SPS, _PPS} <= kinds:
            packet = parameters + packet
        yield packet, keyframe


def nal_units(stream: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex-B byte stream, without start codes; empty ones are left out."""
    begin = stream.find(b"\0\0\1")
    while begin >= 0:
        end = stream.find(b"\0\0\1", begin + 3)
        unit = stream[begin + 3 : end if end >= 0 else len(stream)].rstrip(b"\0")
        if unit:
            yield unit
        begin = end


def _slice_type(unit: bytes) -> int:
    """The second Exp-Golomb number of a slice header (ITU-T H.264, 7.3.3); its first 16 bytes are enough, escapes taken out."""
    bits = "".join(f"{byte:08b}" for byte in unit[1:17].replace(b"\0\0\3", b"\0\0"))
    at = 0
    value = 0
    for _ in range(2):
        zeros = len(bits[at:]) - len(bits[at:].lstrip("0"))
        end = at + 2 * zeros + 1
        value = int(bits[at:end] or "1", 2) - 1
        at = end
    return value
