"""The spoken warning as a file: uncompressed WAV, 16 bit, 48 kHz, mono or stereo, at most 60 s.

One format only, because anything else would have to be converted at the moment of the press, on the slowest processor of the fleet. The
error names the command that converts a municipality's own recording.
"""

from __future__ import annotations

import hashlib
import io
import struct
import wave
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError, StorageError

SAMPLE_RATE = 48_000
MAX_SECONDS = 60
SAMPLE_BYTES = 2
MAX_FILE_BYTES = MAX_SECONDS * SAMPLE_RATE * SAMPLE_BYTES * 2 + 65_536
"""60 s of stereo, and room for what recorders put beside the samples."""


@dataclass(frozen=True, slots=True)
class WarningSound:
    """A checked warning: interleaved signed 16-bit little-endian samples at 48 kHz. `sha256` is of the whole file."""

    samples: bytes
    channels: int
    sha256: str

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return SAMPLE_BYTES * self.channels

    @property
    def seconds(self) -> float:
        """The length."""
        return len(self.samples) / self.frame_bytes / SAMPLE_RATE


def read_file(path: Path) -> bytes:
    """The whole file, of whatever content. Raises `NotFoundError`, `StorageError`, or `DataError` where it is larger than any warning may
    be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: there is no such warning file; set warning.file, or warning.language to nl or en") from error
    except OSError as error:
        raise StorageError(f"{path}: the warning cannot be read ({error.strerror})") from error
    if len(data) > MAX_FILE_BYTES:
        raise DataError(f"{path}: larger than {MAX_FILE_BYTES} bytes; a warning lasts at most {MAX_SECONDS} s")
    return data


def parse(data: bytes, path: Path) -> WarningSound:
    """Check the content. Raises `DataError` with the reason and the command that converts."""
    convert = f"convert it: sox {path.name} -r {SAMPLE_RATE} -b 16 -c 1 {path.stem}-48k.wav"
    try:
        with wave.open(io.BytesIO(data), "rb") as reader:
            channels, width, rate, frames = reader.getnchannels(), reader.getsampwidth(), reader.getframerate(), reader.getnframes()
            samples = reader.readframes(frames)
    except (wave.Error, EOFError, RuntimeError, struct.error) as error:  # wave raises all of these on damaged chunks
        raise DataError(f"{path}: not a WAV file of PCM samples ({str(error) or 'it is cut short'}); {convert}") from error
    if width != SAMPLE_BYTES or rate != SAMPLE_RATE or channels not in (1, 2):
        found = f"{width * 8} bit, {rate} Hz, {channels} channels"
        raise DataError(f"{path}: {found}; allowed: 16 bit, {SAMPLE_RATE} Hz, 1 or 2 channels; {convert}")
    if frames == 0 or len(samples) != frames * width * channels:
        held = len(samples) // (width * channels)
        raise DataError(f"{path}: the header promises {frames} samples, the file holds {held}; record it again")
    if frames > MAX_SECONDS * rate:
        raise DataError(f"{path}: lasts {frames / rate:.0f} s; a warning lasts at most {MAX_SECONDS} s")
    return WarningSound(samples, channels, hashlib.sha256(data).hexdigest())


def load(path: Path) -> WarningSound:
    """Read and check. Raises what `read_file` and `parse` raise."""
    return parse(read_file(path), path)
