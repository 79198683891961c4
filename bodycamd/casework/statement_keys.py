"""The keys that the ledger of a store names for the statements of one start.

They are the store's own word: that the camera's registered key stands behind them is what `casework.verify` shows. For an export they tell
a statement that was damaged, or put there by somebody, from one that was signed.
"""

from __future__ import annotations

from pathlib import Path

from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import KeyInForce, file_name, lines, open_ledger_file


class StatementKeys:
    """`complete`: the whole file of this start could be read, so that a key that is not named is none."""

    def __init__(self, keys: dict[str, PublicKey], *, complete: bool) -> None:
        self._keys = keys
        self._complete = complete

    @classmethod
    def unknown(cls) -> StatementKeys:
        """No ledger to ask: no signature is checked."""
        return cls({}, complete=False)

    @classmethod
    def read(cls, ledger: Path, start: int) -> StatementKeys:
        """As far as the start's file can be read."""
        keys: dict[str, PublicKey] = {}
        in_force = KeyInForce(start)
        try:
            with open_ledger_file(ledger, file_name(start)) as file:
                for line in lines(file, file_name(start)):
                    key = in_force.accept(line)
                    keys[key.id] = key
        except (BodycamError, OSError):
            return cls(keys, complete=False)
        return cls(keys, complete=True)

    def check(self, key: str, statement: bytes, signature: bytes, where: str) -> None:
        """Raises `DataError` unless `key`, named by its id, signed these bytes; nothing where the ledger cannot tell."""
        known = self._keys.get(key)
        if known is None and self._complete:
            raise DataError(f"{where}: signed by key {key[:16]}…, which the ledger does not name for this start")
        if known is not None and not known.verifies(signature, statement):
            raise DataError(f"{where}: the signature does not verify")
