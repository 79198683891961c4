"""Bundles that the operator lays in, so that cameras fetch what an order names.

A station has no say in what a camera runs: a release key signs the bundle and a technician the order, and the camera holds both against
what it has. So a bundle is checked here for the operator alone, who is to hear at once of a wrong file; `check` does that, since the reader
of bundles is the camera's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from bodycamd.errors import DataError, NotFoundError
from bodycamd.linux.foreign import open_file
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.segments import StoredBundle
from bodycamd.municipality.station.storage import Storage

CHUNK_BYTES: Final = 1024 * 1024


class Added(Struct, frozen=True):
    """A bundle that is here now. `new`: it was not before."""

    name: str
    size_bytes: int
    new: bool


class BundleStore:
    """Of one station, beside a process that serves or without one."""

    def __init__(self, storage: Storage, index: Index, now_us: Callable[[], int]) -> None:
        self._storage, self._index, self._now_us = storage, index, now_us

    def add(self, path: Path, check: Callable[[Path], str]) -> Added:
        """Keep the bundle at `path`, once `check` has looked at all of it and told its name; the log says so. Twice does no harm. Raises as
        `check` does, `DataError` where it changes meanwhile or another file of this bundle is here, `StorageError`."""
        with open_file(path.resolve()) as source:
            digest, size = hashlib.sha256(), 0
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
            name = check(path)
            new = name not in dict(self._storage.bundles())
            if new:
                self._log("bundle_added", f"{size} bytes", name)
            self._storage.put_bundle(StoredBundle(name, size, digest.hexdigest()), source)
        return Added(name, size, new)

    def remove(self, name: str) -> None:
        """Keep it no longer; the log says so. Raises `NotFoundError` where it is not here, `DataError` where that is no name,
        `StorageError`."""
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise DataError("a bundle is named by 64 hex digits in small letters: bodycamd station bundle list")
        if name not in dict(self._storage.bundles()):
            raise NotFoundError(f"bundle {name}: this station does not have it")
        self._log("bundle_removed", "", name)
        self._storage.delete_bundle(name)

    def _log(self, event: Literal["bundle_added", "bundle_removed"], what: str, name: str) -> None:
        """Before it is done: a kill in between leaves a line too many, and never one too few."""
        self._index.log_bundle(event, what, name, self._now_us())
        keep_log(self._index, self._storage)

    def list(self) -> list[tuple[str, int]]:
        """The names of those that are here, each with its size in bytes. Raises `StorageError`."""
        return self._storage.bundles()
