"""Export: a recording as a film that any player opens, for the holder of an identity. The evidence itself stays as it is.

Guarantees: packets are copied, never re-encoded, so `ffmpeg -map 0 -c copy -f streamhash -hash sha256 -` gives the same for the film as for
the decrypted segment; faststart MP4; the recording is never held in memory as a whole; an interruption leaves no file under the films'
names. Where codec parameters change or more than a second of picture is missing, a new part begins: `FILM.mp4`, `FILM-2.mp4`, … A
fragment that stands twice, because the disk failed when it was first written, is in the film once (`seq`).

Not guaranteed: that the evidence is genuine; signatures are not checked here. Two exports to one name at the same time: the last one
stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import av.error

from bodycamd.casework.binding import Bound
from bodycamd.casework.captions import Captions, Chapter
from bodycamd.casework.identity import Identities
from bodycamd.casework.plaintext import PlainSegment
from bodycamd.casework.remux import Film, Remuxer
from bodycamd.errors import DataError, NotFoundError, OutputError
from bodycamd.evidence.segment_reader import Triple
from bodycamd.evidence.statements import FragmentStatement


@dataclass(frozen=True, slots=True)
class UnsealedSegment:
    """A segment that a cut left open: what is whole in it was exported, `torn_bytes` were left out."""

    file: str
    fragments: int
    torn_bytes: int


@dataclass(frozen=True, slots=True)
class Export:
    """What was made."""

    recording: str
    parts: list[Film]
    segments: int
    unsealed: list[UnsealedSegment]
    bound: dict[str, Bound]
    """The hashes of all packets as they were sealed, by kind (`video`, `audio`)."""


class Watcher(Protocol):
    """Who wants to know what goes by."""

    def triple(self, triple: Triple) -> None:
        """The next statement; its age file agrees with it."""

    def repeated(self, triple: Triple) -> None:
        """A fragment that stands in an earlier segment already, and is left out here."""

    def progress(self, done_bytes: int) -> None:
        """So many bytes of the segments have been read."""

    def segment(self, segment: PlainSegment) -> None:
        """A segment was read to its end."""


class Progress:
    """A `Watcher` that only passes the progress on."""

    def __init__(self, progress: Callable[[int], None] = lambda _: None) -> None:
        self.progress = progress

    def triple(self, triple: Triple) -> None:
        """Not of interest."""

    def repeated(self, triple: Triple) -> None:
        """Not of interest."""

    def segment(self, segment: PlainSegment) -> None:
        """Not of interest."""


def export(
    recording: str,
    segments: Sequence[Path],
    identities: Identities,
    out: Path,
    *,
    overwrite: bool = False,
    captions: Captions | None = None,
    chapters: Sequence[Chapter] = (),
    watcher: Watcher | None = None,
) -> Export:
    """Write the films of a recording whose segments are given in order.

    With `captions` (empty ones: they are filled here) the films have a subtitle track, and chapters. Raises `PermissionDeniedError` where
    the identity does not open the footage, `DataError` for damage, `NotFoundError` where there is no footage, `OutputError` where a film
    cannot be written, or exists already and `overwrite` is false. After an error no film of this export exists.
    """
    watcher = watcher or Progress()

    def name_part(number: int) -> Path:
        path = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        if path.exists() and not overwrite:
            raise OutputError(f"{path}: exists already; choose another name, or --overwrite")
        return path

    name_part(1)
    if not out.absolute().parent.is_dir():
        raise OutputError(f"{out.absolute().parent}: there is no such folder; make it first")
    remuxer = Remuxer(name_part, captions, chapters)
    unsealed: list[UnsealedSegment] = []
    done_bytes = 0

    last_seq = 0

    def seen(triple: Triple) -> bool:
        nonlocal last_seq
        statement = triple.statement
        if isinstance(statement, FragmentStatement):
            if statement.seq <= last_seq:
                watcher.repeated(triple)
                return False
            last_seq = statement.seq
            if captions is not None:
                captions.add(statement)
        watcher.triple(triple)
        watcher.progress(done_bytes + triple.age.offset)
        return True

    try:
        for path in segments:
            with PlainSegment(path, identities, seen) as segment:
                if segment.init:
                    _add(remuxer, segment)
                if not segment.sealed:
                    unsealed.append(UnsealedSegment(path.name, segment.fragments, segment.torn_bytes))
                watcher.segment(segment)
                done_bytes += segment.size
                watcher.progress(done_bytes)
        films = remuxer.finish()
    finally:
        remuxer.abandon()
    if not films:
        raise NotFoundError(f"recording {recording}: there is no footage in it")
    return Export(recording, films, len(segments), unsealed, remuxer.bound())


def _add(remuxer: Remuxer, segment: PlainSegment) -> None:
    where = str(segment.path)
    try:
        container = av.open(segment, "r", format="mp4")
    except av.error.FFmpegError as error:
        raise DataError(f"{where}: the footage is not an MP4 stream ({error})") from error
    with container:
        remuxer.add(container, where)
