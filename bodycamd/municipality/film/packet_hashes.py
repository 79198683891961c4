"""What binds a film to the sealed fragments: hashes that come out the same for both, and that stock tools repeat.

`payload_sha256`: SHA-256 of the content of all packets of a kind, in order: what `ffmpeg -c copy -f streamhash -hash sha256` prints.
`table_sha256`: SHA-256 of one line `PTS,SIZE` for each packet, PTS in the time base of the sealed stream (`ffprobe -show_entries
packet=pts,size`): nothing was moved in time. Subtitles and chapters are in neither: they are made at export.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

KINDS = ("video", "audio")


class Bound(msgspec.Struct, frozen=True):
    """The hashes of all packets of one kind."""

    packets: int
    bytes: int
    payload_sha256: str
    table_sha256: str


class Tally:
    """Adds packets up, in order."""

    def __init__(self) -> None:
        self._packets = 0
        self._bytes = 0
        self._payload = hashlib.sha256()
        self._table = hashlib.sha256()

    def add(self, packet: Packet[Stream], pts: int) -> None:
        """The next packet; `pts` in the sealed stream's time base."""
        self._packets += 1
        self._bytes += packet.size
        self._payload.update(packet)
        self._table.update(b"%d,%d\n" % (pts, packet.size))

    def done(self) -> Bound:
        """The hashes so far."""
        return Bound(self._packets, self._bytes, self._payload.hexdigest(), self._table.hexdigest())
