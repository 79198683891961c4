"""The values that travel from lens to disk: sealed init segments and sealed fragments.

They hold age files, never plaintext. All times are CLOCK_BOOTTIME microseconds, the same for picture and sound and across workers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bodycamd.errors import DataError

AudioState = Literal["live", "off", "lost"]
"""`live`: from the microphone. `off`: silence, because the microphone is closed by configuration. `lost`: silence, because the microphone
fails."""

AGE_MAGIC = b"age-encryption.org/v1\n"
MAX_AGE_BYTES = 32 * 1024 * 1024
"""The largest age file that a worker may send: 25 s of the highest bit rate that the configuration allows would still fit."""
MAX_FRAGMENT_US = 10_000_000
"""The longest fragment: five times the longest distance of keyframes that the configuration allows."""
MAX_FRAGMENT_FRAMES = 10_000
MAX_FRAGMENT_SAMPLES = 10_000_000
MAX_SIDE_PIXELS = 4096
"""The widest and the highest picture. A decoder keeps up to 17 pictures: at this size 430 MB, at twice the size four times as much."""
MAX_AGE_HEADER_BYTES = 8 * 1024
MAX_AGE_STANZAS = 72
"""64 recipients, and some of the meaningless stanzas that age's authors ask for (pyrage adds one): 64 recipients are 6.6 KB."""
_AGE_HEADER_END = re.compile(rb"\n--- [A-Za-z0-9+/]{43}\n")


def check_age_header(age: bytes | bytearray | memoryview, where: str) -> None:
    """Raises `DataError` unless the bytes begin with the header of an age v1 file, whole and within these bounds.

    Before any age library sees them: pyrage reads a header anew for each piece of it, so that its work grows with the square of the size.
    What the stanzas say is the library's to judge.
    """
    head = bytes(age[:MAX_AGE_HEADER_BYTES])
    if not head.startswith(AGE_MAGIC):
        raise DataError(f"{where}: not an age file")
    end = _AGE_HEADER_END.search(head)
    if end is None:
        raise DataError(f"{where}: the age header does not end within {MAX_AGE_HEADER_BYTES} bytes")
    stanzas = head.count(b"\n-> ", 0, end.start())
    if not 1 <= stanzas <= MAX_AGE_STANZAS:
        raise DataError(f"{where}: the age header has {stanzas} stanzas; 1 to {MAX_AGE_STANZAS} are allowed")


@dataclass(frozen=True, slots=True)
class SealedInit:
    """The init segment (ftyp+moov) of one worker's stream, as an age file."""

    generation: int
    age: bytes
    recipients: tuple[str, ...]
    encoder: str
    width: int
    height: int
    frame_rate: float
    audio_track: bool


@dataclass(frozen=True, slots=True)
class SealedFragment:
    """One CMAF fragment (moof+mdat, one GOP), as an age file.

    `seq` is given by the recorder when the fragment arrives: it counts within one start and is never reused. `gap_us` is the picture time
    that is missing *inside* this fragment (dropped frames); gaps between fragments are found by the writer from `pts_us`.
    """

    generation: int
    seq: int
    pts_us: int
    duration_us: int
    frames: int
    audio: AudioState
    audio_pts_us: int | None
    audio_samples: int
    gap_us: int
    age: bytes

    @property
    def end_us(self) -> int:
        """The instant just after the last frame."""
        return self.pts_us + self.duration_us
