"""Offload: sealed recordings and the ledger onto a mounted disk, as a store of its own that `verify` and `export` read.

Guarantees
- The store is only read; nothing is deleted, there or on the disk. Nothing is decrypted; no key is needed.
- What is copied is what the ledger states: each file is read back from the disk after `fsync`, and its SHA-256 is that of the ledger's
  entry. Everything that is stated, not deleted, and not proven so to lie on the disk is in `failed`.
- A file appears under its name whole or not at all. Done again, it continues where it was interrupted; files that are there are read and
  compared, not believed.
- On the disk nothing is followed, opened or overwritten that is no folder or regular file of its own: links, pipes, devices, another file
  system, and names of the store's own files are refused. The target is not the store, nor inside it, nor around it, by whatever path.
- The ledger on the disk never loses a line: one that does not extend what is there is refused, before anything is copied.

Not guaranteed: that the disk's cache was not what was read back (the kernel's is dropped for these files). Signatures are not checked here:
`bodycamd verify --store DIR` does, on the disk. Footage that is being written or not yet stated stays behind, and is counted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from bodycamd.camera.offloading.client import SealedSegments
from bodycamd.errors import BodycamError, DataError, NotFoundError, OutputError, StorageError, StoreBusyError, UsageError
from bodycamd.evidence.checkpoint import CHECKPOINT_FILE
from bodycamd.evidence.entries import SegmentRecovered, SegmentSealed
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import LEDGER_FILE
from bodycamd.evidence.retention_entries import RecordingDeleting
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder, denied
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, recording_names, segment_files
from bodycamd.store.reader import StoreReader

_OLDER = "the ledger of this store does not extend the one on the disk: it is another camera's, or an older state of this one"
_LEFT_BY_CUT = re.compile(r"\.([0-9]{6}(\.cut)?\.tar|(checkpoint-)?[0-9]{6}\.jsonl)(\.[a-z0-9_]+)?\.part")
_CHUNK_BYTES = 1024 * 1024
Progress = Callable[[int, int], None]
"""Bytes dealt with so far, and bytes in all."""


class Offloaded(msgspec.Struct):
    """What an offload did. `head` is the SHA-256 of the last ledger line on the disk; `left_behind` are files that nothing states yet;
    `failed` says of each file that is not proven to be on the disk why."""

    to: str
    recordings: int = 0
    copied: int = 0
    already_there: int = 0
    bytes: int = 0
    left_behind: list[str] = []
    failed: list[str] = []
    head: str = ""


class _Stated(Struct, frozen=True):
    """A segment's file and the hashes of its good and its torn bytes."""

    recording: str
    file: str
    good_bytes: int
    sha256: str
    torn_bytes: int
    torn_sha256: str

    @property
    def length(self) -> int:
        """Bytes of the file."""
        return self.good_bytes + self.torn_bytes


def offload(
    store: StoreReader,
    to: Path,
    *,
    same_disk: bool = False,
    progress: Progress = lambda _done, _all: None,
    sealed: SealedSegments | None = None,
) -> Offloaded:
    """Copy what is sealed; with `sealed` the segments come from there, and `store` has their names and the ledger.

    Raises `UsageError` for a target that cannot be meant, `DataError` where the ledger on the disk is another one or something else is in
    the place of its folders, `StoreBusyError` where another offload writes to it, `OutputError` where the disk fails, `StorageError` and
    `PermissionDeniedError` where the store does. Files that differ are in `failed`.
    """
    with _target(store.directory, to, same_disk) as target:
        try:
            return _offload(store, target, to, progress, sealed)
        except OSError as error:
            raise OutputError(f"{error.filename or to}: cannot be written: {error.strerror}; run it again to continue") from error


