"""Officers' cards in the container: real pcscd and polkit, the virtual reader of vsmartcard (`vpcd`), and cards that this script is.

Only the standard library, as in `bench`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import re
import socket
import threading
from pathlib import Path
from types import TracebackType

CARDS_FILE = Path("/etc/bodycamd/cards.txt")
PORT = 35963
"""Of vpcd's first slot."""
ATR = bytes.fromhex("3b8f8001804f0ca000000306030001000000006a")
"""Of a MIFARE Classic 1K, as PC/SC part 3 makes it."""
ONE, OTHER, STRANGE = (bytes.fromhex(number) for number in ("04a1b2c3d4e5f6", "11223344", "04ffeeddccbbaa"))


def code(uid: bytes) -> str:
    """As the camera makes it, with the salt of its configuration."""
    found = re.search(r'salt: "([0-9a-f]{32})"', Path("/etc/bodycamd/bodycamd.yaml").read_text(encoding="utf-8"))
    assert found is not None
    return hashlib.scrypt(uid, salt=bytes.fromhex(found[1]), n=2**14, r=8, p=1, maxmem=2**26, dklen=32).hex()


def write_officers() -> None:
    """Two officers' cards, for the recorder's group alone."""
    CARDS_FILE.write_text(f"H-12 {code(ONE)}\nH-13 {code(OTHER)}\n", encoding="ascii")


def guard_officers() -> None:
    """As the technician's page says."""
    os.chown(CARDS_FILE, 0, pwd.getpwnam("bodycam").pw_gid)
    CARDS_FILE.chmod(0o640)


class Card:
    """Lies on the reader as long as the block lasts, and answers: its ATR, and its number for GET DATA."""

    def __init__(self, uid: bytes) -> None:
        self._uid = uid

    def __enter__(self) -> Card:
        self._link = socket.create_connection(("127.0.0.1", PORT), 10)
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._link.close()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            self._link.settimeout(None)
            while head := self._link.recv(2):
                asked = self._link.recv(int.from_bytes(head, "big"))
                if asked == b"\x04":
                    self._send(ATR)
                elif len(asked) > 1:  # one byte is power off, power on, reset
                    self._send(self._uid + b"\x90\x00" if asked == b"\xff\xca\x00\x00\x00" else b"\x6d\x00")

    def _send(self, answer: bytes) -> None:
        self._link.sendall(len(answer).to_bytes(2, "big") + answer)
