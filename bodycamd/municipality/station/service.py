"""What `bodycamd station` does with a station's configuration: serve, and the work beside a station that runs or is stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from bodycamd.errors import ConfigError, NotFoundError, StoreBusyError
from bodycamd.evidence import orders
from bodycamd.evidence import orders as orders_format
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.orders import ORDER_TYPE, EndForward, StandingForward, Update
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.linux.clock import SystemClock
from bodycamd.linux.systemd_notify import SystemdNotifier
from bodycamd.municipality.station import deletion_certificate
from bodycamd.municipality.station.backup import BackedUp, back_up
from bodycamd.municipality.station.bundle_store import BundleStore
from bodycamd.municipality.station.copy_listing import ListedCopy, list_copies
from bodycamd.municipality.station.forwarded_intake import rebuild_forwarded
from bodycamd.municipality.station.forwarding import Forwarded, Forwarding
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.opening import first_keys_of, kept_roster, load_key, opened_index, roster_of, serving, storage_of
from bodycamd.municipality.station.order_index import OrderIndex
from bodycamd.municipality.station.orders import Orders, Taken
from bodycamd.municipality.station.process import StationProcess
from bodycamd.municipality.station.read_only import read_index, read_roster
from bodycamd.municipality.station.rebuild import Rebuilt, rebuild
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.restoring import Restored, restore
from bodycamd.municipality.station.server import StationServer, server_config
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.stamping import KeptStamp, kept_stamps
from bodycamd.municipality.station.station_file import StationSettings
from bodycamd.municipality.station.timestamp_authority import load_roots


def rebuild_index(settings: StationSettings) -> Rebuilt:
    """Make the index anew; the station is not running. Raises as `rebuild` and `StationProcess` do."""
    first_keys = first_keys_of(roster_of(settings).roster)
    with serving(Path(settings.data), alone=True), opened_index(settings) as index:
        return rebuild(index, storage_of(settings), first_keys, load_key(Path(settings.keys.signing)).public)


def rebuild_forwarded_index(settings: StationSettings, sender: str) -> Rebuilt:
    """The same of the index of what another municipality has forwarded. Raises as `rebuild_forwarded` does."""
    if all(one.name != sender for one in settings.forwarded_from):
        raise NotFoundError(f"forwarded_from: nobody is called {sender} in the station's configuration")
    return rebuild_forwarded(Path(settings.data), sender, load_key(Path(settings.keys.signing)).public)


def take_order(settings: StationSettings, raw: bytes) -> Taken:
    """Keep an order, whether the station runs or not. Raises as `Orders.take` and `StationProcess` do."""
    with opened_index(settings) as index:
        return Orders(storage_of(settings), index).take(raw, roster_of(settings).current(), "to the station itself")


def lacks_bundle(settings: StationSettings, raw: bytes) -> str | None:
    """The name of the bundle that an order to update names, where the station does not have it. Raises `DataError` for what is no order."""
    if not raw.startswith(f"{ORDER_TYPE}\n".encode()):
        return None
    body = orders_format.decode(raw, "the order").order.body
    if not isinstance(body, Update) or body.bundle in dict(storage_of(settings).bundles()):
        return None
    return body.bundle


def certify(settings: StationSettings, device: str, recording: str) -> SignedDocument:
    """The station's signed word that its copy is gone. Raises as `deletion_certificate.certify` does."""
    with opened_index(settings) as index:
        signer = load_key(Path(settings.keys.signing))
        return deletion_certificate.certify(settings.name, signer, index, storage_of(settings), device, recording)


def make_backup(settings: StationSettings, folder: Path, keep_days: int) -> BackedUp:
    """A backup of a station, whether it runs or not. Raises as `back_up` does."""
    signer = load_key(Path(settings.keys.signing))
    reading = SystemClock().read()
    dated = reading.synchronised_us is not None
    data, storage = Path(settings.data), storage_of(settings)
    return back_up(settings.name, signer, storage, data, folder, reading.wall_us, keep_days=keep_days, dated=dated)


