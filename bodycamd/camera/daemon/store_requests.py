"""The control socket's requests about the store: its names, its ledger and the length of what is being recorded, for members of the group
who may not read the store themselves. `cli.mirror` puts them together again and reads them like any store: what verifies is judged there.

Read only, and off the loop: one thread of its own reads a few blocks or one folder for each request, and nothing of the answers is kept.
Footage is never read out, only its lengths. Answers fit a line of the socket: long ones come in pages.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bodycamd.camera.daemon.socket import Command
from bodycamd.errors import UsageError
from bodycamd.evidence.checkpoint import CHECKPOINT_FILE
from bodycamd.evidence.ledger_reader import LEDGER_FILE, open_ledger_file
from bodycamd.linux.foreign import Folder
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, check_recording, recording_names, segment_files
from bodycamd.store.reader import StoreReader

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

    def commands(self) -> dict[str, Command]:
        """For the control socket."""
        return {
            "store_files": Command(lambda a, _: self._ask(_files, _text(a, "after")), frozenset({"after"})),
            "store_ledger": Command(lambda a, _: self._ask(_ledger, _text(a, "file"), _number(a, "offset")), frozenset({"file", "offset"})),
            "store_measure": Command(
                lambda a, _: self._ask(_measure, _text(a, "recording"), _number(a, "stated")), frozenset({"recording", "stated"})
            ),
        }

    def _ask(self, read: Callable[..., dict[str, Any]], *arguments: object) -> asyncio.Future[dict[str, Any]]:
        if self._store is None:
            raise UsageError("the store is not open yet")
        return asyncio.get_running_loop().run_in_executor(self._thread, read, self._store, *arguments)


def _files(store: StoreReader, after: str) -> dict[str, Any]:
    """The next files of the store with their sizes, in the order of their paths; a recording's folder ends with `/`."""
    page: list[tuple[str, int]] = []
    for path, size in _paths(store, after):
        if len(page) == PAGE_NAMES:
            return {"files": page, "more": True}
        page.append((path, size))
    return {"files": page, "more": False}


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


def _ledger(store: StoreReader, name: str, offset: int) -> dict[str, Any]:
    """A part of a ledger file, as it stands."""
    if not _of_ledger(name):
        raise UsageError(f"{name!r} is not the name of a file of the ledger")
    with open_ledger_file(store.ledger_folder, name) as file:
        file.seek(offset)
        return {"base64": base64.b64encode(file.read(PAGE_BYTES)).decode("ascii")}


def _measure(store: StoreReader, recording: str, stated: int) -> dict[str, Any]:
    """See `StoreReader.measure`."""
    check_recording(recording)
    segment_files(store.recordings_folder / recording)  # raises where there is no such folder
    return store.measure(recording, stated).fields()


def _of_ledger(name: str) -> bool:
    return bool(LEDGER_FILE.fullmatch(name) or CHECKPOINT_FILE.fullmatch(name))


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments[name]
    if not isinstance(value, str) or len(value) > 200:
        raise UsageError(f"{name} is a text of at most 200 characters")
    return value


def _number(arguments: Mapping[str, Any], name: str) -> int:
    value = arguments[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise UsageError(f"{name} is a number")
    return value
