"""What `copy.jsonl` says of a copy, folded; and writing further lines to it.

Guarantees
- A line by a key that nobody knows proves nothing, and holds all the same: footage is rather kept. It releases nothing and excuses nothing.
- Lines are added whole or not at all: the file is written anew and takes its name when it is durable.
- Only the camera's own entries excuse footage that is not there; a person's word never does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError, OutputError, StorageError, StoreBusyError
from bodycamd.evidence.copy_record import (
    COPY_FILE,
    COPY_PART,
    CopyHoldAdded,
    CopyHoldReleased,
    CopyLine,
    Deletion,
    Detail,
    Inventory,
    Pruned,
    Pruning,
    copy_lines,
    signed_line,
)
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.statements import ZERO_HASH, wall_text
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder
from bodycamd.municipality.copies.person_keys import People
from bodycamd.store.names import LEDGER_FOLDER

MAX_COPY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CopyHold:
    """A hold at the copy. `signer` is empty where nobody knows the key of who signed it."""

    added: CopyHoldAdded
    since: str
    signer: str


@dataclass(slots=True)
class CopyRecord:
    """The lines folded. `failure` says where they break off: then nothing after that counts, and what is held cannot be known."""

    failure: str = ""
    lines: int = 0
    last: str = ZERO_HASH
    """SHA-256 of the last whole line."""
    heads: dict[str, str] = field(default_factory=dict)
    """By the ledger line that lines name: where the first of them stands."""
    unknown: list[str] = field(default_factory=list)
    """Lines by keys that nobody knows."""
    holds: dict[str, dict[str, CopyHold]] = field(default_factory=dict)
    """By recording and id."""
    received: dict[str, set[int]] = field(default_factory=dict)
    """What inventories by known people state, by recording."""
    inventoried: bool = False
    """Whether somebody known has made an inventory at all."""
    deletions: set[str] = field(default_factory=set)
    pruning: set[str] = field(default_factory=set)
    """Recordings whose pruning was begun and is not stated as done."""

    def hold_of(self, recording: str) -> CopyHold | None:
        """A hold on this recording; rather one by somebody known."""
        held = sorted(self.holds.get(recording, {}).values(), key=lambda hold: not hold.signer)
        return held[0] if held else None

    def not_received(self, recording: str, segment: int) -> bool:
        """Whether somebody known keeps an inventory, and this segment is not in it."""
        return self.inventoried and segment not in self.received.get(recording, ())

    def take(self, line: CopyLine) -> None:
        """One line more."""
        self.lines, self.last = line.entry.n, line.sha256
        self.heads.setdefault(line.entry.head, line.where)
        if not line.signer:
            self.unknown.append(line.where)
        match line.detail:
            case CopyHoldAdded() as added:
                self.holds.setdefault(added.recording, {}).setdefault(added.hold, CopyHold(added, line.entry.wall, line.signer))
            case CopyHoldReleased() as released if line.signer:
                self.holds.get(released.recording, {}).pop(released.hold, None)
            case Inventory() as inventory if line.signer:
                self.inventoried = True
                self.received.setdefault(inventory.recording, set()).update(inventory.segments)
            case Deletion() as deletion if line.signer:
                self.deletions.add(deletion.recording)
            case Pruning() as pruning if line.signer:
                self.pruning.add(pruning.recording)
            case Pruned() as pruned if line.signer:
                self.pruning.discard(pruned.recording)
            case _:
                pass


def read_copy(store: Path, people: People) -> CopyRecord | None:
    """What the copy's record says; `None` where there is none. What is wrong in it is in `failure`.

    Raises `PermissionDeniedError`, `StorageError`.
    """
    record = CopyRecord()
    try:
        with Folder.open(store) as folder, folder.file(COPY_FILE) as file:
            if os.fstat(file.fileno()).st_size > MAX_COPY_BYTES:
                raise DataError(f"{COPY_FILE}: longer than {MAX_COPY_BYTES} bytes")
            for line in copy_lines(file, people):
                record.take(line)
    except NotFoundError:
        return None
    except DataError as error:
        record.failure = str(error)
    except OSError as error:
        raise StorageError(f"{store / COPY_FILE}: cannot be read: {error.strerror}") from error
    return record


def standing(store: Path, recording: str, deleted: str, people: People, *, for_room: bool = False) -> str:
    """What who takes footage from a copy must know, in words: that the camera has deleted the recording (`deleted`: when it began;
    `for_room`: only to make room), or that the copy is held. Empty where neither is so, as in a camera's own store. Raises as `read_copy`
    does.
    """
    record = read_copy(store, people)
    hold = record.hold_of(recording) if record is not None else None
    by = f"held at this copy since {hold.since} by {hold.signer or 'a key that nobody knows'} ({hold.added.ground})" if hold else ""
    if not deleted:
        return by
    if hold is not None and hold.signer:
        return f"the camera has deleted this recording ({deleted}); it is {by}"
    if for_room:
        note = f"the camera has deleted this recording ({deleted}) to make room: `bodycamd verify` says whether its term is over"
        return f"{note}; it is {by}" if by else note
    held = f", and only {by}" if by else ", and nothing holds this copy"
    return f"KEPT BEYOND ITS DELETION: the camera has deleted this recording ({deleted}){held}: `bodycamd prune`, or a reason to hold it"


@contextmanager
def writing(store: Path, key: SigningKey, people: People, *, below: Path | None = None) -> Iterator[CopyWriter]:
    """Add lines to the record of a copy, alone. Raises `StoreBusyError` where another command does so now, `DataError` where its lines are
    damaged, `NotFoundError` where there is no ledger, `StorageError`. `below` is as of `Folder.open`.
    """
    with Folder.open(store, below=below) as folder:
        try:
            fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreBusyError(f"{store}: another command writes to this copy") from error
        record = read_copy(store, people) or CopyRecord()
        if record.failure:
            raise DataError(f"{store}: {record.failure}: the record of this copy is damaged; nothing is changed")
        ledger = VerifiedLedger(store / LEDGER_FOLDER)
        for _ in ledger:
            pass
        head = ledger.chain.head
        if head == ZERO_HASH:
            raise NotFoundError(f"{store}: there is no ledger in it: not a copy of a camera's store")
        yield CopyWriter(folder, key, people[key.public.id][0] if key.public.id in people else "", record, head)


class CopyWriter:
    """Adds lines to `copy.jsonl`. `record` is what it says, these lines included."""

    def __init__(self, folder: Folder, key: SigningKey, name: str, record: CopyRecord, head: str) -> None:
        self.record = record
        self._folder = folder
        self._key = key
        self._name = name
        self._head = head

    def add(self, details: Sequence[Detail], now_us: int) -> None:
        """Sign and write; durable when this returns. Raises `OutputError`: then nothing was added."""
        if not details:
            return
        wall, name = wall_text(now_us), self._name
        added: list[tuple[bytes, CopyLine]] = []
        n, prev = self.record.lines, self.record.last
        for detail in details:
            n += 1
            added.append(signed_line(detail, self._key, name, n=n, prev=prev, head=self._head, wall=wall))
            prev = added[-1][1].sha256
        try:
            before = self._folder.read(COPY_FILE, MAX_COPY_BYTES) if self.record.lines else b""
            if self._folder.look(COPY_PART) is not None:
                self._folder.remove(COPY_PART)
            with self._folder.create(COPY_PART) as out:
                durable.write_all(out.fileno(), (before, *(raw + b"\n" for raw, _ in added)))
                durable.sync(out.fileno())
            self._folder.rename(COPY_PART, COPY_FILE)
            self._folder.sync()
        except OSError as error:
            raise OutputError(f"{self._folder.path / COPY_FILE}: cannot be written: {error.strerror}") from error
        for _, line in added:
            self.record.take(line)


def now_us() -> int:
    """This computer's clock, in microseconds since 1970."""
    return round(datetime.now(UTC).timestamp() * 1e6)
