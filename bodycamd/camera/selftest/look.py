"""The process that looks and listens for a check: `python -m bodycamd.camera.selftest.look FD`, where FD is its end of a socketpair,
on which a `LookOrder` comes.

It starts the same capture worker as the recorder, for a key that it has just made and forgets: the camera, the encoder, the microphone and
the encryption that are measured are the ones that will record. Then it opens what came with that key, and measures.

Guarantees
- No picture and no sound leaves this process: its answer is `LookFacts`, figures and the names of parts. It writes no file, its memory is
  locked where the limits allow (`unlocked` says where not), not dumpable, and confined like the worker's.
- It ends within the order's time, and dies with whoever started it; its worker with it.
"""

from __future__ import annotations

import array
import io
import itertools
import math
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import msgspec

from bodycamd.camera.capture.first_worker import start
from bodycamd.camera.capture.look import MAX_LINE_BYTES, Listening, LookFacts, LookOrder, SoundFacts
from bodycamd.camera.capture.protocol import (
    Closed,
    Failed,
    Fragment,
    Init,
    LinkClosed,
    LinkError,
    MicrophoneReport,
    Prepare,
    Prepared,
    Refused,
    View,
)
from bodycamd.camera.capture.worker_process import Child
from bodycamd.camera.selftest.hearing import at_rate, likeness, resampled
from bodycamd.camera.selftest.pictures import facts as facts_of
from bodycamd.camera.selftest.pictures import find_target
from bodycamd.config.pcm_wav import SAMPLE_RATE
from bodycamd.config.warning_sound import load as load_warning
from bodycamd.errors import BodycamError
from bodycamd.footage import FLOOR_DBFS, FragmentFacts, ViewFacts
from bodycamd.foreign_text import shown
from bodycamd.linux import memory, sandbox
from bodycamd.linux.age_library import pyrage
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.readable import readable

CLOSE_SECONDS = 2.5
"""For the worker to close the camera and send its last footage."""
MEASURE_SECONDS = 3.0
"""Of the time to give up, for opening and measuring."""
DECODED = 10
"""Pictures that are looked at: of one group, from its keyframe on."""
DIGITAL_SILENCE = 3e-5
"""The largest sample that 16 bits of nothing have become after AAC: one step of 16 bits is 3.05e-5."""


