"""Verifying the whole ledger with the one public key that was registered when the camera was provisioned. A stream: one line in memory at a
time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.entries import StartDetail, TornFile, detail_as
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import KeyInForce, LedgerFile, Line, file_name, inspect, lines, starts
from bodycamd.evidence.statements import ZERO_HASH


class UnregisteredKeyError(DataError):
    """The ledger begins with another key than the registered one: not this camera's, or the wrong key file."""


class Chain:
    """Iterate over it once: every good line of every start, in order, each verified before it is given.

    Verified is: the form (`ledger_reader.lines`), that the first start signs with the registered key and each later one with the key that
    the start before named, that every other line is signed by the key in force there (`KeyInForce`), `prev` from line to line and from file
    to file, and that every torn file is stated by the next start, byte for byte as it stands, and is what a cut leaves: no whole line. The
    first thing that is wrong raises `DataError` with file and line.

    Not shown by the chain itself: whether lines are missing after the last one (`head`): only an anchor from outside does.
    """

    def __init__(self, folder: Path, registered: PublicKey) -> None:
        self.head = ZERO_HASH
        """The SHA-256 of the last line given."""
        self.key = registered
        """The key that signs next in this start: in force after the last line given."""
        self.unstated: list[TornFile] = []
        """Torn files that no start has stated: after the iteration, what a cut left since the last start."""
        self._folder = folder
        self._next_key = registered
        self._torn_reason = ""

    def __iter__(self) -> Iterator[Line]:
        for start in starts(self._folder):
            found = inspect(self._folder, start)
            if found.good_bytes:
                yield from self._file(start, found)
            if found.torn_line_ends:
                raise DataError(found.reason)
            if found.torn is not None:
                self.unstated.append(found.torn)
                self._torn_reason = found.reason

    def _file(self, start: int, found: LedgerFile) -> Iterator[Line]:
        path = self._folder / file_name(start)
        in_force = KeyInForce(start)
        try:
            with open(path, "rb") as file:
                for line in lines(file, path.name):
                    if line.entry.type == "start":
                        self._check_start(line, detail_as(line.entry, StartDetail, line.where))
                    self.key = in_force.accept(line)
                    self.head = line.sha256
                    yield line
                    if line.end == found.good_bytes:
                        return
        except OSError as error:
            raise StorageError(f"{path}: cannot read the ledger: {error.strerror}") from error

    def _check_start(self, line: Line, detail: StartDetail) -> None:
        if line.entry.prev != self.head:
            raise DataError(f"{line.where}: prev is not the SHA-256 of the last good line before this start")
        if detail.public_key != self._next_key.raw.hex():
            if self.head == ZERO_HASH:
                raise UnregisteredKeyError(f"{line.where}: signed by another key than was registered")
            raise DataError(f"{line.where}: signed by another key than the start before it named")
        unlisted = detail.torn_ledgers_unlisted
        if len(self.unstated) < unlisted or tuple(self.unstated[unlisted:]) != detail.torn_ledgers:
            why = f" ({self._torn_reason})" if self._torn_reason else ""
            raise DataError(f"{line.where}: the torn ledger files it states are not those that are there{why}")
        self.unstated.clear()
        self._torn_reason = ""
        self._next_key = PublicKey.from_hex(detail.next_public_key)
