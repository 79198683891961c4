"""A station's parts, opened by its configuration: for the process that runs, and for commands beside it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bodycamd.errors import BodycamError, ConfigError, DataError, StorageError, StoreBusyError
from bodycamd.evidence.keys import KEY_FILE_BYTES, PublicKey, SigningKey
from bodycamd.evidence.roster import Roster
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file, read_named
from bodycamd.municipality.station import push_key, push_service
from bodycamd.municipality.station.cameras import RosterInForce
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.help_ways import HelpPush
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.nonces import SECRET_BYTES
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.stamping import Stamping
from bodycamd.municipality.station.station_file import HelpSettings, StationSettings
from bodycamd.municipality.station.storage import Storage
from bodycamd.municipality.station.timestamp_authority import TimestampAuthority, load_roots


def first_keys_of(roster: Roster) -> dict[str, PublicKey]:
    """The first keys of all cameras, whatever has become of them."""
    return {camera.id: PublicKey.from_hex(camera.first_key) for camera in roster.cameras}


@contextmanager
def opened_index(settings: StationSettings, *, to_restore: bool = False) -> Iterator[Index]:
    """The index, for a command beside a station that runs or is stopped. Raises as `Index.open` does; `DataError` for one that a
    restore left unfinished, unless it is there `to_restore`."""
    make_data(Path(settings.data))
    index = Index.open(settings.index_url)
    try:
        if not to_restore:
            RestoredIndex(index.database).check_finished()
        yield index
    finally:
        index.close()


@contextmanager
def serving(data: Path, *, alone: bool = False) -> Iterator[None]:
    """This process works with the folder of data; `alone`: and no station does. Raises `StoreBusyError` where it cannot be."""
    make_data(data)
    try:
        descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{data}: cannot be locked: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        told = "a station runs here: stop it first" if alone else "it is being restored"
        raise StoreBusyError(f"{data}: {told}") from error
    try:
        yield
    finally:
        os.close(descriptor)


def make_data(data: Path) -> None:
    """The folder of everything. Raises `StorageError`."""
    try:
        durable.make_folder(data)
    except OSError as error:
        raise StorageError(f"{data}: cannot be made: {error.strerror}") from error


def storage_of(settings: StationSettings) -> Storage:
    """Where footage lies for good. Raises `ConfigError`, `StorageError`."""
    data = Path(settings.data)
    if settings.s3 is None:
        return FolderStorage(data)
    from bodycamd.municipality.station.s3_storage import S3Storage  # boto3 takes a while, and not every station has it

    s3 = settings.s3
    return S3Storage(data, s3.bucket, mode=s3.mode, endpoint=s3.endpoint, region=s3.region)


def stamping_of(settings: StationSettings, index: Index, storage: Storage) -> Stamping | None:
    """Who stamps the log; `None` where nobody does. Raises `ConfigError`."""
    if (at := settings.timestamp_authority) is None:
        return None
    return Stamping(TimestampAuthority(at.url), load_roots(Path(at.ca)), index, storage)


def push_of(help: HelpSettings, index: HelpIndex, active: Callable[[str], bool]) -> HelpPush | None:
    """Who pushes calls for help to browsers; `None` where nobody is called so. Raises `ConfigError`."""
    if (push := help.push) is None:
        return None
    context = push_service.trusted(Path(push.ca) if push.ca is not None else None)
    send = push_service.PushService(context, [ip_network(one) for one in push.networks], help.timeout_seconds)
    return HelpPush(push, push_key.load(Path(push.key)), index, send, active, _now_us)


def roster_of(settings: StationSettings) -> RosterInForce:
    """The roster in force. Raises as `RosterInForce` does."""
    return RosterInForce(Path(settings.keys.root), Path(settings.keys.roster), kept_roster(settings), _now_us)


def kept_roster(settings: StationSettings) -> Path:
    """Where the newest roster is kept: an older one never counts again."""
    return Path(settings.data) / "in-force.roster"


def load_key(path: Path) -> SigningKey:
    """The station's key. Raises `ConfigError`."""
    try:
        private = load_pem_private_key(read_named(path, KEY_FILE_BYTES), None)
    except BodycamError as error:
        raise ConfigError(f"keys.signing: {error}; allowed: the file that `bodycamd station init` made") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"keys.signing: {path}: not a key in PEM; allowed: the file that `bodycamd station init` made") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"keys.signing: {path}: not an Ed25519 key; allowed: the file that `bodycamd station init` made")
    return SigningKey(private)


def make_key(path: Path) -> SigningKey:
    """A new key for a station, in a file that only its owner reads. Raises `DataError` where there is a file already, `StorageError`."""
    key = SigningKey.generate()
    try:
        durable.create(path, key.file_bytes())
    except FileExistsError as error:
        raise DataError(f"{path}: a key is there already, and is not replaced") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be made: {error.strerror}") from error
    return key


def secret_of(path: Path) -> bytes:
    """What nonces are made with: the same in all processes, and after each start."""
    try:
        try:
            durable.create(path, os.urandom(SECRET_BYTES))
        except FileExistsError:
            durable.settle(path)
        secret = read_file(path, SECRET_BYTES)
    except OSError as error:
        raise StorageError(f"{path}: cannot be made: {error.strerror}") from error
    if len(secret) != SECRET_BYTES:
        path.unlink()
        return secret_of(path)
    return secret


def _now_us() -> int:
    return time.time_ns() // 1000
