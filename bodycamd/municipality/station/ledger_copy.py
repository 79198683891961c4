"""A camera's ledger as the station has it: it grows by lines that verify, and by nothing else.

Whoever has a stolen uplink key can send bytes, and none of them stays: what is appended must be whole lines that the camera's own signing
keys signed, each chained to the one before. What a power cut on the camera left behind a file's good lines cannot be judged by itself: such
a rest waits beside the ledger, by its SHA-256, until the next start's first line, signed, states it; only then is it put where it belongs,
and no rest of an older start waits any longer. Nobody can fill the room for rests: where there is none left all of them are forgotten, and
the camera sends again what is still missed.

A camera may have dropped the oldest files of its ledger before it sent anything. Then the checkpoint comes first, the lines that lead from
its registered key to the first file that it kept: whole, and verified, and only where nothing of the ledger is here. What follows counts
for nothing until the camera's own entry states that very checkpoint, which is a later line: until then there is no `position`, and no line
is new.

On the disk it is an ordinary ledger folder: stock tools and `bodycamd verify` read it as it lies. Before anything is appended, `PENDING`
says how long the files are: after a crash of the station they are cut to that, unless all of it verifies. Nobody was told that it is here.
A copy that does not verify for another reason is left as it is, for a person to look at.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.checkpoint import MAX_CHECKPOINT_BYTES, checkpoint_name, checkpoints, read_checkpoint
from bodycamd.evidence.entries import StartDetail, TornFile
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger import MAX_TORN_LISTED
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.ledger_reader import Line, file_name, single_line, starts
from bodycamd.evidence.signed_line import MAX_LINE_BYTES
from bodycamd.evidence.statements import LAST_NUMBER
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder, read_file
from bodycamd.municipality.station.storage import STORE_FOLDER
from bodycamd.store.names import LEDGER_FOLDER

RESTS_FOLDER: Final = "ledger-rests"
CHECKPOINT_PART: Final = "ledger-checkpoint.part"
"""Of a checkpoint that is on its way; beside it, `.of`, which one that is."""
PENDING: Final = "ledger-pending.json"
MAX_PENDING_BYTES: Final = 64 * 1024
MAX_RESTS: Final = MAX_TORN_LISTED
"""Of one camera, that wait to be stated: as many as one start can state."""
_FILE = re.compile(r"([0-9]{6})\.jsonl")
_REST = re.compile(r"([0-9]{6})\.([0-9a-f]{64})")


class OffsetError(Exception):
    """Bytes were sent for another place than the end of what is here."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the station has {offset} bytes of it")
        self.offset = offset


class RestMissingError(DataError):
    """The next start states a rest that has not come: send it first."""

    def __init__(self, torn: TornFile) -> None:
        super().__init__(f"{torn.file}: the {torn.torn_bytes} bytes after its good lines are missing: send them first")
        self.torn = torn


class LedgerPosition(Struct, frozen=True):
    """The last line that verifies: its SHA-256, and where it ends in the file of its start."""

    start: int
    end_bytes: int
    head: str


class FileSize(Struct, frozen=True):
    """How long a file was before something was appended to it; `None` where there was none."""

    name: str
    size: int | None


