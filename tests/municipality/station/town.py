"""A municipality's cameras and their station over weeks, on one clock that is set, and what must have become of each recording."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_reader import file_name, starts
from bodycamd.evidence.orders import SignedOrder
from bodycamd.evidence.roster import SignedRoster
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.orders import Orders
from bodycamd.municipality.station.rebuild import rebuild
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.station_clock import StationTime
from bodycamd.municipality.station.sweep import Sweep
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW_US, key, signed
from tests.evidence.rostering import camera as listed
from tests.municipality.station.sending import sealed
from tests.municipality.station.test_rebuild import rows

DAY_US = 86_400_000_000
TERM_US = 28 * DAY_US
SURE_US = 240_000_000
"""So long after the term's end a copy may still be there: the two minutes that both places wait to be sure, and what a sweep takes."""
WRONG_US = 3_652 * DAY_US


@dataclass
class Recording:
    """What is true of one. `received_us`: when its last segment came; `closed`: its end stands in the ledger at the station."""

    name: str
    ended_us: int
    segments: int
    received_us: dict[int, int] = field(default_factory=dict)
    closed: bool = False
    holds: set[str] = field(default_factory=set)
    camera_holds: set[str] = field(default_factory=set)
    gone_here: bool = False
    gone_there: bool = False


class Worn:
    """A camera of the town. `dated`: its clock is right and trusted; else it is ten years behind, and nobody's word is on it."""

    def __init__(self, root: Path, name: str, roster: SignedRoster, *, dated: bool, now_us: int) -> None:
        self.name, self.dated, self.lost = name, dated, False
        self.at_us = now_us
        self.camera = OrderedCamera(root / name, roster, name=name)
        self.camera.clock.trusted = dated
        self.camera.clock.wall_us = now_us - (0 if dated else WRONG_US)
        self.camera.switch_on()
        self.first_key = PublicKey.from_pem((root / name / "device.pem").read_bytes())
        self.recordings: dict[str, Recording] = {}
        self.brought: list[SignedOrder] = []
        self.camera.switch_off()

    def on(self, now_us: int) -> None:
        """From here on `now_us` follows its clock."""
        self.camera.switch_on(off_us=now_us - self.at_us)
        self._began_us, self._began_clock_us = now_us, self.camera.clock.wall_us
        self.camera.settle()

    @property
    def now_us(self) -> int:
        return self._began_us + self.camera.clock.wall_us - self._began_clock_us

    def off(self) -> int:
        """When that was."""
        self.at_us = self.now_us
        self.camera.switch_off()
        return self.at_us


