"""A station's backup: what cameras and people signed, and its own receipts and log; no footage, nothing that is on its way in, no key.

    NAME.tar        the files as they lie in `data`, but a camera's ledger as cameras/DEVICE/ledger/START.jsonl
    NAME.tar.sig    the station's word on it (`bodycam-station-backup/1`): size and SHA-256

So it never outlives a term that footage has: footage is in none. With a bucket, receipts, orders and log lie there and are not in it. The
index is not in it either: it is made anew from the rest. It is read while the station runs, in an order in which nothing names what is not
there: receipts before the ledgers and the log that they name the heads of.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from bodycamd.errors import DataError, NotFoundError, StorageError, StoreBusyError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.roster import KeyName
from bodycamd.evidence.statements import Positive, Sha256, Stated, Wall, wall_text, wall_us
from bodycamd.linux import durable
from bodycamd.linux.foreign import open_file, read_file, read_named
from bodycamd.municipality.station.ledger_copy import MAX_PENDING_BYTES, PENDING
from bodycamd.municipality.station.storage import STORE_FOLDER, Storage
from bodycamd.store.names import LEDGER_FOLDER

BACKUP_TYPE: Final = "bodycam-station-backup/1"
KEEP_DAYS: Final = 7
"""The most that a backup is kept: it has rows about footage that is deleted since."""
DAY_US: Final = 86_400_000_000
MAX_LEDGER_BYTES: Final = 256 * 1024 * 1024
MAX_FILES: Final = 10_000_000
MAX_SIGNATURE_BYTES: Final = 8 * 1024
TRIES: Final = 200
KEPT_ANYHOW: Final = 2
"""So many stay, however old they are."""
CHUNK_BYTES: Final = 1024 * 1024
_LEDGER = re.compile(r"(checkpoint-)?[0-9]{6}\.jsonl")
_DEVICE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
LEDGER_NAME: Final = re.compile(rf"cameras/({_DEVICE})/ledger/((?:checkpoint-)?[0-9]{{6}}\.jsonl)")
STORED_NAME: Final = re.compile(
    rf"(cameras/{_DEVICE}/receipts/[0-9]{{9}}\.receipt|documents/[0-9]{{9}}\.document|stamps/[0-9]{{9}}-[0-9a-f]{{16}}\.tsr"
    r"|audit/[0-9]{9}-[0-9]{9}\.jsonl)"
)
ROSTER_NAME: Final = "in-force.roster"


class BackupStatement(Stated, frozen=True, kw_only=True):
    """What the station says of a backup: its file as a whole."""

    station: KeyName
    made_at: Wall
    size: Positive
    sha256: Sha256


class BackedUp(Struct, frozen=True):
    """A backup that was made: how many files are in it; older ones that were removed; and what is not in it, a sentence each."""

    path: Path
    files: int
    removed: tuple[Path, ...]
    problems: tuple[str, ...] = ()


_statements: msgspec.json.Decoder[BackupStatement] = msgspec.json.Decoder(BackupStatement)


def back_up(
    name: str,
    signer: Signer,
    storage: Storage,
    data: Path,
    folder: Path,
    now_us: int,
    *,
    keep_days: int = KEEP_DAYS,
    dated: bool = True,
) -> BackedUp:
    """Make a backup in a folder, and then remove this station's that are older than so many days: by a clock that may be relied on
    (`dated`), and never the newest two. Raises `StorageError` where it cannot be written or read whole, `DataError` where one of this
    second is there already. A camera whose ledger cannot be read whole is left out, and told."""
    stamp = re.sub(r"[-:]|\..*", "", wall_text(now_us)) + "Z"
    path = folder / f"{name}-{stamp}.tar"
    part = path.with_suffix(".tar.part")
    problems: list[str] = []
    if path.exists():
        raise DataError(f"{path}: a backup of this second is there already")
    try:
        with os.fdopen(durable.open_new(part, flags=os.O_RDWR), "wb+") as file:
            files = _write(file, storage, data, problems)
            file.flush()
            durable.sync(file.fileno())
            file.seek(0)
            statement = BackupStatement(
                station=name,
                made_at=wall_text(now_us),
                size=os.fstat(file.fileno()).st_size,
                sha256=_digest(file),
            )
        durable.create(_signature_of(path), signed_document.signed_file(BACKUP_TYPE, statement, [signer]))
        part.rename(path)
        durable.sync_folder(folder)
        known = sorted(old for old in folder.iterdir() if _made_us(old.name, name) is not None)
        limit_us = now_us - keep_days * DAY_US
        removed = tuple(old for old in known[:-KEPT_ANYHOW] if dated and (_made_us(old.name, name) or 0) < limit_us)
        for old in removed:
            old.unlink()
            _signature_of(old).unlink(missing_ok=True)
        for left in folder.glob(f"{name}-*.tar.part"):  # of one that was killed
            left.unlink()
    except FileExistsError as error:
        raise DataError(f"{path}: a backup of this second is being made, or was not finished: {part.name}") from error
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{folder}: the backup cannot be made: {error.strerror}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return BackedUp(path, files, removed, tuple(problems))


def open_backup(path: Path, name: str, key: PublicKey) -> tuple[BackupStatement, BinaryIO]:
    """A backup that this station made, whole and unchanged, and what it says of it. Raises `DataError`, `StorageError`."""
    raw = read_named(_signature_of(path), MAX_SIGNATURE_BYTES)
    document = signed_document.read(raw, BACKUP_TYPE, MAX_SIGNATURE_BYTES, str(_signature_of(path)))
    statement = strict_json.decode(document.json, _statements, str(_signature_of(path)))
    if key.id not in document.signers([key]) or statement.station != name:
        raise DataError(f"{_signature_of(path)}: station {name} has not signed it with its key")
    try:
        file = open_file(path)
        try:
            if os.fstat(file.fileno()).st_size != statement.size or _digest(file) != statement.sha256:
                raise DataError(f"{path}: it is not what the station signed")
            file.seek(0)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    return statement, file


def members(file: BinaryIO, where: str) -> Iterator[tuple[str, bytes]]:
    """The files of an opened backup, each with its name. Raises `DataError` for what is no backup's."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for number, member in enumerate(archive):
                known = member.name == ROSTER_NAME or STORED_NAME.fullmatch(member.name) or LEDGER_NAME.fullmatch(member.name)
                content = archive.extractfile(member) if member.isreg() and known else None
                if content is None or member.size > MAX_LEDGER_BYTES or number >= MAX_FILES:
                    raise DataError(f"{where}: a file in it is none of a backup")
                yield member.name, content.read()
    except tarfile.TarError as error:
        raise DataError(f"{where}: no archive: {error}") from error


