"""The station as a process: what is opened, in which order, and how it ends. The one page where it is put together."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from bodycamd import __version__
from bodycamd.errors import ConfigError, StoreBusyError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.statements import wall_us
from bodycamd.linux.clock import SystemClock
from bodycamd.linux.systemd_notify import SystemdNotifier
from bodycamd.municipality.station.app import CameraInterface, application
from bodycamd.municipality.station.bundle_routes import BundleInterface
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.door import Door
from bodycamd.municipality.station.duties import Duties
from bodycamd.municipality.station.figures import Figures, Health, StampFigures, index_answers, index_figures_or_none
from bodycamd.municipality.station.forwarded_intake import ForwardedIntake
from bodycamd.municipality.station.forwarding import Forwarding
from bodycamd.municipality.station.heartbeat import beat
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.help_routes import HelpInterface
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.opening import first_keys_of, load_key, make_data, push_of, roster_of, secret_of, stamping_of, storage_of
from bodycamd.municipality.station.operator_routes import OperatorInterface
from bodycamd.municipality.station.order_routes import OrderInterface
from bodycamd.municipality.station.orders import Orders
from bodycamd.municipality.station.receiver_receipts import ReceiverReceipts
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.server import OperatorServer
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.stamping import Stamping
from bodycamd.municipality.station.standing_forwarding import StandingForwarding
from bodycamd.municipality.station.station_clock import StationClock
from bodycamd.municipality.station.station_file import ListenSettings, StationSettings
from bodycamd.municipality.station.storage import Storage
from bodycamd.municipality.station.sweep import Sweep

log = logging.getLogger(__name__)

NONCES_FILE: Final = "nonce-secret"


class StationProcess:
    """An opened station. Close it."""

    def __init__(self, settings: StationSettings, notifier: SystemdNotifier | None = None) -> None:
        """Opens everything; systemd's watchdog is fed while it runs, where `notifier` has one.

        Raises `ConfigError` for keys, roster or database that are none, `StoreBusyError` where the figures' port is
        taken, `StorageError`."""
        self._notifier = notifier
        self._data = data = Path(settings.data)
        self._signer = load_key(Path(settings.keys.signing))
        self._in_force = in_force = roster_of(settings)
        found = [station for station in in_force.roster.stations if station.id == settings.name and station.state == "active"]
        listed = PublicKey.from_hex(found[0].key) if found else None
        if listed != self._signer.public:
            what = "lists another key for it" if listed is not None else "does not list it"
            raise ConfigError(f"name: {settings.name}: the roster {what}: no camera would believe its receipts; allowed: a listed station")
        make_data(data)
        self._staging = Staging(data / "staging")
        self._index = Index.open(settings.index_url)
        RestoredIndex(self._index.database).check_finished()
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
        sweep = Sweep(
            intake,
            self._index,
            storage,
            self._staging,
            lambda: first_keys_of(in_force.roster),
            days=settings.days,
            clock=self._clock.read,
        )
        self._stamping = stamping_of(settings, self._index, storage)
        self._door = door = Door(authority=settings.authority, secret=secret_of(data / NONCES_FILE))
        self._kept_orders = orders = Orders(storage, self._index)

        def senders() -> Mapping[str, Sender]:
            return orders.not_suspended(in_force.senders(), in_force.current())

        cameras = CameraInterface(intake, door, senders)
        self.orders = OrderInterface(orders, door, senders, in_force.current)
        desk = None
        if settings.help is not None:
            calls = HelpIndex(self._index.database)
            push = push_of(settings.help, calls, self._is_active)
            desk = HelpDesk(settings.name, self._signer, calls, settings.help, confirmed=lambda: self._clock.read().confirmed, push=push)
        self.help = HelpInterface(desk, door, senders, in_force.current)
        asking = threading.Lock()
        self._forwarded = dict(self._forwarded_here(settings))
        standing = {one.name: self._standing(settings, one.name, intake, storage, asking) for one in settings.receivers}
        receipts = {
            one.name: ReceiverReceipts(self._index, storage, [one], now_us=_now_us) for one in settings.receivers if one.station is not None
        }
        self._duties = Duties(self._staging, sweep, self._clock, self._stamping, desk, standing, receipts, self._forwarded)
        bundles = BundleInterface(storage, door, senders)
        routes = [*cameras.routes(), *self.orders.routes(), *bundles.routes(), *self.help.routes()]
        self.application = application(routes, self._while_running)
        self._operator = OperatorInterface(self.figures, self.health)
        self._listening = None if settings.metrics is None else _listen("metrics", settings.metrics)

    def _standing(
        self, settings: StationSettings, receiver: str, intake: Intake, storage: Storage, asking: threading.Lock
    ) -> StandingForwarding:
        """What goes by itself to one receiver."""
        first_keys = lambda: first_keys_of(self._in_force.roster)  # noqa: E731
        forwarding = Forwarding(settings.name, self._signer, self._index, storage, settings.receivers, first_keys, now_us=_now_us)
        words = forwarding, intake, self._index, storage, first_keys, self._in_force.current
        return StandingForwarding(*words, now_us=_now_us, receiver=receiver, asking=asking)

    def _forwarded_here(self, settings: StationSettings) -> Iterator[tuple[str, ForwardedIntake]]:
        """One for each sender, but where another process of the station has it already. Raises as `ForwardedIntake` does."""
        for one in settings.forwarded_from:
            try:
                yield one.name, ForwardedIntake(one, settings.name, self._signer, self._data, self._clock.read)
            except StoreBusyError:
                log.info("what %s has forwarded is taken by another process of this station", one.name)

    def close(self) -> None:
        """Give everything back."""
        if self._listening is not None:
            self._listening.close()
        for one in self._forwarded.values():
            one.close()
        self._index.close()

    def end_polls(self) -> None:
        """Answer all that are held: the station stops."""
        self.orders.end_polls()
        self.help.end_polls()

    def _is_active(self, person: str) -> bool:
        """Whether the newest roster lists this person so, even after its end, for a call for help waits for no roster; and no suspension
        shuts the person out. Raises `StorageError`."""
        return person in self._kept_orders.standing(self._in_force.newest()).people

    def health(self) -> Health:
        """Whether it can do its work now. From any thread."""
        ends_us = wall_us(self._in_force.roster.not_after, "not_after")
        return Health(time.time_ns() // 1000, index_answers(self._index.database), _free_bytes(self._data), ends_us)

    def figures(self) -> Figures:
        """What is to be seen of it now. From any thread."""
        now_us = time.time_ns() // 1000
        staged = self._staging.held()
        roster = self._in_force.roster
        return Figures(
            now_us=now_us,
            version=__version__,
            received_bytes=self._door.traffic.received_bytes,
            refused=dict(self._door.traffic.refused),
            index=index_figures_or_none(self._index.database, now_us),
            index_errors=self._index.database.errors,
            sweep=self._duties.last_sweep,
            stamps=None if self._stamping is None else _stamp_figures(self._stamping),
            clock_confirmed=self._clock.read().confirmed,
            held_polls=self.orders.held_polls,
            staged_bytes=staged[1] if staged is not None else None,
            staged_files=staged[0] if staged is not None else None,
            free_bytes=_free_bytes(self._data),
            cameras_active=sum(camera.state == "active" for camera in roster.cameras),
            roster_ends_us=wall_us(roster.not_after, "not_after"),
        )

    @asynccontextmanager
    async def _while_running(self, application: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._duties.run())]
        if self._notifier is not None and self._notifier.watchdog_seconds is not None:
            tasks.append(asyncio.create_task(beat(self._notifier, self._notifier.watchdog_seconds)))
        watching = OperatorServer(self._operator.application())
        serving = [] if self._listening is None else [asyncio.create_task(watching.serve([self._listening]))]
        for task in (*tasks, *serving):
            task.add_done_callback(_ended)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await run_in_threadpool(self._duties.end)
            watching.should_exit = True
            await asyncio.gather(*tasks, *serving, return_exceptions=True)


def _listen(key: str, where: ListenSettings) -> socket.socket:
    try:
        return socket.create_server((where.address, where.port), family=socket.AF_INET6 if ":" in where.address else socket.AF_INET)
    except OSError as error:
        told = f"{key}: {where.address} port {where.port}: cannot listen there ({error.strerror}); is another station running?"
        raise StoreBusyError(told) from error


def _stamp_figures(stamping: Stamping) -> StampFigures:
    return StampFigures(stamping.last.at_us if stamping.last is not None else None, stamping.failures)


def _free_bytes(folder: Path) -> int | None:
    """Room for the station's user; `None` where it cannot be asked."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _now_us() -> int:
    return time.time_ns() // 1000


def _ended(task: asyncio.Task[None]) -> None:
    """A duty never ends by itself: if it does, the station says so and stops, and is started anew."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("the station cannot go on", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