class Town:
    """Close it."""

    def __init__(self, root: Path, cameras: int, seed: int) -> None:
        self.root, self.random = root, random.Random(seed)
        self.now_us = NOW_US
        self.did: Counter[str] = Counter()
        names = [f"HV-{number:03d}" for number in range(1, cameras + 1)]
        self.roster = signed(replace(IN_FORCE.roster, cameras=tuple(listed(name) for name in names)))
        self.cameras = [Worn(root, name, self.roster, dated=number % 8 != 7, now_us=self.now_us) for number, name in enumerate(names)]
        self.nonce = 0
        (root / "station").mkdir()
        self.storage = FolderStorage(root / "station")
        self.staging = Staging(root / "station" / "staging")
        self.file = root / "station" / "index.sqlite"
        self.open()

    def open(self) -> None:
        """As after a start of the station."""
        self.index = Index.open(f"sqlite:///{self.file}")
        self.copies = CopyIndex(self.index.database)
        self.intake = Intake("station-1", key("station-1"), self.storage, self.staging, self.index, days=28, clock=self._clock)
        self.orders = Orders(self.storage, self.index, now_us=lambda: self.now_us)
        self.first_keys = {one.name: one.first_key for one in self.cameras}
        self.sweeper = Sweep(self.intake, self.index, self.storage, self.staging, lambda: self.first_keys, days=28, clock=self._clock)

    def _clock(self) -> StationTime:
        return StationTime(self.now_us, confirmed=True)

    def close(self) -> None:
        self.index.close()
        for one in self.cameras:
            one.camera.close()

    # --- a day ---------------------------------------------------------------------------------------------------------------------------

    def day(self) -> None:
        """Some cameras are worn, people hold and release, the station deletes; now and then it stops, or gets its index anew."""
        ends_us = self.now_us + DAY_US
        for one in self.random.sample(self.cameras, len(self.cameras)):
            if not one.lost and self.random.random() < 0.3:
                self.worn(one)
            if self.random.random() < 0.15:
                self.hold(one)
            if self.random.random() < 0.12:
                self.release(one)
        self.sweep()
        self.now_us = max(self.now_us, ends_us - self.random.randrange(DAY_US // 4))
        self.sweep()
        match self.random.randrange(8):
            case 0:
                self.index.close()
                self.open()
                self.did["starts of the station"] += 1
            case 1:
                self.restore()

    def worn(self, one: Worn) -> None:
        """A shift: orders come, something is recorded, something is sent; afterwards it may never come back."""
        one.on(self.now_us)
        self.now_us = max(self.now_us, one.now_us)
        while one.brought:
            self.carry_out(one, one.brought.pop(0))
        for _ in range(self.random.choice((0, 0, 1, 2))):
            segments, close = self.random.choice((1, 2)), self.random.random() < 0.93
            name = one.camera.record(segments=segments, fragments=1, close=close)
            one.recordings[name] = Recording(name, one.now_us, segments, closed=False)
            self.did["recordings"] += 1
            if not close:
                break
        self.swept_there(one)
        self.now_us = max(self.now_us, one.now_us)
        if self.random.random() < 0.8:
            self.send(one)
        self.now_us = max(self.now_us, one.off())
        if self.random.random() < 0.004:
            one.lost = True
            self.did["cameras lost"] += 1

    def carry_out(self, one: Worn, order: SignedOrder) -> None:
        body = order.order.body
        told = one.camera.deliver(order)
        for recording in one.recordings.values():
            if getattr(body, "recording", None) == recording.name and told.outcome == "held":
                recording.camera_holds.add(order.id)
            recording.camera_holds -= set(getattr(body, "holds", ()))

    def send(self, one: Worn) -> None:
        """The ledger; and of the segments as many as the link has time for."""
        folder = one.camera.store_folder
        for start in starts(folder / "ledger"):
            content = (folder / "ledger" / file_name(start)).read_bytes()
            at = self.intake.ledger_progress(one.name, one.first_key, start).size_bytes
            if at < len(content):
                self.intake.take_ledger(one.name, one.first_key, start, at, content[at:])
        for recording in one.recordings.values():
            recording.closed = True  # or it has no end, and never gets one
        for file in sealed(folder):
            if self.random.random() < 0.7:
                self.send_segment(one, file)

    def send_segment(self, one: Worn, file: Path) -> None:
        recording, number = one.recordings[file.parent.name], int(file.name[:6])
        if number in recording.received_us and not recording.gone_here:
            return
        content = file.read_bytes()
        half = self.random.randrange(len(content))
        try:
            self.intake.take_segment(one.name, one.first_key, recording.name, file.name, 0, content[:half], last=False)
            self.intake.take_segment(one.name, one.first_key, recording.name, file.name, half, content[half:], last=True)
        except (NotFoundError, DataError):
            assert recording.gone_here, "only what was deleted here is refused"
            self.did["refused after its deletion"] += 1
            return
        assert not recording.gone_here
        recording.received_us[number] = self.now_us
        self.did["segments sent"] += 1

    def hold(self, one: Worn) -> None:
        """At the station at once; at the camera when it is worn again, if ever."""
        young = [each for each in one.recordings.values() if not each.gone_here or not each.gone_there]
        if not young:
            return
        recording = self.random.choice(young)
        self.nonce += 1
        order = one.camera.to_hold(recording.name, self.nonce)
        self.orders.take(order.document.file_bytes, self.roster, "by hand")
        if not recording.gone_here:
            recording.holds.add(order.id)
        one.brought.append(order)
        self.did["holds"] += 1

    def release(self, one: Worn) -> None:
        held = sorted(id for each in one.recordings.values() for id in each.holds | each.camera_holds)
        if not held:
            return
        id = self.random.choice(held)
        self.nonce += 1
        clock = one.camera.clock
        shown, clock.wall_us = clock.wall_us, self.now_us  # it is dated by who signs it
        order = one.camera.to_release(id, nonce=self.nonce)
        clock.wall_us = shown
        self.orders.take(order.document.file_bytes, self.roster, "by hand")
        for each in one.recordings.values():
            each.holds.discard(id)
        one.brought.append(order)
        self.did["releases"] += 1

    def restore(self) -> None:
        """The index is lost, and made anew from what is signed: it is the one that was."""
        self.index.close()
        before = rows(self.file)
        for path in self.file.parent.glob("index.sqlite*"):
            path.unlink()
        made = Index.open(f"sqlite:///{self.file}")
        done = rebuild(made, self.storage, self.first_keys, key("station-1").public)
        made.close()
        assert done.problems == ()
        after = rows(self.file)
        assert after == before, [name for name in after if after[name] != before[name]]
        self.open()
        self.did["restores"] += 1

    # --- what must be --------------------------------------------------------------------------------------------------------------------

    def swept_there(self, one: Worn) -> None:
        """On the camera: nothing early, no held one, and nothing late where its clock is right."""
        one.camera.sweep()
        present = set(one.camera.present())
        for each in one.recordings.values():
            if each.gone_there:
                assert each.name not in present
                continue
            age_us = one.now_us - each.ended_us
            if each.name not in present:
                assert age_us >= TERM_US, f"{one.name} {each.name}: deleted on the camera after {age_us / DAY_US:.2f} days"
                assert not each.camera_holds, f"{one.name} {each.name}: held on the camera, and deleted"
                each.gone_there = True
                self.did["deleted on a camera"] += 1
            elif one.dated and not each.camera_holds and self.has_end(one, each):
                assert age_us < TERM_US + SURE_US, f"{one.name} {each.name}: still on the camera after {age_us / DAY_US:.2f} days"

    def has_end(self, one: Worn, each: Recording) -> bool:
        """The newest one of a camera may be open: then its end is stated by the next start."""
        return each.name != list(one.recordings)[-1]

    def sweep(self) -> None:
        """At the station: the same."""
        swept = self.sweeper.run()
        assert swept.problems == ()
        gone = set(swept.deleted)
        for one in self.cameras:
            folder = self.storage.camera(one.name) / "store" / "recordings"
            here = {path.name for path in folder.iterdir()} if folder.exists() else set()
            for each in one.recordings.values():
                self._judge(one, each, here=each.name in here, deleted=(one.name, each.name) in gone)

    def _judge(self, one: Worn, each: Recording, *, here: bool, deleted: bool) -> None:
        what, age_us = f"{one.name} {each.name}", self.now_us - each.ended_us
        if deleted:
            assert not each.gone_here, f"{what}: deleted twice"
            assert not each.holds, f"{what}: held at the station, and deleted"
            assert age_us >= TERM_US, f"{what}: deleted at the station after {age_us / DAY_US:.2f} days"
            each.gone_here = True
            self.did["deleted at the station"] += 1
        if each.gone_here:
            assert not here, f"{what}: deleted, and there"
            return
        if each.received_us:
            assert here, f"{what}: was received, and is not there"
            held = bool(each.holds)
            late_us = self.now_us - max(each.received_us.values()) - TERM_US
            if not held:
                assert late_us < SURE_US, f"{what}: still at the station {late_us / DAY_US:.2f} days after received plus the term"
                if one.dated and each.closed and self.has_end(one, each):
                    assert age_us < TERM_US + DAY_US, f"{what}: still at the station after {age_us / DAY_US:.2f} days"
