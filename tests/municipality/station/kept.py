"""A life with backups, in which the station loses what it has."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.orders import Release, SignedOrder
from bodycamd.evidence.receipts import Received, received
from bodycamd.municipality.station.backup import BackedUp, back_up
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.restoring import Restored, restore
from bodycamd.municipality.station.staging import Staging
from tests.municipality.station.life import DEVICE, STATION_KEY, Life
from tests.municipality.station.test_rebuild import rows


class Kept(Life):
    """A life with backups; the camera states the receipts that it gets, and takes none that does not follow."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.so_far = Received()
        self.posted: list[SignedOrder] = []
        self.numbers: dict[int, bytes] = {}

    def order(self, order: SignedOrder) -> SignedOrder:
        self.posted.append(order)
        return super().order(order)

    def state_receipts(self, most: int = 100) -> int:
        """The camera fetches its receipts and states them, the first `most`; no number that it has comes with another receipt."""
        given = self.intake.receipts_after(DEVICE, self.so_far.n)[:most]
        for one in given:
            assert (one.receipt.n, one.receipt.prev) == (self.so_far.n + 1, self.so_far.last), "forked"
            document = base64.b64encode(one.document.file_bytes).decode()
            recording, segment = one.receipt.recording, one.receipt.segment
            self.camera.enter(Uploaded(receipt=one.id, document=document, roster_sha256="ab" * 32, recording=recording, segment=segment))
            self.so_far = received(self.so_far, [one])
        return len(given)

    def poll(self) -> None:
        """The camera asks for orders behind the last number that it has heard of: no number stands for two documents."""
        found, _ = self.orders.waiting_for(DEVICE, max(self.numbers, default=0))
        for document in found:
            assert self.numbers.setdefault(document.n, document.file_bytes) == document.file_bytes, "two documents"

    def back_up(self, *, dated: bool = True) -> BackedUp:
        folder = self.root / "backups"
        folder.mkdir(exist_ok=True)
        return back_up("station-1", STATION_KEY, self.storage, self.root / "station", folder, self.now_us, dated=dated)

    def restore(self, backup: Path, *, files_too: bool, brought: bool = True) -> Restored:
        """The index is lost, and the ledgers; or all but the footage. People bring again the orders that they brought, and say so."""
        self.index.close()
        station = self.root / "station"
        for name in [path.name for path in station.iterdir() if path.name.startswith("index.sqlite")]:
            (station / name).unlink()
        shutil.rmtree(self.storage.camera(DEVICE) / "store" / "ledger", ignore_errors=True)
        shutil.rmtree(station / "staging", ignore_errors=True)
        if files_too:
            for folder in (station / "documents", station / "audit", self.storage.camera(DEVICE) / "receipts"):
                shutil.rmtree(folder, ignore_errors=True)
        index = Index.open(f"sqlite:///{station}/index.sqlite")
        staging = Staging(station / "staging")
        try:
            done = restore(backup, "station-1", STATION_KEY.public, station, self.storage, staging, index, self.first_keys, self.now_us)
        finally:
            index.close()
        self.open()
        with self.rebuilt() as (_, file):
            assert rows(file) == rows(station / "index.sqlite")
        if brought:
            self.bring()
        return done

    def first_keys(self) -> dict[str, PublicKey]:
        return {DEVICE: self.first_key}

    def bring(self) -> None:
        """A release ends a week after it was made, and counts no more when it is brought again: it is signed anew."""
        for order in self.posted[:]:
            super().order(order)
            body = order.order.body
            if isinstance(body, Release):
                super().order(self.camera.to_release(*body.holds, nonce=1_000_000 + len(self.posted)))
        assert RestoredIndex(self.index.database).orders_are_brought(self.now_us)