def _write(file: BinaryIO, storage: Storage, data: Path, problems: list[str]) -> int:
    """All of it into an archive; how many files."""
    count = 0
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, raw in _files(storage, data, problems):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(raw), 0o600
            archive.addfile(member, io.BytesIO(raw))
            count += 1
    return count


def _files(storage: Storage, data: Path, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    devices = storage.cameras()
    if not storage.locks:
        for device in devices:
            yield from storage.small_files(f"cameras/{device}/receipts")
        for folder in ("documents", "stamps"):
            yield from storage.small_files(folder)
    for device in devices:
        try:
            ledger = _ledger(storage.camera(device))
        except (DataError, StoreBusyError) as error:
            problems.append(f"{device}: its ledger is not in the backup: {error}")
            continue
        for name, raw in ledger.items():
            yield f"cameras/{device}/ledger/{name}", raw
    if not storage.locks:
        yield from storage.small_files("audit")
    roster = data / ROSTER_NAME
    if roster.exists():
        yield ROSTER_NAME, read_file(roster, MAX_LEDGER_BYTES)


def _ledger(camera: Path) -> dict[str, bytes]:
    """The files of a camera's ledger as they were at one moment; what is being appended is not in it. Raises `StoreBusyError`."""
    folder = camera / STORE_FOLDER / LEDGER_FOLDER
    for _ in range(TRIES):
        before = _look(camera, folder)
        found = {name: read_file(folder / name, MAX_LEDGER_BYTES) for name in before[1]}
        if _look(camera, folder) == before:
            pending = msgspec.json.decode(before[0]) if before[0] else []
            for one in pending:
                if one["name"] in found:
                    found[one["name"]] = found[one["name"]][: one["size"] or 0]
            return {name: raw for name, raw in found.items() if raw}
        time.sleep(0.02)
    raise StoreBusyError(f"{folder}: something is appended all the time: try again")


def _look(camera: Path, folder: Path) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """What is being appended, and the files: size and time of change."""
    pending = camera / PENDING
    try:
        raw = read_file(pending, MAX_PENDING_BYTES)
    except NotFoundError:
        raw = b""
    names = sorted(name for name in os.listdir(folder) if _LEDGER.fullmatch(name)) if folder.is_dir() else []
    found = {name: (folder / name).stat() for name in names}
    return raw, {name: (at.st_size, at.st_mtime_ns) for name, at in found.items()}


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _signature_of(path: Path) -> Path:
    return path.with_name(path.name + ".sig")


def _made_us(file: str, station: str) -> int | None:
    """When a backup of this station was made, by its name; `None` for another file."""
    found = re.fullmatch(rf"{re.escape(station)}-([0-9]{{8}})T([0-9]{{6}})Z\.tar", file)
    if found is None:
        return None
    day, at = found[1], found[2]
    try:
        return wall_us(f"{day[:4]}-{day[4:6]}-{day[6:]}T{at[:2]}:{at[2:4]}:{at[4:]}.000000Z", file)
    except DataError:
        return None
