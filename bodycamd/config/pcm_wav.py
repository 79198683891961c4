"""A WAV file of uncompressed samples, 16 bit and 48 kHz: what is spoken, and what stands in for a microphone. Nothing else reads one.

One format only, because anything else would have to be converted at the moment of the press, on the slowest processor of the fleet. The
error names the command that converts a municipality's own recording.
"""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

from msgspec import Struct

from bodycamd.errors import DataError

SAMPLE_RATE = 48_000
SAMPLE_BYTES = 2


class Pcm(Struct, frozen=True):
    """Interleaved signed 16-bit little-endian samples at 48 kHz."""

    samples: bytes
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return SAMPLE_BYTES * self.channels

    @property
    def seconds(self) -> float:
        """The length."""
        return len(self.samples) / self.frame_bytes / SAMPLE_RATE


def parse_wav(data: bytes, path: Path, channels: tuple[int, ...]) -> Pcm:
    """The samples of a WAV file with one of these numbers of channels; never none. `path` is for messages: nothing is read.

    Raises `DataError` with the reason and the command that converts.
    """
    convert = f"convert it: sox {path.name} -r {SAMPLE_RATE} -b 16 -c 1 {path.stem}-48k.wav"
    try:
        with wave.open(io.BytesIO(data), "rb") as reader:
            count, width, rate, frames = reader.getnchannels(), reader.getsampwidth(), reader.getframerate(), reader.getnframes()
            samples = reader.readframes(frames)
    except (wave.Error, EOFError, RuntimeError, struct.error) as error:  # wave raises all of these on damaged chunks
        raise DataError(f"{path}: not a WAV file of PCM samples ({str(error) or 'it is cut short'}); {convert}") from error
    if width != SAMPLE_BYTES or rate != SAMPLE_RATE or count not in channels:
        found = f"{width * 8} bit, {rate} Hz, {count} channels"
        allowed = " or ".join(map(str, channels)) + (" channel" if channels == (1,) else " channels")
        raise DataError(f"{path}: {found}; allowed: 16 bit, {SAMPLE_RATE} Hz, {allowed}; {convert}")
    if frames == 0 or len(samples) != frames * width * count:
        held = len(samples) // (width * count)
        raise DataError(f"{path}: the header promises {frames} samples, the file holds {held}; record it again")
    return Pcm(samples, count)
