"""The control room's station, and what the sender sees of it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from bodycamd.evidence.roster import SignedRoster
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.forwarded_intake import ForwardedIntake, TakenIn, place_of, rebuild_forwarded
from bodycamd.municipality.station.receiver_receipts import Receipted, ReceiverReceipts
from bodycamd.municipality.station.station_clock import StationTime
from bodycamd.municipality.station.station_file import (
    ForwardedFromSettings,
    ReceiverSettings,
    ReceiverStationSettings,
)
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import ROOT, key, signed
from tests.municipality.station.life import DEVICE, Life
from tests.municipality.station.test_forwarding import forward, receiver, to_forward
from tests.municipality.station.test_rebuild import rows

THEIR_KEY = key("the control room's station")


class Room:
    """The receiver's station, and the sender's view of it."""

    def __init__(self, life: Life) -> None:
        self.life, self.folder, self.data = life, life.root / "room", life.root / "theirs"
        root = life.root / "their-root.json"
        root.write_bytes(msgspec.json.encode(ROOT))
        self.settings = ForwardedFromSettings(name="alphen", receiver="meldkamer", root=str(root), folder=str(self.folder), keeps_days=90)
        self.receiver: ReceiverSettings = replace(
            receiver(life), station=ReceiverStationSettings(name="station-9", key=THEIR_KEY.public.raw.hex())
        )
        own = replace(IN_FORCE.roster.cameras[0], first_key=life.first_key.raw.hex())
        self.roster: SignedRoster = signed(replace(IN_FORCE.roster, cameras=(own, *IN_FORCE.roster.cameras[1:])))
        self.storage = FolderStorage(place_of(self.data, "alphen"))
        self.forwarded = self.folder / DEVICE / "forwarded"

    def forward(self, name: str, nonce: int = 0, **changes: Any) -> str:
        order = to_forward(self.life, name, nonce, **changes)
        forward(self.life, order, self.roster, receivers=[self.receiver])
        return order.id

    def take(self) -> TakenIn:
        with self.opened() as one:
            return one.run()

    def opened(self) -> Opened:
        return Opened(self)

    def receipts(self) -> Receipted:
        return ReceiverReceipts(self.life.index, self.life.storage, [self.receiver], now_us=lambda: self.life.now_us).run()

    @property
    def here(self) -> list[str]:
        folder = self.storage.camera(DEVICE) / "store" / "recordings"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    @property
    def log(self) -> list[tuple[str, str]]:
        return [(line.event, line.what) for line in (audit.decode(raw, "x") for raw in self.storage.audit_lines())]

    def check_rebuild(self) -> None:
        place = place_of(self.data, "alphen")
        before = rows(place / "index.sqlite")
        (place / "index.sqlite").rename(place / "old.sqlite")
        assert rebuild_forwarded(self.data, "alphen", THEIR_KEY.public).problems == ()
        assert rows(place / "index.sqlite") == before


class Opened:
    def __init__(self, room: Room) -> None:
        self.room = room

    def __enter__(self) -> ForwardedIntake:
        room = self.room
        clock = lambda: StationTime(room.life.now_us, True)  # noqa: E731
        self.one = ForwardedIntake(room.settings, "station-9", THEIR_KEY, room.data, clock)
        return self.one

    def __exit__(self, *_: object) -> None:
        self.one.close()
