"""The store of a running camera, for who may ask the daemon but not read the folder: its names and its ledger, fetched over the control
socket into a folder of the user's own, and read there like any store. It holds no footage, and goes when the command ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import LedgerPart, ListStore, Measure, ReadLedger, StorePage
from bodycamd.cli.place import Place
from bodycamd.errors import DataError, NotFoundError, OutputError, PermissionDeniedError, UnavailableError
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER
from bodycamd.store.reader import Measured, StoreReader

MAX_LEDGER_BYTES = 256 * 1024 * 1024
ANSWER_SECONDS = 15.0


@contextmanager
def readable_store(place: Place) -> Iterator[StoreReader]:
    """A reader of the store; where this user may not read it, and its daemon's socket is known, a reader of what the daemon says of it.
    Raises `PermissionDeniedError` where neither may be had, and as `StoreReader.open` does.
    """
    try:
        reader = StoreReader.open(place.store)
        with suppress(NotFoundError):
            Folder.open(reader.ledger_folder, below=place.store).close()
    except PermissionDeniedError as denied:
        if place.socket is None:
            raise
        try:
            client = ControlClient(place.socket, ANSWER_SECONDS)
        except (UnavailableError, PermissionDeniedError) as error:
            raise PermissionDeniedError(f"{denied}; nor can the daemon be asked: {error}") from error
        with mirrored(client) as mirror:
            yield mirror
    else:
        yield reader


@contextmanager
def mirrored(client: ControlClient) -> Iterator[Mirror]:
    """What the daemon says of its store. Raises as `ControlClient.request` does, `DataError`, `OutputError`."""
    with client, tempfile.TemporaryDirectory(prefix="bodycamd-") as folder:
        yield Mirror(client, Path(folder))


class Mirror(StoreReader):
    """Files of the right sizes without content, and the ledger as it is."""

    def __init__(self, client: ControlClient, directory: Path) -> None:
        super().__init__(directory)
        self._client = client
        try:
            self._fetch()
        except OSError as error:
            raise OutputError(f"{directory}: cannot keep the ledger for a moment: {error.strerror}") from error

    def measure(self, recording: str, stated: int) -> Measured:
        """As the daemon measures it."""
        return self._client.request(Measure(recording=recording, stated=stated), Measured)

    def _fetch(self) -> None:
        self.ledger_folder.mkdir()
        self.recordings_folder.mkdir()
        left = MAX_LEDGER_BYTES
        for path, size in self._files():
            parts = path.split("/")
            if len(parts) not in (2, 3) or ".." in parts or parts[0] not in (LEDGER_FOLDER, RECORDINGS_FOLDER):
                raise DataError(f"the daemon's answer names {path!r}, which is not a file of a store: is it of another version?")
            target = self.directory / path
            if path.endswith("/"):
                target.mkdir()
            elif parts[0] == LEDGER_FOLDER:
                left -= size
                if left < 0:
                    raise DataError(f"the ledger is larger than {MAX_LEDGER_BYTES} bytes: read the store itself, with sudo")
                self._fetch_file(parts[1], size, target)
            else:
                target.touch()
                os.truncate(target, size)

    def _files(self) -> Iterator[tuple[str, int]]:
        after, more = "", True
        while more:
            page = self._client.request(ListStore(after=after), StorePage)
            more = page.more
            if more and not page.files:
                raise DataError("the daemon's list of files does not end: is it of another version?")
            yield from page.files
            after = page.files[-1][0] if page.files else ""

    def _fetch_file(self, name: str, size: int, target: Path) -> None:
        with os.fdopen(durable.open_new(target), "wb") as file:
            while file.tell() < size:
                part = self._client.request(ReadLedger(file=name, offset=file.tell()), LedgerPart).base64
                if not part:
                    return
                file.write(part[: size - file.tell()])
