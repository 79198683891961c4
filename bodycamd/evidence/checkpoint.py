"""What is left of a ledger's dropped files: the first line of each start, in one file, `ledger/checkpoint-NNNNNN.jsonl`; N is the first
start that is kept whole.

Each line is signed with the key that the line before it names, the first with the registered key: so the lines lead from the registered key
to the key of the first kept start. The entry `ledger_shortened` in the kept ledger states the file's SHA-256 and where the kept part goes
on.

Not shown any more: what the dropped files said, and that nothing was taken out of them. Anchors from that time still tell whether the
ledger of then was the one that this camera continued.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence.entries import StartDetail
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import KeyInForce, Line, lines, numbered
from bodycamd.linux import foreign

CHECKPOINT_FILE = re.compile(r"checkpoint-([0-9]{6})\.jsonl")
MAX_CHECKPOINT_BYTES = 64 * 1024 * 1024
"""A line is about 900 bytes: so many starts are two centuries of days."""


class OtherKeyError(DataError):
    """The first line is signed by another key than the registered one."""


class Checkpoint(Struct, frozen=True):
    """A checkpoint file whose lines verify. `raw` are the lines that were asked for, `lines` their number; `next_key` must sign the start
    that follows the last of them. `sha256` is of the whole file."""

    file: str
    sha256: str
    raw: bytes
    lines: int
    next_key: PublicKey


def checkpoint_name(first_kept: int) -> str:
    """The name of the checkpoint file."""
    return f"checkpoint-{first_kept:06d}.jsonl"


def checkpoints(folder: Path) -> list[int]:
    """For each checkpoint file the first start that it keeps, ascending. Raises `StorageError`."""
    return numbered(folder, CHECKPOINT_FILE)


def read_checkpoint(folder: Path, first_kept: int, *, below: int, registered: PublicKey | None) -> Checkpoint:
    """Verify the lines of a checkpoint file that are of starts below `below`, from the registered key on (`None`: the first line's own).

    Raises `DataError` for anything that is wrong, `OtherKeyError` where it begins with another key, `StorageError`.
    """
    name = checkpoint_name(first_kept)
    raw = foreign.read_file(folder / name, MAX_CHECKPOINT_BYTES, below=folder.parent)
    key, count, last = registered, 0, 0
    wanted: list[bytes] = []
    for line, content in _start_lines(raw, name):
        start = line.entry.start
        if start <= last or start >= first_kept:
            raise DataError(f"{line.where}: start {start} is not in order")
        last = start
        if start >= below:
            continue
        detail = line.detail
        assert isinstance(detail, StartDetail)  # the first entry of a file is its start
        if key is not None and detail.public_key != key.raw.hex():
            if count == 0:
                raise OtherKeyError(f"{line.where}: signed by another key than was registered")
            raise DataError(f"{line.where}: signed by another key than the start before it named")
        KeyInForce(start).accept(line)
        key, count = PublicKey.from_hex(detail.next_public_key), count + 1
        wanted.append(content)
    if key is None or count == 0:
        raise DataError(f"{name}: it holds no start before {below}")
    return Checkpoint(name, hashlib.sha256(raw).hexdigest(), b"".join(wanted), count, key)


def _start_lines(raw: bytes, name: str) -> Iterator[tuple[Line, bytes]]:
    """Each line by itself: `prev` leads into what was dropped."""
    for number, content in enumerate(raw.splitlines(keepends=True), 1):
        yield next(lines(io.BytesIO(content), f"{name}: {number}")), content
