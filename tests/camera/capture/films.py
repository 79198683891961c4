"""Encoded pictures for the capture tests, made once: the test card, by x264, unpaced."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av

from bodycamd.camera.capture.sources.pattern import x264
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.sources.testcard import TestCard, read_time_us
from bodycamd.config.settings import VideoSettings
from tests.kit.stock_tools import DECODED

WIDTH, HEIGHT, FRAME_RATE = 320, 240, 10
FRAME_US = 1_000_000 // FRAME_RATE
SETTINGS = VideoSettings(source="pattern", width=WIDTH, height=HEIGHT, frame_rate=FRAME_RATE, bit_rate=300_000)
BOOT_US = 4_000_000_012_345
"""46 days after the boot: times that need 64 bits, and are no whole milliseconds."""


@lru_cache(maxsize=4)
def frames(seconds: int, first_us: int = BOOT_US) -> tuple[EncodedFrame, ...]:
    """`seconds` of the test card, ten frames a second, a keyframe each second."""
    card, encoder = TestCard(WIDTH, HEIGHT), x264(SETTINGS)
    made = []
    for number in range(seconds * FRAME_RATE):
        picture = card.frame(first_us + number * FRAME_US)
        picture.pts, picture.time_base = first_us + number * FRAME_US, Fraction(1, 1_000_000)
        made += [EncodedFrame(bytes(packet), packet.pts or 0, packet.is_keyframe) for packet in encoder.encode(picture)]
    return tuple(made)


def marked_film(path: Path, marker: bytes, seconds: int = 4) -> Path:
    """H.264 with the marker in an SEI message (user data unregistered) of every access unit."""
    assert b"\0\0" not in marker
    payload = bytes(range(16, 32)) + marker
    sei = b"\0\0\0\1\x06\x05" + bytes([len(payload)]) + payload + b"\x80"
    path.write_bytes(b"".join(sei + frame.data for frame in frames(seconds)))
    return path


def burned_times(path: Path) -> list[tuple[float, int | None]]:
    """Of every picture of a film: its time in seconds as the file says, and in microseconds as the test card says."""
    times = []
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        for picture in film.decode(stream):
            plane = picture.planes[0]
            times.append((float(picture.time or 0), read_time_us(bytes(plane), plane.line_size, picture.width, picture.height)))
    return times


def complaints(path: Path) -> str:
    """What ffprobe and ffmpeg say about a film, from warnings up: nothing, if it is whole."""
    said = ""
    for command in (["ffprobe", "-v", "warning", str(path)], ["ffmpeg", "-nostdin", "-v", "warning", "-i", str(path), *DECODED]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said += done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")
    return said


def start_times(path: Path) -> dict[str, float]:
    """The first time stamp of each stream, by its codec."""
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,start_time", "-of", "json", str(path)]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    return {stream["codec_name"]: float(stream["start_time"]) for stream in streams}
