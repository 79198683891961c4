"""A camera's ledger as the station has it: it grows by lines that verify, and by nothing else.

Whoever has a stolen uplink key can send bytes, and none of them stays: what is appended must be whole lines that the camera's own signing
keys signed, each chained to the one before. What a power cut on the camera left behind a file's good lines cannot be judged by itself: such
a rest waits beside the ledger, by its SHA-256, until the next start's first line, signed, states it; only then is it put where it belongs,
and no rest of an older start waits any longer. Nobody can fill the room for rests: where there is none left all of them are forgotten, and
the camera sends again what is still missed.

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


class _Size(Struct, frozen=True):
    """How long a file was before something was appended to it; `None` where there was none."""

    name: str
    size: int | None


class LedgerCopy:
    """The copy in the folder of one camera. `position` is the last line that verifies, `None` before the first.

    Not safe for two callers at once.
    """

    def __init__(self, camera: Path, registered: PublicKey) -> None:
        """Reads all that is there; `new_lines` then has it. Raises `DataError` where it does not verify, `StorageError`."""
        self.folder = camera / STORE_FOLDER / LEDGER_FOLDER
        self.position: LedgerPosition | None = None
        self._rests = camera / RESTS_FOLDER
        self._registered = registered
        self._chain = Chain(self.folder, registered)
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
            self._waiting = self._take_back(msgspec.json.decode(read_file(pending, MAX_PENDING_BYTES), type=list[_Size]))
            self._check_whole()
        pending.unlink(missing_ok=True)
        self._drop_rests(self._newest)

    def new_lines(self) -> list[Line]:
        """The verified lines that were not asked for yet, oldest first: durable, all of them."""
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
        before = [_Size(name, self._size(name)) for name, _ in puts]
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
        return self.position.start if self.position is not None else 0

    def _waiting_rests(self) -> list[str]:
        with Folder.open(self._rests) as folder:
            return [entry.name for entry in folder.names() if _REST.fullmatch(entry.name)]

    def _drop_rests(self, below: int) -> None:
        """Those of starts before this one: they are in their place, or nothing can state them any more. Opening does it again."""
        for name in self._waiting_rests():
            if int(name.partition(".")[0]) < below:
                (self._rests / name).unlink()

    def _stated_rests(self, part: bytes) -> list[tuple[str, bytes]]:
        """The rests that a start's first line states and that are not in their place yet, by the name of the file that they belong to."""
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

    def _take_back(self, before: list[_Size]) -> list[Line]:
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
        self.position, self._chain = None, Chain(self.folder, self._registered)
        return self._read_on()

    def _check_whole(self) -> None:
        """Raises `DataError` unless every byte that is there belongs to a line that verifies, or is stated by a start."""
        newest, end = (self.position.start, self.position.end_bytes) if self.position is not None else (0, 0)
        if self.size_bytes(newest) != end or any(start > newest for start in starts(self.folder)):
            raise DataError(f"{self.folder}: after start {newest}, byte {end}, something follows that is no line of this ledger")

    def _read_on(self) -> list[Line]:
        lines: list[Line] = []
        for line in self._chain.new_lines():
            self.position = LedgerPosition(line.entry.start, line.end, line.sha256)
            lines.append(line)
        return lines
