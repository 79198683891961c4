"""What binds a film to the sealed fragments: hashes that come out the same for both, and that stock tools repeat.

`payload_sha256`: SHA-256 of the content of all packets of a kind, in order: what `ffmpeg -c copy -f streamhash -hash sha256` prints.
`table_sha256`: SHA-256 of one line `PTS,SIZE` for each packet, PTS in the time base of the sealed stream (`ffprobe -show_entries
packet=pts,size`): nothing was moved in time. Subtitles and chapters are in neither: they are made at export.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import av.error
import msgspec

from bodycamd.errors import DataError

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

    def add(self, packet: Any, pts: int) -> None:
        """The next packet; `pts` in the sealed stream's time base."""
        self._packets += 1
        self._bytes += packet.size
        self._payload.update(packet)
        self._table.update(b"%d,%d\n" % (pts, packet.size))

    def done(self) -> Bound:
        """The hashes so far."""
        return Bound(self._packets, self._bytes, self._payload.hexdigest(), self._table.hexdigest())


def bound_films(films: Sequence[tuple[Path, Mapping[str, int]]]) -> tuple[dict[str, Bound], list[dict[str, Bound]]]:
    """Read finished films back, as a player would: the hashes of all of them together, and of each.

    Each film comes with the ticks by which its tracks were moved. Raises `DataError` where a film cannot be read.
    """
    whole = {kind: Tally() for kind in KINDS}
    each: list[dict[str, Bound]] = []
    for path, shifts in films:
        own = {kind: Tally() for kind in shifts} if len(films) > 1 else {kind: whole[kind] for kind in shifts}
        try:
            with av.open(str(path)) as film:
                streams = [stream for stream in film.streams if stream.type in shifts]
                for packet in film.demux(streams):
                    if packet.pts is None:
                        continue
                    kind = packet.stream.type
                    pts = packet.pts + shifts[kind]
                    whole[kind].add(packet, pts)
                    if own[kind] is not whole[kind]:
                        own[kind].add(packet, pts)
        except av.error.FFmpegError as error:
            raise DataError(f"{path}: the film cannot be read back ({error.strerror})") from error
        each.append({kind: tally.done() for kind, tally in own.items()})
    return {kind: tally.done() for kind, tally in whole.items()}, each
