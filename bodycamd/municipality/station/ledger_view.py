"""A camera's ledger as the station has it now, for who only looks: `ledger_copy.LedgerCopy` takes back what a crash left, this changes
nothing.

Lines count that verify. What was being appended when the station died counts where all of it verifies, as it would at the next start of the
station; else it ends where it ended before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.ledger_reader import Line, file_name, starts
from bodycamd.linux.foreign import read_file
from bodycamd.municipality.station.ledger_copy import MAX_PENDING_BYTES, PENDING, FileSize
from bodycamd.municipality.station.storage import STORE_FOLDER
from bodycamd.store.names import LEDGER_FOLDER

TIMES: Final = 3
"""So often it is read, where the station appends to it meanwhile."""


def ledger_lines(camera: Path, registered: PublicKey) -> list[Line]:
    """The lines that count, oldest first. Raises `DataError` where something in it does not verify that no crash of the station explains;
    `StorageError`."""
    folder = camera / STORE_FOLDER / LEDGER_FOLDER
    if not folder.is_dir():
        return []
    for left in reversed(range(TIMES)):
        chain, lines = Chain(folder, registered, growing=True), list[Line]()
        try:
            for line in chain.new_lines():
                lines.append(line)
            _check_whole(folder, lines)
        except DataError:
            before = _pending(camera)
            if before is not None:
                lines = [line for line in lines if _was_there(line, before)]
            elif left:
                continue  # it may have been appended to just now
            else:
                raise
        return lines if chain.checkpoint_stated else []
    raise AssertionError("the last time ends it")


def _check_whole(folder: Path, lines: list[Line]) -> None:
    """Raises `DataError` where something follows the last line."""
    newest, end = (lines[-1].entry.start, lines[-1].end) if lines else (0, 0)
    path = folder / file_name(newest)
    if (path.stat().st_size if path.exists() else 0) != end or any(start > newest for start in starts(folder)):
        raise DataError(f"{folder}: after start {newest}, byte {end}, something follows that is no line of this ledger")


def _pending(camera: Path) -> dict[str, int | None] | None:
    """How long the files were before what is being appended; `None` where nothing is."""
    try:
        raw = read_file(camera / PENDING, MAX_PENDING_BYTES)
    except (FileNotFoundError, NotFoundError):
        return None
    return {one.name: one.size for one in msgspec.json.decode(raw, type=list[FileSize])}


def _was_there(line: Line, before: dict[str, int | None]) -> bool:
    name = file_name(line.entry.start)
    return name not in before or line.end <= (before[name] or 0)
