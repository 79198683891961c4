"""What a station costs with many cameras: memory, lost orders, processor time for each poll, and what a second process adds."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from bodycamd.camera.uplink.station_link import Reply, StationError, StationLink
from bodycamd.config.station_checks import StationAddress
from bodycamd.evidence.entries import SegmentSealed
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.request_signing import Content
from bodycamd.evidence.roster import KeyHolder
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.opening import make_key
from tests.bench.figures import Table
from tests.bench.test_uplink import cpu_seconds, high_water_megabytes
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.evidence.ordering import HOLD, ordered
from tests.evidence.rostering import FIRST, ROOT, camera, key
from tests.kit.scale import SCALE
from tests.municipality.station.at_station import private
from tests.municipality.station.prepared import Prepared, free_port, stop
from tests.municipality.station.sending import AUTHORITY, CameraLink, sealed

pytestmark = pytest.mark.bench

CAMERAS, UPLOADING = 300, 30
SEGMENT_BYTES = 8_000_000
POLLS = 600
NAMES = [f"X-{number}" for number in range(CAMERAS)]


@dataclass
class Place:
    """A station's folder, and who may send to it."""

    prepared: Prepared
    keys: dict[str, SigningKey]

    def link(self, name: str, port: int) -> StationLink:
        return StationLink(StationAddress(False, "127.0.0.1", port, AUTHORITY), name, self.keys[name], None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A station with three hundred cameras in its roster."""
    keys = {name: SigningKey.generate() for name in NAMES}
    signing = make_key(tmp_path / "station-1.key")
    (tmp_path / "root.json").write_bytes(msgspec.json.encode(ROOT))
    prepared = Prepared(tmp_path, free_port())
    firsts = {name: first_key(tmp_path, number) for number, name in enumerate(NAMES)}
    cameras = tuple(
        replace(camera("HV-05"), id=name, uplink_key=keys[name].public.raw.hex(), first_key=firsts[name], message_key=hashed(name))
        for name in NAMES
    )
    station = KeyHolder(id="station-1", key=signing.public.raw.hex(), state="active")
    prepared.roster(cameras=(*FIRST.cameras, *cameras), stations=(station,))
    write(prepared, prepared.port)
    return Place(prepared, keys)


def first_key(root: Path, number: int) -> str:
    """Of a camera that sends, or of one that only polls."""
    if number >= UPLOADING:
        return SigningKey.generate().public.raw.hex()
    OrderedCamera(root / f"camera-{number}")
    return PublicKey.from_pem((root / f"camera-{number}" / "device.pem").read_bytes()).raw.hex()


def hashed(name: str) -> str:
    return hashlib.sha256(f"message key {name}".encode()).hexdigest()


def write(prepared: Prepared, port: int) -> Path:
    """The configuration of one process."""
    file = prepared.folder / f"station-{port}.yaml"
    keys = f"{{signing: {prepared.folder}/station-1.key, root: {prepared.folder}/root.json, roster: {prepared.folder}/roster.txt}}"
    file.write_text(f"name: station-1\nauthority: {AUTHORITY}\ndata: {prepared.folder}/data\nlisten: {{port: {port}}}\nkeys: {keys}\n")
    prepared.file.write_text(file.read_text())
    return file


@contextmanager
def processes(place: Place, number: int) -> Iterator[list[tuple[int, int]]]:
    """So many processes of one station; port and process id of each."""
    with ExitStack() as stack:
        found = []
        for _ in range(number):
            port = free_port()
            write(place.prepared, port)
            process = place.prepared.start()
            stack.callback(stop, process, signal.SIGKILL)
            found.append((port, process.pid))
        yield found


def polls_cost(place: Place, at: list[tuple[int, int]], cameras: int) -> float:
    """Seconds of the stations' processors for 1,000 polls by so many cameras, spread over the processes by name."""
    links = [place.link(name, at[number % len(at)][0]) for number, name in enumerate(NAMES[:cameras])]
    first = [link.ask("GET", "orders", query="after=0&wait=0") for link in links]
    assert {reply.status for reply in first} == {200}, "the roster"
    before = sum(cpu_seconds(pid) for _, pid in at)
    each = POLLS // cameras

    def ask(link: StationLink, reply: Reply) -> int:
        after = reply.headers["orders-after"]
        answers = [link.ask("GET", "orders", query=f"after={after}&wait=0").status for _ in range(each)]
        link.close()
        assert set(answers) == {204}
        return len(answers)

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(ask, links, first))
    return (sum(cpu_seconds(pid) for _, pid in at) - before) / done * 1000


