"""A station behind a real server, and a camera with a store of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import first_line
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station.app import CameraInterface, application
from bodycamd.municipality.station.bundle_routes import BundleInterface
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.door import Door
from bodycamd.municipality.station.figures import Figures, Health, index_figures_or_none
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.help_routes import HelpInterface
from bodycamd.municipality.station.help_words import HelpMessage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.operator_routes import OperatorInterface
from bodycamd.municipality.station.order_routes import OrderInterface
from bodycamd.municipality.station.orders import Orders
from bodycamd.municipality.station.server import OperatorServer
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.station_clock import StationTime
from bodycamd.municipality.station.station_file import HelpSettings
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.camera.recorder.rig import Rig
from tests.evidence import ordering
from tests.evidence.rostering import FIRST, key, signed
from tests.municipality.station.at_station import NOW, UPLINK_KEY, Scene, private
from tests.municipality.station.life import Life
from tests.municipality.station.prepared import prepared
from tests.municipality.station.sending import AUTHORITY, CameraLink

__all__ = ["prepared"]

SECRET = b"s" * 32
HELP = HelpSettings(command=("/usr/bin/true", "{to}"), to=("+31600000001", "+31600000002", "+31600000003"))
STATION_KEY = key("station-1")
IN_FORCE = signed(FIRST)


@dataclass
class Station:
    """One on a folder and SQLite. `now` is its clock, in seconds; without an `authority` its name is where it listens."""

    root: Path
    senders: dict[str, Sender]
    now: int = 1_790_000_000
    roster: SignedRoster = IN_FORCE
    authority: str = AUTHORITY
    port: int = 0
    certificate: Path | None = None
    """With it the station speaks TLS by itself, as localhost; its key is beside it, `.key`."""
    threads: list[threading.Thread] = field(default_factory=list)

    helps: bool = True
    reached: list[tuple[str, str]] = field(default_factory=list)
    """Whom the command called, and with which text."""
    unreachable: set[str] = field(default_factory=set)

    def reach(self, to: str, message: HelpMessage) -> bool:
        """In place of the command: what it is told, and whether it ends well."""
        self.reached.append((to, message.text))
        return to not in self.unreachable

    def __post_init__(self) -> None:
        self.storage = FolderStorage(self.root)
        self.open()

    def open(self) -> None:
        """As after a start of the station."""
        self.index = Index.open(f"sqlite:///{self.root}/index.sqlite")
        self.intake = Intake(
            "station-1",
            STATION_KEY,
            self.storage,
            Staging(self.root / "staging"),
            self.index,
            days=28,
            clock=lambda: StationTime(self.now * 1_000_000, confirmed=True),
        )
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        name = self.authority or f"{'127.0.0.1' if self.certificate is None else 'localhost'}:{self.port}"
        tls: dict[str, Any] = {}
        if self.certificate is not None:
            tls = {"ssl_certfile": self.certificate, "ssl_keyfile": self.certificate.with_suffix(".key")}
        door = Door(authority=name, secret=SECRET, now_seconds=lambda: self.now)
        cameras = CameraInterface(self.intake, door, lambda: self.senders)
        self.orders = Orders(self.storage, self.index, now_us=lambda: self.now * 1_000_000)
        self.ordering = OrderInterface(self.orders, door, lambda: self.senders, lambda: self.roster)
        self.door = door
        self.operating = OperatorInterface(self.figures, self.health)
        self.desk = HelpDesk("station-1", STATION_KEY, HelpIndex(self.index.database), HELP, now_us=self.orders._now_us, run=self.reach)
        self.help = HelpInterface(self.desk if self.helps else None, door, lambda: self.senders, lambda: self.roster)
        bundles = BundleInterface(self.storage, door, lambda: self.senders)
        self.routes = [*cameras.routes(), *self.ordering.routes(), *bundles.routes(), *self.help.routes()]
        self.server = uvicorn.Server(uvicorn.Config(application(self.routes), log_level="warning", lifespan="off", **tls))
        self.thread = threading.Thread(target=self.server.run, args=([listening],), daemon=True)
        self.thread.start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def health(self) -> Health:
        return Health(self.now * 1_000_000, True, 1, wall_us(self.roster.roster.not_after, "not_after"))

    def figures(self) -> Figures:
        return Figures(
            now_us=self.now * 1_000_000,
            version="0",
            received_bytes=self.door.traffic.received_bytes,
            refused=dict(self.door.traffic.refused),
            index=index_figures_or_none(self.index.database, self.now * 1_000_000),
            index_errors=self.index.database.errors,
            sweep=None,
            stamps=None,
            clock_confirmed=True,
            held_polls=self.ordering.held_polls,
            staged_bytes=None,
            staged_files=None,
            free_bytes=1,
            cameras_active=len(self.senders),
            roster_ends_us=wall_us(self.roster.roster.not_after, "not_after"),
        )

    @cached_property
    def operator(self) -> httpx.Client:
        """Who asks the listener of its own."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.beside = OperatorServer(self.operating.application())
        thread = threading.Thread(target=self.beside.run, args=([listening],), daemon=True)
        thread.start()
        self.threads.append(thread)
        return httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30)

    def __enter__(self) -> Station:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.client.close()
        self.ordering.end_polls()
        self.help.end_polls()
        self.server.should_exit = True
        if self.threads:
            self.operator.close()
            self.beside.should_exit = True
            self.threads.pop().join()
            del self.operator
        self.thread.join()
        self.index.close()

    def copy(self, device: str) -> Path:
        return self.storage.camera(device) / "store"


