"""Packets of successive segments into MP4 films, copied, never re-encoded. Runs in the film maker's process only.

A film is one part. Its time starts at 0, with the picture unless sound is earlier by more than a packet; the offset between them is kept.
A new part begins where the codec parameters change or where more than `LONGEST_GAP_SECONDS` of picture is missing. Its time of creation is
the wall clock at its first picture, as it was stated. With captions a part also has a subtitle track and chapters, which do not touch the
packets of picture and sound.

What is read must be one track of H.264 of the stated size and, where it is stated, one of AAC; no other decoder is ever opened. What is
written is counted: a part is done when its index, read back, holds as many pictures and packets of sound as were put into it.

FFmpeg reads and writes by its `fd:` protocol, without a callback into Python in which an error could get lost. It takes descriptor 0 for
what it reads and 1 for what it writes, and makes a copy when it opens; `faststart` opens the film a second time, for reading, when it ends.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from bodycamd.errors import DataError, OutputError
from bodycamd.linux import durable
from bodycamd.municipality.film.captions import Captions, Chapter, clock_text
from bodycamd.municipality.film.film_link import DISK_ERRORS, Segment
from bodycamd.municipality.film.packet_hashes import KINDS, Bound, Tally
from bodycamd.municipality.film.subtitles import SubtitleTrack, set_chapters

AnyPacket: TypeAlias = "Packet[Any]"
LONGEST_GAP_SECONDS = Fraction(1)
MP4_OPTIONS = {"movflags": "+faststart", "movie_timescale": "1000000", "avoid_negative_ts": "disabled"}
"""The track that begins later is delayed in units of the movie's time scale: with the usual 1/1000 s it would move by up to 1 ms. Time
stamps stay what they are: those of sound may begin below 0 (see `_Part._begin`)."""
READ_OPTIONS = {
    "codec_whitelist": "h264,aac,mov_text",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2",
    "protocol_whitelist": "fd",
}
"""What FFmpeg may open at all, also while it looks for what a stream is."""
LATEST_CREATION_US = (2**32 - 2_082_844_800) * 1_000_000
"""FFmpeg writes the time of creation in 32 bits, counted from 1904: from 2040-02-06 on it would be another time, and is left out."""
START_WINDOW_SECONDS = Fraction(5)
"""How far the picture may run ahead before a part begins without having seen its sound: longer than the longest fragment."""
CODECS = {"video": "h264", "audio": "aac"}


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part. `begins_us` is the CLOCK_BOOTTIME of its time 0; `duration_seconds` is the picture's. `shifts` are
    the ticks that were taken from the time stamps of each track, whose `time_bases` they count in.
    """

    begins_us: int
    duration_seconds: float
    frames: int
    shifts: dict[str, int]
    time_bases: dict[str, str]


@dataclass(frozen=True, slots=True)
class FilmFile:
    """One file that was handed over, open twice: each descriptor has a position of its own."""

    writing: int
    reading: int

    def close(self) -> None:
        """Both."""
        os.close(self.writing)
        os.close(self.reading)


@dataclass(slots=True)
class _Track:
    """Everything of the template is taken at once: its container may be closed long before the part ends, and its memory is freed then."""

    stream: Any
    time_base: Fraction
    pending: deque[AnyPacket] = field(default_factory=deque)
    shift: int = 0
    packets: int = 0


