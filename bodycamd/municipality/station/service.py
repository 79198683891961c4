"""The station as a process: what is opened, in which order, and how it ends. The one page where it is put together."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from bodycamd.errors import BodycamError, ConfigError, DataError, StorageError, StoreBusyError
from bodycamd.evidence.keys import KEY_FILE_BYTES, PublicKey, SigningKey
from bodycamd.evidence.roster import Roster
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.linux import durable
from bodycamd.linux.clock import SystemClock
from bodycamd.linux.foreign import read_file, read_named
from bodycamd.municipality.station import deletion_certificate
from bodycamd.municipality.station.app import CameraInterface, application
from bodycamd.municipality.station.cameras import RosterInForce
from bodycamd.municipality.station.door import Door
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.nonces import SECRET_BYTES
from bodycamd.municipality.station.order_index import OrderIndex
from bodycamd.municipality.station.order_routes import OrderInterface
from bodycamd.municipality.station.orders import Orders, Taken
from bodycamd.municipality.station.rebuild import Rebuilt, rebuild
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.station_clock import LOOK_SECONDS, StationClock
from bodycamd.municipality.station.station_file import StationSettings
from bodycamd.municipality.station.storage import Storage
from bodycamd.municipality.station.sweep import Sweep, Swept

log = logging.getLogger(__name__)

NONCES_FILE: Final = "nonce-secret"
HOUR_SECONDS: Final = 3600
STAGED_SECONDS: Final = 24 * HOUR_SECONDS
"""So long a file that nobody continues may lie half sent; afterwards its camera begins it anew."""
SWEEP_MINUTES: Final = 15
STOP_SECONDS: Final = 10
MAX_CONNECTIONS: Final = 900
"""At once: more get a 503. A process may have 1,024 files open where nobody said otherwise, and needs some for itself."""


class StationProcess:
    """An opened station. Close it."""

    def __init__(self, settings: StationSettings) -> None:
        """Opens everything. Raises `ConfigError` for keys, roster or database that are none, `StorageError`."""
        data = Path(settings.data)
        self._signer = load_key(Path(settings.keys.signing))
        in_force = roster_of(settings)
        found = [station for station in in_force.roster.stations if station.id == settings.name and station.state == "active"]
        listed = PublicKey.from_hex(found[0].key) if found else None
        if listed != self._signer.public:
            what = "lists another key for it" if listed is not None else "does not list it"
            raise ConfigError(f"name: {settings.name}: the roster {what}: no camera would believe its receipts; allowed: a listed station")
        _make_data(data)
        self._staging = Staging(data / "staging")
        self._index = Index.open(settings.index_url)
        storage = storage_of(settings)
        self._clock = StationClock(SystemClock(), self._index.newest_confirmed_us())
        intake = Intake(
            settings.name,
            self._signer,
            storage,
            self._staging,
            self._index,
            days=settings.days,
            clock=self._clock.read,
        )
        self._sweep = Sweep(
            intake,
            self._index,
            storage,
            self._staging,
            lambda: first_keys_of(in_force.roster),
            days=settings.days,
            clock=self._clock.read,
        )
        door = Door(authority=settings.authority, secret=_secret(data / NONCES_FILE))
        cameras = CameraInterface(intake, door, in_force.senders)
        self.orders = OrderInterface(Orders(storage, self._index), door, in_force.senders, in_force.current)
        self.application = application([*cameras.routes(), *self.orders.routes()], self._while_running)

    def close(self) -> None:
        """Give everything back."""
        self._index.close()

    @asynccontextmanager
    async def _while_running(self, application: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._clear_staging()), asyncio.create_task(self._keep_the_term())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _clear_staging(self) -> None:
        while True:
            try:
                removed = await run_in_threadpool(self._staging.remove_old, _now_us() - STAGED_SECONDS * 1_000_000)
            except StorageError as error:
                log.error("%s", error)
            else:
                if removed:
                    log.warning("%d files were half sent, and not continued for a day: removed", removed)
            await asyncio.sleep(HOUR_SECONDS)

    async def _keep_the_term(self) -> None:
        """Look at the clock every minute, and delete what is due every quarter of an hour."""
        while True:
            for _ in range(SWEEP_MINUTES):
                await run_in_threadpool(self._clock.read)
                await asyncio.sleep(LOOK_SECONDS)
            try:
                swept = await run_in_threadpool(self._sweep.run)
            except BodycamError as error:
                log.error("nothing is deleted: %s", error)
            else:
                _tell(swept, self._clock.read().confirmed)


def _tell(swept: Swept, confirmed: bool) -> None:
    for device, recording in swept.deleted:
        log.info("%s: %s: its term is over: deleted", device, recording)
    if swept.undated:
        why = "no confirmed clock says when they came" if confirmed else "the clock is not confirmed: is it synchronised?"
        log.warning("%d recordings cannot be dated, and stay: %s", len(swept.undated), why)


def first_keys_of(roster: Roster) -> dict[str, PublicKey]:
    """The first keys of all cameras, whatever has become of them."""
    return {camera.id: PublicKey.from_hex(camera.first_key) for camera in roster.cameras}


def rebuild_index(settings: StationSettings) -> Rebuilt:
    """Make the index anew; the station is not running. Raises as `rebuild` and `StationProcess` do."""
    first_keys = first_keys_of(roster_of(settings).roster)
    with _opened_index(settings) as index:
        return rebuild(index, storage_of(settings), first_keys, load_key(Path(settings.keys.signing)).public)


def take_order(settings: StationSettings, raw: bytes) -> Taken:
    """Keep an order, whether the station runs or not. Raises as `Orders.take` and `StationProcess` do."""
    with _opened_index(settings) as index:
        return Orders(storage_of(settings), index).take(raw, roster_of(settings).current(), "to the station itself")


def certify(settings: StationSettings, device: str, recording: str) -> SignedDocument:
    """The station's signed word that its copy is gone. Raises as `deletion_certificate.certify` does."""
    with _opened_index(settings) as index:
        signer = load_key(Path(settings.keys.signing))
        return deletion_certificate.certify(settings.name, signer, index, storage_of(settings), device, recording)