def restore_backup(settings: StationSettings, path: Path) -> Restored:
    """The station is stopped, and its index moved away. Raises as `restore` and `StationProcess` do."""
    data = Path(settings.data)
    with serving(data, alone=True), opened_index(settings, to_restore=True) as index:
        key = load_key(Path(settings.keys.signing)).public
        staging, storage = Staging(data / "staging"), storage_of(settings)

        def first_keys() -> Mapping[str, PublicKey]:
            return first_keys_of(roster_of(settings).roster)

        return restore(path, settings.name, key, data, storage, staging, index, first_keys, time.time_ns() // 1000)


def orders_are_brought(settings: StationSettings) -> bool:
    """Orders that came after the backup that was restored are here again; false where none was."""
    with opened_index(settings) as index:
        done = RestoredIndex(index.database).orders_are_brought(time.time_ns() // 1000)
        keep_log(index, storage_of(settings))
        return done


def list_stamps(settings: StationSettings) -> list[KeptStamp]:
    """The stamps over a station's log, held against it. Raises `ConfigError` where no authority is given, and as `kept_stamps` does."""
    if (at := settings.timestamp_authority) is None:
        raise ConfigError("timestamp_authority: it is not given: nobody stamps the log, and no stamp can be judged")
    return kept_stamps(storage_of(settings), load_roots(Path(at.ca)))


def listed_copies(settings: StationSettings) -> list[ListedCopy]:
    """What a station holds, whether it runs or not; nothing of it is changed. Raises as `read_index` and `read_roster` do."""
    now_us = time.time_ns() // 1000
    roster = read_roster(Path(settings.keys.root), Path(settings.keys.roster), kept_roster(settings), now_us).roster
    keys, storage = first_keys_of(roster), storage_of(settings)
    return read_index(settings.index_url, lambda database: list(list_copies(database, storage, keys, now_us, settings.days)))


@contextmanager
def opened_bundles(settings: StationSettings) -> Iterator[BundleStore]:
    """A station's bundles, whether it runs or not. Raises as `Index.open` does."""
    with opened_index(settings) as index:
        yield BundleStore(storage_of(settings), index, lambda: time.time_ns() // 1000)


@contextmanager
def opened_orders(settings: StationSettings) -> Iterator[OrderIndex]:
    """What a station knows of its orders, whether it runs or not. Raises as `Index.open` does."""
    with opened_index(settings) as index:
        yield OrderIndex(index.database)


def forward(settings: StationSettings, raw: bytes) -> Forwarded | Taken:
    """Carry out an order to forward a recording, whether the station runs or not; or keep a standing one, or one that ends it, for the
    station that runs. Raises as `Forwarding.forward` and `check_standing` do."""
    in_force = roster_of(settings)
    with opened_index(settings) as index:
        storage = storage_of(settings)
        forwarding = Forwarding(
            settings.name,
            load_key(Path(settings.keys.signing)),
            index,
            storage,
            settings.receivers,
            lambda: first_keys_of(in_force.roster),
            now_us=lambda: time.time_ns() // 1000,
        )
        if isinstance(orders.decode(raw, "the order").order.body, StandingForward | EndForward):
            forwarding.check_standing(raw, in_force.current())
            return Orders(storage, index).take(raw, in_force.current(), "to the station itself")
        return forwarding.forward(raw, in_force.current())


@contextmanager
def opened_calls(settings: StationSettings) -> Iterator[HelpIndex]:
    """What a station knows of calls for help, whether it runs or not. Raises as `Index.open` does."""
    with opened_index(settings) as index:
        yield HelpIndex(index.database)


def serve(settings: StationSettings, told: Callable[[str], None]) -> None:
    """Run a station until SIGTERM or SIGINT; `told` hears once where it listens. Requests under way are answered first. Raises as
    `StationProcess` does, and `StoreBusyError` where the port is taken."""
    with serving(Path(settings.data)):
        _serve(settings, told)


def _serve(settings: StationSettings, told: Callable[[str], None]) -> None:
    notifier = SystemdNotifier()
    process = StationProcess(settings, notifier)
    try:
        address, port = settings.listen.address, settings.listen.port

        def ready() -> None:
            told(f"station {settings.name} listens at {address} port {port} for {settings.authority}")
            notifier.say("READY=1")

        def stopping() -> None:
            notifier.say("STOPPING=1")
            process.end_polls()

        server = StationServer(server_config(process.application, address, port), ready, stopping)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stopped)  # the server stops at them in its own way, and then raises them once more
        try:
            server.run()
        except SystemExit as error:
            raise StoreBusyError(f"listen: {address} port {port}: cannot listen there; is another station running?") from error
    finally:
        process.close()
        notifier.close()


def _stopped(number: int, frame: FrameType | None) -> None:
    """The signal has done what it was for."""
