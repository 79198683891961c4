"""The link between the recorder and a capture worker: framing and messages, both ends.

Guarantees:

- What is received is whole and valid, or `LinkError` is raised: every field is typed and bounded, unknown and repeated fields are refused,
  and only messages that carry footage may have a payload. Whether a message may come *now* is decided by `camera.capture.order`.
- Memory is bounded whatever the other end sends: at most `MAX_HEADER_BYTES`, then, once a valid header announced it, one payload of at most
  `footage.MAX_AGE_BYTES`.
- What is sent is checked by the same rules first: a message that the other end would refuse is never put on the wire.

A frame is `BCL1`, the header's length and the payload's (u32 little-endian each), the header (JSON of one tagged message, in the one
spelling that the encoder gives), the payload (an age file, or nothing). After a `LinkError` the stream is out of step: close it.
"""

import io
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Annotated, Final, Generic, Literal, Self, TypeVar

import msgspec
from msgspec import Meta, Struct

from bodycamd import footage
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.errors import DataError
from bodycamd.footage import Generation, Micros
from bodycamd.linux.readable import readable

MAGIC: Final = b"BCL1"
PREFIX: Final = struct.Struct("<4sII")
MAX_HEADER_BYTES: Final = 64 * 1024
_PARTS: Final = 512  # for one system call: below the kernel's IOV_MAX
AGE_X25519: Final = footage.AGE_MAGIC + b"-> X25519 "
"""How every sealed payload begins: age v1 with an X25519 recipient first."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
Reason = Annotated[str, Meta(max_length=4000)]
Name = Annotated[str, Meta(max_length=200)]


class LinkError(DataError):
    """The other end of the link broke its rules."""


class LinkClosed(LinkError):
    """The other end of the link is gone."""


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True, tag_field="message"):
    """Base of all messages. Times are CLOCK_BOOTTIME microseconds."""


# --- to the worker ----------------------------------------------------------------------------------------------------------------------


class Prepare(Message, frozen=True):
    """The settings of this worker's life; answered by `Prepared` or `Refused`. The camera stays closed."""

    video: VideoSettings
    microphone: MicrophoneSettings
    audio: bool
    recipients_text: str
    board: Name | None = None
    """The Raspberry Pi that the configuration names."""


class Ping(Message, frozen=True):
    """To a prepared worker: answered by `Pong` at once, so that one that hangs is known before it is needed."""


class Open(Message, frozen=True):
    """Open the camera as this generation; `microphone` says whether sound may be taken. A worker is opened once.
    Answered by a `Tick` at once, before any device is touched."""

    generation: Generation
    microphone: bool


class SetMicrophone(Message, frozen=True):
    """Open or close the microphone of the open camera."""

    open: bool


class Close(Message, frozen=True):
    """Flush, send the last fragment and `Closed`, and exit."""


# --- from the worker --------------------------------------------------------------------------------------------------------------------


class Prepared(Message, frozen=True):
    """Imports done, settings and recipients checked. `sandbox` says what the worker can no longer do, and what could not be taken;
    `unlocked` why its memory is not locked against swap, `None` if it is."""

    pid: Annotated[int, Meta(ge=1, le=2**31)]
    versions: dict[Name, Name]
    sandbox: Reason
    unlocked: Reason | None


class Refused(Message, frozen=True):
    """The settings cannot work here: a configuration error, not worth a retry. The worker exits."""

    reason: Reason


class Pong(Message, frozen=True):
    """The answer to `Ping`."""


class Tick(Message, frozen=True):
    """The answer to `Open`, and then sent every 200 ms: the last frame's capture time, counts since the opening, and how loud a block of
    the last second was (`None`: no sound)."""

    last_frame_us: Micros | None
    frames: Count
    dropped: Count
    audio: footage.AudioState
    level: footage.SoundLevel | None = None


class Init(Message, frozen=True):
    """The init segment (payload); exactly one in a generation, before its fragments."""

    generation: Generation
    recipients: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=64)]
    encoder: Name
    width: Annotated[int, Meta(ge=16, le=footage.MAX_SIDE_PIXELS)]
    height: Annotated[int, Meta(ge=16, le=footage.MAX_SIDE_PIXELS)]
    frame_rate: Annotated[float, Meta(gt=0, le=1000)]
    audio_track: bool

    def encrypted(self, age: bytes) -> footage.EncryptedInit:
        """With its payload."""
        return footage.EncryptedInit(age=age, **msgspec.structs.asdict(self))


class Fragment(Message, footage.FragmentFacts, frozen=True):
    """One sealed fragment (payload)."""

    @classmethod
    def of(cls, facts: footage.FragmentFacts) -> Self:
        """The message that carries these facts."""
        return cls(**msgspec.structs.asdict(facts))


