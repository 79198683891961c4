"""SFrame (RFC 9605) with suite 4, AES-128-GCM: packets that everybody may carry and only who has the key may read.

A key is a base key of 16 random bytes and its id, KID. One counter counts all packets under a key, whatever their stream: a counter that
came twice would give the packets away. So a key has one `Sealer`, and that one is in one process.

Not guaranteed: that a packet is new. Whoever has the key can repeat and make packets, and a viewer has it: the camera's clock inside the
authenticated head and numbers that only grow are what a viewer goes by.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from bodycamd.errors import DataError

SUITE: Final = 4
"""AES_128_GCM_SHA256_128."""
BASE_KEY_BYTES: Final = 16
KEY_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
MOST_PACKETS: Final = 1 << 32
"""Under one key: years of pictures and sound. (NIST SP 800-38D bounds random nonces so; these are counted.)"""
MAX_ID: Final = (1 << 64) - 1

_LONG_KID, _LONG_COUNTER, _SHORT = 0x80, 0x08, 0x07


class Counted(Struct, frozen=True):
    """SFrame's own head: by which key, and the how-many-th packet under it; `size` in bytes."""

    kid: int
    counter: int
    size: int


def write_head(kid: int, counter: int) -> bytes:
    """SFrame's head (RFC 9605, 4.3): numbers below 8 in the first byte, others behind it in as few bytes as they take."""
    kid_bytes, counter_bytes = _bytes_of(kid), _bytes_of(counter)
    first = _LONG_KID | (len(kid_bytes) - 1) << 4 if kid_bytes else kid << 4
    first |= _LONG_COUNTER | (len(counter_bytes) - 1) if counter_bytes else counter
    return bytes((first,)) + kid_bytes + counter_bytes


def read_head(raw: bytes) -> Counted:
    """SFrame's head of a packet. Raises `DataError` where it is cut short, or longer than it need be: one packet has one spelling."""
    if not raw:
        raise DataError("an SFrame packet without a head")
    kid_bytes = (raw[0] >> 4 & _SHORT) + 1 if raw[0] & _LONG_KID else 0
    counter_bytes = (raw[0] & _SHORT) + 1 if raw[0] & _LONG_COUNTER else 0
    size = 1 + kid_bytes + counter_bytes
    if len(raw) < size:
        raise DataError(f"an SFrame head of {size} bytes in a packet of {len(raw)}")
    kid = int.from_bytes(raw[1 : 1 + kid_bytes], "big") if kid_bytes else raw[0] >> 4 & _SHORT
    counter = int.from_bytes(raw[1 + kid_bytes : size], "big") if counter_bytes else raw[0] & _SHORT
    if write_head(kid, counter) != raw[:size]:
        raise DataError("an SFrame head that is longer than it need be")
    return Counted(kid, counter, size)


def _bytes_of(number: int) -> bytes:
    if not 0 <= number <= MAX_ID:
        raise ValueError(f"{number} is no number of 64 bits")
    return b"" if number <= _SHORT else number.to_bytes((number.bit_length() + 7) // 8, "big")


class _Key:
    """What is derived from a base key (RFC 9605, 4.4.2)."""

    def __init__(self, base_key: bytes, kid: int) -> None:
        if len(base_key) != BASE_KEY_BYTES:
            raise ValueError(f"a base key has {BASE_KEY_BYTES} bytes")
        of = kid.to_bytes(8, "big") + SUITE.to_bytes(2, "big")
        self._aead = AESGCM(_derived(base_key, b"SFrame 1.0 Secret key " + of, KEY_BYTES))
        self._salt = int.from_bytes(_derived(base_key, b"SFrame 1.0 Secret salt " + of, NONCE_BYTES), "big")
        self.kid = kid

    def seal(self, counter: int, metadata: bytes, plain: bytes) -> bytes:
        """A packet, head and all."""
        head = write_head(self.kid, counter)
        return head + self._aead.encrypt(self._nonce(counter), plain, head + metadata)

    def open(self, counted: Counted, metadata: bytes, packet: bytes) -> bytes:
        """What is in a packet. Raises `DataError`."""
        head, sealed = packet[: counted.size], packet[counted.size :]
        try:
            return self._aead.decrypt(self._nonce(counted.counter), sealed, head + metadata)
        except InvalidTag as error:
            raise DataError("a live packet was altered on its way, or is under another key") from error

    def _nonce(self, counter: int) -> bytes:
        return (self._salt ^ counter).to_bytes(NONCE_BYTES, "big")


def _derived(base_key: bytes, label: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, b"", label).derive(base_key)


class Sealer:
    """The one that encrypts under a key; its counter begins at 0 and never goes back. One thread uses it."""

    def __init__(self, base_key: bytes, kid: int) -> None:
        self._key, self._next = _Key(base_key, kid), 0

    @property
    def kid(self) -> int:
        """The key's id."""
        return self._key.kid

    @property
    def used_up(self) -> bool:
        """It has sealed as much as a key may: a new key is due."""
        return self._next >= MOST_PACKETS

    def seal(self, metadata: bytes, plain: bytes) -> bytes:
        """A packet; `metadata` is authenticated and sent elsewhere. Raises `ValueError` where the key is used up."""
        if self.used_up:
            raise ValueError("a key that is used up seals nothing")
        counter, self._next = self._next, self._next + 1
        return self._key.seal(counter, metadata, plain)


class Opener:
    """Decrypts what one key sealed."""

    def __init__(self, base_key: bytes, kid: int) -> None:
        self._key = _Key(base_key, kid)

    def open(self, metadata: bytes, packet: bytes) -> bytes:
        """What is in a packet. Raises `DataError` where it is under another key, altered, or none."""
        counted = read_head(packet)
        if counted.kid != self._key.kid:
            raise DataError(f"a live packet under key {counted.kid}, and not {self._key.kid}")
        if len(packet) < counted.size + TAG_BYTES:
            raise DataError(f"a live packet of {len(packet)} bytes: too short for a tag")
        return self._key.open(counted, metadata, packet)
