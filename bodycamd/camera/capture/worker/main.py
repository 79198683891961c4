"""The capture worker's process: `python -m bodycamd.camera.capture.worker.main FD`, where FD is its end of the link to the recorder.

Life: lock its memory, harden, confine, take `Prepare`, import, check it, answer `Prepared` (or `Refused`, and exit); wait, with no device
open, for `Open`, answering each `Ping`; send the first `Tick` at once, then the init segment and fragments; at `Close` flush, send
`Closed`, exit. One process opens the camera once.

Guarantees:

- Plaintext footage stays in this process: the link carries age files, standard error carries short lines about the process only. Its memory
  is locked against swap where the limits allow; where they do not, it says so and records all the same.
- At the end the camera has 0.8 s to close and to give the frames that it still holds; then the last group of pictures is sent all the
  same. A driver that hangs costs neither the footage nor the end of the process, which is `_exit`.
- When the recorder is gone (end of the link, or its death signal) the worker ends. SIGTERM, SIGINT and SIGHUP are the
  recorder's to answer.
- A camera that fails ends the worker with `Failed` and the reason, after the footage up to then.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from msgspec import structs

from bodycamd.camera.capture.protocol import (
    AudioReport,
    Close,
    Closed,
    Failed,
    Fragment,
    FromWorker,
    Init,
    LinkClosed,
    LinkError,
    MicrophoneReport,
    Open,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Refused,
    SetMicrophone,
    Tick,
    View,
    WorkerLink,
)
from bodycamd.errors import BodycamError
from bodycamd.footage import FragmentFacts
from bodycamd.foreign_text import shown
from bodycamd.linux import memory, sandbox
from bodycamd.linux.named_thread import NamedThread

if TYPE_CHECKING:
    from bodycamd.camera.capture.sources.source import PictureSource
    from bodycamd.camera.capture.worker.encrypt import Recipients
    from bodycamd.camera.capture.worker.microphone import Microphone
    from bodycamd.camera.capture.worker.muxer import Muxer, SoundOf
    from bodycamd.camera.capture.worker.outbox import Outbox
    from bodycamd.camera.capture.worker.stream import Stream

TICK_SECONDS: Final = 0.25
CLOSE_SECONDS: Final = 0.8
"""For the camera to close; the recorder waits 2 s for `Closed`."""
MAX_DEVICE: Final = 200
"""Characters of a device's name that are told."""
SEND_SECONDS: Final = 10.0
"""For the last footage to get out, as long as the recorder lets the worker live."""


def main(arguments: list[str]) -> NoReturn:
    """Run; never returns."""
    if len(arguments) != 2 or not arguments[1].isdecimal():
        sys.stderr.write("usage: python -m bodycamd.camera.capture.worker.main FD   (started by the recorder)\n")
        raise SystemExit(2)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # picamera2 loads numpy, whose threads nothing here would use
    unlocked = memory.lock()
    report = ["memory locked" if unlocked is None else f"MEMORY NOT LOCKED: {unlocked}"]
    report += sandbox.step_back() + sandbox.harden_process() + sandbox.confine()
    link = WorkerLink(socket.socket(fileno=int(arguments[1])))
    try:
        _serve(link, report, unlocked)
    except LinkClosed:
        _leave(0, "the recorder is gone")
    except LinkError as error:
        _leave(1, f"the recorder broke the link's rules: {error}")


def _serve(link: WorkerLink, report: list[str], unlocked: str | None) -> NoReturn:
    with contextlib.suppress(ImportError):  # told where it is needed, in answer to `Prepare`
        _load()
    prepare = link.receive()
    if not isinstance(prepare, Prepare):
        raise LinkError(f"{type(prepare).__name__} before Prepare")
    try:
        worker = Worker(link, prepare)
    except (BodycamError, ImportError) as error:
        reason = _why(error)
        link.send(Refused(reason=reason))
        _leave(0, f"refused: {reason}")
    link.send(Prepared(pid=os.getpid(), versions=_versions(), sandbox="; ".join(report), unlocked=unlocked))
    command = link.receive()
    while isinstance(command, Ping | SetMicrophone):
        if isinstance(command, Ping):
            link.send(Pong())  # a microphone's setting has nothing to change before the opening: Open tells
        command = link.receive()
    if isinstance(command, Close):
        _leave(0)
    if not isinstance(command, Open):
        raise LinkError(f"{type(command).__name__} after Prepare")
    worker.open(command)
    while True:
        match link.receive():
            case SetMicrophone() as command:
                worker.set_microphone(command.open)
            case Close():
                worker.close()
            case other:
                raise LinkError(f"{type(other).__name__} after Open")


