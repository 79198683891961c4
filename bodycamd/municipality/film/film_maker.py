"""The film maker as the export sees it: a confined child process that is fed plain fragments and returns films that have no name yet.

Guarantees
- The child gets footage by pipe and files by descriptor; it can open none for writing, reaches no network, and has limits of memory,
  processor time and descriptors (`film_maker_process`). Without a word for longer than the footage can explain, it is killed.
- Whatever it does, ends or says, comes out of here as a `BodycamError` of one sentence. After the context there is no child.
- `stop` is called at least every 100 ms while anything is waited for.

Not guaranteed: that what it made is what was asked for: count it, read it back.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from bodycamd.errors import DataError, OutputError, StorageError
from bodycamd.evidence.statements import Video
from bodycamd.footage import MAX_SIDE_PIXELS
from bodycamd.linux.child import LinkedChild
from bodycamd.linux.python import python_command
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.film import film_link
from bodycamd.municipality.film.captions import Chapter
from bodycamd.municipality.film.film_link import FromMaker

LOOK_SECONDS: Final = 0.1
MEMORY_BYTES: Final = 256 * 1024 * 1024
"""Of its own, beside the libraries. 17 pictures of 1920x1088 take 53 MB."""
MEMORY_BYTES_FOR_EACH_GB: Final = 64 * 1024 * 1024
"""The index of a film is made in memory: about 20 MB for each GB."""
PROCESSOR_SECONDS: Final = 120
PROCESSOR_SECONDS_FOR_EACH_GB: Final = 180
QUIET_SECONDS: Final = 60.0
QUIET_SECONDS_FOR_EACH_GB: Final = 120.0
"""Ending a film moves all of it by the length of its index, without a word meanwhile: on the slowest disks 20 MB/s."""
ENDING_SECONDS: Final = 2.0
"""From the end of the link to the end of the process, which is cleared away in between."""
PIPE_BYTES: Final = 1024 * 1024
F_SETPIPE_SZ: Final = 1031

Answer = TypeVar("Answer", bound=film_link.Message)


class FilmMaker:
    """One child process. Use it as a context. `new_file` returns the file for the next film."""

    def __init__(
        self, stop: Callable[[], None], new_file: Callable[[], UnnamedFile] | None = None, *, out: Path = Path(), size_bytes: int = 0
    ) -> None:
        """`out` is what is made, for messages. `size_bytes` is how much footage there is in all: the limits follow it."""
        self._stop = stop
        self._new_file = new_file
        self._out = out
        gigabytes = size_bytes / 1e9
        self._quiet_seconds = QUIET_SECONDS + QUIET_SECONDS_FOR_EACH_GB * gigabytes
        memory_bytes = MEMORY_BYTES + int(MEMORY_BYTES_FOR_EACH_GB * gigabytes)
        self._processor_seconds = PROCESSOR_SECONDS + int(PROCESSOR_SECONDS_FOR_EACH_GB * gigabytes)
        self._answers: list[FromMaker] = []
        self._pipe = -1
        self._poll = select.poll()
        self._process = LinkedChild(
            lambda link: python_command(
                "bodycamd.municipality.film.film_maker_process", str(link), str(memory_bytes), str(self._processor_seconds)
            ),
            socket.SOCK_SEQPACKET,
            stderr=subprocess.DEVNULL,
            environment={**os.environ, "MALLOC_ARENA_MAX": "1"},
        )
        self._link = self._process.link
        self._poll.register(self._link, select.POLLIN)
        self._heard = time.monotonic()
        self.peak_bytes = 0
        """How much memory the child held at most; known after the context."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child, by force: what it made and nobody linked is gone."""
        self._close_pipe()
        self.peak_bytes = self._process.end() or self.peak_bytes
        self._process.close()

    def weaknesses(self) -> list[str]:
        """What the kernel did not let the child give up, in words; empty where it is confined as it should be. Waits for its start."""
        ready = self._answer(film_link.Ready)
        return [line for line in ready.sandbox if line[:5].isupper() or "BUT " in line]

    def begin(self, *, captions: bool, chapters: Sequence[Chapter]) -> None:
        """Films with subtitles and chapters, or without."""
        self._send(film_link.Begin(captions, [(chapter.at_us, chapter.title) for chapter in chapters]))

    def begin_segment(self, where: str, video: Video, audio_track: bool) -> None:
        """The next segment: then `write` its init segment, and its fragments."""
        reading, self._pipe = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(self._pipe, False)
            _widen(self._pipe)
            self._send(film_link.Segment(where, video.width, video.height, audio_track), [reading])
        finally:
            os.close(reading)

    def write_cues(self, cues: Sequence[tuple[int, int, str]]) -> None:
        """The subtitles of the fragment that is written next."""
        self._send(film_link.Cues(list(cues)))

    def set_clock(self, from_us: int, offset_us: int) -> None:
        """What the wall clock was from this picture on; to be said before its fragment is written."""
        self._send(film_link.Clock(from_us, offset_us))

    def write(self, plain: bytes) -> None:
        """The next bytes of the segment."""
        waiting = memoryview(plain)
        self._poll.register(self._pipe, select.POLLOUT)
        try:
            while waiting:
                self._look()
                try:
                    waiting = waiting[os.write(self._pipe, waiting[:PIPE_BYTES]) :]
                    self._heard = time.monotonic()
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    self._poll.unregister(self._pipe)
                    self._close_pipe()
                    self._answer(film_link.SegmentRead)
                    raise DataError("the footage of a segment ends before its bytes do") from None
        finally:
            if self._pipe >= 0:
                self._poll.unregister(self._pipe)

    def end_segment(self) -> film_link.SegmentRead:
        """No more bytes of this segment. Returns what was found in it."""
        self._close_pipe()
        return self._answer(film_link.SegmentRead)

    def finish(self) -> tuple[list[film_link.PartDone], film_link.Finished]:
        """No more segments: end the films."""
        self._send(film_link.Finish())
        finished = self._answer(film_link.Finished)
        parts = [answer for answer in self._answers if isinstance(answer, film_link.PartDone)]
        self._answers = [answer for answer in self._answers if not isinstance(answer, film_link.PartDone)]
        return sorted(parts, key=lambda part: part.number), finished

    def read_back(self, film: UnnamedFile, shifts: Mapping[str, int], *, only: bool) -> film_link.WasRead:
        """Read a finished film as a player would."""
        reading = film.second_descriptor()
        try:
            self._send(film_link.ReadBack(dict(shifts), only), [reading])
        finally:
            os.close(reading)
        return self._answer(film_link.WasRead)

    def draw_sheet(self, film: UnnamedFile | int, png: UnnamedFile, *, columns: int, rows: int, caption_pixels: int = 0) -> list[int]:
        """Draw the contact sheet of a film, which may also be any descriptor that is read from its beginning. Returns where in the film
        its pictures are, in microseconds. Below each picture `caption_pixels` stay white.
        """
        reading = os.dup(film) if isinstance(film, int) else film.second_descriptor()
        try:
            self._send(film_link.Sheet(columns, rows, caption_pixels, MAX_SIDE_PIXELS, MAX_SIDE_PIXELS), [reading, png.descriptor])
        finally:
            os.close(reading)
        return self._answer(film_link.SheetDrawn).pictures_us

    def _send(self, message: film_link.Message, descriptors: Sequence[int] = ()) -> None:
        while True:
            try:
                film_link.send(self._link, message, descriptors)
                return
            except BlockingIOError:
                self._look(select.POLLOUT)
            except OSError:  # it is gone; what it said before counts
                while True:
                    self._look()

    def _answer(self, kind: type[Answer]) -> Answer:
        while True:
            for number, answer in enumerate(self._answers):
                if isinstance(answer, kind):
                    del self._answers[number]
                    return answer
            self._look()

    def _look(self, also: int = 0) -> None:
        """Wait a moment for something to happen; take what the child says."""
        self._stop()
        self._poll.modify(self._link, select.POLLIN | also)
        ready = self._poll.poll(LOOK_SECONDS * 1000)
        if any(descriptor == self._link.fileno() and events & ~select.POLLOUT for descriptor, events in ready):
            self._take()
        if time.monotonic() - self._heard > self._quiet_seconds:
            raise DataError(f"the film maker did not say a word for {self._quiet_seconds:.0f} s over this footage, and was ended")

    def _take(self) -> None:
        try:
            answer = film_link.receive_answer(self._link)
        except (BlockingIOError, ConnectionResetError):
            return  # the latter, once, where it did not read all before it ended: what it said is still to come
        except (EOFError, OSError):
            raise self._ended() from None
        except msgspec.MsgspecError as error:
            raise DataError(f"the film maker said what it cannot say: {error}") from error
        self._heard = time.monotonic()
        match answer:
            case film_link.Failed(kind="output"):
                raise OutputError(f"{self._out}: {answer.message}")
            case film_link.Failed():
                raise DataError(answer.message)
            case film_link.NeedFile():
                self._hand_over()
            case film_link.Working():
                pass
            case _:
                self._answers.append(answer)

    def _hand_over(self) -> None:
        if self._new_file is None:
            raise DataError("the film maker asked for a file that it does not need")
        file = self._new_file()
        reading = file.second_descriptor()
        try:
            self._send(film_link.FilmFile(), [file.descriptor, reading])
        finally:
            os.close(reading)

    def _ended(self) -> DataError | StorageError:
        """The child is gone without a word: how."""
        if not self._process.wait(ENDING_SECONDS):
            self._process.end()
        code = self._process.exit_code or 0
        if code == -signal.SIGXCPU:
            return DataError(f"to make a film of this footage takes more than {self._processor_seconds} s of the processor")
        if code == -signal.SIGKILL:
            return StorageError("the film maker was killed: by hand, or because memory ran out")
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return DataError(f"the film maker {how} over this footage")

    def _close_pipe(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


def _widen(pipe: int) -> None:
    """A longer pipe spares changes between the processes; an ordinary one will do."""
    import fcntl

    try:
        fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return