@dataclass
class FilmedStore:
    """Two recordings of one start, the second of three segments."""

    store: Path
    first_key: PublicKey
    uplink_key: Ed25519PrivateKey

    @property
    def sender(self) -> Sender:
        return Sender("cam-7", PublicKey(self.uplink_key.public_key().public_bytes_raw()), self.first_key)


@pytest.fixture(scope="session")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> FilmedStore:
    rig = Rig(tmp_path_factory.mktemp("filmed"), segment_seconds=3)
    rig.camera()
    for number, seconds in enumerate((2, 8), 1):
        rig.begin(number, keep_from_us=rig.now_us)
        rig.film(seconds, size=30_000)
        rig.wait_durable(rig.seq)
        rig.end()
        rig.wait_sealed(number)
    rig.stop()
    store = rig.root / "store"
    line = first_line(store / "ledger", 1)
    assert line is not None
    return FilmedStore(store, PublicKey.from_hex(str(line.entry.detail["public_key"])), Ed25519PrivateKey.generate())


@pytest.fixture
def station(filmed: FilmedStore, tmp_path: Path) -> Iterator[Station]:
    folder = tmp_path / "station"
    folder.mkdir()
    with Station(folder, {filmed.sender.uplink_key.id: filmed.sender}) as opened:
        yield opened


@pytest.fixture
def link(filmed: FilmedStore, station: Station) -> CameraLink:
    return CameraLink(station.client, "cam-7", filmed.uplink_key)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    yield made
    made.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with opened_scene(tmp_path) as opened:
        yield opened


@contextmanager
def opened_scene(root: Path) -> Iterator[Scene]:
    camera = OrderedCamera(root / "camera").switch_on()
    camera.settle()
    first_key = PublicKey.from_pem((root / "camera" / "device.pem").read_bytes())
    uplink = PublicKey(UPLINK_KEY.public_key().public_bytes_raw())
    (root / "station").mkdir()
    senders = {uplink.id: Sender("HV-01", uplink, first_key)}
    with Station(root / "station", senders, now=NOW, roster=ordering.IN_FORCE) as station:
        link = CameraLink(station.client, "HV-01", UPLINK_KEY)
        yield Scene(station, camera, link, replace(link, key=private(key("E-01"))))
    camera.close()
