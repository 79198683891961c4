"""Offload: sealed recordings and the ledger onto a mounted disk, as a store of its own that `verify` and `export` read.

Guarantees
- The store is only read; nothing is deleted, there or on the disk. Nothing is decrypted; no key is needed.
- What is copied is what the ledger states: each file is read back from the disk after `fsync`, and its SHA-256 is that of the ledger's
  entry. What differs is not kept on the disk and is told at the end as an error.
- A file appears under its name whole or not at all. Done again, it goes on where it was interrupted; files that are there are read and
  compared, not believed.
- The ledger on the disk never loses a line: one that does not extend what is there is refused, before anything is copied.

Not guaranteed: that the disk's cache was not what was read back (the kernel's is dropped for these files). Signatures are not checked here:
`bodycamd verify --store DIR` does, on the disk. Footage that is being written or not yet stated stays behind, and is counted.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from bodycamd.errors import BodycamError, DataError, NotFoundError, OutputError, StorageError, UsageError
from bodycamd.evidence import durable
from bodycamd.evidence.checkpoint import CHECKPOINT_FILE
from bodycamd.evidence.ledger_reader import LEDGER_FILE, file_name, starts
from bodycamd.recorder.history import past_entries
from bodycamd.recorder.listing import StoreReader
from bodycamd.recorder.names import LEDGER_FOLDER, RECORDINGS_FOLDER, segment_files

_OLDER = "the ledger of this store does not extend the one on the disk: it is another camera's, or an older state of this one"
_CHUNK_BYTES = 1024 * 1024
Progress = Callable[[int, int], None]
"""Bytes dealt with so far, and bytes in all."""


class Offloaded(msgspec.Struct):
    """What an offload did. `head` is the SHA-256 of the last ledger line on the disk; `left_behind` are files that nothing states yet."""

    to: str
    recordings: int = 0
    copied: int = 0
    already_there: int = 0
    bytes: int = 0
    left_behind: list[str] = []
    failed: list[str] = []
    head: str = ""


@dataclass(frozen=True, slots=True)
class _Stated:
    """A segment's file and the hashes of its good and its torn bytes."""

    recording: str
    file: str
    good_bytes: int
    sha256: str
    torn_bytes: int
    torn_sha256: str


def offload(store: StoreReader, to: Path, *, same_disk: bool = False, progress: Progress = lambda _done, _all: None) -> Offloaded:
    """Copy what is sealed. Raises `UsageError` for a target that cannot be meant, `DataError` where the ledger on the disk is another one,
    `OutputError` where the disk fails, `StorageError` where the store does. Files that differ are in `failed`.
    """
    _check_target(store.directory, to, same_disk)
    ledger = _LedgerCopy(store.ledger_folder, to / LEDGER_FOLDER)
    stated = _stated_files(store)
    wanted = {(file.recording, file.file) for file in stated}
    done = Offloaded(to=str(to.absolute()), recordings=len({file.recording for file in stated}), head=ledger.head)
    for info in store.recordings():
        files, _ = segment_files(store.recordings_folder / info.id)
        done.left_behind += [f"{info.id}/{file.path.name}" for file in files if (info.id, file.path.name) not in wanted]
    everything = sum(file.good_bytes + file.torn_bytes for file in stated)
    dealt_with = 0
    try:
        for file in stated:
            _copy_stated(store, file, to, done)
            dealt_with += file.good_bytes + file.torn_bytes
            progress(dealt_with, everything)
        ledger.write()
    except OSError as error:
        raise OutputError(f"{error.filename or to}: cannot be written: {error.strerror}; done again, it goes on from here") from error
    return done


def _check_target(store: Path, to: Path, same_disk: bool) -> None:
    if not to.is_dir():
        raise UsageError(_not_there(store, to, same_disk))
    inside, outside = to.resolve(), store.resolve()
    if inside.is_relative_to(outside) or outside.is_relative_to(inside):
        raise UsageError(f"{to}: the target and the store lie in each other; choose a folder on another disk")
    if not same_disk and to.stat().st_dev == store.stat().st_dev:
        raise UsageError(f"{to}: it is on the store's own file system: is the disk mounted? (--same-disk, if it is meant)")


def _not_there(store: Path, to: Path, same_disk: bool) -> str:
    """Which part of the target's path is missing, and what to do about it."""
    missing = [path for path in (to.absolute(), *to.absolute().parents) if not os.path.lexists(path)]
    if not missing:
        return f"{to}: it is no folder; choose one"
    first, there = missing[-1], missing[-1].parent
    if not there.is_dir():
        return f"{to}: {there} is no folder; choose another one"
    make = f"make it with mkdir -p {shlex.quote(str(to))}"
    if same_disk:
        advice = make
    elif there.stat().st_dev == store.stat().st_dev:
        advice = f"{there} is on the store's own file system: mount the disk first; if the folder is still missing then, {make}"
    else:
        advice = f"if {there} is the mounted disk, {make}; if not, mount the disk first"
    return f"{to}: there is no folder {first}; {advice}"


