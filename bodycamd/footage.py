"""The values that travel from lens to disk: sealed init segments and sealed fragments.

They hold age files, never plaintext. All times are CLOCK_BOOTTIME microseconds, the same for picture and sound and across workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
