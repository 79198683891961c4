"""The verified ledger of a store or a copy, for commands that report and do not judge."""

from __future__ import annotations

from pathlib import Path

from bodycamd.errors import NotFoundError
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.linux.foreign import Folder
from bodycamd.store.names import LEDGER_FOLDER


def ledger_of(store: Path) -> VerifiedLedger:
    """What is believed of a store's ledger. Raises `NotFoundError` where there is no folder of it, `PermissionDeniedError`, and `DataError`
    where something else is in its place."""
    try:
        Folder.open(store / LEDGER_FOLDER, below=store).close()
    except NotFoundError as error:
        raise NotFoundError(f"{store}: there is no ledger: it has no folder {LEDGER_FOLDER}") from error
    return VerifiedLedger(store / LEDGER_FOLDER)
