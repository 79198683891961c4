"""A PN532 on a serial port, set to its HSU (115,200 baud). Frames and commands by NXP's user manual UM0701-02 (6.2.1 frames, 7.2.10
SAMConfiguration, 7.3.1 RFConfiguration, 7.3.5 InListPassiveTarget); only cards of ISO/IEC 14443 type A are looked for.

Between two looks the field is off: it takes more current than the rest of the reader. Own frames in place of nfcpy, the one library that
knows this chip on a serial port: that has had no release since 2022, brings libusb and three packages, and calls a shell to set the speed.
"""

from __future__ import annotations

import os
import select
import termios
import time
from io import FileIO
from pathlib import Path

from bodycamd.camera.cards.reader import number
from bodycamd.errors import UnavailableError

ACK = bytes.fromhex("0000ff00ff00")
REFUSED = bytes.fromhex("0000ff01ff7f8100")
WAKE = bytes.fromhex("5555000000000000000000000000")
"""Wakes the chip's HSU, and gives it the time that it takes (7.2.11)."""
GET_FIRMWARE_VERSION, SAM_CONFIGURATION, RF_CONFIGURATION, IN_LIST_PASSIVE_TARGET = 0x02, 0x14, 0x32, 0x4A
NORMAL_MODE = bytes([0x01, 0x00, 0x00])
FIELD_OFF = bytes([0x01, 0x00])
FEW_TRIES = bytes([0x05, 0xFF, 0x01, 0x02])
"""Of looking for a card: the default is for ever."""
ONE_OF_TYPE_A = bytes([0x01, 0x00])
PN532 = 0x32
ANSWER_SECONDS = 0.5
LONGEST_FRAME = 265
PAUSE_SECONDS = 0.3
"""Between two looks for a card."""


def frame(command: int, data: bytes) -> bytes:
    """A command to the chip: preamble, length and its complement, D4, command, data, checksum."""
    body = bytes([0xD4, command]) + data
    return bytes([0x00, 0x00, 0xFF, len(body), -len(body) & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0x00])


def unframed(received: bytes) -> tuple[bytes, int] | None:
    """The body of the first whole frame (after D5), and where it ends; an ACK has an empty one. `None` while it is not whole. Raises
    `UnavailableError` for what is no frame."""
    begin = received.find(b"\x00\xff")
    if begin < 0 or len(received) < begin + 4:
        if len(received) > LONGEST_FRAME:
            raise UnavailableError("what answers is no PN532")
        return None
    length, complement = received[begin + 2], received[begin + 3]
    if length == 0 and complement == 0xFF:
        return b"", begin + 4
    if (length + complement) & 0xFF or length < 2:
        raise UnavailableError("a frame of the PN532 is damaged, or a command was refused: check wires and speed")
    body = received[begin + 4 : begin + 4 + length]
    if len(received) < begin + 5 + length:
        return None
    if (sum(body) + received[begin + 4 + length]) & 0xFF or body[0] != 0xD5:
        raise UnavailableError("a frame of the PN532 is damaged: check wires and speed")
    return body[1:], begin + 5 + length


class Pn532Reader:
    """See `reader.CardReader`."""

    def __init__(self, port: Path) -> None:
        self._port = port
        self._line: FileIO | None = None
        self._before: bytes | None = None

    def look(self, seconds: float) -> bytes | None:
        """See `reader.CardReader`. A card is found within about `PAUSE_SECONDS`."""
        end = time.monotonic() + seconds
        if self._line is None:
            self._open()
        while (found := self._card()) == self._before and time.monotonic() < end:
            time.sleep(max(0.0, min(PAUSE_SECONDS, end - time.monotonic())))
        self._before = found
        return found

    def close(self) -> None:
        """See `reader.CardReader`."""
        if self._line is not None:
            self._line.close()
        self._line = None

    def _open(self) -> None:
        try:
            self._line = FileIO(
                self._port, "r+", opener=lambda path, flags: os.open(path, flags | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            )
            set_raw(self._line.fileno())
            self._line.write(WAKE)
        except (OSError, termios.error) as error:
            self.close()
            reason = error.args[1] if len(error.args) > 1 else error
            raise UnavailableError(f"board.card_port: {self._port} cannot be opened as a serial port ({reason})") from error
        version = self._ask(GET_FIRMWARE_VERSION, b"")
        if version[:1] != bytes([PN532]):
            self.close()
            raise UnavailableError(f"board.card_port: what answers at {self._port} is no PN532")
        self._ask(SAM_CONFIGURATION, NORMAL_MODE)
        self._ask(RF_CONFIGURATION, FEW_TRIES)

    def _card(self) -> bytes | None:
        listed = self._ask(IN_LIST_PASSIVE_TARGET, ONE_OF_TYPE_A)
        self._ask(RF_CONFIGURATION, FIELD_OFF)
        if not listed or listed[0] == 0:
            return None
        # Number of targets, target, SENS_RES (2), SEL_RES, length of the number, the number (7.3.5).
        return number(listed[6 : 6 + listed[5]] if len(listed) > 6 else b"")

    def _ask(self, command: int, data: bytes) -> bytes:
        """The answer to a command, without its code. Raises `UnavailableError`; the port is opened anew at the next look."""
        assert self._line is not None
        try:
            self._line.write(frame(command, data))
            acknowledged = False
            received, end = b"", time.monotonic() + ANSWER_SECONDS
            while True:
                while (one := unframed(received)) is not None:
                    body, used = one
                    received = received[used:]
                    if not body:
                        acknowledged = True
                    elif acknowledged and body[0] == command + 1:
                        return body[1:]
                received += self._more(end)
        except (OSError, UnavailableError) as error:
            self.close()
            raise UnavailableError(f"the PN532 at {self._port}: {error}") from error

    def _more(self, end: float) -> bytes:
        assert self._line is not None
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        left = end - time.monotonic()
        if left < 0 or not poll.poll(left * 1000):
            raise UnavailableError("no answer: check its wires, that it is set to HSU, and that the serial console is off")
        read = self._line.read(LONGEST_FRAME)
        if not read:
            raise UnavailableError("it was pulled out")
        return read


def set_raw(descriptor: int) -> None:
    """115,200 baud, 8 bits, no parity, nothing translated. Raises `termios.error`."""
    attributes = termios.tcgetattr(descriptor)
    attributes[0] = attributes[1] = attributes[3] = 0
    attributes[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
    attributes[4] = attributes[5] = termios.B115200
    attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    termios.tcflush(descriptor, termios.TCIOFLUSH)