class _Part:
    """One film while it is written."""

    def __init__(
        self,
        file: FilmFile,
        templates: dict[str, Any],
        captions: Captions | None,
        chapters: Sequence[Chapter],
        wall: Callable[[Fraction], str],
    ) -> None:
        self._file = file
        self._wall = wall
        self._captions = captions
        self._chapters = chapters
        self._subtitles: SubtitleTrack | None = None
        self.frames = 0
        self.first: Fraction | None = None
        self.end = Fraction(0)
        self.begins = Fraction(0)
        self._container: OutputContainer = av.open("fd:", "w", format="mp4", options=MP4_OPTIONS)
        self._tracks = {
            kind: _Track(self._container.add_stream_from_template(template), template.time_base) for kind, template in templates.items()
        }
        self._begun = False

    def put(self, kind: str, packet: AnyPacket) -> None:
        if kind == "video":
            at = _seconds(packet.pts, packet)
            self.first = at if self.first is None else self.first
            self.end = max(self.end, at + _seconds(packet.duration or 0, packet))
            self.frames += 1
        if self._begun:
            self._mux(kind, packet)
            return
        self._tracks[kind].pending.append(packet)
        if all(t.pending for t in self._tracks.values()) or (self.first is not None and self.end - self.first > START_WINDOW_SECONDS):
            self._begin()

    @property
    def next_cue(self) -> int:
        """Cues before this one are not needed any more."""
        return self._subtitles.position if self._subtitles is not None else 0

    def close(self) -> Part | None:
        """Write what is held back and the index, make it durable and count. `None` where there was no picture: then there is no film.

        Raises `DataError` where the film does not hold what was put into it.
        """
        if self.first is None:
            self._file.close()
            return None
        if not self._begun:
            self._begin()
        if self._subtitles is not None:
            self._subtitles.close(self.end)
            set_chapters(self._container, self._chapters, self.begins, self.end)
        os.dup2(self._file.reading, 0)
        self._container.close()
        durable.sync(self._file.writing)
        self._count()
        self._file.close()
        shifts = {kind: track.shift for kind, track in self._tracks.items()}
        time_bases = {kind: str(track.time_base) for kind, track in self._tracks.items()}
        return Part(round(self.begins * 1_000_000), float(self.end - self.first), self.frames, shifts, time_bases)

    def _count(self) -> None:
        put = {kind: track.packets for kind, track in self._tracks.items()}
        with opened(self._file.reading) as film:
            there = {stream.type: stream.frames for stream in film.streams if stream.type in put}
        if there != put:
            raise DataError(f"a finished film holds {there} packets, and {put} were put into it")

    def _begin(self) -> None:
        """Everything is held back until the earliest packet of all tracks is known: that one gets time 0.

        Where it is of sound, and reaches to the first picture, the picture gets it: editors lose frames of a film whose picture does not
        begin at 0. Its track then begins within that packet, by an edit that plays what is left of it; readers still find the packet whole.
        """
        heads = [track.pending[0] for track in self._tracks.values() if track.pending]
        first = min(heads, key=_begins)
        self.begins = _begins(first)
        assert self.first is not None
        if self.first <= self.begins + _seconds(first.duration or 0, first):
            self.begins = self.first
        for track in self._tracks.values():
            track.shift = round(self.begins / track.time_base)
        if self._captions is not None:
            self._subtitles = SubtitleTrack(self._container, self._captions, self.begins)
        if created := self._wall(self.first):
            self._container.metadata["creation_time"] = created
        os.dup2(self._file.writing, 1)
        self._container.start_encoding()
        self._begun = True
        for kind, track in self._tracks.items():
            while track.pending:
                self._mux(kind, track.pending.popleft())

    def _mux(self, kind: str, packet: AnyPacket) -> None:
        track = self._tracks[kind]
        assert packet.pts is not None
        assert packet.dts is not None
        packet.pts -= track.shift
        packet.dts -= track.shift
        packet.stream = track.stream
        track.packets += 1
        self._container.mux_one(packet)
        if kind == "video" and self._subtitles is not None:
            self._subtitles.write_until(self.end)


