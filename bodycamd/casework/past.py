"""Every entry of a store's ledger in order, read quickly and unverified: for accounts that are no evidence themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bodycamd.errors import NotFoundError, StorageError
from bodycamd.evidence.ledger_reader import starts
from bodycamd.linux.foreign import Folder
from bodycamd.recorder.history import PastEntry, each_entry
from bodycamd.recorder.names import LEDGER_FOLDER


def check_ledger(store: Path) -> None:
    """Raises `NotFoundError` where there is no folder of the ledger, `PermissionDeniedError`, and `DataError` where something else stands
    in its place."""
    try:
        Folder.open(store / LEDGER_FOLDER, below=store).close()
    except NotFoundError as error:
        raise NotFoundError(f"{store}: there is no ledger: it has no folder {LEDGER_FOLDER}") from error


def all_entries(store: Path) -> Iterator[PastEntry]:
    """The entries, the oldest first. Raises `NotFoundError` where there is no ledger, `StorageError`."""
    folder = store / LEDGER_FOLDER
    check_ledger(store)
    for start in starts(folder):
        try:
            for entry, _ in each_entry(folder, start):
                yield entry
        except OSError as error:
            raise StorageError(f"{folder}: cannot read the ledger: {error.strerror}") from error
