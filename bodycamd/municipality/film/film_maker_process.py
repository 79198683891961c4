"""The film maker's process: remuxes, reads films back, draws contact sheets. Everything that parses plain footage runs in here.

    python -P -m bodycamd.municipality.film.film_maker_process LINK MEMORY_BYTES PROCESSOR_SECONDS

It has what it was handed: the link (a socketpair), pipes with plain footage to read, files to write. Before it loads FFmpeg it takes limits
of memory, processor time and descriptors, and gives up the network, other programs and every file that it could write (`linux.sandbox`,
which also says what a kernel without Landlock or seccomp does not give). It ends with its parent. Whatever goes wrong in it is reported as
one sentence; a crash is the parent's to tell.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from bodycamd.errors import DataError, OutputError
from bodycamd.foreign_text import shown
from bodycamd.linux import sandbox
from bodycamd.linux.readable import readable
from bodycamd.municipality.film import film_link
from bodycamd.municipality.film.film_link import DISK_ERRORS

if TYPE_CHECKING:
    from bodycamd.municipality.film.captions import Captions
    from bodycamd.municipality.film.packet_hashes import Tally
    from bodycamd.municipality.film.remux import FilmFile, Part, Remuxer

MAX_OPEN_FILES = 64
LIBRARIES_BYTES = 512 * 1024 * 1024
"""Addresses of Python, FFmpeg and what they share with other processes."""
WORKING_SECONDS = 1.0


def main(arguments: list[str]) -> None:
    """Until the link ends, or something goes wrong."""
    link = socket.socket(fileno=int(arguments[0]))
    _take_limits(memory_bytes=int(arguments[1]), processor_seconds=int(arguments[2]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    film_link.send(link, film_link.Ready([*sandbox.harden_process(), *sandbox.confine()]))
    try:
        with contextlib.suppress(EOFError):
            _FilmMaker(link).serve()
    except OutputError as error:
        _fail(link, film_link.Failed("output", shown(str(error), 500)))
    except DataError as error:
        _fail(link, film_link.Failed("data", shown(str(error), 500)))
    except MemoryError:
        _fail(link, film_link.Failed("data", f"it takes more than {int(arguments[1]) >> 20} MiB of memory to make a film of this footage"))
    except Exception as error:  # whatever a parser of foreign footage comes up with: no trace, the parent tells it
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            _fail(link, film_link.Failed("output", f"cannot be written: {error.strerror}"))
        else:
            said = f"the footage cannot be made a film of ({type(error).__name__}: {error})"
            _fail(link, film_link.Failed("data", shown(said, 500)))


def _take_limits(*, memory_bytes: int, processor_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes + LIBRARIES_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (processor_seconds, processor_seconds))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN_FILES, MAX_OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _fail(link: socket.socket, said: film_link.Failed) -> None:
    with contextlib.suppress(OSError):
        film_link.send(link, said)


class _FilmMaker:
    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._waiting: deque[tuple[film_link.ToMaker, list[int]]] = deque()
        self._captions: Captions | None = None
        self._remuxer: Remuxer
        """From `Begin` on, which comes first."""
        self._whole: dict[str, Tally] = {}
        self._next_sign = 0.0

    def serve(self) -> None:
        """Raises `EOFError` where the parent is gone; otherwise like `remux` and `contact_sheet`."""
        while True:
            order, descriptors = self._waiting.popleft() if self._waiting else film_link.receive_order(self._link)
            match order:
                case film_link.Begin():
                    self._begin(order)
                case film_link.Cues():
                    self._take_cues(order)
                case film_link.Clock():
                    self._remuxer.set_clock(order.from_us, order.offset_us)
                case film_link.Segment():
                    self._segment(order, *descriptors)
                case film_link.Finish():
                    film_link.send(self._link, film_link.Finished(self._remuxer.finish()))
                case film_link.ReadBack():
                    self._read_back(order, *descriptors)
                case film_link.Sheet():
                    self._sheet(order, *descriptors)
                case film_link.FilmFile():
                    raise DataError("a file was handed over that nobody asked for")

    def _begin(self, order: film_link.Begin) -> None:
        from bodycamd.municipality.film.captions import Captions, Chapter
        from bodycamd.municipality.film.remux import Remuxer

        self._captions = Captions() if order.captions else None
        chapters = [Chapter(at_us, title) for at_us, title in order.chapters]
        self._remuxer = Remuxer(self._new_file, self._part_done, self._heed, self._captions, chapters)

    def _segment(self, order: film_link.Segment, pipe: int) -> None:
        import av
        import av.error

        from bodycamd.municipality.film.remux import READ_OPTIONS

        os.dup2(pipe, 0)
        os.close(pipe)
        try:
            container = av.open("fd:", "r", format="mp4", options=READ_OPTIONS)
        except av.error.FFmpegError as error:
            raise DataError(f"{order.where}: the footage is not an MP4 stream ({error.strerror})") from error
        with container:
            os.close(0)  # FFmpeg has its own copy: when that is closed the parent's writing ends
            os.open("/dev/null", os.O_RDONLY)
            counted = self._remuxer.add(container, order)
        film_link.send(self._link, film_link.SegmentRead(counted["video"], counted["audio"]))

    def _heed(self) -> None:
        """Take the subtitles that have come: those of a fragment are sent before its bytes. Say now and then that work continues."""
        while readable(self._link):
            order, descriptors = film_link.receive_order(self._link)
            self._take_ahead(order, descriptors)
        self._sign_of_life()

    def _sign_of_life(self) -> None:
        now = time.monotonic()
        if now >= self._next_sign:
            self._next_sign = now + WORKING_SECONDS
            film_link.send(self._link, film_link.Working())

    def _take_ahead(self, order: film_link.ToMaker, descriptors: list[int]) -> None:
        """What belongs to a fragment is taken before its bytes; everything else waits for its turn."""
        if isinstance(order, film_link.Cues):
            self._take_cues(order)
        elif isinstance(order, film_link.Clock):
            self._remuxer.set_clock(order.from_us, order.offset_us)
        else:
            self._waiting.append((order, descriptors))

    def _take_cues(self, order: film_link.Cues) -> None:
        if self._captions is None:
            raise DataError("subtitles came for a film without any")
        for cue in order.cues:
            self._captions.add(*cue)

    def _new_file(self) -> FilmFile:
        from bodycamd.municipality.film.remux import FilmFile

        film_link.send(self._link, film_link.NeedFile())
        while True:
            order, descriptors = film_link.receive_order(self._link)
            if isinstance(order, film_link.FilmFile):
                return FilmFile(*descriptors)
            self._take_ahead(order, descriptors)

    def _part_done(self, number: int, part: Part) -> None:
        done = film_link.PartDone(number, part.begins_us, part.duration_seconds, part.frames, part.shifts, part.time_bases)
        film_link.send(self._link, done)

    def _read_back(self, order: film_link.ReadBack, film: int) -> None:
        from bodycamd.municipality.film.packet_hashes import KINDS, Tally
        from bodycamd.municipality.film.remux import opened

        self._whole = self._whole or {kind: Tally() for kind in KINDS}
        own = {kind: self._whole[kind] if order.only else Tally() for kind in order.shifts}
        with opened(film) as container:
            os.close(film)
            streams = [stream for stream in container.streams if stream.type in order.shifts]
            for packet in container.demux(streams):
                if packet.pts is None:
                    continue
                kind = packet.stream.type
                pts = packet.pts + order.shifts[kind]
                own[kind].add(packet, pts)
                if not order.only:
                    self._whole[kind].add(packet, pts)
                self._sign_of_life()
        bound = {kind: tally.done() for kind, tally in own.items()}
        film_link.send(self._link, film_link.WasRead(bound, {kind: tally.done() for kind, tally in self._whole.items()}))

    def _sheet(self, order: film_link.Sheet, film: int, png: int) -> None:
        from bodycamd.municipality.film.sheet_picture import draw

        pictures_us = draw(film, png, order, self._sign_of_life)
        os.close(film)
        os.close(png)
        film_link.send(self._link, film_link.SheetDrawn(pictures_us))


if __name__ == "__main__":
    main(sys.argv[1:])
