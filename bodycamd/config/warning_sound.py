"""The spoken warning as a file: a WAV as `pcm_wav` demands it, mono or stereo, 0.5 to 30 s long. Configuration, daemon and voice process
judge it here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bodycamd.config.pcm_wav import SAMPLE_BYTES, SAMPLE_RATE, Pcm, parse_wav
from bodycamd.errors import DataError, NotFoundError, StorageError

MIN_SECONDS = 0.5
MAX_SECONDS = 30
MAX_FILE_BYTES = MAX_SECONDS * SAMPLE_RATE * SAMPLE_BYTES * 2 + 65_536
"""30 s of stereo, and room for what recorders put beside the samples."""
_LENGTH = f"a warning lasts {MIN_SECONDS} to {MAX_SECONDS} s"


class WarningSound(Pcm, frozen=True):
    """A checked warning. `sha256` is of the whole file."""

    sha256: str


def read_file(path: Path) -> bytes:
    """The whole file, of whatever content. Raises `NotFoundError`, `StorageError`, or `DataError` where it is larger than any warning may
    be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: No such file; set warning.file, or warning.language to nl or en") from error
    except OSError as error:
        raise StorageError(f"{path}: the warning cannot be read ({error.strerror})") from error
    if len(data) > MAX_FILE_BYTES:
        raise DataError(f"{path}: larger than {MAX_FILE_BYTES} bytes; {_LENGTH}")
    return data


def parse(data: bytes, path: Path) -> WarningSound:
    """Check the content. Raises `DataError` with the reason and what to do."""
    pcm = parse_wav(data, path, channels=(1, 2))
    if not MIN_SECONDS <= pcm.seconds <= MAX_SECONDS:
        raise DataError(f"{path}: lasts {pcm.seconds:.1f} s; {_LENGTH}")
    return WarningSound(pcm.samples, pcm.channels, hashlib.sha256(data).hexdigest())


def load(path: Path) -> WarningSound:
    """Read and check. Raises what `read_file` and `parse` raise."""
    return parse(read_file(path), path)
