"""The station's store in a folder.

    cameras/DEVICE/store   an ordinary store: `bodycamd verify --store` and stock tools read it as it lies

It locks nothing: whoever may write there can delete.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.station.segments import StoredBundle, StoredSegment
from bodycamd.municipality.station.storage import BUNDLE_SUFFIX, BUNDLES_FOLDER, MAX_AUDIT_FILE_BYTES, STORE_FOLDER, Storage
from bodycamd.store.names import RECORDINGS_FOLDER, segment_files

CHUNK_BYTES: Final = 1 << 20


class FolderStorage(Storage):
    """On a file system that honours fsync."""

    locks = False

    def put_segment(self, device: str, segment: StoredSegment, staged: Path, kept_until_us: int, now_us: int) -> int:
        """As of the port. Until when it is to be kept is nothing to a folder."""
        path = self._path(device, segment.recording, segment.file)
        try:
            if not path.exists():
                durable.make_folder(path.parent)
                durable.settle(staged)
                os.rename(staged, path)
            elif not _is(path, segment):
                raise DataError(f"{path}: another file has this name already; both are kept")
            else:  # put by an earlier process, which may have died before it was durable
                durable.make_folder(path.parent)
                durable.settle(path)
            durable.sync_folder(path.parent)
            if not _is(path, segment):
                raise DataError(f"{path}: it does not read back as it was written")
        except OSError as error:
            raise StorageError(f"{path}: cannot be stored: {error.strerror}") from error
        return kept_until_us

    def keep_longer(self, device: str, segment: StoredSegment, kept_until_us: int) -> int:
        """As of the port."""
        if not self._path(device, segment.recording, segment.file).is_file():
            raise DataError(f"{segment.recording}/{segment.file}: it is not in the store")
        return kept_until_us

    def _path(self, device: str, recording: str, file: str) -> Path:
        return self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / recording / file

    def segment_chunks(self, device: str, recording: str, file: str) -> Iterator[bytes]:
        """As of the port."""
        path = self._path(device, recording, file)
        try:
            with path.open("rb") as opened:
                while chunk := opened.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError as error:
            raise DataError(f"{recording}/{file}: it is not in the store") from error
        except OSError as error:
            raise StorageError(f"{path}: cannot be read: {error.strerror}") from error

    def delete_recording(self, device: str, recording: str) -> None:
        """As of the port."""
        folder = self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / recording
        try:
            if not folder.is_dir():
                if folder.parent.is_dir():
                    durable.sync_folder(folder.parent)
                return
            for file in segment_files(folder)[0]:
                file.path.unlink()
            durable.sync_folder(folder)
            if left := sorted(path.name for path in folder.iterdir()):
                raise DataError(f"{folder}: {left[0]} is no segment: it is left, and the recording is not all gone")
            folder.rmdir()
            durable.sync_folder(folder.parent)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be removed: {error.strerror}") from error

    def has_recording(self, device: str, recording: str) -> bool:
        """As of the port."""
        return (self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / recording).exists()

    def has_segment(self, device: str, recording: str, file: str) -> bool:
        """As of the port."""
        return (self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / recording / file).is_file()

    def segments(self, device: str, recording: str) -> frozenset[str]:
        """As of the port."""
        folder = self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER / recording
        try:
            return frozenset(path.name for path in folder.iterdir() if path.is_file())
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error

    def recordings(self, device: str) -> list[str]:
        """As of the port."""
        folder = self.camera(device) / STORE_FOLDER / RECORDINGS_FOLDER
        try:
            return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error

    def put_bundle(self, bundle: StoredBundle, source: BinaryIO) -> None:
        """As of the port."""
        path = self._bundle(bundle.name)
        try:
            durable.make_folder(path.parent)
            with UnnamedFile(path.parent, path.name) as file:
                if _copied(source, file.descriptor) != (bundle.size, bundle.sha256):
                    raise DataError(f"{path}: the bundle changed while it was copied: it is not kept")
                file.sync()
                try:
                    file.link(path)
                except FileExistsError:
                    with path.open("rb") as there:
                        if hashlib.file_digest(there, "sha256").hexdigest() != bundle.sha256:
                            raise DataError(
                                f"{path}: another file of this bundle is here, signed by another key: remove it first"
                            ) from None
            durable.sync_folder(path.parent)
        except OSError as error:
            raise StorageError(f"{path}: cannot be stored: {error.strerror}") from error

    def bundles(self) -> list[tuple[str, int]]:
        """As of the port."""
        folder = self._data / BUNDLES_FOLDER
        found = [name for name in self._names(BUNDLES_FOLDER) if name.endswith(BUNDLE_SUFFIX) and not name.startswith(".")]
        try:
            return [(name.removesuffix(BUNDLE_SUFFIX), (folder / name).stat().st_size) for name in found]
        except OSError as error:
            raise StorageError(f"{folder}: cannot be read: {error.strerror}") from error

    def bundle_part(self, name: str, offset: int, most_bytes: int) -> tuple[int, bytes]:
        """As of the port."""
        path = self._bundle(name)
        try:
            with path.open("rb") as file:
                return os.fstat(file.fileno()).st_size, os.pread(file.fileno(), most_bytes, offset)
        except FileNotFoundError as error:
            raise NotFoundError(f"bundle {name}: this station does not have it") from error
        except OSError as error:
            raise StorageError(f"{path}: cannot be read: {error.strerror}") from error

    def delete_bundle(self, name: str) -> None:
        """As of the port."""
        path = self._bundle(name)
        try:
            path.unlink()
            durable.sync_folder(path.parent)
        except FileNotFoundError as error:
            raise NotFoundError(f"bundle {name}: this station does not have it") from error
        except OSError as error:
            raise StorageError(f"{path}: cannot be removed: {error.strerror}") from error

    def _bundle(self, name: str) -> Path:
        return self._data / BUNDLES_FOLDER / f"{name}{BUNDLE_SUFFIX}"

    def _put(self, name: str, raw: bytes) -> None:
        path = self._data / name
        try:
            durable.make_folder(path.parent)
            with UnnamedFile(path.parent, path.name) as file:
                durable.write_all(file.descriptor, (raw,))
                file.sync()
                try:
                    file.link(path)
                except FileExistsError:
                    if read_file(path, MAX_AUDIT_FILE_BYTES) != raw:
                        raise StorageError(f"{path}: another file has this name already; it is left as it is") from None
            durable.sync_folder(path.parent)
        except OSError as error:
            raise StorageError(f"{path}: cannot be stored: {error.strerror}") from error

    def _names(self, folder: str) -> Iterator[str]:
        place = self._data / folder
        try:
            yield from sorted(path.name for path in place.iterdir()) if place.is_dir() else ()
        except OSError as error:
            raise StorageError(f"{place}: cannot be read: {error.strerror}") from error

    def _get(self, name: str, most_bytes: int) -> bytes:
        try:
            return read_file(self._data / name, most_bytes)
        except OSError as error:
            raise StorageError(f"{self._data / name}: cannot be read: {error.strerror}") from error


def _copied(source: BinaryIO, descriptor: int) -> tuple[int, str]:
    """Copy all of it; how much that was, and its SHA-256."""
    digest, size = hashlib.sha256(), 0
    source.seek(0)
    while chunk := source.read(CHUNK_BYTES):
        durable.write_all(descriptor, (chunk,))
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _is(path: Path, segment: StoredSegment) -> bool:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size == segment.size and hashlib.file_digest(file, "sha256").hexdigest() == segment.sha256