@contextmanager
def opened_orders(settings: StationSettings) -> Iterator[OrderIndex]:
    """What a station knows of its orders, whether it runs or not. Raises as `Index.open` does."""
    with _opened_index(settings) as index:
        yield OrderIndex(index.database)


@contextmanager
def _opened_index(settings: StationSettings) -> Iterator[Index]:
    _make_data(Path(settings.data))
    index = Index.open(settings.index_url)
    try:
        yield index
    finally:
        index.close()


def _make_data(data: Path) -> None:
    try:
        durable.make_folder(data)
    except OSError as error:
        raise StorageError(f"{data}: cannot be made: {error.strerror}") from error


def serve(settings: StationSettings, told: Callable[[str], None]) -> None:
    """Run a station until SIGTERM or SIGINT; `told` hears once where it listens. Requests under way are answered first. Raises as
    `StationProcess` does, and `StoreBusyError` where the port is taken."""
    process = StationProcess(settings)
    try:
        address, port = settings.listen.address, settings.listen.port
        server = _Server(
            server_config(process.application, address, port),
            lambda: told(f"station {settings.name} listens at {address} port {port} for {settings.authority}"),
            process.orders.end_polls,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stopped)  # the server stops at them in its own way, and then raises them once more
        try:
            server.run()
        except SystemExit as error:
            raise StoreBusyError(f"listen: {address} port {port}: cannot listen there; is another station running?") from error
    finally:
        process.close()


def server_config(application: Starlette, address: str, port: int) -> uvicorn.Config:
    """How the station's HTTP is served."""
    return uvicorn.Config(
        application,
        host=address,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._stopping = ready, stopping

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What is held is answered first: it would else be waited for."""
        self._stopping()
        await super().shutdown(sockets)


def storage_of(settings: StationSettings) -> Storage:
    """Where footage lies for good. Raises `ConfigError`, `StorageError`."""
    data = Path(settings.data)
    if settings.s3 is None:
        return FolderStorage(data)
    from bodycamd.municipality.station.s3_storage import S3Storage  # boto3 takes a while, and not every station has it

    s3 = settings.s3
    return S3Storage(data, s3.bucket, mode=s3.mode, endpoint=s3.endpoint, region=s3.region)


def roster_of(settings: StationSettings) -> RosterInForce:
    """The roster in force. Raises as `RosterInForce` does."""
    return RosterInForce(Path(settings.keys.root), Path(settings.keys.roster), Path(settings.data) / "in-force.roster", _now_us)


def load_key(path: Path) -> SigningKey:
    """The station's key. Raises `ConfigError`."""
    try:
        private = load_pem_private_key(read_named(path, KEY_FILE_BYTES), None)
    except (BodycamError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"keys.signing: {path}: {error}; allowed: the file that `bodycamd station init` made") from error
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


def _stopped(number: int, frame: FrameType | None) -> None:
    """The signal has done what it was for."""


def _secret(path: Path) -> bytes:
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
        return _secret(path)
    return secret


def _now_us() -> int:
    return time.time_ns() // 1000
