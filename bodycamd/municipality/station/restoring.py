"""A station restored from a backup, before it serves again.

    the backup's files       put where they are missing; a ledger stays where the one that is here goes on from it
    the log of deletions     replayed: what it states as deleted and is there all the same goes again
    the index                made anew (`rebuild`)
    log line `restored`      from here on documents have numbers that no camera has asked behind, and no camera gets a receipt before its
                             ledger has come: the receipts that it states, and that are lost here, are taken back from it (`own_receipts`)
    orders                   that came after the backup are for people to bring again; nothing is deleted before they say that they have,
                             nor of a camera before something has come from it

So neither the chain of a camera's receipts nor the numbers of orders fork, however old the backup is. What nobody can bring back is told:
footage that the storage has lost, and the lines of the log behind the backup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import MAX_ROSTER_BYTES
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.backup import LEDGER_NAME, MAX_LEDGER_BYTES, ROSTER_NAME, members, open_backup
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.log_told import told_by
from bodycamd.municipality.station.rebuild import Rebuilt, fill
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.storage import STORE_FOLDER, Storage
from bodycamd.store.names import LEDGER_FOLDER

NUMBERS_LEFT_OUT: Final = 1_000_000
"""Of documents: more than a station gives between a backup and its loss."""


class Restored(Struct, frozen=True):
    """What came back. `lost`: segments that have a receipt, and are not in the storage: camera, recording, file. `unknown`: recordings in
    the storage that no ledger here states: camera and recording."""

    made_at: str
    rebuilt: Rebuilt
    deleted_again: int
    lost: tuple[tuple[str, str, str], ...]
    unknown: tuple[tuple[str, str], ...]


def restore(
    path: Path,
    name: str,
    key: PublicKey,
    data: Path,
    storage: Storage,
    staging: Staging,
    index: Index,
    first_keys: Callable[[], Mapping[str, PublicKey]],
    now_us: int,
) -> Restored:
    """The station is stopped, and its index empty. Raises `DataError` where the index is not, where the backup is not this station's or
    contradicts what is here; `StorageError`. `first_keys` is asked once the roster in force is back. Broken off it leaves an index that no
    station serves with; begun anew with an empty one it comes to the same end."""
    if not index.database.is_empty():
        raise DataError("the index is not empty: move it away first; nothing was changed")
    restored = RestoredIndex(index.database)
    statement, file = open_backup(path, name, key)
    restored.begin()
    with file:
        for member, raw in members(file, str(path)):
            if (ledger := LEDGER_NAME.fullmatch(member)) is not None:
                _put_ledger(storage.camera(ledger[1]) / STORE_FOLDER / LEDGER_FOLDER / ledger[2], raw)
            elif member == ROSTER_NAME:
                _put_roster(data / ROSTER_NAME, raw)
            else:
                storage.put_small(member, raw)
    keys = first_keys()
    lines = list(storage.audit_lines())
    audit.check(lines)
    again = 0
    for device, recording in told_by(lines).deletions:
        staging.drop_recording(device, recording)
        if storage.has_recording(device, recording):
            storage.delete_recording(device, recording)
            again += 1
    rebuilt = fill(index, storage, keys, key)
    lost = tuple(one for one in index.stored_files() if not storage.has_segment(*one))
    restored.end(statement.made_at, now_us, NUMBERS_LEFT_OUT, lost)
    keep_log(index, storage)
    stated = index.stated_recordings()
    unknown = tuple((device, one) for device in storage.cameras() for one in storage.recordings(device) if (device, one) not in stated)
    return Restored(statement.made_at, rebuilt, again, lost, unknown)


def _put_ledger(path: Path, raw: bytes) -> None:
    """Where the file that is here goes on from the backup's it stays; raises `DataError` where neither goes on from the other."""
    try:
        durable.make_folder(path.parent)
        here = read_file(path, MAX_LEDGER_BYTES) if path.exists() else b""
        if here.startswith(raw):
            return
        if not raw.startswith(here):
            raise DataError(f"{path}: it is another one than the backup's: nothing was changed in it")
        durable.replace(path, raw, 0o600)
    except OSError as error:
        raise StorageError(f"{path}: cannot be restored: {error.strerror}") from error


def _put_roster(path: Path, raw: bytes) -> None:
    """The roster in force is only ever followed by a newer one: the newer of the two stays."""
    ours = rosters.decode(raw, "the backup's roster")
    try:
        if path.exists():
            here = rosters.decode(read_file(path, 2 * MAX_ROSTER_BYTES), str(path))
            if (here.roster.root.version, here.roster.version) >= (ours.roster.root.version, ours.roster.version):
                return
        durable.make_folder(path.parent)
        durable.replace(path, raw, 0o600)
    except OSError as error:
        raise StorageError(f"{path}: cannot be restored: {error.strerror}") from error
