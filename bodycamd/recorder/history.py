"""Quick reading of ledger files, for lists and for the recovery: what the lines say, without checking signatures or links.

`casework.verify` is where they are checked. Here a line that cannot be read ends its file: what follows it is damage. So does a line
without the form of a signature, or with a zero byte: a power cut may leave the JSON whole and zeros in place of the sector before it, and
then nothing was stated.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from bodycamd.evidence.ledger_reader import file_name

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
    """The entries of one start's file up to the first line that cannot be read; none where there is no file. Raises `OSError`."""
    return entries_from(ledger_folder, start, 0)[0]


def entries_from(ledger_folder: Path, start: int, offset: int) -> tuple[list[PastEntry], int]:
    """The entries of one start's file from the byte `offset`, where a line begins, and the byte after the last whole one of them; none
    where there is no file. Raises `OSError`."""
    try:
        with open(ledger_folder / file_name(start), "rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    found: list[PastEntry] = []
    for line in content.split(b"\n")[:-1]:
        signature = _SIGNATURE_AND_SPACE.match(line)
        if signature is None or b"\0" in line:
            break
        try:
            found.append(_decoder.decode(line[signature.end() :]))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            break
        offset += len(line) + 1
    return found, offset