def test_the_cost_of_a_poll_does_not_grow(table: Table, place: Place) -> None:
    with processes(place, 1) as one:
        few, many = polls_cost(place, one, 30), polls_cost(place, one, CAMERAS)
    table.add(
        "station: 1,000 polls by 300 cameras against 30",
        many / few,
        f"{many:.2f} s against {few:.2f} s of processor",
        at_most=1.2,
        target="<= 1.2x",
        ratio=f"{many / few:.2f}",
    )
    with processes(place, 2) as two:
        both = polls_cost(place, two, CAMERAS)
    table.add(
        "station: 1,000 polls at two processes against one",
        both / many,
        f"{both:.2f} s against {many:.2f} s of processor",
        at_most=1.2,
        target="<= 1.2x",
        ratio=f"{both / many:.2f}",
    )


class Polling(threading.Thread):
    """A camera that waits for its order, as the uplink does in the dock."""

    def __init__(self, link: StationLink, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.link, self.ended, self.got, self.refused = link, ended, b"", 0

    def run(self) -> None:
        after = 0
        while not self.ended.is_set():
            try:
                reply = self.link.ask("GET", "orders", query=f"after={after}&wait=20")
            except StationError:
                self.refused += 1
                self.ended.wait(1)
                continue
            after = int(reply.headers["orders-after"])
            self.got += reply.body
        self.link.close()


def upload(link: StationLink, root: Path) -> int:
    """A ledger and a segment of 8 MB, part by part; the number of receipts."""
    ledger = (root / "store" / "ledger" / "000001.jsonl").read_bytes()
    assert again(link, "PATCH", "ledger/1", Content(ledger, 0, last=False)).status == 204
    done = 0
    for file in sealed(root / "store"):
        content, at = file.read_bytes(), 0
        while at < len(content):
            part = content[at : at + 1_048_576]
            reply = again(
                link, "PATCH", f"recordings/{file.parent.name}/{file.name}", Content(part, at, last=at + len(part) == len(content))
            )
            assert reply.status in (200, 204), reply
            at += len(part)
            done += reply.status == 200
    link.close()
    return done


def again(link: StationLink, method: str, path: str, content: Content) -> Reply:
    for _ in range(60):
        try:
            return link.ask(method, path, content)
        except StationError:
            time.sleep(1)
    raise AssertionError("the station does not answer")


@pytest.mark.skipif(SCALE < 1, reason="takes two minutes: make nightly, or BODYCAMD_TEST_SCALE=1")
def test_three_hundred_poll_while_thirty_send(table: Table, place: Place) -> None:
    root = place.prepared.folder
    for number in range(UPLOADING):
        filmed(root / f"camera-{number}")
    ended = threading.Event()
    with processes(place, 1) as ((port, pid),):
        polling = {name: Polling(place.link(name, port), ended) for name in NAMES}
        for one in polling.values():
            one.start()
        began, before = time.monotonic(), cpu_seconds(pid)
        with ThreadPoolExecutor(UPLOADING) as pool:
            sending = [pool.submit(upload, place.link(NAMES[n], port), root / f"camera-{n}") for n in range(UPLOADING)]
            wanted = {name: order_for(name) for name in NAMES}
            for document in wanted.values():
                post(port, document)
            receipts = sum(one.result() for one in sending)
        end = time.monotonic() + 120
        while time.monotonic() < end and any(wanted[name] not in one.got for name, one in polling.items()):
            time.sleep(0.2)
        took, used = time.monotonic() - began, cpu_seconds(pid) - before
        lost = sum(wanted[name] not in one.got for name, one in polling.items())
        twice = sum(one.got.count(wanted[name]) > 1 for name, one in polling.items())
        most = high_water_megabytes(pid)
        ended.set()
        for one in polling.values():
            one.join(60)
    megabytes = UPLOADING * SEGMENT_BYTES // 1_000_000
    assert (lost, receipts) == (0, 2 * UPLOADING)
    table.add(
        "station: most memory, 300 cameras poll while 30 send",
        most,
        f"{most:.0f} MB ({took:.0f} s, {used:.0f} s of processor for {megabytes} MB and {CAMERAS} orders; {twice} came twice)",
        at_most=400,
        target="<= 400 MB",
    )


def filmed(root: Path) -> None:
    """A segment of 8 MB that its ledger states, and a small one."""
    made = OrderedCamera(root).switch_on()
    recording = made.record(segments=1)
    content = os.urandom(SEGMENT_BYTES)
    file = made.store_folder / "recordings" / recording / "000001.tar"
    file.write_bytes(content)
    words = {"last": "0" * 64, "sha256": hashlib.sha256(content).hexdigest(), "size": SEGMENT_BYTES, "fragments": 60}
    made.store.ledger.note(msgspec.convert({"recording": recording, "segment": 1, "file": file.name, **words}, SegmentSealed))
    made.close()


def order_for(name: str) -> bytes:
    made = replace(HOLD, cameras=(name,), made_at=wall_text(time.time_ns() // 1000), nonce=os.urandom(16).hex())
    return ordered(made).document.file_bytes


def post(port: int, document: bytes) -> None:
    """To the station, by E-01."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        answer = CameraLink(client, "-", private(key("E-01"))).put("POST", "/v1/orders", document)
    assert answer.status_code == 201, answer.text