def _load() -> None:
    """What every worker needs, FFmpeg's libraries above all, while the recorder may still be loading itself. (And what answers an opening
    must not wait for the card.) Raises `ImportError`."""
    from bodycamd.camera.capture.worker import encrypt, microphone, outbox, sound_devices, stream  # noqa: F401


def _why(error: BodycamError | ImportError) -> str:
    from bodycamd.linux.missing_package import what_is_missing

    missing = what_is_missing(error, "camera") if isinstance(error, ImportError) else None
    return str(error) if missing is None else f"recording needs {missing}"


class Worker:
    """Everything between the settings and the link. Made once, opened once."""

    def __init__(self, link: WorkerLink, prepare: Prepare) -> None:
        """Import and check; opens no device. Raises `BodycamError` or `ImportError`: then nothing will work with these settings here."""
        _load()
        from bodycamd.camera.capture.worker.encrypt import parse_recipients
        from bodycamd.camera.capture.worker.microphone import Microphone
        from bodycamd.camera.capture.worker.sound_devices import device_opener

        self._link = link
        self._prepare = prepare
        self._recipients: Recipients = parse_recipients(prepare.recipients_text)
        self._source: PictureSource = _source(prepare)
        self._microphone: Microphone | None = Microphone(device_opener(prepare.microphone)) if prepare.audio else None
        self._outbox: Outbox
        self._stream: Stream
        self._generation = 0
        self._viewed = False
        self._closing_lock = threading.Lock()
        self._closing: threading.Thread | None = None

    def open(self, command: Open) -> None:
        """Open camera and microphone. What fails is told by `Failed`."""
        from bodycamd.camera.capture.worker.outbox import Outbox
        from bodycamd.camera.capture.worker.stream import Stream

        self._generation = command.generation
        self._outbox = Outbox(
            self._link,
            self._recipients,
            on_failure=self._die,
            on_recorder_gone=lambda: _leave(0, "the recorder is gone"),
        )
        self._stream = Stream(
            make_muxer=self._muxer,
            microphone=self._microphone,
            on_audio=lambda audio, reason: self._outbox.put(AudioReport(generation=self._generation, audio=audio, reason=reason)),
            on_microphone=self._tell_microphone,
            on_end=self._end,
            max_group_frames=self._max_group_frames(),
        )
        self.set_microphone(command.microphone)
        self._link.send(self._state())  # by this thread, before a driver can hold the interpreter: the answer to `Open`
        NamedThread(target=self._tick, name="tick", daemon=True).start()
        self._stream.start()
        try:
            self._source.open(self._stream.on_frame, self._stream.fail)
        except BodycamError as error:
            self._stream.fail(str(error))
        except Exception as error:  # a camera library may raise anything; the recorder hears of it and tries again
            self._stream.fail(f"the camera cannot be opened: {error!r}")
        else:
            self._stream.camera_is_open()

    def _tell_microphone(self, device: str, silent: bool) -> None:
        self._outbox.put(MicrophoneReport(generation=self._generation, device=device[:MAX_DEVICE], silent=silent))

    def set_microphone(self, wanted: bool) -> None:
        """Open or close the microphone, if this stream has sound at all."""
        if self._microphone is not None:
            self._microphone.set_open(wanted)

    def close(self) -> None:
        """Begin the end; `Closed` follows from the stream's thread."""
        self._close_camera()
        self._stream.finish()

    def _close_camera(self) -> None:
        """Close the camera once, waiting at most `CLOSE_SECONDS` for it."""
        with self._closing_lock:
            if self._closing is None:
                self._closing = threading.Thread(target=self._close_source, name="close", daemon=True)
                self._closing.start()
                self._closing.join(CLOSE_SECONDS)
                if self._closing.is_alive():
                    sys.stderr.write("bodycamd worker: the camera does not close; leaving it to the kernel\n")

    def _close_source(self) -> None:
        try:
            self._source.close()
        except Exception as error:  # the process is about to end, and the kernel releases the camera
            sys.stderr.write(f"bodycamd worker: the camera does not close well: {shown(error)}\n")

    def _max_group_frames(self) -> int | None:
        """A film was looked through when it was read."""
        from bodycamd.camera.capture.sources.source import Group

        video = self._prepare.video
        return None if video.source == "file" else Group.of(video).frames

    def _muxer(self, sound_of: SoundOf) -> Muxer:
        from bodycamd.camera.capture.worker.muxer import Muxer

        return Muxer(
            self,
            generation=self._generation,
            width=self._source.width,
            height=self._source.height,
            frame_rate=self._source.frame_rate,
            audio_bit_rate=self._prepare.microphone.bit_rate if self._prepare.audio else None,
            sound_of=sound_of,
            slowest_frame_rate=self._prepare.video.night_frame_rate,
        )

    def put_init(self, data: bytes) -> None:
        """Send the muxer's init segment."""
        source = self._source
        message = Init(
            generation=self._generation,
            recipients=self._recipients.names,
            encoder=source.encoder,
            width=source.width,
            height=source.height,
            frame_rate=source.frame_rate,
            audio_track=self._prepare.audio,
        )
        self._outbox.put(message, data)

    def put_fragment(self, facts: FragmentFacts, data: bytes) -> bool:
        """Send a fragment of the muxer's, unless too much waits already; before the first, what the camera sees."""
        if not self._viewed:
            self._viewed = True
            if (view := self._source.view()) is not None:
                self._outbox.put(View(generation=self._generation, **structs.asdict(view)))
        return self._outbox.put_fragment(Fragment.of(facts), data)

    def _tick(self) -> None:
        while True:
            self._outbox.tick(self._state())
            time.sleep(TICK_SECONDS)

    def _state(self) -> Tick:
        stream = self._stream
        last_frame_us, frames = stream.came()
        return Tick(last_frame_us=last_frame_us, frames=frames, dropped=stream.dropped, audio=stream.audio, level=stream.level)

    def _end(self, failure: str | None) -> None:
        """All footage is muxed: get it out, close the camera if a failure is the reason, then say so."""
        self._outbox.flush(SEND_SECONDS)
        self._close_camera()
        last: FromWorker = Closed(generation=self._generation) if failure is None else Failed(reason=failure)
        self._outbox.put(last)
        self._outbox.flush(SEND_SECONDS)
        _leave(0 if failure is None else 1, failure)

    def _die(self, reason: str) -> NoReturn:
        """Sealing or the link failed: nothing that waits can go out any more."""
        try:
            self._link.send(Failed(reason=reason))
        finally:
            _leave(1, reason)


