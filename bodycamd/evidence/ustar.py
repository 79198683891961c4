"""The tar headers of a segment: POSIX ustar, every byte of a header decided by the member's name and size.

So a reader can compare whole headers, and there is nothing left to interpret: no links, no extensions, no other types, no second reading by
another tar. The headers are packed here and not by `tarfile`, whose bytes for unused fields differ between versions of Python.
"""

from __future__ import annotations

import re
import struct
from typing import Literal

from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence.strict_json import MAX_JSON_BYTES
from bodycamd.footage import MAX_AGE_BYTES

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)
END = ZERO_BLOCK * 2
"""The end-of-archive mark: the last bytes of a sealed segment."""
MAX_INDEX = 999_999

Kind = Literal["init.mp4.age", "m4s.age", "json", "sig"]
_SIZES: dict[Kind, tuple[int, int]] = {
    "init.mp4.age": (1, MAX_AGE_BYTES),
    "m4s.age": (1, MAX_AGE_BYTES),
    "json": (2, MAX_JSON_BYTES + 1),
    "sig": (64, 64),
}
_KINDS: dict[bytes, Kind] = {kind.encode(): kind for kind in _SIZES}
_NAME = re.compile(rb"([0-9]{6})\.(init\.mp4\.age|m4s\.age|json|sig)\0+")
_SIZE = re.compile(rb"([0-7]{11})\0")
_LAYOUT = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12s")
_MTIME = 315_532_800
"""1 January 1980: the same in every header, and late enough that tar does not warn of an implausible time."""


class Header(Struct, frozen=True):
    """What a header says: the rest of its bytes follow from this."""

    index: int
    kind: Kind
    size: int

    @property
    def name(self) -> str:
        """The member's file name."""
        return f"{self.index:06d}.{self.kind}"

    @property
    def padding(self) -> int:
        """Zero bytes after the content, up to the next block."""
        return -self.size % BLOCK


def pack(header: Header) -> bytes:
    """The 512 bytes of the header. Raises `DataError` for an index or size out of bounds."""
    low, high = _SIZES[header.kind]
    if not 0 <= header.index <= MAX_INDEX or not low <= header.size <= high:
        raise DataError(f"{header.name}: {header.size} bytes; {low} to {high} and an index up to {MAX_INDEX} are allowed")
    name, size, mtime = header.name.encode(), b"%011o" % header.size, b"%011o" % _MTIME
    number = b"0000000"
    start = name, b"0000644", number, number, size, mtime
    rest = b"0", b"", b"ustar", b"00", b"", b"", b"", b"", b"", b""
    checksum = sum(_LAYOUT.pack(*start, b" " * 8, *rest))
    return _LAYOUT.pack(*start, b"%06o\0 " % checksum, *rest)


def unpack(block: bytes, where: str) -> Header:
    """The header that these 512 bytes are. Raises `DataError` for any bytes that `pack` does not give."""
    name, size = _NAME.fullmatch(block[:100]), _SIZE.fullmatch(block[124:136])
    if name is None:
        raise DataError(f"{where}: no member of a segment has this name")
    if size is None:
        raise DataError(f"{where}: the size is not 11 octal digits")
    header = Header(int(name[1]), _KINDS[name[2]], int(size[1], 8))
    if (header.index == 0) != (header.kind == "init.mp4.age") and header.kind in ("init.mp4.age", "m4s.age"):
        raise DataError(f"{where}: {header.name}: the init segment, and only it, has index 0")
    try:
        expected = pack(header)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    if block != expected:
        raise DataError(f"{where}: the header of {header.name} is not as this format writes it")
    return header
