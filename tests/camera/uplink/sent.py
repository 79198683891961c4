"""A resting camera, asked without a socket, and a real station that it sends to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycamd.camera.daemon import handing_out
from bodycamd.camera.daemon.status_message import BatteryStatus, ClockStatus, Status
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.waiting import Opened, Waiting, WaitingSegment
from bodycamd.camera.uplink.allowance import Allowance
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.sending import Sending
from bodycamd.camera.uplink.station_link import Reply, StationLink
from bodycamd.config.station_checks import StationAddress, address
from bodycamd.config.station_settings import StationSettings
from bodycamd.evidence import answers, receipts
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.signed_document import from_entry
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.municipality.station.cameras import Sender
from tests.camera.keeping.room_camera import RoomCamera
from tests.camera.keeping.sending_camera import SendingCamera
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW
from tests.municipality.station.conftest import Station

KEY = SigningKey(Ed25519PrivateKey.generate())
Step = Callable[[str], None]
"""Called before and after everything that leaves the process; may raise, as a kill does."""


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class DirectRecorder:
    """`RecorderLink`, without the socket and its pace."""

    camera: SendingCamera
    step: Step = lambda _: None
    doing: str = ""
    battery: BatteryStatus = field(default_factory=lambda: BatteryStatus(level="ok", percent=None, gauge="none"))
    trusted: bool = True

    def status(self) -> Status:
        clock = ClockStatus(trusted=self.trusted, source="ntp", error_ms=1)
        return cast(Status, msgspec.defstruct("Told", ["battery", "clock"])(self.battery, clock))

    def waiting(self) -> Waiting:
        keeper, sending = self.camera.keeper, self.camera.sending
        return sending.waiting(keeper.held(), keeper.question(lambda recording, number: sending.numbered(recording, number).file))

    def segments(self, recording: str) -> list[WaitingSegment]:
        return self.camera.sending.waiting_segments(recording)

    def open_ledger(self, start: int) -> tuple[Opened, BinaryIO]:
        found = handing_out._open_ledger(self.camera.store_folder, self.camera.sending.ledger(start))
        return found.answer, found.file

    def open_checkpoint(self, start: int) -> tuple[Opened, BinaryIO]:
        found = handing_out._open_checkpoint(self.camera.store_folder, start, self.camera.sending.checkpoint(start))
        return found.answer, found.file

    def open_segment(self, recording: str, file: str) -> tuple[Opened, BinaryIO]:
        segment = self.camera.sending.segment(recording, file)
        found = handing_out._open_segment(self.camera.store_folder, recording, segment)
        return found.answer, found.file

    def deliver(self, document: bytes) -> Delivered:
        self.step("before a delivery")
        if document.startswith(b"bodycam-answer/"):
            assert isinstance(self.camera, RoomCamera)
            answered = self.camera.tell(answers.decode(document, "the answer"))
            self.step("after a delivery")
            return answered
        signed = receipts.decode(document, "the receipt")
        found = self.camera.sending.of_receipt(signed.receipt)
        whole = handing_out._sha256(self.camera.store_folder, *found) if found is not None and found[1].torn_bytes else ""
        told = self.camera.sending.deliver(signed, IN_FORCE, NOW, whole, self.camera.store.ledger.note)
        self.camera.keeper.held()
        self.step("after a delivery")
        return told


class SteppedLink(StationLink):
    """A `StationLink` that can be killed before and after each request."""

    step: Step = lambda _: None

    def ask(self, *words: Any, **more: Any) -> Reply:
        self.step(f"before {words[0]} {words[1]}")
        reply = super().ask(*words, **more)
        self.step(f"after {words[0]} {words[1]}")
        return reply


@dataclass
class Pair:
    """A camera and its station."""

    camera: SendingCamera
    station: Station
    folder: Path

    @property
    def address(self) -> StationAddress:
        found = address(f"http://127.0.0.1:{self.station.port}")
        assert found is not None
        return found

    def sending(self, step: Step = lambda _: None, *, upload: Any = "always", megabytes: int | None = None, now: float = 1e9) -> Sending:
        """As of a process that was just started."""
        link = SteppedLink(self.address, "cam-7", KEY, None)
        link.step = step
        self.recorder = DirectRecorder(self.camera, step)
        settings = StationSettings(url="x", id="station-1", upload=upload, link="lo")
        self.docked = False
        return Sending(
            settings,
            cast(RecorderLink, self.recorder),
            link,
            Allowance(self.folder, megabytes),
            link_up=lambda _: self.docked,
            now_seconds=lambda: now,
        )

    def all_of_it(self, sending: Sending, *, most: int = 200) -> None:
        """Look until there is a rest."""
        for _ in range(most):
            if sending.look() > 0:
                break
        else:
            raise AssertionError("it does not come to rest")
        sending._station.close()

    def arrived(self) -> dict[str, bytes]:
        """Every file of footage at the station."""
        folder = self.station.copy("cam-7") / "recordings"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("*/*")} if folder.exists() else {}

    def here(self) -> dict[str, bytes]:
        folder = self.camera.store_folder / "recordings"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("*/*.tar")}

    def check_all_there(self) -> None:
        """Everything once, equal in every byte; receipts that chain, one for each segment; the ledger as far as it was durable."""
        assert self.arrived() == self.here()
        stated = [line.detail for line in VerifiedLedger(self.camera.store_folder / "ledger") if isinstance(line.detail, Uploaded)]
        last, seen = ZERO_HASH, set()
        for number, one in enumerate(stated, 1):
            signed = receipts.decode(from_entry(one.document, "x"), "x")
            assert (signed.receipt.n, signed.receipt.prev, signed.id) == (number, last, one.receipt)
            last = signed.id
            if one.recording is not None:
                assert (one.recording, one.segment) not in seen
                seen.add((one.recording, one.segment))
        assert len(seen) == len(self.here())
        for path in sorted((self.camera.store_folder / "ledger").glob("*.jsonl")):
            there = self.station.copy("cam-7") / "ledger" / path.name
            assert there.read_bytes() == path.read_bytes()
        assert list((self.station.root / "staging").glob("*/*.part")) == []


@contextmanager
def pair(root: Path, kind: type[SendingCamera] = SendingCamera) -> Iterator[Pair]:
    """A camera that has recorded nothing yet, switched on."""
    camera = kind(root / "camera").switch_on()
    first = PublicKey.from_pem((root / "camera" / "device.pem").read_bytes())
    (root / "station").mkdir()
    (root / "state").mkdir()
    sender = Sender("cam-7", KEY.public, first)
    with Station(root / "station", {KEY.public.id: sender}, authority="") as station:
        try:
            yield Pair(camera, station, root / "state")
        finally:
            if camera._opened is not None:
                camera.switch_off(clean=False)