def _source(prepare: Prepare) -> PictureSource:
    match prepare.video.source:
        case "picamera2":
            from bodycamd.camera.capture.sources.picamera import PiCamera

            return PiCamera(prepare.video, prepare.board)
        case "pattern":
            from bodycamd.camera.capture.sources.pattern import Pattern

            return Pattern(prepare.video)
        case "file":
            from bodycamd.camera.capture.sources.film import FilmLoop

            return FilmLoop(prepare.video)


def _versions() -> dict[str, str]:
    import av

    return {
        "python": platform.python_version(),
        "av": av.__version__,
        "libavcodec": ".".join(map(str, av.library_versions["libavcodec"])),
        "pyrage": _pyrage_version(),
    }


def _pyrage_version() -> str:
    """By the name of the folder beside it (PyPA's "Recording installed projects"). `importlib.metadata` is the usual way, and a quarter of
    all that a worker imports.
    """
    from bodycamd.linux.age_library import pyrage

    records = Path(pyrage.__file__).parents[1].glob("pyrage-*.dist-info")
    return ", ".join(record.name.removeprefix("pyrage-").removesuffix(".dist-info") for record in records) or "unknown"


def _leave(code: int, reason: str | None = None) -> NoReturn:
    """End at once. Not by `sys.exit`: a driver that hangs would hang its clean-up too."""
    if reason:
        sys.stderr.write(f"bodycamd worker: {shown(reason, 1000)}\n")
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv)