def _stated_files(store: StoreReader) -> list[_Stated]:
    """Every sealed or recovered segment that the ledger states and that is here, in order. One that goes meanwhile is told later."""
    found: list[_Stated] = []
    for start in starts(store.ledger_folder):
        try:
            entries = past_entries(store.ledger_folder, start)
        except OSError as error:
            raise StorageError(f"{store.ledger_folder}: cannot read the ledger: {error.strerror}") from error
        for entry in entries:
            recording, file = entry.text("recording"), entry.text("file")
            if entry.type == "segment_sealed":
                found.append(_Stated(recording, file, entry.number("size"), entry.text("sha256"), 0, ""))
            elif entry.type == "segment_recovered":
                torn = entry.number("torn_bytes")
                good = entry.number("good_bytes")
                found.append(_Stated(recording, file, good, entry.text("sha256"), torn, entry.text("torn_sha256")))
    there = {info.id: {file.path.name for file in segment_files(store.recordings_folder / info.id)[0]} for info in store.recordings()}
    return sorted((f for f in found if f.file in there.get(f.recording, ())), key=lambda f: (f.recording, f.file))


def _copy_stated(store: StoreReader, file: _Stated, to: Path, done: Offloaded) -> None:
    source = store.recordings_folder / file.recording / file.file
    target = to / RECORDINGS_FOLDER / file.recording / file.file
    try:
        if os.path.lexists(target):
            _check_copy(target, file)
            done.already_there += 1
            return
        durable.make_folder(target.parent)
        with _NewFile(target) as (out, name):
            _copy(source, out, file.good_bytes + file.torn_bytes)
            _drop_cache(out)
            _check_copy(name, file)
        done.copied += 1
        done.bytes += file.good_bytes + file.torn_bytes
    except (DataError, NotFoundError) as error:
        done.failed.append(str(error))


class _NewFile:
    """A file that gets its name, durably, only when all went well."""

    def __init__(self, target: Path) -> None:
        self._target = target
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        self._file = os.fdopen(handle, "wb")
        self._name = Path(name)

    def __enter__(self) -> tuple[BinaryIO, Path]:
        return self._file, self._name

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if kind is not None:
            self._name.unlink(missing_ok=True)
            return
        os.rename(self._name, self._target)
        durable.sync_folder(self._target.parent)


def _copy(source: Path, out: BinaryIO, length: int) -> None:
    """Copy a file of this length and make it durable. Raises `NotFoundError`, `DataError` for another length, `OSError` of the target."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise NotFoundError(f"{source}: cannot be read: {error.strerror}") from error
    with open(descriptor, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size != length:
            raise DataError(f"{source}: {size} bytes; the ledger states {length}")
        while True:
            try:
                chunk = file.read(_CHUNK_BYTES)
            except OSError as error:
                raise NotFoundError(f"{source}: cannot be read: {error.strerror}") from error
            if not chunk:
                break
            out.write(chunk)
    out.flush()
    os.fsync(out.fileno())


def _drop_cache(out: BinaryIO) -> None:
    """Ask the kernel to forget the file's pages, so that it is read from the disk."""
    os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _check_copy(path: Path, file: _Stated) -> None:
    """Raises `DataError` unless the file is what the ledger states, `OSError`."""
    where = f"{file.recording}/{file.file}"
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as copy:
        size = os.fstat(copy.fileno()).st_size
        if size != file.good_bytes + file.torn_bytes:
            raise DataError(f"{where}: {size} bytes on the disk; the ledger states {file.good_bytes + file.torn_bytes}")
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
    """The ledger as it stood when this was made; `write` brings the disk's up to it."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._sizes: dict[str, int] = {}
        self.head = ""
        try:
            numbers = starts(source)
            for name in sorted(name for name in os.listdir(source) if LEDGER_FILE.fullmatch(name) or CHECKPOINT_FILE.fullmatch(name)):
                newest = bool(numbers) and name == file_name(numbers[-1])
                self._sizes[name] = self._whole_lines(name) if newest else (source / name).stat().st_size
        except FileNotFoundError as error:
            raise NotFoundError(f"{source}: there is no ledger") from error
        except OSError as error:
            raise StorageError(f"{source}: cannot read the ledger: {error.strerror}") from error
        if not self._sizes:
            raise NotFoundError(f"{source}: the ledger is empty")
        for name in self._sizes:
            self._check_extends(name)
        if max(starts(target), default=0) > max(numbers, default=0):
            raise DataError(f"{target}: {_OLDER}")

    def write(self) -> None:
        """Raises `OSError`."""
        durable.make_folder(self._target)
        for name, size in self._sizes.items():
            target = self._target / name
            if target.exists() and target.stat().st_size == size:
                continue
            with _NewFile(target) as (out, copied):
                content = self._content(name, size)
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
                _drop_cache(out)
                if copied.read_bytes() != content:
                    raise OSError(5, "the ledger was not read back as it was written", str(target))

    def _whole_lines(self, name: str) -> int:
        """Up to the last line end; also sets `head`."""
        content = (self._source / name).read_bytes()
        good = content[: content.rfind(b"\n") + 1]
        if good:
            self.head = hashlib.sha256(good[:-1].rpartition(b"\n")[2]).hexdigest()
        return len(good)

    def _content(self, name: str, size: int) -> bytes:
        with open(self._source / name, "rb") as file:
            return file.read(size)

    def _check_extends(self, name: str) -> None:
        """What is on the disk must be the beginning of what is here."""
        target = self._target / name
        try:
            there = target.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError(f"{target}: cannot be read: {error.strerror}") from error
        if not self._content(name, self._sizes[name]).startswith(there):
            raise DataError(f"{target}: {_OLDER}")


def failure(done: Offloaded) -> BodycamError | None:
    """The error that an offload ends with, where files could not be verified."""
    if not done.failed:
        return None
    return DataError(f"{len(done.failed)} files were not offloaded: they are not what the ledger states: {'; '.join(done.failed[:5])}")
