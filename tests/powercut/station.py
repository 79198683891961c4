"""A station on a watched disk while cameras send, and what must be true of it after a cut: see `judge_station`."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycamd.errors import BodycamError
from bodycamd.evidence import receipts
from bodycamd.evidence.entries import SegmentSealed
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.rebuild import rebuild
from tests.camera.keeping.sending_camera import SendingCamera
from tests.municipality.station.conftest import STATION_KEY, Station
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment
from tests.municipality.station.test_rebuild import rows
from tests.powercut.judge import Verdict

PART_BYTES = 60_000
LARGEST_BYTES = 150_000


class CuttableCamera:
    """One with footage that waits; it is on another disk, and is not cut."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.camera = SendingCamera(root / name, name=name)
        self.first_key = PublicKey.from_pem((root / name / "device.pem").read_bytes())
        self.key = Ed25519PrivateKey.generate()
        self.camera.switch_on()

    @property
    def sender(self) -> Sender:
        return Sender(self.name, PublicKey(self.key.public_key().public_bytes_raw()), self.first_key)

    @property
    def store(self) -> Path:
        return self.camera.store_folder

    def record(self, segments: int, chance: random.Random) -> None:
        recording = self.camera.record(segments=1)
        for number in range(1, segments + 1):
            content = chance.randbytes(chance.randint(1, LARGEST_BYTES))
            file = self.store / "recordings" / recording / f"{number:06d}.tar"
            file.write_bytes(content)
            words: dict[str, Any] = {
                "last": "0" * 64,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "fragments": 1,
            }
            self.camera.store.ledger.note(SegmentSealed(recording=recording, segment=number, file=file.name, **words))

    def link(self, station: Station) -> CameraLink:
        return CameraLink(station.client, self.name, self.key)


@dataclass
class Sent:
    """What was sent. `given`: the size of the log when a camera had a receipt, and the receipt."""

    cameras: list[CuttableCamera]
    given: list[tuple[int, SignedReceipt]] = field(default_factory=list)
    begun: int = 0

    def by(self, position: int) -> list[SignedReceipt]:
        """What cameras had been given when the log had this size."""
        return [receipt for at, receipt in self.given if at <= position]


def open_station(root: Path, cameras: list[CuttableCamera]) -> Station:
    return Station(root, {one.sender.uplink_key.id: one.sender for one in cameras})


def take_turns(root: Path, disk: Path, position: Callable[[], int], cameras: int, segments: int, chance: random.Random) -> Sent:
    """Cameras that record and send by turns, to a station with its folder on the disk."""
    sent = Sent([CuttableCamera(root, f"X-{number}") for number in range(cameras)])
    (disk / "station").mkdir()
    sent.begun = position()
    with open_station(disk / "station", sent.cameras) as station:
        for _ in range(2):
            for one in sent.cameras:
                one.record(segments, chance)
                send_ledger(one.link(station), one.store)
                for file in sealed(one.store):
                    raw = send_segment(one.link(station), file, most=PART_BYTES).content
                    sent.given.append((position(), receipts.decode(raw, "a receipt")))
                raw = one.link(station).ask("POST", "receipts").content
                sent.given.append((position(), receipts.decode(raw, "a receipt")))
    return sent


def judge_station(mount: Path, sent: Sent, position: int) -> Verdict:
    """Every receipt that was given is there, with the bytes that it is for; there is none for what is not there; and once the cameras have
    sent again what they have, all of it is there once, the receipts of each follow on one another, the log on itself, and the index made
    anew is the same.
    """
    verdict = Verdict()
    data, footage = mount / "station", {one.name: digests(one.store) for one in sent.cameras}
    if not (data / "cameras").is_dir():
        if sent.by(position):
            verdict.add("receipts", "there is nothing at all")
        return verdict
    for given in sent.by(position):
        verdict.checked += 1
        said = given.receipt
        if _kept(data, said.device, said.n) != given.document.file_bytes:
            verdict.add("receipts", f"{said.device}: receipt {said.n} was given, and is not there")
    for path in sorted(data.glob("cameras/*/receipts/*")):
        said = receipts.decode(path.read_bytes(), str(path)).receipt
        if said.recording is not None:
            file = data / "cameras" / said.device / "store" / "recordings" / said.recording / f"{said.segment:06d}.tar"
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != said.sha256:
                verdict.add("footage", f"{path}: {file} is not what it says")
    try:
        again(data, sent, footage, verdict)
    except (BodycamError, AssertionError) as error:
        verdict.add("going on", f"{type(error).__name__}: {error}")
    return verdict


def again(data: Path, sent: Sent, footage: dict[str, dict[str, str]], verdict: Verdict) -> None:
    """The station starts, the cameras send, and what is there then is judged."""
    with open_station(data, sent.cameras) as station:
        for one in sent.cameras:
            link, last = one.link(station), (0, ZERO_HASH)
            send_ledger(link, one.store)
            for file in sealed(one.store):
                answer = send_segment(link, file, most=PART_BYTES)
                if answer.status_code != 200:
                    verdict.add("going on", f"{one.name}: {file.name}: {answer.status_code} {answer.text}")
            for signed in station.intake.receipts_after(one.name, 0):
                if (signed.receipt.n, signed.receipt.prev) != (last[0] + 1, last[1]):
                    verdict.add("chain", f"{one.name}: receipt {signed.receipt.n} does not follow on {last[0]}")
                last = signed.receipt.n, signed.id
            if digests(station.copy(one.name)) != footage[one.name]:
                verdict.add("footage", f"{one.name}: not all of it is there")
        audit.check(station.index.audit_lines())
    if left := [str(path) for path in (data / "staging").glob("*/*.part")]:
        verdict.add("staging", f"left: {left}")
    shutil.rmtree(data / "made", ignore_errors=True)
    (data / "made").mkdir()
    index = Index.open(f"sqlite:///{data}/made/index.sqlite")
    done = rebuild(index, FolderStorage(data), {one.name: one.first_key for one in sent.cameras}, STATION_KEY.public)
    index.close()
    for problem in done.problems:
        verdict.add("rebuild", problem)
    before, after = rows(data / "index.sqlite"), rows(data / "made" / "index.sqlite")
    for name in after:
        if name != "presences" and after[name] != before[name]:
            verdict.add("index", f"{name} is another one when it is made anew")


def digests(store: Path) -> dict[str, str]:
    return {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in sealed(store)}


def _kept(data: Path, device: str, n: int) -> bytes:
    found = [path for path in (data / "cameras" / device / "receipts").glob("*") if int(path.name.partition(".")[0]) == n]
    return found[0].read_bytes() if found else b""
