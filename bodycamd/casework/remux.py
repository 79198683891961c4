"""Packets of successive segments into MP4 films, copied, never re-encoded.

A film is one part: its time starts at 0, the offset between picture and sound is kept. A new part begins where the codec parameters change
or where more than `LONGEST_GAP_SECONDS` of picture is missing. The parts are written under temporary names, `faststart` (moov before mdat);
`finish` gives them their names, `abandon` removes them. With captions a part also has a subtitle track and chapters, which do not touch the
packets of picture and sound.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from bodycamd.casework.binding import KINDS, Bound, Tally
from bodycamd.casework.captions import Captions, Chapter
from bodycamd.casework.subtitles import SubtitleTrack, set_chapters
from bodycamd.errors import DataError, OutputError

AnyPacket: TypeAlias = "Packet[Any]"
LONGEST_GAP_SECONDS = Fraction(1)
MP4_OPTIONS = {"movflags": "+faststart", "movie_timescale": "1000000"}
"""The track that begins later is delayed in units of the movie's time scale: with the usual 1/1000 s it would move by up to 1 ms."""
START_WINDOW_SECONDS = Fraction(5)
"""How far the picture may run ahead before a part begins without having seen its sound: longer than the longest fragment."""


@dataclass(frozen=True, slots=True)
class Film:
    """A finished part. `begins_us` is the CLOCK_BOOTTIME of its first picture or sound; `duration_seconds` is the picture's. `shifts` are
    the ticks that were taken from the time stamps of each track, whose `time_bases` they count in.
    """

    path: str
    begins_us: int
    duration_seconds: float
    frames: int
    size_bytes: int
    shifts: dict[str, int]
    time_bases: dict[str, str]


@dataclass(slots=True)
class _Track:
    template: Any
    pending: deque[AnyPacket] = field(default_factory=deque)
    stream: Any = None
    shift: int = 0


