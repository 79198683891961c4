"""A station and cameras, all of which can be killed: the station and the uplinks as processes, a camera by a cut of its power."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from bodycamd.evidence import receipts
from bodycamd.evidence.entries import SegmentSealed
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.roster import KeyHolder
from bodycamd.evidence.signed_document import from_entry
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.rebuild import rebuild
from tests.camera.keeping.sending_camera import SendingCamera
from tests.camera.uplink.served import ServedCamera, configured, start
from tests.chaos.link import BadLinks, Link
from tests.chaos.stores import Stores
from tests.evidence.rostering import FIRST, ROOT, key, raw
from tests.evidence.rostering import camera as listed
from tests.kit.waiting import wait_for
from tests.municipality.station.prepared import Prepared, free_port
from tests.municipality.station.test_rebuild import rows_of

DISTURBED = {"uplink": 5, "camera": 3, "station": 3, "connections": 2, "blackout": 1}
"""What happens, of so many, in an order of chance."""
KILLS_OF_THE_DATABASE = 3
"""Beside these, where there is one that can be killed."""


class ChaosStation:
    """`bodycamd station run`, under a name that every link leads to."""

    def __init__(self, folder: Path, authority: str, stores: Stores) -> None:
        folder.mkdir()
        self.authority, self.stores = authority, stores
        self.prepared = Prepared(folder, free_port(), "tests.chaos.launcher")
        self.process: subprocess.Popen[str] | None = None

    def prepare(self, cameras: list[ChaosCamera]) -> None:
        folder = self.prepared.folder
        (folder / "station-1.key").write_bytes(key("station-1").file_bytes())
        (folder / "root.json").write_bytes(msgspec.json.encode(ROOT))
        known = [replace(listed(one.name), uplink_key=one.key.public.raw.hex(), first_key=one.first_key.raw.hex()) for one in cameras]
        station = KeyHolder(id="station-1", key=raw("station-1"), state="active")
        self.prepared.roster(cameras=(*FIRST.cameras, *known), stations=(station,))
        keys = f"signing: {folder}/station-1.key, root: {folder}/root.json, roster: {folder}/roster.txt"
        lines = ["name: station-1", f"authority: {self.authority}", f"data: {folder}/data", f"listen: {{port: {self.prepared.port}}}"]
        self.prepared.file.write_text("\n".join([*lines, *self.stores.lines(), f"keys: {{{keys}}}"]) + "\n")
        self.start()

    def start(self) -> None:
        self.process = self.prepared.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(20)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    @property
    def data(self) -> Path:
        return self.prepared.folder / "data"


class ChaosCamera:
    """One with recordings that wait, its recorder's socket, and its uplink behind a bad link."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root / name, name
        self.root.mkdir()
        self.camera = SendingCamera(self.root / "camera", name=name)
        self.camera.clock.wall_us = time.time_ns() // 1000
        self.first_key = PublicKey.from_pem((self.root / "camera" / "device.pem").read_bytes())
        self.key = SigningKey.generate()
        self.camera.switch_on()
        self.process: subprocess.Popen[bytes] | None = None
        self._served = ExitStack()

    def record(self, sizes: list[int]) -> None:
        """Segments of these sizes, as the ledger states them."""
        recording = self.camera.record(segments=1)
        for number, size in enumerate(sizes, 1):
            content = random.Random(f"{self.name} {recording} {number}").randbytes(size)
            file = self.camera.store_folder / "recordings" / recording / f"{number:06d}.tar"
            file.write_bytes(content)
            words: dict[str, Any] = {"last": "0" * 64, "sha256": hashlib.sha256(content).hexdigest(), "size": size, "fragments": 1}
            self.camera.store.ledger.note(SegmentSealed(recording=recording, segment=number, file=file.name, **words))

    def serve(self) -> None:
        self.served = self._served.enter_context(ServedCamera(self, self.root).served())

    def cut(self) -> None:
        """The power: the recorder is gone, and begins a new start."""
        self._served.close()
        self.camera.switch_off(clean=False)
        self.camera.switch_on(off_us=1_000_000)
        self.serve()

    def join(self, port: int) -> None:
        self.config = configured(self.root, f"http://127.0.0.1:{port}", self.root / "control.sock", device=self.name, key=self.key)

    def start(self) -> None:
        self.process = start(self.config)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    @property
    def is_done(self) -> bool:
        """By the recorder: nothing waits, and the uplink says so."""
        told = self.served.commands.uplink
        return told is not None and told.status().doing == "everything is sent" and told.status().segments == 0

    def close(self) -> None:
        self.kill()
        self._served.close()
        self.camera.switch_off(clean=False)

    # --- what must be ----------------------------------------------------------------------------------------------------

    def check(self, data: Path, stores: Stores) -> int:
        """Every segment is there once, equal in every byte; the receipts chain; the ledger is the camera's. The number of segments."""
        here = files(self.camera.store_folder / "recordings")
        assert stores.footage(data, self.name) == here, self.name
        last, seen = ZERO_HASH, set()
        stated = [line.detail for line in VerifiedLedger(self.camera.store_folder / "ledger") if isinstance(line.detail, Uploaded)]
        for number, one in enumerate(stated, 1):
            signed = receipts.decode(from_entry(one.document, "x"), "x")
            assert (signed.receipt.n, signed.receipt.prev, signed.id) == (number, last, one.receipt), self.name
            last = signed.id
            if one.recording is not None:
                assert (one.recording, one.segment) not in seen, self.name
                seen.add((one.recording, one.segment))
        assert len(seen) == len(here), self.name
        for path in (self.camera.store_folder / "ledger").glob("*.jsonl"):
            there = data / "cameras" / self.name / "store" / "ledger" / path.name
            assert path.read_bytes().startswith(there.read_bytes()), f"{self.name}: {path.name}: a fork"
        return len(here)


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*/*.tar")}


class Fleet:
    """Close it."""

    def __init__(self, root: Path, stores: Stores, cameras: int, small: tuple[int, int], large: tuple[int, int], seed: int) -> None:
        """`small` and `large`: how many segments, of how many bytes, spread over the cameras. `stores` are the caller's to close."""
        self.random = random.Random(seed)
        self.did: Counter[str] = Counter()
        self._next: list[str] = []
        self.blackout_seconds = 10.0
        self._opened = ExitStack()
        self.cameras = [ChaosCamera(root, f"X-{number}") for number in range(cameras)]
        sizes: list[list[int]] = [[] for _ in self.cameras]
        for count, size in (small, large):
            for number in range(count):
                sizes[number % cameras].append(size)
        for one, of_it in zip(self.cameras, sizes, strict=True):
            self.random.shuffle(of_it)
            half = len(of_it) // 2
            one.record(of_it[:half])
            one.record(of_it[half:])
        # 0.5 to 20 Mbit/s
        links = {one.name: Link(10 ** self.random.uniform(5.7, 7.3), seed + number) for number, one in enumerate(self.cameras)}
        self.links = self._opened.enter_context(BadLinks(links))
        self.station = ChaosStation(root / "station", f"127.0.0.1:{self.links.port}", stores)
        self.links.to_port = self.station.prepared.port
        self.station.prepare(self.cameras)
        self._opened.callback(self.station.kill)
        for one in self.cameras:
            one.join(self.links.port)
            one.serve()
            self._opened.callback(one.close)
            one.start()

    def close(self) -> None:
        self._opened.close()

    def disturb(self) -> None:
        """Something is killed, wherever it is, and comes back."""
        one = self.random.choice(self.cameras)
        if not self._next:
            more = {"database": KILLS_OF_THE_DATABASE} if self.station.stores.database is not None else {}
            self._next = [what for what, times in {**DISTURBED, **more}.items() for _ in range(times)]
            self.random.shuffle(self._next)
        match self._next.pop():
            case "uplink":
                one.kill()
                one.start()
                self.did["kills of an uplink"] += 1
            case "camera":
                one.kill()
                one.cut()
                one.start()
                self.did["cuts of a camera's power"] += 1
            case "station":
                self.station.kill()
                time.sleep(self.random.uniform(0, 0.5))
                self.station.start()
                self.did["kills of the station"] += 1
            case "database":
                assert self.station.stores.database is not None
                self.station.stores.database.kill()
                time.sleep(self.random.uniform(0, 0.5))
                self.station.stores.database.start()
                self.did["kills of the database"] += 1
            case "connections":
                self.links.break_off(one.name)
                self.did["broken connections"] += 1
            case "blackout":
                self.links.links[one.name].black_out(self.blackout_seconds)
                self.did["blackouts"] += 1

    @property
    def kills(self) -> int:
        return sum(count for what, count in self.did.items() if what.startswith(("kills", "cuts")))

    def come_to_rest(self, seconds: float) -> None:
        wait_for(lambda: all(one.is_done for one in self.cameras), seconds, "everything is sent")

    def check(self) -> int:
        """At rest, with the station stopped. The number of segments."""
        for one in self.cameras:
            one.kill()
        self.station.kill()
        data, stores = self.station.data, self.station.stores
        found = sum(one.check(data, stores) for one in self.cameras)
        assert list((data / "staging").glob("*/*.part")) == [], "something is left staged"
        index = Index.open(stores.index_url(data))
        audit.check(index.audit_lines())
        index.close()
        before, made = rows_of(stores.index_url(data)), f"sqlite:///{data}/new.sqlite"
        index = Index.open(made)
        done = rebuild(index, stores.storage(data), {one.name: one.first_key for one in self.cameras}, key("station-1").public)
        index.close()
        assert done.problems == ()
        after = rows_of(made)
        assert [name for name in after if name != "presences" and after[name] != before[name]] == [], "the index made anew is another one"
        return found

    def told(self, **more: Any) -> str:
        return json.dumps({"cameras": len(self.cameras), **dict(sorted(self.did.items())), **more})
