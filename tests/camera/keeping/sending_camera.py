"""A resting camera that sends: what may be sent follows its ledger, and a station gives receipts for it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bodycamd.camera.keeping.opening import keep
from bodycamd.camera.keeping.sending import Sending
from bodycamd.camera.recorder.store import Store
from bodycamd.evidence import receipts
from bodycamd.evidence.ledger_reader import Line, file_name
from bodycamd.evidence.receipts import Receipt, SignedReceipt
from bodycamd.evidence.statements import ZERO_HASH, wall_text
from bodycamd.retention.ledger_index import Facts
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW, NOW_US, key
from tests.kit.resting_camera import DAY, RestingCamera


class SendingCamera(RestingCamera):
    """As a daemon opens it."""

    def __init__(self, root: Path, station: str = "station-1", *, name: str = "cam-7") -> None:
        super().__init__(root)
        self.name = name
        self.clock.wall_us = NOW_US
        self.station = station

    def switch_on(self, *, off_us: int = 0, same_boot: bool = False) -> SendingCamera:
        self.boot += 1
        self.clock.wall_us += off_us
        self.clock.boottime_us = 1_000_000
        self.recorded = 0
        self.sending = Sending(self.station, self.name, self.clock)
        facts = Facts()

        def watch(line: Line) -> None:
            facts.take(line.entry, line.detail)
            self.sending.take(line)

        store = Store.open(
            self.store_folder,
            signing=self.root / "signing",
            device_id=self.name,
            clock=self.clock,
            config_sha256="0" * 64,
            boot_id=f"boot-{self.boot}",
            watch=watch,
        )
        self.sending.attach(lambda: (store.start, store.ledger.durable_bytes))
        self._opened = store, keep(store, self.clock, self.rules, facts, self.sending.take)
        return self

    def head(self) -> str:
        return self.store.ledger.head

    def ledger_bytes(self) -> bytes:
        return (self.store_folder / "ledger" / file_name(self.store.start)).read_bytes()

    def deliver(self, signed: SignedReceipt, whole_sha256: str = "") -> str:
        """The outcome."""
        self.keeper.held()
        told = self.sending.deliver(signed, IN_FORCE, NOW, whole_sha256, self.store.ledger.note)
        self.keeper.held()
        assert told.id == signed.id
        return told.outcome


class ReceiptBook:
    """What station-1 has signed for a camera."""

    def __init__(self, camera: SendingCamera) -> None:
        self.camera = camera
        self.n, self.last = 0, ZERO_HASH

    def unsigned(self, recording: str | None = None, segment: int | None = None, **changes: Any) -> Receipt:
        now_us = self.camera.clock.wall_us
        words: dict[str, Any] = {}
        if recording is not None and segment is not None:
            content = next((self.camera.store_folder / "recordings" / recording).glob(f"{segment:06d}.*tar")).read_bytes()
            words = {"recording": recording, "segment": segment, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        made = Receipt(
            station="station-1",
            device="cam-7",
            n=self.n + 1,
            prev=self.last,
            head=self.camera.head(),
            stored_at=wall_text(now_us),
            kept_until=wall_text(now_us + 28 * DAY),
            audit_head="0" * 64,
            **words,
        )
        return replace(made, **changes)

    def sign(self, unsigned: Receipt, by: str = "station-1") -> SignedReceipt:
        """Signed, and not in the book."""
        return receipts.sign(unsigned, key(by))

    def next(self, recording: str | None = None, segment: int | None = None) -> SignedReceipt:
        signed = self.sign(self.unsigned(recording, segment))
        self.n, self.last = signed.receipt.n, signed.id
        return signed