class Remuxer:
    """Takes segments in order with `add`. `new_file` returns the file for the next part, `done` hears of each part that is whole, with its
    number. `captions` may still grow while it runs, but must know a fragment before its packets come: `heed` is called before each.
    """

    def __init__(
        self,
        new_file: Callable[[], FilmFile],
        done: Callable[[int, Part], None],
        heed: Callable[[], None],
        captions: Captions | None = None,
        chapters: Sequence[Chapter] = (),
    ) -> None:
        self._new_file = new_file
        self._done = done
        self._heed = heed
        self._captions = captions
        self._chapters = chapters
        self._tallies = {kind: Tally() for kind in KINDS}
        self._parameters: Any = None
        self._templates: dict[str, Any] = {}
        self._current: tuple[int, _Part] | None = None
        self._before: tuple[int, _Part] | None = None
        self._clock: deque[tuple[int, int]] = deque()
        self._boundary = Fraction(0)
        self._parts = 0

    def set_clock(self, from_us: int, offset_us: int) -> None:
        """From this picture on the wall clock was so much ahead of CLOCK_BOOTTIME. In the order of the pictures, before their packets."""
        self._clock.append((from_us, offset_us))

    def _wall(self, at: Fraction) -> str:
        """The wall clock at a picture, empty where a film cannot state it. What was said of later pictures may have come already; nothing
        is asked of earlier ones any more.
        """
        at_us = round(at * 1_000_000)
        while len(self._clock) > 1 and self._clock[1][0] <= at_us:
            self._clock.popleft()
        wall_us = at_us + self._clock[0][1] if self._clock else LATEST_CREATION_US
        return clock_text(wall_us) if wall_us < LATEST_CREATION_US else ""

    def add(self, container: InputContainer, segment: Segment) -> dict[str, int]:
        """Copy all packets of one segment and count them. Raises `DataError` where it is not what is stated or cannot be demuxed,
        `OutputError` where a film cannot be written.
        """
        templates = _streams(container, segment)
        parameters = {kind: _parameters(stream) for kind, stream in templates.items()}
        self._templates = templates
        if parameters != self._parameters:
            self._parameters = parameters
            self._close_current()
        counted = dict.fromkeys(KINDS, 0)
        packets = container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                raise DataError(f"{segment.where}: the footage cannot be demuxed ({error.strerror})") from error
            if packet is None:
                return counted
            if packet.dts is None and packet.pts is None and not packet.size:
                continue  # how PyAV ends each stream
            if packet.dts is None or packet.pts is None:
                raise DataError(f"{segment.where}: a packet has no time")
            self._heed()
            counted[packet.stream.type] += 1
            self._put(packet.stream.type, packet)

    def finish(self) -> dict[str, Bound]:
        """End the last part. Returns the hashes of all packets that came, as they were sealed. Raises like `add`."""
        self._close_current()
        return {kind: tally.done() for kind, tally in self._tallies.items()}

    def _put(self, kind: str, packet: AnyPacket) -> None:
        at = _seconds(packet.pts, packet)
        assert packet.pts is not None
        self._tallies[kind].add(packet, packet.pts)
        if kind == "video" and self._current is not None:
            current = self._current[1]
            if current.first is not None and at - current.end > LONGEST_GAP_SECONDS:
                self._boundary = (at + current.end) / 2
                self._close(self._before)
                self._before, self._current = self._current, None
        if self._before is not None and (len(self._templates) == 1 or (kind == "audio" and at >= self._boundary)):
            self._close(self._before)
            self._before = None
        part = self._before if kind == "audio" and self._before is not None else self._current
        if part is None:
            self._parts += 1
            part = self._current = self._parts, _Part(self._new_file(), self._templates, self._captions, self._chapters, self._wall)
        try:
            part[1].put(kind, packet)
        except (OSError, av.error.FFmpegError) as error:
            raise _told(error) from error
        if self._captions is not None and self._before is None:
            self._captions.forget(part[1].next_cue)

    def _close_current(self) -> None:
        self._close(self._before)
        self._close(self._current)
        self._before = self._current = None

    def _close(self, part: tuple[int, _Part] | None) -> None:
        if part is None:
            return
        try:
            done = part[1].close()
        except (OSError, av.error.FFmpegError) as error:
            raise _told(error) from error
        if done is not None:
            self._done(part[0], done)


def opened(descriptor: int) -> InputContainer:
    """A file that was handed over, as a container to read, from its beginning. Raises `av.error.FFmpegError`."""
    os.dup2(descriptor, 0)
    os.lseek(0, 0, os.SEEK_SET)
    return av.open("fd:", "r", format="mp4", options=READ_OPTIONS)


def _told(error: OSError | av.error.FFmpegError) -> DataError | OutputError:
    words = f"{error.strerror or error}"
    if error.errno in DISK_ERRORS:
        return OutputError(f"cannot be written: {words}")
    return DataError(f"the footage cannot be made a film of ({words})")


def _streams(container: InputContainer, segment: Segment) -> dict[str, Any]:
    """The tracks, which must be those that are stated and no others."""
    wanted: set[Literal["video", "audio"]] = {"video", "audio"} if segment.audio_track else {"video"}
    found = [(stream.type, stream.codec_context.name if stream.codec_context is not None else "unknown") for stream in container.streams]
    if sorted(found) != sorted((kind, CODECS[kind]) for kind in wanted):
        said = ", ".join(f"{kind} ({codec})" for kind, codec in found) or "nothing"
        raise DataError(f"{segment.where}: {said} in it; stated is H.264{' with AAC' if segment.audio_track else ' without sound'}")
    context = container.streams.video[0].codec_context
    if (context.width, context.height) != (segment.width, segment.height):
        raise DataError(
            f"{segment.where}: the picture has {context.width}x{context.height} pixels; stated are {segment.width}x{segment.height}"
        )
    return {stream.type: stream for stream in container.streams}


def _parameters(stream: Any) -> tuple[Any, ...]:
    context = stream.codec_context
    common = (context.name, stream.time_base, bytes(context.extradata or b""))
    if stream.type == "video":
        return (*common, context.width, context.height)
    return (*common, context.sample_rate, context.layout.name)


def _begins(packet: AnyPacket) -> Fraction:
    return _seconds(min(packet.pts or 0, packet.dts or 0), packet)


def _seconds(ticks: int | None, packet: AnyPacket) -> Fraction:
    assert ticks is not None
    assert packet.time_base is not None
    return ticks * packet.time_base