def _offload(store: StoreReader, target: Folder, to: Path, progress: Progress, sealed: SealedSegments | None) -> Offloaded:
    with (
        Folder.open(store.ledger_folder, below=store.directory) as ledger_here,
        Folder.open(store.recordings_folder, below=store.directory) as here,
        _own_folder(target, LEDGER_FOLDER, ledger_here) as ledger_there,
        _own_folder(target, RECORDINGS_FOLDER, here) as there,
    ):
        ledger = _LedgerCopy(ledger_here, ledger_there)
        verified = VerifiedLedger(store.ledger_folder)
        stated = _stated_files(verified)
        wanted = {(file.recording, file.file) for file in stated}
        done = Offloaded(to=str(to.absolute()), recordings=len({file.recording for file in stated}), head=ledger.head)
        done.left_behind = [f"{name}/{file}" for name, files in _files(store).items() for file in files if (name, file) not in wanted]
        if verified.chain.failed:
            done.failed.append(f"the ledger verifies only so far, what is stated after it is not copied: {verified.broken}")
        everything = sum(file.length for file in stated)
        dealt_with = 0
        for file in stated:
            try:
                _copy_stated(here, there, file, done, sealed)
            except BodycamError as error:
                done.failed.append(str(error))
            dealt_with += file.length
            progress(dealt_with, everything)
        ledger.write()
    return done


