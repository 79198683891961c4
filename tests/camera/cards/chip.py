"""A PN532 at the other end of a pseudo-terminal: wakes up, answers commands with frames byte by byte, and has a card in its field or none.
Its answers are those of NXP's user manual UM0701-02; nfcpy 1.0.4's own driver took them, too."""

from __future__ import annotations

import contextlib
import os
import threading
import tty
from collections.abc import Callable
from pathlib import Path

from bodycamd.linux.readable import readable

ACK = bytes.fromhex("0000ff00ff00")
REFUSED = bytes.fromhex("0000ff01ff7f8100")
FIRMWARE = bytes.fromhex("32010607")


def answer(body: bytes) -> bytes:
    """A frame from the chip."""
    body = b"\xd5" + body
    big = len(body).to_bytes(2, "big")
    length = big[1:] + bytes([-len(body) & 0xFF]) if len(body) < 255 else b"\xff\xff" + big + bytes([-sum(big) & 0xFF])
    return b"\x00\x00\xff" + length + body + bytes([-sum(body) & 0xFF, 0])


class Chip:
    """`uid`: of the card in the field. `spoil` changes what is sent. `commands`: the bodies that came."""

    def __init__(self, firmware: bytes = FIRMWARE, spoil: Callable[[bytes], bytes] = bytes) -> None:
        self._own, given = os.openpty()
        tty.setraw(given)
        os.set_blocking(self._own, False)
        self.port = Path(os.ttyname(given))
        self._given, self._firmware, self._spoil = given, firmware, spoil
        self.uid: bytes | None = None
        self.field = False
        self.commands: list[bytes] = []
        self._ended = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        os.close(self._own)
        os.close(self._given)

    def _run(self) -> None:
        received = b""
        while not self._ended:
            if not readable(self._own, 0.02):
                continue
            received += os.read(self._own, 4096)
            while (begin := received.find(b"\x00\xff")) >= 0 and len(received) >= begin + 4:
                length, at = received[begin + 2], begin + 4
                if length == 0:  # an ACK of the host ends what runs
                    received = received[at:]
                    continue
                if received[begin + 2 : at] == b"\xff\xff":  # an extended frame
                    length, at = int.from_bytes(received[at : at + 2], "big"), at + 3
                if len(received) < at + length + 2:
                    break
                body, received = received[at : at + length], received[at + length + 2 :]
                self._obey(body)

    def _obey(self, body: bytes) -> None:
        self.commands.append(body)
        assert body[0] == 0xD4
        said = ACK + self._answer(body[1], body[2:])
        with contextlib.suppress(BlockingIOError):  # nobody reads any more
            for byte in self._spoil(said):
                os.write(self._own, bytes([byte]))

    def _answer(self, command: int, data: bytes) -> bytes:
        match command:
            case 0x00 | 0x06 | 0x08:  # what nfcpy asks besides: a test of the line, registers
                return answer(bytes([command + 1]) + (data if command == 0x00 else bytes(len(data) // (2 if command == 0x06 else 3))))
            case 0x02:
                return answer(b"\x03" + self._firmware)
            case 0x32:
                if data[0] == 0x01:
                    self.field = bool(data[1] & 1)
                return answer(b"\x33")
            case 0x4A:
                self.field = True
                uid = self.uid
                card = b"" if uid is None else bytes([1, 0x00, 0x44, 0x00, len(uid)]) + uid
                return answer(bytes([0x4B, 0 if uid is None else 1]) + card)
            case 0x12 | 0x14 | 0x10:
                return answer(bytes([command + 1]))
            case 0x16:
                return answer(b"\x17\x00")
            case _:
                return REFUSED
