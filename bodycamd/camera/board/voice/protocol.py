"""What the recorder and the voice process say to each other: one message per packet of a SOCK_SEQPACKET pair, JSON, tagged by `type`.

To the voice: `play` (with a number), `stop`. From the voice: `prepared` or `refused` once; then for each play `started` (after the device
took the first block) and one of `ended`, `silenced`, `failed`. `at_us` is CLOCK_BOOTTIME in microseconds.
"""

import socket
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

MAX_BYTES = 8192
"""The longest packet."""
MAX_TEXT = 1500
"""The longest reason, in characters; longer ones are cut."""

T = TypeVar("T")
Count = Annotated[int, Meta(ge=0, le=2**53)]


class LinkError(Exception):
    """The other end sent something that is not a message, or the link is broken."""


class Play(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="play"):
    """Play the warning from its start. A play that is running is cut off first and answered with `silenced`."""

    play: Count


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="stop"):
    """Cut off what is playing. Without effect when nothing plays."""


class Prepared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="prepared"):
    """The warning is in memory and the output answers."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    seconds: Annotated[float, Meta(gt=0, le=61)]
    output: str


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="refused"):
    """Nothing can be played, and why. `sha256` is empty where the file could not be read."""

    reason: str
    sha256: str = ""


class Started(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="started"):
    """The device took the first block."""

    play: Count
    at_us: Count


class Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="ended"):
    """The device played the last sample. `output`: where it went; empty where that is always what `Prepared` said."""

    play: Count
    at_us: Count
    output: str = ""


class Silenced(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="silenced"):
    """The play was cut off and the device is closed."""

    play: Count
    at_us: Count


class Failed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="failed"):
    """The device could not be opened or written; the voice ends itself after this."""

    play: Count
    at_us: Count
    reason: str


Command = Play | Stop
Answer = Prepared | Refused | Started | Ended | Silenced | Failed

_encoder = msgspec.json.Encoder()
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def send(link: socket.socket, message: Command | Answer) -> None:
    """Send one packet. Raises `OSError`; `BlockingIOError` on a non-blocking link whose other end does not read."""
    link.send(_encoder.encode(message))


def receive_command(link: socket.socket) -> Command | None:
    """The next command; `None` when the recorder has closed its end. Raises `LinkError`."""
    return _receive(link, _commands)


def receive_answer(link: socket.socket) -> Answer | None:
    """The next answer; `None` when the voice has closed its end. Raises `LinkError`, or `BlockingIOError` when there is none yet."""
    return _receive(link, _answers)


def _receive(link: socket.socket, decoder: msgspec.json.Decoder[T]) -> T | None:
    try:
        packet, _, flags, _ = link.recvmsg(MAX_BYTES)
    except BlockingIOError:
        raise
    except OSError as error:
        raise LinkError(f"the link is broken: {error.strerror}") from error
    if not packet:
        return None
    if flags & socket.MSG_TRUNC:
        raise LinkError(f"a packet of more than {MAX_BYTES} bytes")
    try:
        return decoder.decode(packet)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LinkError(f"not a message: {error}") from error
