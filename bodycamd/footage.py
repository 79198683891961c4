"""The values that travel from lens to disk: encrypted init segments and encrypted fragments.

They hold age files, never plaintext. All times are CLOCK_BOOTTIME microseconds, the same for picture and sound and across workers.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta, Struct

from bodycamd.errors import DataError

AudioState = Literal["live", "off", "lost"]
"""`live`: from the microphone. `off`: silence, because the microphone is closed by configuration. `lost`: silence, because the microphone
fails."""

FLOOR_DBFS = -120.0
"""What is less is called so; 16 bits reach down to -90."""
Dbfs = Annotated[float, Meta(ge=FLOOR_DBFS, le=0.0)]

Micros = Annotated[int, Meta(ge=0, le=2**53)]
Generation = Annotated[int, Meta(ge=1, le=2**31)]
"""Which worker made it: they are counted within one start."""

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


def beginning(pieces: Iterable[bytes | memoryview]) -> bytes:
    """The first bytes of an age file in pieces: all of its header, where that is within its bounds."""
    head = b""
    for piece in pieces:
        head += piece[: MAX_AGE_HEADER_BYTES - len(head)]
        if len(head) == MAX_AGE_HEADER_BYTES:
            break
    return head


class SoundLevel(msgspec.Struct, frozen=True, kw_only=True):
    """How loud a block of sound is, in decibels below full scale."""

    peak_dbfs: Dbfs
    rms_dbfs: Dbfs


class EncryptedInit(Struct, frozen=True):
    """The init segment (ftyp+moov) of one worker's stream, as an age file."""

    generation: int
    age: bytes
    recipients: tuple[str, ...]
    encoder: str
    width: int
    height: int
    frame_rate: float
    audio_track: bool


class FragmentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one fragment (moof+mdat, one group of pictures): read from its bytes by the muxer, sent, kept and stated as it is.

    `audio_pts_us` is `None` where it holds no sound. `gap_us` is the picture time that is missing *inside* this fragment (dropped frames);
    gaps between fragments are found by the writer from `pts_us`.
    """

    generation: Generation
    pts_us: Micros
    duration_us: Annotated[int, Meta(gt=0, le=MAX_FRAGMENT_US)]
    frames: Annotated[int, Meta(ge=1, le=MAX_FRAGMENT_FRAMES)]
    audio: AudioState
    audio_pts_us: Micros | None
    audio_samples: Annotated[int, Meta(ge=0, le=MAX_FRAGMENT_SAMPLES)]
    gap_us: Annotated[int, Meta(ge=0, le=MAX_FRAGMENT_US)]

    @property
    def end_us(self) -> int:
        """The instant just after the last frame."""
        return self.pts_us + self.duration_us


Words = Annotated[str, Meta(max_length=200)]
Pixels = Annotated[int, Meta(ge=0, le=65_535)]
Rate = Annotated[float, Meta(gt=0, le=1000)]


class ViewFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one generation's camera was set to and sees: as libcamera said it, where it says it, else as it was asked for.

    `module` is libcamera's name of it, `board` what the kernel calls the Raspberry Pi. `sensor_*`: all pixels that it has; `mode_*` and
    `bit_depth`: how they are read; `crop_*`: the part of them that the picture shows, `seen_percent` its share of the whole. `None`: not
    told. `dioptres`: of a lens that stands still, or where a moving one stood. `tuning_file`: empty where libcamera chose.
    `differs`: where this is not what was configured, in words.
    """

    module: Words
    board: Words
    sensor_width: Pixels | None = None
    sensor_height: Pixels | None = None
    mode_width: Pixels | None = None
    mode_height: Pixels | None = None
    bit_depth: Annotated[int, Meta(ge=1, le=32)] | None = None
    crop_x: Pixels | None = None
    crop_y: Pixels | None = None
    crop_width: Pixels | None = None
    crop_height: Pixels | None = None
    seen_percent: Annotated[float, Meta(ge=0, le=100)] | None = None
    rotation: Literal[0, 180]
    flip: Literal["horizontal", "vertical"] | None = None
    focus: Literal["fixed", "manual", "continuous"]
    dioptres: Annotated[float, Meta(ge=0, le=1000)] | None = None
    tuning_file: Words
    encoder: Words
    width: Annotated[int, Meta(ge=16, le=MAX_SIDE_PIXELS)]
    height: Annotated[int, Meta(ge=16, le=MAX_SIDE_PIXELS)]
    frame_rate: Rate
    night_frame_rate: Rate | None = None
    differs: Words


class EncryptedFragment(Struct, frozen=True):
    """One CMAF fragment, as an age file. `seq` is given by the recorder when it arrives: it counts within one start and is never reused."""

    facts: FragmentFacts
    seq: int
    age: bytes


class FootageSink(Protocol):
    """Where encrypted footage goes in the recorder; called from the link reader, must not wait."""

    def put_init(self, init: EncryptedInit) -> None:
        """Take the init segment of a generation, before its fragments."""

    def put(self, fragment: EncryptedFragment) -> None:
        """Take a fragment."""