class View(Message, footage.ViewFacts, frozen=True):
    """What the camera is set to and sees; at most one in a generation, before its first fragment. A source that is no camera sends none."""

    generation: Generation

    @property
    def facts(self) -> footage.ViewFacts:
        """Without the generation."""
        fields = msgspec.structs.asdict(self)
        del fields["generation"]
        return footage.ViewFacts(**fields)


class AudioReport(Message, frozen=True, tag="AudioState"):
    """The sound became live, off or lost; `reason` is for a person."""

    generation: Generation
    audio: footage.AudioState
    reason: Reason


class MicrophoneReport(Message, frozen=True):
    """Which device gives the sound (empty: none now), and whether it has given digital silence for seconds."""

    generation: Generation
    device: Name
    silent: bool


class Failed(Message, frozen=True):
    """The worker cannot go on (no camera, camera busy, encoder failed). It exits."""

    reason: Reason


class Closed(Message, frozen=True):
    """The last fragment was sent and the camera is closed. The worker exits."""

    generation: Generation


ToWorker = Prepare | Ping | Open | SetMicrophone | Close
FromWorker = Prepared | Refused | Pong | Tick | Init | View | Fragment | AudioReport | MicrophoneReport | Failed | Closed
AnyMessage = ToWorker | FromWorker
M = TypeVar("M")

_encoder = msgspec.json.Encoder()
_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)


