"""A live object: one packet of picture or sound, or a word about the keys, as one message of a WebSocket.

    24 clear bytes, big-endian: type, flags, stream, group, number, capture time, session
    what SFrame made of the packet (`sframe`), which authenticates those 24 bytes

A relay reads the clear bytes to drop whole groups; it can change none of them unseen.
"""

from __future__ import annotations

import struct
from typing import Final

from msgspec import Struct

from bodycamd.errors import DataError

VIDEO: Final = 1
AAC: Final = 2
CONTROL: Final = 16
KINDS: Final = frozenset({VIDEO, AAC, CONTROL})

MAIN: Final = 0
SMALL: Final = 1
STREAMS: Final = frozenset({MAIN, SMALL})

BEGINS_GROUP: Final = 0x01
"""A picture that needs no earlier one: with it a decoder can begin."""

MAX_OBJECT_BYTES: Final = 4 * 1024 * 1024
"""More than a keyframe of a Full HD picture takes."""

_HEAD: Final = struct.Struct(">BBHIIQI")
HEAD_BYTES: Final = _HEAD.size


class Head(Struct, frozen=True):
    """The clear part. `group` and `number` only grow, within a stream and a session; `capture_us` is the camera's CLOCK_BOOTTIME; `session`
    changes with each process that films."""

    kind: int
    begins_group: bool
    stream: int
    group: int
    number: int
    capture_us: int
    session: int

    @property
    def bytes(self) -> bytes:
        """As it is sent, and as SFrame authenticates it."""
        flags = BEGINS_GROUP if self.begins_group else 0
        return _HEAD.pack(self.kind, flags, self.stream, self.group, self.number, self.capture_us, self.session)


def read(raw: bytes) -> tuple[Head, bytes]:
    """The clear part of an object, and the rest. Raises `DataError` for what is none."""
    if not HEAD_BYTES < len(raw) <= MAX_OBJECT_BYTES:
        raise DataError(f"a live object has {HEAD_BYTES + 1} to {MAX_OBJECT_BYTES} bytes, and this one {len(raw)}")
    kind, flags, stream, group, number, capture_us, session = _HEAD.unpack_from(raw)
    if kind not in KINDS or flags & ~BEGINS_GROUP or stream not in STREAMS:
        raise DataError(f"not a live object: type {kind}, flags {flags:#04x}, stream {stream}")
    return Head(kind, bool(flags), stream, group, number, capture_us, session), raw[HEAD_BYTES:]
