"""Hands the uplink what it may send: read-only descriptors, for a process that cannot open the store itself.

What may be sent is looked up in the thread that writes the ledger (`Sending`); files are opened, and where needed read, in another one. The
names of a request are compared with those that the ledger states, and never put into a path. A file is opened as it is below the
store, never through a link, and handed out only with the size that the ledger states.

Not guaranteed: that the uplink reads no further than the size it was told. What follows in a ledger file is this ledger's too.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from msgspec import Struct

from bodycamd.camera.daemon.pace import Pace
from bodycamd.camera.daemon.protocol import AskSegments, AskWaiting, OpenCheckpoint, OpenLedger, OpenSegment
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.rosters import Rosters
from bodycamd.camera.keeping.sending import Segment, Sending
from bodycamd.camera.keeping.waiting import Opened, UplinkStatus, Waiting, WaitingSegment, WaitingStart, WantedBundles
from bodycamd.camera.recorder.journal import Journal
from bodycamd.camera.recorder.space import Room
from bodycamd.errors import DataError, StorageError, UnavailableError, UsageError
from bodycamd.evidence.answers import SignedAnswer
from bodycamd.evidence.checkpoint import checkpoint_name
from bodycamd.evidence.ledger_reader import file_name, open_ledger_file
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.roster import SignedRoster
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import Folder
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, check_recording, segment_kind

MOST_ASKED, MOST_OPENED = 5, 20
"""A second."""
_CHUNK_BYTES = 1024 * 1024
R = TypeVar("R")


class HandedOut(Struct, frozen=True):
    """An answer, and the file whose descriptor goes with it; whoever sends it closes the file."""

    answer: Opened
    file: BinaryIO


class Write(Protocol):
    """Runs something in the thread that writes the ledger."""

    def __call__(self, run: Callable[[Keeper, Journal], R]) -> Awaitable[R]:
        """Its result."""


class HandingOut:
    """In the loop's thread; answers once the store is open: `attach` names it. `close` lets the thread go."""

    def __init__(self, sending: Sending, write: Write) -> None:
        self._sending, self._write = sending, write
        self._store: Path | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="handing-out")
        self._asked, self._opened = Pace(MOST_ASKED, "such requests"), Pace(MOST_OPENED, "files")
        self._heard: float | None = None
        self._doing = self._bundle = ""
        self._reading: Future[str] | None = None
        self._whole: dict[tuple[str, Segment], str] = {}
        """The SHA-256 of whole files that a cut left something in: as many as the ledger states of them."""

    def attach(self, store: Path) -> None:
        """From here on requests are answered."""
        self._store = store

    def close(self) -> None:
        """Answer no more; what is being read is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def status(self) -> UplinkStatus:
        """For `status`."""
        return UplinkStatus(
            segments=self._sending.segments,
            bytes=self._sending.bytes,
            receipts=self._sending.receipts,
            stored_at=self._sending.stored_at,
            asked_seconds=None if self._heard is None else time.monotonic() - self._heard,
            doing=self._doing,
            bundle=self._bundle,
        )

    def answer(
        self, request: AskWaiting | AskSegments | OpenLedger | OpenCheckpoint | OpenSegment
    ) -> Awaitable[Waiting] | Awaitable[list[WaitingSegment]] | Awaitable[HandedOut]:
        """What will have the answer. Raises `UnavailableError` beyond the pace. The answer raises as `Sending` does, and `DataError`,
        `StorageError` where a file is not what the ledger states.
        """
        now = time.monotonic()
        match request:
            case AskWaiting(doing=doing):
                self._asked.keep(now)
                self._heard, self._doing = now, shown(doing)
                return self._write(lambda keeper, _: self._sending.waiting(keeper.held(), keeper.question(self._file_of)))
            case AskSegments(recording=recording):
                self._asked.keep(now)
                return self._write(lambda *_: self._sending.waiting_segments(recording))
            case OpenLedger(start=start):
                self._opened.keep(now)
                return self._open_ledger(start)
            case OpenCheckpoint(start=start):
                self._opened.keep(now)
                return self._open_checkpoint(start)
            case OpenSegment(recording=recording, file=file):
                self._opened.keep(now)
                return self._open_segment(recording, file)

    async def wanted(self, doing: str, names: Callable[[], Awaitable[list[str]]], storage: Callable[[], Room]) -> WantedBundles:
        """Which bundles are wanted, with the room that footage has; `doing` is what the uplink says of them. Raises `UnavailableError`
        beyond the pace, and as `names` does."""
        self._asked.keep(time.monotonic())
        self._bundle = shown(doing)
        found, room = await names(), storage()
        file_system = os.stat(self._directory()).st_dev
        return WantedBundles(names=found, file_system=file_system, footage_bytes=room.footage_bytes if room.level == "ok" else 0)

    async def take_receipt(self, signed: SignedReceipt, rosters: Rosters | None) -> Delivered:
        """What becomes of a receipt that a courier brought. Footage is read only for one that is refused for nothing else, one segment at
        a time, and each once. Raises `StorageError`, and `UnavailableError` while another one's segment is read.
        """

        def first_look(keeper: Keeper, _: Journal) -> Delivered | tuple[str, Segment] | None:
            keeper.held()  # the ledger is read to its end
            refused = self._sending.refusal(signed, _in_force(rosters), keeper.known_time())
            return refused or self._sending.of_receipt(signed.receipt)

        found = await self._write(first_look)
        if isinstance(found, Delivered):
            return found
        whole = await self._whole_sha256(*found) if found is not None and found[1].torn_bytes else ""

        def judge(keeper: Keeper, journal: Journal) -> Delivered:
            told = self._sending.deliver(signed, _in_force(rosters), keeper.known_time(), whole, journal.state_durably)
            keeper.held()  # the entry is read: the next receipt follows on it
            return told

        return await self._write(judge)

    def _file_of(self, recording: str, number: int) -> str:
        return self._sending.numbered(recording, number).file

    async def take_answer(self, signed: SignedAnswer) -> Delivered:
        """What becomes of a station's answer that a courier brought. The segment is read only for one that answers the question that
        stands, one at a time. Raises as `take_receipt` does, and `UsageError` where nothing is asked."""
        answer = signed.answer

        def first_look(keeper: Keeper, _: Journal) -> Delivered | Segment:
            keeper.held()  # the ledger is read to its end
            if keeper.making_room is None:
                raise UsageError("this camera makes no room (storage.when_full): it asks no station")
            return keeper.making_room.refusal(signed, keeper.wall_us) or self._sending.numbered(answer.recording, answer.segment)

        found = await self._write(first_look)
        if isinstance(found, Delivered):
            return found
        store, nonce = self._directory(), bytes.fromhex(answer.nonce)
        sha256 = await self._read_alone(lambda: _sha256(store, answer.recording, found, nonce))

        def judge(keeper: Keeper, journal: Journal) -> Delivered:
            assert keeper.making_room is not None, "asked before"
            told = keeper.making_room.deliver(signed, sha256, keeper.wall_us, journal.state_durably)
            keeper.held()  # the entry is read: what may go follows from it
            return told

        return await self._write(judge)

    async def _whole_sha256(self, recording: str, segment: Segment) -> str:
        """Of a segment's whole file. Who waits may go away: the file is read to its end all the same, and nothing queues behind it."""
        known = self._whole.get((recording, segment))
        if known is not None:
            return known
        store = self._directory()
        found = self._whole[recording, segment] = await self._read_alone(lambda: _sha256(store, recording, segment))
        return found

    async def _read_alone(self, read: Callable[[], str]) -> str:
        if self._reading is not None and not self._reading.done():
            raise UnavailableError("a segment is being read for another receipt: wait until it is")
        self._reading = self._thread.submit(read)
        return await asyncio.wrap_future(self._reading)

    async def _open_ledger(self, start: int) -> HandedOut:
        found = await self._write(lambda *_: self._sending.ledger(start))
        store = self._directory()
        return await self._handed(lambda: _open_ledger(store, found))

    async def _open_checkpoint(self, start: int) -> HandedOut:
        sha256 = await self._write(lambda *_: self._sending.checkpoint(start))
        store = self._directory()
        return await self._handed(lambda: _open_checkpoint(store, start, sha256))

    async def _open_segment(self, recording: str, file: str) -> HandedOut:
        found = await self._write(lambda *_: self._sending.segment(recording, file))
        store = self._directory()
        return await self._handed(lambda: _open_segment(store, recording, found))

    def _directory(self) -> Path:
        if self._store is None:
            raise UsageError("the store is not open yet")
        return self._store

    async def _handed(self, run: Callable[[], HandedOut]) -> HandedOut:
        """The file is closed where nobody waits for it any more."""
        opening = self._thread.submit(run)
        try:
            return await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close)
            raise