def _parse(decoder: msgspec.json.Decoder[M], header: bytes) -> M:
    try:
        return decoder.decode(header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LinkError(f"malformed message: {error}") from error


def _check_payload_length(message: object, length: int) -> None:
    low, high = (len(AGE_X25519) + 1, footage.MAX_AGE_BYTES) if isinstance(message, (Init, Fragment)) else (0, 0)
    if not low <= length <= high:
        raise LinkError(f"{type(message).__name__} with a payload of {length} bytes: {low} to {high} are allowed")


def _check_payload(message: object, payload: bytes | bytearray | memoryview) -> None:
    if not isinstance(message, (Init, Fragment)):
        return
    what = f"the payload of {type(message).__name__}"
    if bytes(payload[: len(AGE_X25519)]) != AGE_X25519:
        raise LinkError(f"{what} is not an age file for X25519 recipients")
    try:
        footage.check_age_header(payload, what)
    except DataError as error:
        raise LinkError(str(error)) from error


def encode(message: AnyMessage, *payload: bytes | memoryview) -> list[bytes | memoryview]:
    """The frame of `message`, as parts to be sent one after the other; so is its payload given. Raises `LinkError` if the other end would
    refuse it."""
    try:
        # Through the decoder and back: bounds are checked, and an int in a float's place gets the one spelling.
        written = _encoder.encode(message)
        header = _encoder.encode(_parse(_from_worker, written) if isinstance(message, FromWorker) else _parse(_to_worker, written))
    except UnicodeEncodeError as error:
        raise LinkError(f"text that is not Unicode: {error}") from error
    if len(header) > MAX_HEADER_BYTES:
        raise LinkError(f"a header of {len(header)} bytes: at most {MAX_HEADER_BYTES} are allowed")
    length = sum(map(len, payload))
    _check_payload_length(message, length)
    if length:
        _check_payload(message, footage.beginning(payload))
    return [PREFIX.pack(MAGIC, len(header), length) + header, *filter(len, payload)]


class FrameReader(Generic[M]):
    """Takes a stream in pieces of any size and gives messages. Receive into `space()`, then tell `advance` how many bytes came.

    Payload bytes are received in place, whatever the sizes of the pieces, and given as they are: no copy is made of them.
    """

    def __init__(self, decoder: msgspec.json.Decoder[M]) -> None:
        self._decoder = decoder
        self._payload_bytes = 0
        self._message: M | None = None
        self._expect("prefix", PREFIX.size)

    @classmethod
    def of_commands(cls) -> "FrameReader[ToWorker]":
        """For the worker's end."""
        return FrameReader(_to_worker)

    @classmethod
    def of_worker(cls) -> "FrameReader[FromWorker]":
        """For the recorder's end."""
        return FrameReader(_from_worker)

    def _expect(self, part: Literal["prefix", "header", "payload"], length: int) -> None:
        self._part = part
        # CPython gives what a BytesIO holds as `bytes` without a copy, once nobody has a view of it.
        self._held = io.BytesIO(bytes(length))
        self._view = self._held.getbuffer()
        self._filled = 0

    @property
    def mid_frame(self) -> bool:
        """Whether the stream would be cut inside a frame if it ended here."""
        return self._part != "prefix" or self._filled > 0

    def space(self) -> memoryview:
        """Where the next bytes go; never empty."""
        return self._view[self._filled :]

    def advance(self, received: int) -> tuple[M, bytes] | None:
        """Count `received` bytes in; give a message with its payload if they complete one. Raises `LinkError`."""
        self._filled += received
        if self._filled < len(self._view):
            return None
        self._view.release()
        whole = self._held.getvalue()
        match self._part:
            case "prefix":
                self._prefix_done(whole)
                return None
            case "header":
                return self._header_done(whole)
            case "payload":
                return self._payload_done(whole)

    def feed(self, data: bytes | memoryview) -> Iterator[tuple[M, bytes]]:
        """The messages that `data` completes: for streams that do not come from a socket."""
        view = memoryview(data)
        while view:
            space = self.space()
            taken = min(len(space), len(view))
            space[:taken] = view[:taken]
            space.release()
            view = view[taken:]
            if (message := self.advance(taken)) is not None:
                yield message

    def _prefix_done(self, prefix: bytes) -> None:
        magic, header_bytes, self._payload_bytes = PREFIX.unpack(prefix)
        if magic != MAGIC:
            raise LinkError(f"a frame that begins with {magic!r}")
        if not 0 < header_bytes <= MAX_HEADER_BYTES:
            raise LinkError(f"a header of {header_bytes} bytes: 1 to {MAX_HEADER_BYTES} are allowed")
        if self._payload_bytes > footage.MAX_AGE_BYTES:
            raise LinkError(f"a payload of {self._payload_bytes} bytes: at most {footage.MAX_AGE_BYTES} are allowed")
        self._expect("header", header_bytes)

    def _header_done(self, header: bytes) -> tuple[M, bytes] | None:
        message = _parse(self._decoder, header)
        if _encoder.encode(message) != header:  # repeated keys, above all: the JSON decoder silently takes the last
            raise LinkError(f"a header of {type(message).__name__} in another spelling than the encoder's")
        _check_payload_length(message, self._payload_bytes)
        if self._payload_bytes == 0:
            self._expect("prefix", PREFIX.size)
            return message, b""
        self._message = message
        self._expect("payload", self._payload_bytes)
        return None

    def _payload_done(self, payload: bytes) -> tuple[M, bytes]:
        message = self._message
        assert message is not None
        _check_payload(message, payload)
        self._message = None
        self._expect("prefix", PREFIX.size)
        return message, payload


def send_command(sock: socket.socket, message: ToWorker) -> None:
    """Send a command without ever waiting. `LinkError` if the worker does not read, `LinkClosed` if it is gone: it is to be replaced."""
    frame = b"".join(encode(message))
    try:
        sent = sock.send(frame, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except BlockingIOError as error:
        raise LinkError("the worker does not read its commands") from error
    except OSError as error:
        raise LinkClosed(f"the worker's link is closed: {error}") from error
    if sent != len(frame):
        raise LinkError("the worker does not read its commands")


class WorkerLink:
    """The worker's end. `send` may be called from any thread and waits for the recorder; `receive` from one thread."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # the kernel takes what `wmem_max` allows: fewer turns a fragment
        self._sock = sock
        self._sending = threading.Lock()
        self._reader = FrameReader.of_commands()

    def send(self, message: FromWorker, *payload: bytes | memoryview) -> None:
        """Send the whole frame. Raises `LinkClosed` if the recorder is gone; `LinkError`, sending nothing, if the message breaks a rule."""
        parts = encode(message, *payload)
        with self._sending:
            try:
                while parts:
                    sent = self._sock.sendmsg(parts[:_PARTS], [], socket.MSG_NOSIGNAL)
                    while parts and sent >= len(parts[0]):
                        sent -= len(parts.pop(0))
                    if parts:
                        parts[0] = memoryview(parts[0])[sent:]
            except OSError as error:
                raise LinkClosed(f"the recorder is gone: {error}") from error

    def receive(self) -> ToWorker:
        """Wait for the next command. Raises `LinkClosed` when the recorder is gone."""
        while True:
            try:
                if not readable(self._sock, 600):  # who waits in `recv` is also woken by what the recorder takes out at the other end
                    continue
                received = self._sock.recv_into(self._reader.space())
            except (OSError, ValueError) as error:  # closed by another thread, it has no number
                raise LinkClosed(f"the recorder is gone: {error}") from error
            if received == 0:
                raise LinkClosed("the recorder is gone")
            if (message := self._reader.advance(received)) is not None:
                return message[0]

    def close(self) -> None:
        """Close this end; a `receive` in another thread ends with `LinkClosed`."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # Not connected any more: the recorder was first.
            return
        finally:
            self._sock.close()
