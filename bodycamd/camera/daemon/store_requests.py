"""The control socket's requests about the store: its names, its ledger and the length of what is being recorded, for members of the group
who may not read the store themselves. `cli.mirror` puts them together again and reads them like any store: what verifies is judged there.

Read only, and off the loop: one thread of its own reads a few blocks or one folder for each request, and nothing of the answers is kept.
Footage is never read out, only its lengths. Long answers come in pages: none keeps the loop for long.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bodycamd.camera.daemon.protocol import LedgerPart, ListStore, Measure, ReadLedger, StorePage
from bodycamd.errors import UsageError
from bodycamd.evidence.checkpoint import CHECKPOINT_FILE
from bodycamd.evidence.ledger_reader import LEDGER_FILE, open_ledger_file
from bodycamd.linux.foreign import Folder
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, check_recording, recording_names, segment_files
from bodycamd.store.reader import Measured, StoreReader

PAGE_BYTES = 45_000
"""Of the ledger, in one answer: 60,000 characters of base64."""
PAGE_NAMES = 600
"""Of at most 60 characters each, with their sizes."""


class StoreRequests:
    """Answers once the store is open: `attach` names it. `close` lets the thread go."""

    def __init__(self) -> None:
        self._store: StoreReader | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-requests")

    def attach(self, store: Path) -> None:
        """From here on requests are answered."""
        self._store = StoreReader(store)

    def close(self) -> None:
        """Answer no more; what is being read is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def answer(self, request: ListStore | ReadLedger | Measure) -> Awaitable[StorePage | LedgerPart | Measured]:
        """What will have the answer. Raises `UsageError` while the store is not open."""
        if self._store is None:
            raise UsageError("the store is not open yet")
        return asyncio.get_running_loop().run_in_executor(self._thread, _answer, self._store, request)


def _answer(store: StoreReader, request: ListStore | ReadLedger | Measure) -> StorePage | LedgerPart | Measured:
    match request:
        case ListStore(after=after):
            return _files(store, after)
        case ReadLedger(file=file, offset=offset):
            return _ledger(store, file, offset)
        case Measure(recording=recording, stated=stated):
            return _measure(store, recording, stated)


def _files(store: StoreReader, after: str) -> StorePage:
    """The next files of the store with their sizes, in the order of their paths; a recording's folder ends with `/`."""
    page: list[tuple[str, int]] = []
    for path, size in _paths(store, after):
        if len(page) == PAGE_NAMES:
            return StorePage(files=page, more=True)
        page.append((path, size))
    return StorePage(files=page, more=False)


def _paths(store: StoreReader, after: str) -> Iterator[tuple[str, int]]:
    with Folder.open(store.ledger_folder, below=store.directory) as ledger:
        for name in ledger.names():
            path = f"{LEDGER_FOLDER}/{name.name}"
            if name.is_file and _of_ledger(name.name) and path > after and (entry := ledger.look(name.name)) is not None:
                yield path, entry.size
    for recording in recording_names(store.recordings_folder)[0]:
        folder = f"{RECORDINGS_FOLDER}/{recording}/"
        if folder > after:
            yield folder, 0
        if folder + "~" > after:
            for file, size in store.sizes(recording):
                if (named := folder + file.name) > after:
                    yield named, size


def _ledger(store: StoreReader, name: str, offset: int) -> LedgerPart:
    """A part of a ledger file, as it is now."""
    if not _of_ledger(name):
        raise UsageError(f"{name!r} is not the name of a file of the ledger")
    with open_ledger_file(store.ledger_folder, name) as file:
        file.seek(min(offset, os.fstat(file.fileno()).st_size))  # no file is as long as a number may be large
        return LedgerPart(base64=file.read(PAGE_BYTES))


def _measure(store: StoreReader, recording: str, stated: int) -> Measured:
    """See `StoreReader.measure`."""
    check_recording(recording)
    segment_files(store.recordings_folder / recording)  # raises where there is no such folder
    return store.measure(recording, stated)


def _of_ledger(name: str) -> bool:
    return bool(LEDGER_FILE.fullmatch(name) or CHECKPOINT_FILE.fullmatch(name))
