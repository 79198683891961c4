"""Nonces that the station gives out, and knows again without keeping any: as RFC 9449, section 8, has them.

A nonce is a time and an HMAC over it and the key's id. It is worth something for `LIFE_SECONDS`, to that key alone, as often as it likes:
what a request may do twice is decided by the request (an offset, an id), not here. A camera needs no clock for it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

LIFE_SECONDS: Final = 300
SECRET_BYTES: Final = 32
_TIME_BYTES = 6
_MAC_BYTES = 16


def nonce(secret: bytes, key_id: str, now_seconds: int) -> str:
    """A fresh one for the key."""
    at = now_seconds.to_bytes(_TIME_BYTES, "big")
    return (at + _mac(secret, key_id, at)).hex()


def holds(secret: bytes, key_id: str, given: str, now_seconds: int) -> bool:
    """Whether it was given to this key, at most `LIFE_SECONDS` ago."""
    try:
        raw = bytes.fromhex(given)
    except ValueError:
        return False
    at, mac = raw[:_TIME_BYTES], raw[_TIME_BYTES:]
    fresh = 0 <= now_seconds - int.from_bytes(at, "big") <= LIFE_SECONDS
    return hmac.compare_digest(mac, _mac(secret, key_id, at)) and fresh


def _mac(secret: bytes, key_id: str, at: bytes) -> bytes:
    return hmac.digest(secret, b"bodycam-nonce/1 " + key_id.encode() + b" " + at, hashlib.sha256)[:_MAC_BYTES]
