"""Verifying the ledger, and the one way to read it. A stream: one line in memory at a time.

`Chain` verifies, line by line, and says what is wrong. `VerifiedLedger` is what every reader of a store goes through, on the camera too: it
yields the lines that verify and stops where verification stops. What it does not yield exists for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.checkpoint import Checkpoint, OtherKeyError, checkpoints, read_checkpoint
from bodycamd.evidence.entries import StartDetail
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import KeyInForce, Line, Rest, file_name, first_line, lines, open_ledger_file, rest_of, starts
from bodycamd.evidence.retention_entries import LedgerShortened
from bodycamd.evidence.statements import ZERO_HASH

_PLACE = re.compile(r"[0-9a-z-]+\.jsonl: line [0-9]+")


class UnregisteredKeyError(DataError):
    """The ledger begins with another key than the registered one: not this camera's, or the wrong key file."""


class _File(Struct):
    """One start's file, as far as it was read. `reason` says why what follows `last` is not good; empty where nothing follows."""

    start: int
    in_force: KeyInForce
    last: Line | None = None
    reason: str = ""


class Chain:
    """Every good line of every start, in order, each verified before it is given (`new_lines`).

    Verified is: the form (`ledger_reader.lines`), that the first start signs with the registered key and each later one with the key that
    the start before named, that every other line is signed by the key in force there (`KeyInForce`), `prev` from line to line and from file
    to file, and that every torn file is stated by the next start, byte for byte as it is, and is what a cut leaves: less than a line,
    or one broken line with its end, at the end of its file. A broken line with its end that no start states yet raises: a cut leaves it
    too, but seldom, and until the camera itself says so it looks like a line that somebody changed. The first thing that is wrong raises
    `DataError` with file and line.

    Where old files were dropped, the checkpoint file's lines lead from the registered key to the first kept start (`checkpoint`), and an
    entry `ledger_shortened` must state that very file; otherwise files that are missing at the beginning are an error like any other. Of a
    copy that is `growing` that entry may be still to come (`checkpoint_stated`).

    Without a registered key the first line's own is taken: then all is as the first start says, whoever made it.

    Not shown by the chain itself: whether lines are missing after the last one (`head`): only an anchor from outside does.
    """

    def __init__(self, folder: Path, registered: PublicKey | None = None, *, growing: bool = False) -> None:
        self._growing = growing
        self.head = ZERO_HASH
        """The SHA-256 of the last line given."""
        self.key = registered
        """The key that signs next in this start: in force after the last line given. `None` before the first, without a registered one."""
        self.next_key = registered
        """The key that the next start must sign with."""
        self.checkpoint: Checkpoint | None = None
        """Behind which the ledger continues, where it was shortened."""
        self.unstated: list[Rest] = []
        """After an iteration: what follows the last good line and that no start has stated, as a cut leaves it."""
        self.pending: list[Rest] = []
        """After an iteration: all that follows the last good line, whatever left it. The next start has to state it."""
        self.strays: list[str] = []
        """After an iteration: files with the name of a start that has not been and is not the next. Nothing signed speaks of them."""
        self._folder = folder
        self._file: _File | None = None
        """The newest file that has a good line."""
        self._rests: list[Rest] = []
        self._ended: dict[str, str] = {}
        """Torn files whose broken line has its end, and why it is not good: no start has stated them so far."""
        self._behind = False
        self._stated = False
        self._failure: DataError | None = None

    @property
    def failed(self) -> bool:
        """Whether something before the end is wrong: what follows it is never given."""
        return self._failure is not None

    @property
    def checkpoint_stated(self) -> bool:
        """Whether an entry states the checkpoint; so too where there is none."""
        return self.checkpoint is None or self._stated

    def stop(self, reason: DataError) -> None:
        """Give no further line; raise this instead."""
        self._failure = reason

    @property
    def start(self) -> int:
        """The newest start that verifies; 0 where none does."""
        return self._file.start if self._file is not None else 0

    def __iter__(self) -> Iterator[Line]:
        return self.new_lines()

    def new_lines(self) -> Iterator[Line]:
        """The good lines that were not given yet. Called again, it continues where it stopped: what is read grows, or a start is added.

        Raises `DataError` as the class says, and the same again at every later call; `StorageError` where a file cannot be read.
        """
        if self._failure is not None:
            raise self._failure
        doubtful: list[Rest | int] = []
        try:
            yield from self._new_lines(doubtful)
        except DataError as error:
            self._failure = error
            raise
        self._judge_end(doubtful)

    def _new_lines(self, doubtful: list[Rest | int]) -> Iterator[Line]:
        """`doubtful` collects the files without a good line after the newest that has one: their rest, or their number where empty."""
        present = starts(self._folder)
        if self._file is None and present and self.checkpoint is None:
            self._begin_behind_checkpoint(present[0])
        if self._file is not None:
            yield from self._read_on(self._file, doubtful)
        for start in present:
            if start > self.start:
                file = _File(start, KeyInForce(start))
                yield from self._read_on(file, doubtful)
                if file.last is None:
                    rest = self._rest(file)
                    doubtful.append(rest if rest is not None else start)

    def _begin_behind_checkpoint(self, first: int) -> None:
        """Where the first file is not the first start's, and a checkpoint file reaches as far as that: begin with its key."""
        found = checkpoints(self._folder)
        if not found or found[-1] < first:
            return
        begun = first_line(self._folder, first)
        if begun is not None and begun.entry.prev == ZERO_HASH:
            return
        try:
            self.checkpoint = read_checkpoint(self._folder, found[-1], below=first, registered=self.next_key)
        except OtherKeyError as error:
            raise UnregisteredKeyError(str(error)) from error
        self.next_key, self._behind = self.checkpoint.next_key, True

    def _read_on(self, file: _File, doubtful: list[Rest | int]) -> Iterator[Line]:
        name = file_name(file.start)
        try:
            with open_ledger_file(self._folder, name) as opened:
                opened.seek(file.last.end if file.last is not None else 0)
                following = lines(opened, name, file.last)
                while True:
                    try:
                        line = next(following, None)
                        if line is None:
                            file.reason = ""
                            return
                        key = file.in_force.accept(line)
                    except DataError as error:
                        file.reason = str(error)
                        return
                    if isinstance(line.detail, StartDetail):
                        self._leave(doubtful)
                        self._check_start(line, line.detail)
                        self._file = file
                    elif isinstance(line.detail, LedgerShortened):
                        self._check_shortened(line, line.detail)
                    file.last, self.key, self.head = line, key, line.sha256
                    yield line
        except OSError as error:
            raise StorageError(f"{self._folder / name}: cannot read the ledger: {error.strerror}") from error

    def _rest(self, file: _File) -> Rest | None:
        """What follows the good lines of a file; `None` where nothing did when they were read: the camera may have written since."""
        if not file.reason:
            return None
        name = file_name(file.start)
        try:
            with open_ledger_file(self._folder, name) as opened:
                return rest_of(opened, file.start, file.last.end if file.last is not None else 0, file.reason)
        except OSError as error:
            raise StorageError(f"{self._folder / name}: cannot read the ledger: {error.strerror}") from error

    def _leave(self, doubtful: list[Rest | int]) -> None:
        """A start follows: whatever comes after the good lines before it is final."""
        before = self._rest(self._file) if self._file is not None else None
        for rest in [before, *doubtful]:
            if isinstance(rest, Rest):
                if not rest.left_by_cut:
                    raise DataError(rest.reason)
                self._rests.append(rest)
                if rest.at_line_end:
                    self._ended[rest.torn.file] = rest.reason
        doubtful.clear()

    def _check_start(self, line: Line, detail: StartDetail) -> None:
        if self._behind:
            self.head = line.entry.prev
        if line.entry.prev != self.head:
            raise DataError(f"{line.where}: prev is not the SHA-256 of the last good line before this start")
        if self.next_key is not None and detail.public_key != self.next_key.raw.hex():
            if self.head == ZERO_HASH:
                raise UnregisteredKeyError(f"{line.where}: signed by another key than was registered")
            raise DataError(f"{line.where}: signed by another key than the start before it named")
        self._check_torn(line, detail)
        self.next_key = PublicKey.from_hex(detail.next_public_key)

    def _check_torn(self, line: Line, detail: StartDetail) -> None:
        """The start states every rest before it, and nothing else; behind a checkpoint also those of files that are dropped."""
        unstated, unlisted = [rest.torn for rest in self._rests], detail.torn_ledgers_unlisted
        if self._behind:
            self._behind = False
            dropped = len(detail.torn_ledgers) - len(unstated)
            if dropped >= 0:
                unstated[:0] = detail.torn_ledgers[:dropped]
                unlisted = 0
        if len(unstated) < unlisted or tuple(unstated[unlisted:]) != detail.torn_ledgers:
            why = f" ({self._rests[-1].reason})" if self._rests else ""
            raise DataError(f"{line.where}: the torn ledger files it states are not those that are there{why}")
        for torn in detail.torn_ledgers:
            self._ended.pop(torn.file, None)
        for reason in self._ended.values():
            raise DataError(reason)
        self._rests.clear()

    def _check_shortened(self, line: Line, detail: LedgerShortened) -> None:
        if self.checkpoint is not None and detail.file == self.checkpoint.file:
            if detail.sha256 != self.checkpoint.sha256:
                raise DataError(f"{line.where}: {detail.file} is not the checkpoint that this entry states")
            self._stated = True

    def _judge_end(self, doubtful: list[Rest | int]) -> None:
        """What follows the last good line of all, as it is now; it may still grow. Raises `DataError`."""
        self.unstated, self.strays = [], []
        before = self._rest(self._file) if self._file is not None else None
        self.pending = [rest for rest in (before, *doubtful) if isinstance(rest, Rest)]
        if before is not None:
            self._judge_rest(before)
        following = self.start + 1
        for rest in doubtful:
            number = rest if isinstance(rest, int) else rest.start
            if self._file is not None and number != following:
                self.strays.append(file_name(number))
                continue
            following = number + 1
            if isinstance(rest, Rest):
                self._judge_rest(rest)
        if self.checkpoint is not None and not self._stated and not self._growing:
            raise DataError(f"{self.checkpoint.file}: no entry of the ledger states this checkpoint")

    def _judge_rest(self, rest: Rest) -> None:
        self.unstated.append(rest)
        if not rest.left_by_cut or rest.at_line_end:
            raise DataError(rest.reason)


class VerifiedLedger:
    """What is believed of a ledger: iterate over it for the lines that verify, oldest first. It stops where verification stops.

    Each line's `detail` is the struct of its type; `None` for types that this version does not know, which are verified all the same.
    `broken` says afterwards what stopped it, empty where nothing did. Iterated over again, it yields what has been added since; it never
    continues behind what is broken.

    Without `registered` the ledger's first key is taken at its word. Raises `StorageError` where a file cannot be read.
    """

    def __init__(self, folder: Path, registered: PublicKey | None = None) -> None:
        self.chain = Chain(folder, registered)
        self.broken = ""

    def stop(self, reason: str) -> None:
        """Believe nothing from here on: what comes next cannot be read."""
        self.broken = reason
        self.chain.stop(DataError(reason))

    def __iter__(self) -> Iterator[Line]:
        try:
            yield from self.chain.new_lines()
        except DataError as error:
            self.broken = _place(str(error))
        else:
            self.broken = ""


def _place(reason: str) -> str:
    """Where it breaks off. Why may quote what nobody has signed, and is for `verify` to say."""
    place = _PLACE.match(reason)
    return f"{place[0]} does not verify" if place is not None else reason
