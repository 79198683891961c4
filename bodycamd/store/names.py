"""The names in a store. Whatever has another name is a stray: reported, passed over, never touched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from msgspec import Struct

from bodycamd.errors import UsageError
from bodycamd.linux.foreign import Folder

RECORDINGS_FOLDER = "recordings"
LEDGER_FOLDER = "ledger"

_RECORDING = re.compile(r"([0-9]{6})-([0-9]{4})")
_SEGMENT = re.compile(r"([0-9]{6})(\.tar|\.cut\.tar|\.tar\.part)")
_KINDS: dict[str, SegmentKind] = {".tar": "sealed", ".cut.tar": "cut", ".tar.part": "open"}

SegmentKind = Literal["sealed", "cut", "open"]
"""`sealed`: finished. `cut`: recovered by a later start. `open`: being written, or left so by a start that nobody has recovered yet."""


class SegmentFile(Struct, frozen=True, order=True):
    """A file that has the name of a segment, and is a file."""

    number: int
    path: Path
    kind: SegmentKind


class Stray(Struct, frozen=True):
    """Something in the store that does not belong there, or could not be dealt with. `path` is relative to the folder of recordings."""

    path: str
    reason: str


def recording_id(start: int, number: int) -> str:
    """The name of the recording `number` (from 1) of a start: sorts by age, is never used twice."""
    return f"{start:06d}-{number:04d}"


def recording_start(name: str) -> int | None:
    """The start of which this is a recording; `None` where it is no recording's name."""
    match = _RECORDING.fullmatch(name)
    return int(match[1]) if match else None


def check_recording(name: str) -> int:
    """The start of the recording that a command line or a request names. Raises `UsageError` for what is no recording's id: the only place
    that does.
    """
    start = recording_start(name)
    if start is None:
        raise UsageError(f"{name!r} is not the id of a recording; one looks like 000042-0001")
    return start


def recording_names(recordings: Path) -> tuple[list[str], list[Stray]]:
    """The recordings' folders in order, and what else lies in the store's folder `recordings`. Raises as `Folder.open` does, which takes no
    link below the store."""
    names: list[str] = []
    strays: list[Stray] = []
    with Folder.open(recordings, below=recordings.parent) as folder:
        for entry in folder.names():
            if recording_start(entry.name) is None:
                strays.append(Stray(entry.name, "not the name of a recording"))
            elif not entry.is_folder:
                strays.append(Stray(entry.name, "not a folder"))
            else:
                names.append(entry.name)
    return names, strays


def is_segment(name: str) -> bool:
    """Whether a file's name is a segment's."""
    return _SEGMENT.fullmatch(name) is not None


def segment_kind(name: str) -> SegmentKind:
    """What the name of a segment's file says of it. Raises `UsageError` for another name."""
    match = _SEGMENT.fullmatch(name)
    if match is None:
        raise UsageError(f"{name!r} is not the name of a segment")
    return _KINDS[match[2]]


def segment_files(folder: Path) -> tuple[list[SegmentFile], list[Stray]]:
    """The segments of a recording in order, and what else lies there. Raises as `Folder.open` does, which takes no link below the store."""
    found: list[SegmentFile] = []
    strays: list[Stray] = []
    with Folder.open(folder, below=folder.parent.parent) as opened:
        for entry in opened.names():
            match = _SEGMENT.fullmatch(entry.name)
            if match is None:
                strays.append(Stray(f"{folder.name}/{entry.name}", "not the name of a segment"))
            elif not entry.is_file:
                strays.append(Stray(f"{folder.name}/{entry.name}", "not a regular file"))
            else:
                found.append(SegmentFile(int(match[1]), folder / entry.name, _KINDS[match[2]]))
    return sorted(found), strays


def recording_starts(recordings: Path) -> set[int]:
    """The start numbers of everything that has a recording's name, folder or not. Raises as `recording_names` does."""
    with Folder.open(recordings, below=recordings.parent) as folder:
        return {number for entry in folder.names() if (number := recording_start(entry.name)) is not None}