def _in_force(rosters: Rosters | None) -> SignedRoster | None:
    return None if rosters is None else rosters.in_force


def _close(opening: Future[HandedOut]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().file.close()


def _open_ledger(store: Path, found: WaitingStart) -> HandedOut:
    file = open_ledger_file(store / LEDGER_FOLDER, file_name(found.start))
    if os.fstat(file.fileno()).st_size < found.size_bytes + found.rest_bytes:
        file.close()
        raise DataError(f"{file_name(found.start)}: shorter than it was when it was read")
    return HandedOut(Opened(size_bytes=found.size_bytes, rest_bytes=found.rest_bytes), file)


def _open_checkpoint(store: Path, start: int, sha256: str) -> HandedOut:
    with Folder.open(store / LEDGER_FOLDER, below=store) as folder:
        file = folder.file(checkpoint_name(start))
    size = os.fstat(file.fileno()).st_size
    if hashlib.sha256(file.read()).hexdigest() != sha256:
        file.close()
        raise DataError(f"{checkpoint_name(start)}: not what the ledger states")
    return HandedOut(Opened(size_bytes=size, sha256=sha256), file)


def _open_segment(store: Path, recording: str, segment: Segment) -> HandedOut:
    file = _file_of(store, recording, segment)
    return HandedOut(Opened(size_bytes=segment.good_bytes, rest_bytes=segment.torn_bytes, sha256=segment.sha256), file)


def _file_of(store: Path, recording: str, segment: Segment) -> BinaryIO:
    check_recording(recording)
    if segment_kind(segment.file) == "open":
        raise DataError(f"{recording}/{segment.file}: stated, and not sealed")
    with Folder.open(store / RECORDINGS_FOLDER, below=store) as recordings, recordings.folder(recording) as folder:
        file = folder.file(segment.file)
    if os.fstat(file.fileno()).st_size != segment.size_bytes:
        file.close()
        raise DataError(f"{recording}/{segment.file}: another size than the ledger states")
    return file


def _sha256(store: Path, recording: str, segment: Segment, before: bytes = b"") -> str:
    """Of the whole file, and of these bytes before it. Raises `StorageError` where it cannot be read."""
    digest = hashlib.sha256(before)
    try:
        with _file_of(store, recording, segment) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as error:
        raise StorageError(f"{recording}/{segment.file}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()
