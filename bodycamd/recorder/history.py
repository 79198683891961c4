"""Quick reading of ledger files, for lists and for the recovery: what the lines say, without checking signatures or links.

`casework.verify` is where they are checked. Here a line that cannot be read ends its file: what follows it is damage. So does a line
without the form of a signature, or with a zero byte: a power cut may leave the JSON whole and zeros in place of the sector before it, and
then nothing was stated.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bodycamd.errors import NotFoundError
from bodycamd.evidence.ledger_reader import MAX_LINE_BYTES, file_name, open_ledger_file

_SIGNATURE_AND_SPACE = re.compile(rb"[A-Za-z0-9+/]{86}== ")


class PastEntry(msgspec.Struct, frozen=True):
    """The fields of a ledger entry that lists and recovery need."""

    type: str
    start: int
    boot_id: str
    boottime_ns: int
    wall: str
    detail: dict[str, Any] = msgspec.field(default_factory=dict)

    def text(self, field: str) -> str:
        """A text field of the detail; empty where it is absent or something else."""
        value = self.detail.get(field)
        return value if isinstance(value, str) else ""

    def number(self, field: str) -> int:
        """A number of the detail; 0 where it is absent or something else."""
        value = self.detail.get(field)
        return value if isinstance(value, int) else 0


_decoder = msgspec.json.Decoder(PastEntry)


def past_entries(ledger_folder: Path, start: int) -> list[PastEntry]:
    """The entries of one start's file up to the first line that cannot be read; none where there is no file. Raises `OSError`, and as
    `ledger_reader.open_ledger_file` does."""
    return [entry for entry, _ in each_entry(ledger_folder, start)]


def each_entry(ledger_folder: Path, start: int, offset: int = 0) -> Iterator[tuple[PastEntry, int]]:
    """The same one by one, from the byte `offset` on, where a line begins; each with the byte after it. Holds one line at a time."""
    with contextlib.suppress(NotFoundError), open_ledger_file(ledger_folder, file_name(start)) as file:
        file.seek(offset)
        while (line := file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            signature = _SIGNATURE_AND_SPACE.match(line)
            if signature is None or b"\0" in line:
                return
            try:
                entry = _decoder.decode(line[signature.end() :])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return
            offset += len(line)
            yield entry, offset
