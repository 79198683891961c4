"""The keys that the verified ledger of a store names for the statements of one start.

Without the camera's registered key they are the store's own word. For an export they tell a statement that was damaged, or put there by
somebody, from one that was signed.
"""

from __future__ import annotations

from pathlib import Path

from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_chain import VerifiedLedger


class StatementKeys:
    """`complete`: the whole ledger verifies, so that a key that it does not name is none."""

    def __init__(self, keys: dict[str, PublicKey], *, complete: bool) -> None:
        self._keys = keys
        self._complete = complete

    @classmethod
    def unknown(cls) -> StatementKeys:
        """No ledger to ask: no signature is checked."""
        return cls({}, complete=False)

    @classmethod
    def read(cls, ledger: Path, start: int, registered: PublicKey | None = None) -> StatementKeys:
        """As far as the ledger verifies; without `registered`, with the first key that it names itself."""
        keys: dict[str, PublicKey] = {}
        verified = VerifiedLedger(ledger, registered)
        try:
            for line in verified:
                key = verified.chain.key
                if line.entry.start == start and key is not None:
                    keys[key.id] = key
        except BodycamError:
            return cls(keys, complete=False)
        return cls(keys, complete=bool(keys) and not verified.broken)

    def check(self, key: str, statement: bytes, signature: bytes, where: str) -> None:
        """Raises `DataError` unless `key`, named by its id, signed these bytes; nothing where the ledger cannot tell."""
        known = self._keys.get(key)
        if known is None and self._complete:
            raise DataError(f"{where}: signed by key {key[:16]}…, which the ledger does not name for this start")
        if known is not None and not known.verifies(signature, statement):
            raise DataError(f"{where}: the signature does not verify")
