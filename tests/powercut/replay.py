"""Cuts of a logged device: the image as it may stand at any entry of the log.

What was written before the last flush is there. Of what was written since, a cut leaves nothing, everything, or any part, sector by sector:
a card's cache writes back in whatever order it likes.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.powercut.device import DISCARD, FLUSH, FUA, LOG_SECTOR, Entry, copy_sparse
from tests.powercut.posix import Unsynced


class Replay:
    """Images of a device at growing positions of its log."""

    def __init__(self, base: Path, log: Path, entries: list[Entry], folder: Path) -> None:
        folder.mkdir(parents=True)
        self.entries = entries
        self._durable = folder / "durable.img"
        copy_sparse(base, self._durable)
        self._log = log.open("rb")
        self._image = self._durable.open("r+b")
        self._next = 0

    def close(self) -> None:
        """Give the files back."""
        self._image.close()
        self._log.close()

    def cut(self, at: int, unsynced: Unsynced, chance: random.Random, into: Path) -> int:
        """Make the image of a cut after the first `at` entries; `at` may not shrink. Returns how many unflushed writes were in the air."""
        flush = max((i + 1 for i in range(self._next, at) if self.entries[i].flags & FLUSH), default=self._next)
        for entry in self.entries[self._next : flush]:
            if entry.length:
                self._image.seek(entry.offset)
                self._image.write(self._data(entry))
        self._image.flush()
        self._next = flush
        copy_sparse(self._durable, into)
        window = [entry for entry in self.entries[flush:at] if entry.length and not entry.flags & DISCARD]
        with into.open("r+b") as image:
            for entry in window:
                share = 1.0 if entry.flags & FUA or unsynced == "kept" else 0.0 if unsynced == "lost" else chance.choice((0.0, 0.5, 1.0))
                data = self._data(entry)
                for begin in range(0, len(data), LOG_SECTOR) if 0 < share < 1 else (range(0, len(data), len(data)) if share else ()):
                    if share == 1.0 or chance.random() < share:
                        image.seek(entry.offset + begin)
                        image.write(data if share == 1.0 else data[begin : begin + LOG_SECTOR])
        return len(window)

    def _data(self, entry: Entry) -> bytes:
        self._log.seek(entry.data_at)
        return self._log.read(entry.length)
