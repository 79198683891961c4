"""Where in a device's log a file's bytes stood on the device, whole, for the first time.

What a file holds in one piece need not come to the device in one: its blocks lie anywhere, each may be an entry of the log, and the newest
block of a file that grows is written again and again. Only a sector is written as a whole. So nothing is searched for here: the file system
says where each block lies, and the sectors there are followed through the log.
"""

from __future__ import annotations

import fcntl
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.powercut.device import LOG_SECTOR, Entry

BLOCK = 4096
_FIBMAP = 1


def blocks_of(path: Path) -> list[int]:
    """The numbers of the blocks of a file, in the order of its content, on the device whose file system is mounted. Needs root."""
    with path.open("rb") as file:
        count = -(-path.stat().st_size // BLOCK)
        return [struct.unpack("I", fcntl.ioctl(file, _FIBMAP, struct.pack("I", number)))[0] for number in range(count)]


def written_after(log: Path, entries: Sequence[Entry], blocks: Sequence[int], begin: int, content: bytes) -> int:
    """After how many entries `content` stands at `begin` of the file that lies in `blocks`; 0 where it never does."""
    wanted = dict(_sectors(blocks, begin, content))
    missing = set(wanted)
    with log.open("rb") as file:
        for number, entry in enumerate(entries, 1):
            for place in [place for place in wanted if entry.offset <= place < entry.offset + entry.length]:
                inside, part = wanted[place]
                file.seek(entry.data_at + place - entry.offset + inside)
                if file.read(len(part)) == part:
                    missing.discard(place)
                else:
                    missing.add(place)
            if not missing:
                return number
    return 0


def _sectors(blocks: Sequence[int], begin: int, content: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """The place of each sector on the device, and what of `content` lies where in it."""
    at = begin
    while at < begin + len(content):
        inside = at % LOG_SECTOR
        end = min(at - inside + LOG_SECTOR, begin + len(content))
        sector = blocks[at // BLOCK] * BLOCK + at % BLOCK - inside
        yield sector, (inside, content[at - begin : end - begin])
        at = end
