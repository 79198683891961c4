"""Bytes of a file are found in a device's log however its blocks lie and however they were written."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.scale import count
from tests.powercut.device import LOG_SECTOR, Entry
from tests.powercut.written import BLOCK, written_after


class Disk:
    """A device with a log, and one file on it that only grows; its blocks lie anywhere."""

    def __init__(self, log: Path, chance: random.Random) -> None:
        self.log, self._chance = log, chance
        self.entries: list[Entry] = []
        self.blocks: list[int] = []
        self.content = b""
        log.write_bytes(b"")

    def append(self, data: bytes) -> None:
        """Every sector that changed is written, some with their neighbours, in any order."""
        begin = len(self.content)
        self.content += data
        while len(self.blocks) * BLOCK < len(self.content):
            self.blocks.append(self._chance.choice([n for n in range(64) if n not in self.blocks]))
        runs: list[tuple[int, int]] = []
        for at in range(begin - begin % LOG_SECTOR, len(self.content), LOG_SECTOR):
            if runs and at % BLOCK and self._chance.random() < 0.7:
                runs[-1] = (runs[-1][0], at + LOG_SECTOR)
            else:
                runs.append((at, at + LOG_SECTOR))
        self._chance.shuffle(runs)
        for at, end in runs:
            self._write(self.blocks[at // BLOCK] * BLOCK + at % BLOCK, self.content[at:end].ljust(end - at, b"\0"))

    def _write(self, offset: int, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(bytes(LOG_SECTOR))  # an entry's head
            data_at = file.tell()
            file.write(data)
        self.entries.append(Entry(offset, len(data), 0, data_at, data_at + len(data)))


@settings(max_examples=count(200))
@given(lengths=st.lists(st.integers(1, 3 * BLOCK), min_size=1, max_size=8), seed=st.integers(0, 1 << 32))
def test_each_line_is_found_where_it_was_whole(lengths: list[int], seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder) / "log", chance)
        ends = []
        lines = [bytes(chance.choices(range(1, 256), k=length)) for length in lengths]  # a zero is there before it is written
        for line in lines:
            before = len(disk.entries)
            disk.append(line)
            ends.append((before, len(disk.entries)))
        begin = 0
        for line, (before, after) in zip(lines, ends, strict=True):
            found = written_after(disk.log, disk.entries, disk.blocks, begin, line)
            assert found == after
            assert not before or written_after(disk.log, disk.entries[:before], disk.blocks, begin, line) == 0
            begin += len(line)


def test_what_was_never_written_is_not_found(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "log", random.Random(1))
    disk.append(b"written")
    assert written_after(disk.log, disk.entries, disk.blocks, 0, b"another") == 0