class _Part:
    """One film while it is written."""

    def __init__(self, out: Path, templates: dict[str, Any], captions: Captions | None, chapters: Sequence[Chapter]) -> None:
        self.out = out
        self._captions = captions
        self._chapters = chapters
        self._subtitles: SubtitleTrack | None = None
        self.frames = 0
        self.first: Fraction | None = None
        self.end = Fraction(0)
        self.begins = Fraction(0)
        self._tracks = {kind: _Track(template) for kind, template in templates.items()}
        self._container: OutputContainer | None = None
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.stem}.", suffix=".part")
        os.close(handle)
        self.temporary = Path(name)

    def put(self, kind: str, packet: AnyPacket) -> None:
        if kind == "video":
            at = _seconds(packet.pts, packet)
            self.first = at if self.first is None else self.first
            self.end = max(self.end, at + _seconds(packet.duration or 0, packet))
            self.frames += 1
        if self._container is not None:
            self._mux(kind, packet)
            return
        self._tracks[kind].pending.append(packet)
        if all(t.pending for t in self._tracks.values()) or (self.first is not None and self.end - self.first > START_WINDOW_SECONDS):
            self._begin()

    def close(self) -> Film | None:
        """Write what is held back and the index. `None` where there was no picture: then there is no film."""
        if self.first is None:
            return None
        if self._container is None:
            self._begin()
        assert self._container is not None
        if self._subtitles is not None:
            self._subtitles.close(self.end)
            set_chapters(self._container, self._chapters, self.begins, self.end)
        self._container.close()
        self._container = None
        handle = os.open(self.temporary, os.O_RDONLY)
        try:
            os.fsync(handle)
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        shifts = {kind: track.shift for kind, track in self._tracks.items()}
        time_bases = {kind: str(track.template.time_base) for kind, track in self._tracks.items()}
        return Film(str(self.out), round(self.begins * 1_000_000), float(self.end - self.first), self.frames, size, shifts, time_bases)

    def discard(self) -> None:
        if self._container is not None:
            container, self._container = self._container, None
            try:
                container.close()
            except av.error.FFmpegError:
                self.temporary.unlink(missing_ok=True)
                return
        self.temporary.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Everything is held back until the earliest packet of all tracks is known: that one gets time 0."""
        heads = [track.pending[0] for track in self._tracks.values() if track.pending]
        self.begins = min(_seconds(min(p.pts or 0, p.dts or 0), p) for p in heads)
        self._container = av.open(str(self.temporary), "w", format="mp4", options=MP4_OPTIONS)
        for track in self._tracks.values():
            track.stream = self._container.add_stream_from_template(track.template)
            track.shift = round(self.begins / track.template.time_base)
        if self._captions is not None:
            self._subtitles = SubtitleTrack(self._container, self._captions, self.begins)
        for kind, track in self._tracks.items():
            while track.pending:
                self._mux(kind, track.pending.popleft())

    def _mux(self, kind: str, packet: AnyPacket) -> None:
        assert self._container is not None
        track = self._tracks[kind]
        assert packet.pts is not None
        assert packet.dts is not None
        packet.pts -= track.shift
        packet.dts -= track.shift
        packet.stream = track.stream
        self._container.mux_one(packet)
        if kind == "video" and self._subtitles is not None:
            self._subtitles.write_until(self.end)


class Remuxer:
    """Takes segments in order with `add`. `name_part(n)` gives the path of part n, from 1. `captions` may still grow while it runs, but
    must know a fragment before its packets come.
    """

    def __init__(self, name_part: Callable[[int], Path], captions: Captions | None = None, chapters: Sequence[Chapter] = ()) -> None:
        self._name_part = name_part
        self._captions = captions
        self._chapters = chapters
        self._tallies = {kind: Tally() for kind in KINDS}
        self._parameters: Any = None
        self._templates: dict[str, Any] = {}
        self._current: _Part | None = None
        self._before: _Part | None = None
        self._boundary = Fraction(0)
        self._parts: list[_Part] = []
        self._films: list[tuple[_Part, Film]] = []

    def add(self, container: InputContainer, where: str) -> None:
        """Copy all packets of one segment. Raises `DataError` where it cannot be demuxed, `OutputError` where a film cannot be written."""
        templates: dict[str, Any] = {stream.type: stream for stream in container.streams if stream.type in ("video", "audio")}
        if "video" not in templates:
            raise DataError(f"{where}: no picture in it")
        parameters = {kind: _parameters(stream) for kind, stream in templates.items()}
        self._templates = templates
        if parameters != self._parameters:
            self._parameters = parameters
            self._close_current()
        packets = container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                raise DataError(f"{where}: the footage cannot be demuxed ({error})") from error
            if packet is None:
                return
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type in templates:
                self._put(packet.stream.type, packet)

    def finish(self) -> list[Film]:
        """End the last part and give all parts their names, the first one last. Raises `OutputError`."""
        self._close_current()
        try:
            for part, _ in reversed(self._films):
                os.replace(part.temporary, part.out)
        except OSError as error:
            raise OutputError(f"{error.filename2 or error.filename}: cannot be created: {error.strerror}") from error
        return [film for _, film in self._films]

    def bound(self) -> dict[str, Bound]:
        """The hashes of all packets that came, as they were sealed."""
        return {kind: tally.done() for kind, tally in self._tallies.items()}

    def abandon(self) -> None:
        """Remove everything that has not got its name."""
        for part in self._parts:
            part.discard()

    def _put(self, kind: str, packet: AnyPacket) -> None:
        at = _seconds(packet.pts, packet)
        assert packet.pts is not None
        self._tallies[kind].add(packet, packet.pts)
        if kind == "video":
            current = self._current
            if current is not None and current.first is not None and at - current.end > LONGEST_GAP_SECONDS:
                self._boundary = (at + current.end) / 2
                self._close(self._before)
                self._before, self._current = current, None
        part = self._before if kind == "audio" and self._before is not None and at < self._boundary else self._current
        try:
            if part is None:
                part = self._current = self._new_part()
            part.put(kind, packet)
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(f"{self._name_part(1)}: cannot be written: {error}") from error

    def _new_part(self) -> _Part:
        part = _Part(self._name_part(len(self._parts) + 1), self._templates, self._captions, self._chapters)
        self._parts.append(part)
        return part

    def _close_current(self) -> None:
        self._close(self._before)
        self._close(self._current)
        self._before = self._current = None

    def _close(self, part: _Part | None) -> None:
        if part is None:
            return
        try:
            film = part.close()
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(f"{part.out}: cannot be written: {error}") from error
        if film is not None:
            self._films.append((part, film))


def _parameters(stream: Any) -> tuple[Any, ...]:
    context = stream.codec_context
    common = (context.name, stream.time_base, bytes(context.extradata or b""))
    if stream.type == "video":
        return (*common, context.width, context.height)
    return (*common, context.sample_rate, context.layout.name)


def _seconds(ticks: int | None, packet: AnyPacket) -> Fraction:
    assert ticks is not None
    assert packet.time_base is not None
    return ticks * packet.time_base
