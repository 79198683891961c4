"""What an export and its film maker, a confined child process, say to each other: JSON, each message one packet of a socketpair, with
descriptors beside it where a file is handed over. The footage itself goes through a pipe, one for each segment.

The child works on footage that may be anybody's: all that it says is checked for form like any other foreign text.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.municipality.film.packet_hashes import Bound

MAX_MESSAGE_BYTES: Final = 128 * 1024
MAX_DESCRIPTORS: Final = 2
DISK_ERRORS: Final = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EROFS}
"""What the disk is to blame for, and not the footage."""
CELL_WIDTH: Final = 480
"""Pixels of one picture on a contact sheet."""
Count = Annotated[int, Meta(ge=0, le=2**62)]


class Message(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """One message."""


# --- to the film maker --------------------------------------------------------------------------------------------------------------------


class Begin(Message, frozen=True, tag="begin"):
    """Films with subtitles and chapters (CLOCK_BOOTTIME µs, title), or without."""

    captions: bool
    chapters: list[tuple[int, str]]


class Segment(Message, frozen=True, tag="segment"):
    """The next segment; with it comes the pipe out of which init segment and fragments are read. `where` is for messages."""

    where: str
    width: int
    height: int
    audio_track: bool


class Cues(Message, frozen=True, tag="cues"):
    """Subtitles of the next fragment: begin, end (CLOCK_BOOTTIME µs), text."""

    cues: list[tuple[int, int, str]]


class Clock(Message, frozen=True, tag="clock"):
    """From the picture at `from_us` (CLOCK_BOOTTIME) on the camera's wall clock was so much ahead of CLOCK_BOOTTIME, in µs."""

    from_us: int
    offset_us: int


class FilmFile(Message, frozen=True, tag="film_file"):
    """The file for the next film, to write, and a second time to read; the answer to `NeedFile`."""


class Finish(Message, frozen=True, tag="finish"):
    """There are no more segments."""


class ReadBack(Message, frozen=True, tag="read_back"):
    """Read a film, whose descriptor comes along, and give its hashes. `only`: there is no other."""

    shifts: dict[str, int]
    only: bool


class Sheet(Message, frozen=True, tag="sheet"):
    """Draw a contact sheet of a film into a file; both come along. The picture is at most `width` times `height`; below each picture of the
    sheet so many pixels stay white, for a caption.
    """

    columns: int
    rows: int
    caption_pixels: Annotated[int, Meta(ge=0, le=480)]
    width: int
    height: int


# --- from the film maker ------------------------------------------------------------------------------------------------------------------


class Ready(Message, frozen=True, tag="ready"):
    """Confined; `sandbox` says what is in force and what is not."""

    sandbox: list[str]


class NeedFile(Message, frozen=True, tag="need_file"):
    """A film begins."""


class SegmentRead(Message, frozen=True, tag="segment_read"):
    """So many pictures and packets of sound were in the segment; all of them are in the films."""

    frames: Count
    sounds: Count


class PartDone(Message, frozen=True, tag="part_done"):
    """A film is whole and on the disk. The fields are those of `remux.Part`; `number` counts from 1, in the order of `NeedFile`."""

    number: Count
    begins_us: int
    duration_seconds: float
    frames: Count
    shifts: dict[str, int]
    time_bases: dict[str, str]


class Finished(Message, frozen=True, tag="finished"):
    """All films are whole. The hashes are of all packets as they were sealed."""

    bound: dict[str, Bound]


class WasRead(Message, frozen=True, tag="was_read"):
    """The hashes of this film, and of all that were read so far."""

    own: dict[str, Bound]
    whole: dict[str, Bound]


class SheetDrawn(Message, frozen=True, tag="sheet_drawn"):
    """Where in the film the pictures on it are, in microseconds."""

    pictures_us: list[Count]


class Working(Message, frozen=True, tag="working"):
    """Still at it."""


class Failed(Message, frozen=True, tag="failed"):
    """Nothing more comes. `data`: the footage is at fault; `output`: the disk."""

    kind: Literal["data", "output"]
    message: Annotated[str, Meta(max_length=2000)]


ToMaker: TypeAlias = Begin | Segment | Clock | Cues | FilmFile | Finish | ReadBack | Sheet
FromMaker: TypeAlias = Ready | NeedFile | SegmentRead | PartDone | Finished | WasRead | SheetDrawn | Working | Failed
_to_maker: msgspec.json.Decoder[ToMaker] = msgspec.json.Decoder(Begin | Segment | Clock | Cues | FilmFile | Finish | ReadBack | Sheet)
_from_maker: msgspec.json.Decoder[FromMaker] = msgspec.json.Decoder(
    Ready | NeedFile | SegmentRead | PartDone | Finished | WasRead | SheetDrawn | Working | Failed
)


def send(link: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send one message. Raises `BlockingIOError` where the link is non-blocking and full, `OSError`."""
    socket.send_fds(link, [msgspec.json.encode(message)], list(descriptors))


def receive_order(link: socket.socket) -> tuple[ToMaker, list[int]]:
    """The next message to the film maker. Raises `EOFError` where the other side is gone."""
    raw, descriptors, _, _ = socket.recv_fds(link, MAX_MESSAGE_BYTES, MAX_DESCRIPTORS)
    if not raw:
        raise EOFError
    return _to_maker.decode(raw), descriptors


def receive_answer(link: socket.socket) -> FromMaker:
    """The next message of the film maker. Raises `EOFError` where it is gone, `msgspec.MsgspecError` for anything that is no message."""
    raw, descriptors, _, _ = socket.recv_fds(link, MAX_MESSAGE_BYTES, MAX_DESCRIPTORS)
    for descriptor in descriptors:
        os.close(descriptor)
    if not raw:
        raise EOFError
    return _from_maker.decode(raw)
