"""A short look through camera and microphone that leaves no footage: what is asked of the process `bodycamd.camera.selftest.look`, what it
says, and the process as its caller holds it.

One line of JSON goes in, `LookOrder`; two come out: `{"listening": true}` as soon as footage comes, the moment for the warning to be
spoken; at the end the figures, `LookFacts`. Pictures and sound stay in that process and end with it.
"""

import contextlib
import threading
import time
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from bodycamd.config.settings import Config, MicrophoneSettings, VideoSettings
from bodycamd.config.warning_sound import load as load_warning
from bodycamd.errors import BodycamError, UnavailableError
from bodycamd.footage import AudioState
from bodycamd.foreign_text import shown
from bodycamd.linux.child import LinkedChild
from bodycamd.linux.python import python_command
from bodycamd.linux.readable import readable

MAX_LINE_BYTES: Final = 64 * 1024
GRACE_SECONDS: Final = 2.0
"""The process keeps its own time; one that hangs is given up so much later."""
LONGEST_SECONDS: Final = 30.0
"""No warning is longer."""
MORE_SECONDS: Final = 1.5
"""Beside the warning's length: what a sound card and a voice process take to begin and to end."""
Words = Annotated[str, Meta(max_length=2000)]
Share = Annotated[float, Meta(ge=0, le=1)]


class LookOrder(Struct, frozen=True, kw_only=True):
    """What to look through, for how long. `warning`: the WAV whose sound is looked for in what the microphone takes."""

    video: VideoSettings
    microphone: MicrophoneSettings
    audio: bool
    board: str | None
    warning: str
    spoken_seconds: Annotated[float, Meta(ge=0, le=40)] = 40.0
    """So much of its beginning is spoken."""
    listen_seconds: Annotated[float, Meta(gt=0, le=40)]
    """From the first footage on."""
    give_up_seconds: Annotated[float, Meta(gt=0, le=60)]
    """From the start of the process: what has not come by then does not come."""
    target: bool = False
    """Whether the printed target is before the camera."""


class PictureFacts(Struct, frozen=True, kw_only=True):
    """What decoded pictures show; levels are those of 8-bit luma, 0 to 255."""

    mean: float
    spread: float
    """Standard deviation over a picture."""
    change: float
    """From one picture to the next, the mean over all points of the middle."""


class TargetFacts(Struct, frozen=True, kw_only=True):
    """Where the printed target was found: `turned` by so many degrees clockwise, `mirrored`; `likeness` 1 is all alike.
    `edge_pixels`: how many pixels of the picture an edge of it takes."""

    likeness: float
    turned: int
    mirrored: bool
    edge_pixels: float


class SoundFacts(Struct, frozen=True, kw_only=True):
    """What the microphone gave. `likeness`: of the part that is most like the warning, 1 is all alike; -120 dBFS is silence."""

    state: AudioState
    device: Words
    digital_silence: bool
    peak_dbfs: float
    rms_dbfs: float
    likeness: Share | None


class LookFacts(Struct, frozen=True, kw_only=True):
    """What came of a look. `failure`: why no footage came, in words. What is `None` could not be measured."""

    failure: Words | None = None
    module: Words = ""
    differs: Words = ""
    encoder: Words = ""
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    """As the camera was asked."""
    frames: int = 0
    seconds: float = 0.0
    """That these frames took, gaps included."""
    picture: PictureFacts | None = None
    target: TargetFacts | None = None
    sound: SoundFacts | None = None
    encrypted: int = 0
    """Pieces that came, encrypted to a key that was made for them."""
    opened: int = 0
    """Of these, what that key opened and was whole."""
    opened_by_another_key: int = 0
    sandbox: Words = ""
    unlocked: Words | None = None


class Listening(Struct, frozen=True):
    """Footage comes."""

    listening: bool


_FACTS = msgspec.json.Decoder(LookFacts)
_LISTENING = msgspec.json.Decoder(Listening)


def order_of(config: Config, *, opening_seconds: float, at_most_seconds: float = LONGEST_SECONDS, target: bool = False) -> LookOrder:
    """What to look through, and how long: until the warning, or the first `at_most_seconds` of it, has been spoken, and heard."""
    try:
        spoken = load_warning(config.warning_path).seconds
    except BodycamError:  # the voice says what is wrong with it
        spoken = 0.0
    spoken = min(spoken, at_most_seconds)
    listen = spoken + MORE_SECONDS
    return LookOrder(
        video=config.video,
        microphone=config.microphone,
        audio=config.audio,
        board=config.board.model,
        warning=str(config.warning_path),
        spoken_seconds=spoken,
        listen_seconds=listen,
        give_up_seconds=opening_seconds + listen,
        target=target,
    )


class LookProcess:
    """A look that runs. `listening` and `facts` wait, in one thread; `end` may be called from any, at any time."""

    def __init__(self, order: LookOrder) -> None:
        """Raises `UnavailableError` where no process can be started."""
        self._give_up = time.monotonic() + order.give_up_seconds + GRACE_SECONDS
        self._ended = threading.Event()
        self._closing, self._closed = threading.Lock(), False
        self._said = bytearray()
        self._first = b""
        try:
            self._child = LinkedChild(lambda link: python_command("bodycamd.camera.selftest.look", str(link)))
        except OSError as error:
            raise UnavailableError(f"the look through the camera cannot be started: {error.strerror}") from error
        with contextlib.suppress(OSError):  # one that ended at once is heard of by `listening`
            self._child.link.sendall(msgspec.json.encode(order) + b"\n")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def listening(self) -> bool:
        """Wait for footage; returns whether it comes. Where not, `facts` says why."""
        self._first = self._line()
        try:
            return _LISTENING.decode(self._first).listening
        except msgspec.DecodeError:
            return False

    def facts(self) -> LookFacts:
        """Wait for the end. Raises `UnavailableError` where the process says nothing that can be believed, or was ended."""
        line = self._first if b'"listening"' not in self._first else self._line()
        try:
            return _FACTS.decode(line)
        except msgspec.DecodeError as error:
            why = "was ended" if self._ended.is_set() else f"said {shown(line, 80)!r}" if line else "said nothing in time"
            raise UnavailableError(f"the look through the camera {why}; see the journal") from error

    def end(self) -> None:
        """End it at once, whatever it does; camera and microphone are free as soon as the kernel has ended it and its worker."""
        self._ended.set()
        with self._closing:
            if not self._closed:
                self._child.kill()

    def close(self) -> None:
        """End it and wait until it has ended, for at most a second. Nothing may be asked of it afterwards."""
        self.end()
        self._child.wait(1.0)
        with self._closing:
            self._closed = True
            self._child.close()

    def _line(self) -> bytes:
        while b"\n" not in self._said and len(self._said) <= MAX_LINE_BYTES:
            if not readable(self._child.link, max(0.0, self._give_up - time.monotonic())):
                return b""
            try:
                received = self._child.link.recv(MAX_LINE_BYTES)
            except OSError:
                received = b""
            if not received:
                return b""
            self._said += received
        line, _, rest = bytes(self._said).partition(b"\n")
        self._said = bytearray(rest)
        return line