class LedgerCopy:
    """The copy in the folder of one camera. `position` is `None` before the first line that counts.

    Not safe for two callers at once.
    """

    def __init__(self, camera: Path, registered: PublicKey) -> None:
        """Reads all that is there; `new_lines` then has it. Raises `DataError` where it does not verify, `StorageError`."""
        self.folder = camera / STORE_FOLDER / LEDGER_FOLDER
        self._read_to: LedgerPosition | None = None
        self._part = camera / CHECKPOINT_PART
        self._rests = camera / RESTS_FOLDER
        self._registered = registered
        self._chain = Chain(self.folder, registered, growing=True)
        self._waiting: list[Line] = []
        try:
            durable.make_folder(self.folder)
            durable.make_folder(self._rests)
            self._open(camera / PENDING)
        except OSError as error:
            raise StorageError(f"{camera}: cannot be opened: {error.strerror}") from error

    def _open(self, pending: Path) -> None:
        self._pending = pending
        try:
            self._waiting = self._read_on()
            self._check_whole()
        except DataError:
            if not pending.exists():
                raise
            self._waiting = self._take_back(msgspec.json.decode(read_file(pending, MAX_PENDING_BYTES), type=list[FileSize]))
            self._check_whole()
        pending.unlink(missing_ok=True)
        self._drop_rests(self._newest)

    @property
    def position(self) -> LedgerPosition | None:
        """The last line that verifies and counts."""
        return self._read_to if self._chain.checkpoint_stated else None

    def new_lines(self) -> list[Line]:
        """The verified lines that were not asked for yet, oldest first: durable, all of them."""
        if not self._chain.checkpoint_stated:
            return []
        waiting, self._waiting = self._waiting, []
        return waiting

    def size_bytes(self, start: int) -> int:
        """How much of a start's file is here."""
        try:
            return (self.folder / file_name(start)).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, start: int, offset: int, part: bytes) -> None:
        """Whole lines for the end of a start's file. When this returns they have verified and are durable; when it raises, nothing of them
        is here: `OffsetError`, `RestMissingError`, `DataError` for what does not verify. After a `StorageError` it is not known what is
        here: open the copy anew.
        """
        if (size := self.size_bytes(start)) != offset:
            raise OffsetError(size)
        if not part.endswith(b"\n"):
            raise DataError("only whole lines are taken; what a cut left behind them is sent as a rest")
        newest = self._newest
        if start < newest or start > LAST_NUMBER:
            raise DataError(f"{file_name(start)} has ended: start {newest} has begun")
        puts = [*(self._stated_rests(part) if start > newest else ()), (file_name(start), part)]
        before = [FileSize(name, self._size(name)) for name, _ in puts]
        try:
            durable.replace(self._pending, msgspec.json.encode(before))
            try:
                for name, data in puts:
                    durable.append(self.folder / name, data)
                lines = self._read_on()
                self._check_whole()
            except DataError:
                self._take_back(before)
                raise
            for put in before:
                durable.settle(self.folder / put.name)
            durable.sync_folder(self.folder)
            self._pending.unlink()
            if start > newest:
                self._drop_rests(start)
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot be written: {error.strerror}") from error
        self._waiting += lines

    def checkpoint_bytes(self, first_kept: int) -> tuple[int, bool]:
        """How much of a checkpoint is here, and whether that is all of it. Raises `StorageError`."""
        try:
            if checkpoints(self.folder) == [first_kept]:
                if self._checkpoint_verifies(first_kept):
                    return (self.folder / checkpoint_name(first_kept)).stat().st_size, True
                (self.folder / checkpoint_name(first_kept)).unlink()
            return (self._part.stat().st_size if self._part_of() == first_kept else 0), False
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot be read: {error.strerror}") from error

    def add_checkpoint(self, first_kept: int, offset: int, part: bytes, *, last: bool) -> None:
        """A part of the checkpoint before start `first_kept`. With the last one it is verified, and takes its place. Raises `OffsetError`,
        `DataError` for one that does not lead from the registered key to anything, or where the ledger has begun here; `StorageError`."""
        if self._read_to is not None:
            raise DataError(f"the ledger has begun here, at start {starts(self.folder)[0]}: nothing comes before it any more")
        size, whole = self.checkpoint_bytes(first_kept)
        if size != offset:
            raise OffsetError(size)
        if whole:
            return
        if size + len(part) > MAX_CHECKPOINT_BYTES:
            raise DataError(f"a checkpoint has at most {MAX_CHECKPOINT_BYTES} bytes")
        place = self.folder / checkpoint_name(first_kept)
        try:
            if not size:
                self._part.unlink(missing_ok=True)
            durable.append(self._part, part)
            durable.replace(self._part.with_suffix(".of"), f"{first_kept:06d}\n".encode())
            if not last:
                return
            for earlier in checkpoints(self.folder):
                (self.folder / checkpoint_name(earlier)).unlink()
            durable.replace(place, read_file(self._part, MAX_CHECKPOINT_BYTES))
            self._part.unlink()
            if not self._checkpoint_verifies(first_kept):
                place.unlink()
                raise DataError(f"{place.name}: its lines do not lead from this camera's key to start {first_kept}: begin anew")
            durable.sync_folder(self.folder)
            self._chain = Chain(self.folder, self._registered, growing=True)
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot be written: {error.strerror}") from error

    def _part_of(self) -> int:
        """Of which checkpoint a part is here; 0: of none."""
        named = self._part.with_suffix(".of")
        if not (self._part.exists() and named.exists()):
            return 0
        text = read_file(named, 16).strip()
        return int(text) if text.isdigit() else 0

    def _checkpoint_verifies(self, first_kept: int) -> bool:
        try:
            read_checkpoint(self.folder, first_kept, below=first_kept, registered=self._registered)
        except DataError:
            return False
        return True

    def add_rest(self, start: int, rest: bytes) -> None:
        """What follows the good lines of a start's file on the camera, as a cut left it. It waits to be stated. Raises `DataError` for what
        no start can state any more, `StorageError`."""
        if not 0 < len(rest) <= MAX_LINE_BYTES or not 1 <= start <= LAST_NUMBER:
            raise DataError(f"a cut leaves 1 to {MAX_LINE_BYTES} bytes behind good lines, not {len(rest)}")
        if start < self._newest:
            raise DataError(f"{file_name(start)} has ended: start {self._newest} has stated what a cut left of it")
        name = f"{start:06d}.{hashlib.sha256(rest).hexdigest()}"
        try:
            present = self._waiting_rests()
            if name in present:
                return
            if len(present) >= MAX_RESTS:
                self._drop_rests(LAST_NUMBER + 1)
            durable.replace(self._rests / name, rest)
        except OSError as error:
            raise StorageError(f"{self._rests}: cannot be written: {error.strerror}") from error

    @property
    def _newest(self) -> int:
        return self._read_to.start if self._read_to is not None else 0

    def _waiting_rests(self) -> list[str]:
        with Folder.open(self._rests) as folder:
            return [entry.name for entry in folder.names() if _REST.fullmatch(entry.name)]

    def _drop_rests(self, below: int) -> None:
        """Those of starts before this one: they are in their place, or nothing can state them any more. Opening does it again."""
        for name in self._waiting_rests():
            if int(name.partition(".")[0]) < below:
                (self._rests / name).unlink()

    def _stated_rests(self, part: bytes) -> list[tuple[str, bytes]]:
        """The rests that a start's first line states and that are not in their place yet, by the name of the file that they belong to.
        Before the first line behind a checkpoint there are none: those files are dropped."""
        if self._read_to is None and checkpoints(self.folder):
            return []
        line = single_line(part.partition(b"\n")[0], "the first line")
        if not isinstance(line.detail, StartDetail):
            raise DataError(f"the first line of a start's file is its start, not {line.entry.type!r}")
        found: list[tuple[str, bytes]] = []
        for torn in line.detail.torn_ledgers:
            match = _FILE.fullmatch(torn.file)
            if match is None or torn.torn_bytes == 0 or self.size_bytes(int(match[1])) != torn.good_bytes:
                continue  # it is there already, or the chain will say what is wrong with it
            path = self._rests / f"{match[1]}.{torn.torn_sha256}"
            if not path.exists():
                raise RestMissingError(torn)
            found.append((torn.file, read_file(path, MAX_LINE_BYTES)))
        return found

    def _size(self, name: str) -> int | None:
        path = self.folder / name
        return path.stat().st_size if path.exists() else None

    def _take_back(self, before: list[FileSize]) -> list[Line]:
        """Have the files as they were; all of their lines."""
        for put in before:
            path = self.folder / put.name
            if put.size is None:
                path.unlink(missing_ok=True)
            elif path.stat().st_size > put.size:
                with path.open("r+b") as file:
                    durable.cut(file.fileno(), put.size)
                    durable.sync(file.fileno())
        durable.sync_folder(self.folder)
        self._read_to, self._chain = None, Chain(self.folder, self._registered, growing=True)
        return self._read_on()

    def _check_whole(self) -> None:
        """Raises `DataError` unless every byte that is there belongs to a line that verifies, or is stated by a start."""
        newest, end = (self._read_to.start, self._read_to.end_bytes) if self._read_to is not None else (0, 0)
        if self.size_bytes(newest) != end or any(start > newest for start in starts(self.folder)):
            raise DataError(f"{self.folder}: after start {newest}, byte {end}, something follows that is no line of this ledger")

    def _read_on(self) -> list[Line]:
        lines: list[Line] = []
        for line in self._chain.new_lines():
            self._read_to = LedgerPosition(line.entry.start, line.end, line.sha256)
            lines.append(line)
        return lines
