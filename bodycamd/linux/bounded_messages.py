"""The messages of a socket that only tells (`telling`, `hearing`): one JSON object each, of one type, no longer than its bound."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class BoundedMessages(Generic[T]):
    """Messages of the type `kind`, of at most `max_bytes`. What the values may be, the type says."""

    def __init__(self, kind: type[T], max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._encoder, self._decoder = msgspec.json.Encoder(), msgspec.json.Decoder(kind)

    def encode(self, told: T) -> bytes:
        """One message. Raises `ValueError` for what the other end would not believe."""
        message = self._encoder.encode(told)
        if len(message) > self._max_bytes:
            raise ValueError(f"{len(message)} bytes")
        self._decoder.decode(message)
        return message

    def decode(self, message: bytes) -> T | None:
        """What was told, or `None` for what is none."""
        if len(message) > self._max_bytes:
            return None
        try:
            return self._decoder.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