@contextlib.contextmanager
def _target(store: Path, to: Path, same_disk: bool) -> Iterator[Folder]:
    """The target, opened, checked and held, so that no second offload writes to it."""
    if not _is_folder(to):
        raise UsageError(_not_there(store, to, same_disk))
    with Folder.open(to) as target, Folder.open(store) as source:
        if source.identity in target.identities_above() or target.identity in source.identities_above():
            raise UsageError(f"{to}: the target and the store lie in each other; choose a folder on another disk")
        if not same_disk and target.identity[0] == source.identity[0]:
            raise UsageError(f"{to}: it is on the store's own file system: is the disk mounted? (--same-disk, if it is meant)")
        try:
            fcntl.flock(target.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusyError(f"{to}: another offload is writing to it; wait for it to end") from error
        except OSError as error:
            raise OutputError(f"{to}: cannot be locked: {error.strerror}") from error
        yield target


def _own_folder(parent: Folder, name: str, source: Folder) -> Folder:
    """A folder of the disk's own, opened; made where there is none. What an interrupted offload left half-written in it is removed."""
    folder = parent.make_folder(name)
    try:
        if folder.identity == source.identity:
            raise DataError(f"{folder.path}: it is the store's own folder, not one of the disk: nothing can be copied there")
        for entry in folder.names():
            if _LEFT_BY_CUT.fullmatch(entry.name) and not entry.is_folder:
                folder.remove(entry.name)
    except BaseException:
        folder.close()
        raise
    return folder


def _is_folder(path: Path) -> bool:
    """Raises `PermissionDeniedError` where this user may not look."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except PermissionError as error:
        raise denied(path) from error
    except OSError:
        return False


def _not_there(store: Path, to: Path, same_disk: bool) -> str:
    """Which part of the target's path is missing, and what to do about it."""
    missing = [path for path in (to.absolute(), *to.absolute().parents) if not os.path.lexists(path)]
    if not missing:
        return f"{to}: is not a folder; choose one"
    first, there = missing[-1], missing[-1].parent
    if not _is_folder(there):
        return f"{to}: {there} is not a folder; choose another one"
    make = f"make it with mkdir -p {shlex.quote(str(to))}"
    if same_disk:
        advice = make
    elif there.stat().st_dev == store.stat().st_dev:
        advice = f"{there} is on the store's own file system: mount the disk first; if the folder is still missing then, {make}"
    else:
        advice = f"if {there} is the mounted disk, {make}; if not, mount the disk first"
    return f"{to}: there is no folder {first}; {advice}"


def _stated_files(ledger: VerifiedLedger) -> list[_Stated]:
    """Every sealed or recovered segment that the ledger states, of recordings whose deletion it does not state, in order."""
    found: list[_Stated] = []
    gone: set[str] = set()
    for line in ledger:
        match line.detail:
            case SegmentSealed() as sealed:
                found.append(_Stated(sealed.recording, sealed.file, sealed.size, sealed.sha256, 0, ""))
            case SegmentRecovered() as cut:
                found.append(_Stated(cut.recording, cut.file, cut.good_bytes, cut.sha256, cut.torn_bytes, cut.torn_sha256 or ""))
            case RecordingDeleting():
                gone.add(line.detail.recording)
    return sorted((file for file in found if file.recording not in gone), key=lambda file: (file.recording, file.file))


def _files(store: StoreReader) -> dict[str, list[str]]:
    """The segments that are here, by recording; of a folder that cannot be read none."""
    found: dict[str, list[str]] = {}
    for name in recording_names(store.recordings_folder)[0]:
        with contextlib.suppress(BodycamError):  # what is stated of it fails when it is to be copied
            found[name] = [file.path.name for file in segment_files(store.recordings_folder / name)[0]]
    return found


def _copy_stated(here: Folder, there: Folder, file: _Stated, done: Offloaded, sealed: SealedSegments | None) -> None:
    """Raises `BodycamError` where it is not proven to be on the disk afterwards, `OSError` where the disk fails."""
    with here.folder(file.recording) as source, _own_folder(there, file.recording, source) as target:
        present = target.look(file.file)
        if present is None:
            with _new_file(target, file.file) as out:
                _copy(source, file, out, sealed)
                _check_copy(out, file)
            done.copied += 1
            done.bytes += file.length
            return
        original = source.look(file.file)
        if original is not None and original.identity == present.identity:
            raise DataError(f"{target.path / file.file}: it is the store's own file under a second name, not a copy; remove it there")
        with target.file(file.file) as copy:
            _check_copy(copy, file)
        done.already_there += 1


@contextlib.contextmanager
def _new_file(folder: Folder, name: str) -> Iterator[BinaryIO]:
    """A file that gets its name, durably, only when all went well."""
    working_name = f".{name}.part"
    try:
        with folder.create(working_name) as out:
            yield out
        folder.rename(working_name, name)
        folder.sync()
    except BaseException:
        with contextlib.suppress(OSError):  # the disk may be gone; the next offload removes it
            folder.remove(working_name)
        raise


def _copy(source: Folder, file: _Stated, out: BinaryIO, sealed: SealedSegments | None) -> None:
    """Copy a file, durably. Raises `BodycamError` of the store, also for another length than is stated, `OSError` of the disk."""
    path = source.path / file.file
    with sealed.open(file.recording, file.file) if sealed is not None else _opened(source, file.file) as (original, size):
        if size != file.length:
            raise DataError(f"{path}: {size} bytes; the ledger states {file.length}")
        _copy_bytes(original, path, file.length, out)


@contextlib.contextmanager
def _opened(source: Folder, name: str) -> Iterator[tuple[BinaryIO, int]]:
    with source.file(name) as original:
        yield original, os.fstat(original.fileno()).st_size


def _copy_bytes(original: BinaryIO, path: Path, length: int, out: BinaryIO) -> str:
    """The next `length` bytes, durably; returns their SHA-256. Raises `StorageError` of the store, `OSError` of the disk."""
    digest = hashlib.sha256()
    while length > 0:
        try:
            chunk = original.read(min(length, _CHUNK_BYTES))
        except OSError as error:
            raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
        if not chunk:
            raise StorageError(f"{path}: it became shorter while it was copied")
        digest.update(chunk)
        durable.write_all(out.fileno(), (chunk,))
        length -= len(chunk)
    durable.sync(out.fileno())
    os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # what is read back comes from the disk
    return digest.hexdigest()


def _check_copy(copy: BinaryIO, file: _Stated) -> None:
    """Raises `DataError` unless the file is what the ledger states, `OSError`."""
    where = f"{file.recording}/{file.file}"
    size = os.fstat(copy.fileno()).st_size
    if size != file.length:
        raise DataError(f"{where}: {size} bytes on the disk; the ledger states {file.length}")
    copy.seek(0)
    if _sha256(copy, file.good_bytes) != file.sha256:
        raise DataError(f"{where}: the SHA-256 is not what the ledger states")
    if file.torn_bytes and _sha256(copy, file.torn_bytes) != file.torn_sha256:
        raise DataError(f"{where}: the SHA-256 of the torn bytes is not what the ledger states")


def _sha256(file: BinaryIO, length: int) -> str:
    digest = hashlib.sha256()
    while length > 0 and (chunk := file.read(min(length, _CHUNK_BYTES))):
        digest.update(chunk)
        length -= len(chunk)
    return digest.hexdigest()


class _LedgerCopy:
    """The ledger as it stood when this was made; `write` brings the disk's up to it. Raises `DataError` where that is another one."""

    def __init__(self, source: Folder, target: Folder) -> None:
        self._source = source
        self._target = target
        self._sizes: dict[str, int] = {}
        self.head = ""
        """The SHA-256 of the last whole line."""
        try:
            names = [entry.name for entry in source.names() if entry.is_file and _of_ledger(entry.name)]
            newest = max((name for name in names if LEDGER_FILE.fullmatch(name)), default="")
            for name in names:
                self._sizes[name] = self._whole_lines(name) if name == newest else _size(source, name)
                self._check_extends(name)
        except OSError as error:
            raise StorageError(f"{source.path}: cannot read the ledger: {error.strerror}") from error
        if not newest:
            raise NotFoundError(f"{source.path}: the ledger is empty")
        if any(entry.name > newest for entry in target.names() if LEDGER_FILE.fullmatch(entry.name)):
            raise DataError(f"{target.path}: {_OLDER}")

    def write(self) -> None:
        """Raises `OSError`."""
        for name, size in self._sizes.items():
            present = self._target.look(name)
            if present is not None and present.size == size:
                continue
            with self._source.file(name) as original, _new_file(self._target, name) as out:
                digest = _copy_bytes(original, self._source.path / name, size, out)
                out.seek(0)
                if _sha256(out, size) != digest:
                    raise OSError(5, "the ledger was not read back as it was written", str(self._target.path / name))

    def _whole_lines(self, name: str) -> int:
        """Up to the last line end; also sets `head`. Holds no line as a whole: it may be anything."""
        good = end = 0
        digest = hashlib.sha256()
        with self._source.file(name) as file:
            while piece := file.readline(_CHUNK_BYTES):
                end += len(piece)
                digest.update(piece.removesuffix(b"\n"))
                if piece.endswith(b"\n"):
                    good, self.head, digest = end, digest.hexdigest(), hashlib.sha256()
        return good

    def _check_extends(self, name: str) -> None:
        """What is on the disk must be the beginning of what is here."""
        present = self._target.look(name)
        if present is None:
            return
        original = self._source.look(name)
        if original is not None and original.identity == present.identity:
            raise DataError(f"{self._target.path / name}: it is the store's own file under a second name, not a copy; remove it there")
        with self._target.file(name) as there, self._source.file(name) as here:
            size = os.fstat(there.fileno()).st_size
            if size > self._sizes[name] or _sha256(there, size) != _sha256(here, size):
                raise DataError(f"{self._target.path / name}: {_OLDER}")


def _of_ledger(name: str) -> bool:
    return bool(LEDGER_FILE.fullmatch(name) or CHECKPOINT_FILE.fullmatch(name))


def _size(folder: Folder, name: str) -> int:
    found = folder.look(name)
    return found.size if found is not None else 0


def failure(done: Offloaded) -> BodycamError | None:
    """The error that an offload ends with, where files are not proven to be on the disk."""
    if not done.failed:
        return None
    return DataError(f"{len(done.failed)} files were not offloaded: {'; '.join(done.failed[:5])}")