class Gathered:
    """What a worker sent, as it came."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.init: Init | None = None
        self.pieces: list[bytes] = []
        """Age files: the init segment, then the fragments."""
        self.facts: list[FragmentFacts] = []
        self.view: ViewFacts | None = None
        self.device = ""
        self.silent = False
        self.sandbox = ""
        self.unlocked: str | None = None


class Watcher:
    """One worker from its start to its end. `listening` is called once, when footage comes."""

    def __init__(self, order: LookOrder, recipient: str) -> None:
        """Start the worker; raises `OSError`. Before `confine`: a confined process starts no other."""
        prepare = Prepare(video=order.video, microphone=order.microphone, audio=order.audio, recipients_text=recipient, board=order.board)
        self._order = order
        self._child = Child(start(), prepare, boottime_us())
        self._got = Gathered()

    def watch(self, listening: Callable[[], None], give_up: float) -> Gathered:
        """Until all is said, or `give_up` (CLOCK_MONOTONIC) has come; the worker is ended then."""
        close_at: float | None = None
        try:
            while self._got.failure is None:
                now = time.monotonic()
                if close_at is not None and now >= close_at and self._child.phase == "open":
                    self._child.close_camera(boottime_us())
                    give_up = min(give_up, now + CLOSE_SECONDS)
                if now >= give_up:
                    self._late()
                    break
                until = give_up if close_at is None or self._child.phase != "open" else min(close_at, give_up)
                if not self._hear(until):
                    break
                if close_at is None and self._got.facts:
                    listening()
                    close_at = time.monotonic() + self._order.listen_seconds
        except (LinkError, OSError) as error:
            self._got.failure = self._got.failure or str(error)
        finally:
            self._child.process.end()
            self._child.close_link()
            self._child.process.close()
        return self._got

    def _late(self) -> None:
        if self._child.phase == "preparing":
            self._got.failure = "the capture worker was not prepared in time"
        elif not self._got.facts:
            self._got.failure = "the camera was opened, and no picture came in time"

    def _hear(self, until: float) -> bool:
        """Take what comes; returns whether more may come."""
        sock = self._child.sock
        if sock is None:
            return False
        if not readable(sock, max(0.0, until - time.monotonic())):
            return True
        try:
            whole = self._child.read(boottime_us())
        except BlockingIOError:
            return True
        except LinkClosed:
            if not self._got.facts:
                self._got.failure = "the capture worker ended; see the journal"
            return False
        if whole is None:
            return True
        message, payload = whole
        got = self._got
        match message:
            case Prepared():
                got.sandbox, got.unlocked = message.sandbox, message.unlocked
                self._child.enter("prepared", boottime_us())
                self._child.open(1, self._order.audio, boottime_us())
            case Refused() | Failed():
                got.failure = message.reason
            case Init():
                got.init = message
                got.pieces.append(bytes(payload))
            case View():
                got.view = message.facts
            case Fragment():
                got.pieces.append(bytes(payload))
                got.facts.append(message)
            case MicrophoneReport():
                got.device, got.silent = message.device or got.device, message.silent
            case Closed():
                return False
        return True


def measure(order: LookOrder, got: Gathered, identity: pyrage.x25519.Identity) -> LookFacts:
    """What came, opened and measured."""
    opened = [clear for piece in got.pieces if (clear := _opened(piece, identity)) is not None]
    stranger = pyrage.x25519.Identity.generate()
    shape, rest = got.init, got.facts[1:]
    pictures = _pictures(opened)
    return LookFacts(
        failure=None if got.failure is None else shown(got.failure, 500),
        module="" if got.view is None else got.view.module,
        differs="" if got.view is None else got.view.differs,
        encoder="" if shape is None else shape.encoder,
        width=0 if shape is None else shape.width,
        height=0 if shape is None else shape.height,
        frame_rate=float(order.video.frame_rate) if shape is None else shape.frame_rate,
        frames=sum(fact.frames for fact in rest),
        seconds=(rest[-1].end_us - rest[0].pts_us) / 1e6 if rest else 0.0,
        picture=facts_of(pictures),
        target=find_target(pictures[-1]) if order.target and pictures else None,
        sound=_sound(order, got, opened) if order.audio and got.facts else None,
        encrypted=len(got.pieces),
        opened=len(opened),
        opened_by_another_key=sum(_opened(piece, stranger) is not None for piece in got.pieces[:2]),
        sandbox=got.sandbox,
        unlocked=got.unlocked,
    )


def _opened(piece: bytes, identity: pyrage.x25519.Identity) -> bytes | None:
    try:
        clear: bytes = pyrage.decrypt(piece, [identity])
    except pyrage.DecryptError:
        return None
    return clear


def _pictures(opened: list[bytes]) -> list[av.VideoFrame]:
    """The first pictures of the newest whole group; none where nothing can be decoded."""
    if len(opened) < 2:
        return []
    group = opened[2] if len(opened) > 3 else opened[1]
    try:
        with av.open(io.BytesIO(opened[0] + group), "r") as film:
            return list(itertools.islice(film.decode(video=0), DECODED))
    except av.FFmpegError:
        return []


def _sound(order: LookOrder, got: Gathered, opened: list[bytes]) -> SoundFacts:
    heard = _samples(opened)
    peak = max(map(abs, heard), default=0.0)
    rms = math.sqrt(sum(sample * sample for sample in heard) / len(heard)) if heard else 0.0
    return SoundFacts(
        state=got.facts[-1].audio,
        device=got.device,
        digital_silence=got.silent or peak < DIGITAL_SILENCE,
        peak_dbfs=_dbfs(peak),
        rms_dbfs=_dbfs(rms),
        likeness=_likeness(heard, Path(order.warning), order.spoken_seconds),
    )


def _samples(opened: list[bytes]) -> array.array[float]:
    if len(opened) < 2:
        return array.array("f")
    try:
        with av.open(io.BytesIO(b"".join(opened)), "r") as film:
            return resampled(list(film.decode(audio=0)))
    except (av.FFmpegError, IndexError):  # no sound track, or none that can be decoded
        return array.array("f")


def _likeness(heard: array.array[float], warning: Path, seconds: float) -> float | None:
    """`None` where the warning cannot be read: the voice says why."""
    try:
        sound = load_warning(warning)
    except BodycamError:
        return None
    spoken = sound.samples[: round(seconds * SAMPLE_RATE) * sound.frame_bytes]
    return round(likeness(heard, at_rate(spoken, SAMPLE_RATE, sound.channels)), 4)


def _dbfs(amplitude: float) -> float:
    return max(FLOOR_DBFS, round(20 * math.log10(amplitude), 1)) if amplitude > 0 else FLOOR_DBFS


def main(arguments: list[str]) -> int:
    """Take the order, look, say the figures. Exit code 0 where they were said, 2 for an order that is none."""
    began = time.monotonic()
    unlocked = memory.lock()
    sandbox.step_back()
    sandbox.harden_process()
    link = socket.socket(fileno=int(arguments[1]))
    try:
        with link.makefile("rb") as orders:
            order = msgspec.json.decode(orders.readline(MAX_LINE_BYTES), type=LookOrder)
    except msgspec.DecodeError as error:
        sys.stderr.write(f"bodycamd look: not an order: {shown(error)}\n")
        return 2

    def say(message: LookFacts | Listening) -> None:
        link.sendall(msgspec.json.encode(message) + b"\n")

    identity = pyrage.x25519.Identity.generate()
    try:
        watcher = Watcher(order, str(identity.to_public()))
    except OSError as error:
        say(LookFacts(failure=f"the capture worker cannot be started: {error.strerror}"))
        return 0
    sandbox.confine()
    give_up = began + order.give_up_seconds - MEASURE_SECONDS
    got = watcher.watch(lambda: say(Listening(listening=True)), give_up)
    got.unlocked = got.unlocked or unlocked
    say(measure(order, got, identity))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
