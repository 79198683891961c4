"""Verifying the whole ledger with the one public key that was registered when the camera was provisioned. A stream: one line in memory at a
time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.checkpoint import Checkpoint, OtherKeyError, checkpoints, read_checkpoint
from bodycamd.evidence.entries import StartDetail, TornFile, detail_as
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import KeyInForce, LedgerFile, Line, file_name, inspect, lines, open_ledger_file, starts
from bodycamd.evidence.retention_entries import LedgerShortened
from bodycamd.evidence.statements import ZERO_HASH


class UnregisteredKeyError(DataError):
    """The ledger begins with another key than the registered one: not this camera's, or the wrong key file."""


class Chain:
    """Iterate over it once: every good line of every start, in order, each verified before it is given.

    Verified is: the form (`ledger_reader.lines`), that the first start signs with the registered key and each later one with the key that
    the start before named, that every other line is signed by the key in force there (`KeyInForce`), `prev` from line to line and from file
    to file, and that every torn file is stated by the next start, byte for byte as it stands, and is what a cut leaves: less than a line,
    or one broken line with its end, at the end of its file. A broken line with its end that no start states yet raises: a cut leaves it
    too, but seldom, and until the camera itself says so it looks like a line that somebody changed. The first thing that is wrong raises
    `DataError` with file and line.

    Where old files were dropped, the checkpoint file's lines lead from the registered key to the first kept start (`checkpoint`), and an
    entry `ledger_shortened` must state that very file; otherwise files that are missing at the beginning are an error like any other.

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
        self._ended: dict[str, str] = {}
        """Torn files whose broken line has its end, and why it is not good: no start has stated them so far."""
        self.checkpoint: Checkpoint | None = None
        """Behind which the ledger goes on, where it was shortened."""
        self._behind = False
        self._stated = False

    def __iter__(self) -> Iterator[Line]:
        present = starts(self._folder)
        if present:
            self._begin_behind_checkpoint(present[0])
        for start in present:
            found = inspect(self._folder, start)
            if found.good_bytes:
                yield from self._file(start, found)
            if not found.left_by_cut:
                raise DataError(found.reason)
            if found.torn is not None:
                self.unstated.append(found.torn)
                self._torn_reason = found.reason
                if found.torn_at_line_end:
                    self._ended[found.torn.file] = found.reason
        self._check_ended()
        if self.checkpoint is not None and not self._stated:
            raise DataError(f"{self.checkpoint.file}: no entry of the ledger states this checkpoint")

    def _begin_behind_checkpoint(self, first: int) -> None:
        """Where the first file is not the first start's, and a checkpoint file reaches as far as that: begin with its key."""
        found = checkpoints(self._folder)
        if not found or found[-1] < first or inspect(self._folder, first).first_prev == ZERO_HASH:
            return
        try:
            self.checkpoint = read_checkpoint(self._folder, found[-1], below=first, registered=self._next_key)
        except OtherKeyError as error:
            raise UnregisteredKeyError(str(error)) from error
        self._next_key, self._behind = self.checkpoint.next_key, True

    def _check_ended(self) -> None:
        for reason in self._ended.values():
            raise DataError(reason)

    def _check_shortened(self, line: Line) -> None:
        detail = detail_as(line.entry, LedgerShortened, line.where)
        if self.checkpoint is not None and detail.file == self.checkpoint.file:
            if detail.sha256 != self.checkpoint.sha256:
                raise DataError(f"{line.where}: {detail.file} is not the checkpoint that this entry states")
            self._stated = True

    def _file(self, start: int, found: LedgerFile) -> Iterator[Line]:
        path = self._folder / file_name(start)
        in_force = KeyInForce(start)
        try:
            with open_ledger_file(self._folder, path.name) as file:
                for line in lines(file, path.name):
                    if line.entry.type == "start":
                        self._check_start(line, detail_as(line.entry, StartDetail, line.where))
                    self.key = in_force.accept(line)
                    if line.entry.type == "ledger_shortened":
                        self._check_shortened(line)
                    self.head = line.sha256
                    yield line
                    if line.end == found.good_bytes:
                        return
        except OSError as error:
            raise StorageError(f"{path}: cannot read the ledger: {error.strerror}") from error

    def _check_start(self, line: Line, detail: StartDetail) -> None:
        if self._behind:
            self.head = line.entry.prev
        if line.entry.prev != self.head:
            raise DataError(f"{line.where}: prev is not the SHA-256 of the last good line before this start")
        if detail.public_key != self._next_key.raw.hex():
            if self.head == ZERO_HASH:
                raise UnregisteredKeyError(f"{line.where}: signed by another key than was registered")
            raise DataError(f"{line.where}: signed by another key than the start before it named")
        unlisted = detail.torn_ledgers_unlisted
        if self._behind:
            self._behind = False
            dropped = len(detail.torn_ledgers) - len(self.unstated)
            if dropped >= 0:
                self.unstated[:0] = detail.torn_ledgers[:dropped]
                unlisted = 0
        if len(self.unstated) < unlisted or tuple(self.unstated[unlisted:]) != detail.torn_ledgers:
            why = f" ({self._torn_reason})" if self._torn_reason else ""
            raise DataError(f"{line.where}: the torn ledger files it states are not those that are there{why}")
        for torn in detail.torn_ledgers:
            self._ended.pop(torn.file, None)
        self._check_ended()
        self.unstated.clear()
        self._torn_reason = ""
        self._next_key = PublicKey.from_hex(detail.next_public_key)
