"""A camera's days and its station's, on clocks that the test sets: what is recorded, sent, held, released and deleted at both places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import file_name, starts
from bodycamd.evidence.orders import SignedOrder
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.ledger_copy import RestMissingError
from bodycamd.municipality.station.orders import Orders
from bodycamd.municipality.station.rebuild import Rebuilt, rebuild
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.station_clock import StationTime
from bodycamd.municipality.station.storage import Storage
from bodycamd.municipality.station.sweep import Sweep, Swept
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW_US, key
from tests.municipality.station.sending import sealed

DEVICE = "HV-01"
DAY_US = 86_400_000_000
STATION_KEY = key("station-1")


class Life:
    """`true_us` is the time that it really is, which both clocks show unless a test says otherwise."""

    def __init__(self, root: Path, days: int = 28, wall_us: int = NOW_US, storage: Callable[[Path], Storage] = FolderStorage) -> None:
        self.root, self.days, self._storage = root, days, storage
        self.camera = OrderedCamera(root / "camera")
        self.camera.clock.wall_us = wall_us
        self.camera.switch_on()
        self.camera.settle()
        self.first_key = PublicKey.from_pem((root / "camera" / "device.pem").read_bytes())
        self.confirmed = True
        self.ahead_us = 0
        self.clock: Callable[[], StationTime] = lambda: StationTime(self.now_us, self.confirmed)
        self.ended_us: dict[str, int] = {}
        self.received_us: dict[str, int] = {}
        (root / "station").mkdir()
        self.open()

    def open(self) -> None:
        """As after a start of the station."""
        self.storage = self._storage(self.root / "station")
        self.index = Index.open(f"sqlite:///{self.root}/station/index.sqlite")
        self.copies = CopyIndex(self.index.database)
        self.staging = Staging(self.root / "station" / "staging")
        self.intake = Intake(
            "station-1",
            STATION_KEY,
            self.storage,
            self.staging,
            self.index,
            days=self.days,
            clock=self.clock,
        )
        self.orders = Orders(self.storage, self.index, now_us=lambda: self.now_us)
        first_keys = {DEVICE: self.first_key}
        self.sweeper = Sweep(
            self.intake,
            self.index,
            self.storage,
            self.staging,
            lambda: first_keys,
            days=self.days,
            clock=self.clock,
        )

    def close(self) -> None:
        self.index.close()
        self.camera.close()

    def again(self) -> None:
        self.index.close()
        self.open()

    @property
    def true_us(self) -> int:
        return self.camera.clock.wall_us

    @property
    def now_us(self) -> int:
        return self.true_us + self.ahead_us

    def record(self, *, segments: int = 2, fragments: int = 3, close: bool = True) -> str:
        name = self.camera.record(segments=segments, fragments=fragments, close=close)
        self.ended_us[name] = self.true_us
        return name

    def off(self, days: float) -> None:
        """The camera is off meanwhile."""
        self.camera.switch_off()
        self.camera.switch_on(off_us=round(days * DAY_US))
        self.camera.settle()

    def send_ledger(self) -> None:
        folder = self.camera.store_folder / "ledger"
        for start in starts(folder):
            content = (folder / file_name(start)).read_bytes()
            content = content[: content.rfind(b"\n") + 1]
            at = self.intake.ledger_progress(DEVICE, self.first_key, start).size_bytes
            if at >= len(content):
                continue
            try:
                self.intake.take_ledger(DEVICE, self.first_key, start, at, content[at:])
            except RestMissingError as missing:
                torn = (folder / missing.torn.file).read_bytes()[-missing.torn.torn_bytes :]
                self.intake.take_rest(DEVICE, self.first_key, int(missing.torn.file[:6]), torn)
                self.intake.take_ledger(DEVICE, self.first_key, start, at, content[at:])

    def send(self, *names: str) -> None:
        """Ledger and segments; of these recordings alone, where any are named. What the station has deleted it refuses."""
        self.send_ledger()
        for file in sealed(self.camera.store_folder):
            if not names or file.parent.name in names:
                self.send_segment(file)

    def send_segment(self, file: Path) -> None:
        try:
            if self.intake.segment_progress(DEVICE, file.parent.name, file.name).receipt is None:
                content = file.read_bytes()
                self.intake.take_segment(DEVICE, self.first_key, file.parent.name, file.name, 0, content, last=True)
                self.received_us[file.parent.name] = self.true_us
        except (NotFoundError, DataError):
            assert self.copies.deleted_on(DEVICE, file.parent.name) is not None

    def order(self, order: SignedOrder) -> SignedOrder:
        self.orders.take(order.document.file_bytes, IN_FORCE, "by hand")
        return order

    def sweep(self) -> Swept:
        return self.sweeper.run()

    @property
    def here(self) -> list[str]:
        """The recordings of which the station has anything."""
        folder = self.storage.camera(DEVICE) / "store" / "recordings"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    @property
    def log(self) -> list[tuple[str, str]]:
        lines = [audit.decode(raw, "audit") for raw in self.index.audit_lines()]
        return [(line.event, line.what) for line in lines]

    @contextmanager
    def rebuilt(self) -> Iterator[tuple[Rebuilt, Path]]:
        """A new index beside the old one."""
        file = self.root / "new.sqlite"
        file.unlink(missing_ok=True)
        index = Index.open(f"sqlite:///{file}")
        try:
            yield rebuild(index, self.storage, {DEVICE: self.first_key}, STATION_KEY.public), file
        finally:
            index.close()
