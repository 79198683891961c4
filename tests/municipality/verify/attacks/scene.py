"""The camera that is attacked, its store, and what each thief holds.

start 1   000001-0001  two segments, intact                 000001-0002  deleted as stated (by start 2, rightly)
          000001-0003  a power cut: recovered by start 2
          40 days switched off; both clocks are confirmed
start 2   000002-0001  intact                               000002-0002  a gap, stated
start 3   000003-0001  intact                               000003-0002  open: the camera was stolen while it recorded
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.anchor import Pin
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.evidence.keys import EvolvingSigner, KeyFolder, PublicKey, SigningKey, provision
from bodycamd.evidence.ledger import Ledger, last_start
from bodycamd.evidence.retention_entries import RecordingDeleted, RecordingDeleting, RetentionRules, TimeStated
from bodycamd.evidence.segment import GrowingSegment, members
from bodycamd.evidence.segment_reader import SegmentReader, read_age
from bodycamd.evidence.statements import Caller, wall_text
from bodycamd.evidence.ustar import END
from bodycamd.footage import EncryptedInit
from bodycamd.linux.clock import SettableClock
from tests.kit.fragments import RECIPIENT, SECOND, age_bytes, sealed_piece

INTACT, CUT, GAP, OPEN, DELETED = "000001-0001", "000001-0003", "000002-0002", "000003-0002", "000001-0002"
SECOND_INTACT, NEWEST_SEALED = "000002-0001", "000003-0001"
DAY = 86_400 * SECOND
NEWEST_BOOT_US = 1_750_000_000_000_000
"""2025-06-15: when the boot of starts 2 and 3 began."""
OFF_US = 40 * DAY
RULES = RetentionRules(days=28, keep_months=1)
CONFIRMED = TimeStated(trusted=True, confirmed=True)
PROVEN: dict[str, Any] = {
    "days": 28,
    "proof": "wall_clock",
    "age_seconds": OFF_US // SECOND - 60,
    "ended_before": wall_text(NEWEST_BOOT_US - OFF_US + 60 * SECOND),
}
"""What starts 2 and 3 may state of a recording of start 1."""


def ticking_clock() -> SettableClock:
    """Ten seconds after the newest boot; every reading is 1 ms after the one before."""
    return SettableClock(10 * SECOND, NEWEST_BOOT_US + 10 * SECOND, source="kernel-ntp", error_ms=12, step_us=1000)


@dataclass
class Scene:
    """One copy of the scene. Attacks change `store`; the keys are what a thief may hold."""

    root: Path
    device_pem: bytes
    keys: dict[str, SigningKey] = field(default_factory=dict)
    """`ram`: in use when the camera was stolen. `spent`: the one before it. `file`: the key file on the card. `own`: the thief's.
    `person`: of a person of the municipality, and not the thief's."""
    anchors: dict[str, str] = field(default_factory=dict)
    """Lines. `running`: made by the camera just before it was stolen. `earlier`: while it recorded 000003-0001's last second.
    `at_rest`: the last ledger line after start 2."""

    @property
    def people(self) -> dict[str, tuple[str, PublicKey]]:
        """Whose keys count for the record of a copy."""
        public = self.keys["person"].public
        return {public.id: ("E-03", public)}

    def signed_line(self, key: SigningKey, text: bytes) -> bytes:
        return base64.b64encode(key.sign(text)) + b" " + text

    @property
    def store(self) -> Path:
        return self.root / "store"

    def copy(self, root: Path) -> Scene:
        shutil.copytree(self.root, root, symlinks=True)
        return Scene(root, self.device_pem, self.keys, self.anchors)

    # --- files ------------------------------------------------------------------------------------------------------------------------

    def folder(self, recording: str) -> Path:
        return self.store / "recordings" / recording

    def segment(self, recording: str = INTACT, number: int = 0) -> Path:
        (path,) = self.folder(recording).glob(f"{number:06d}.*")
        return path

    def triples(self, path: Path) -> list[tuple[bytes, bytes, bytes]]:
        """Age file, json and signature of every whole triple."""
        with path.open("rb") as file:
            triples = list(SegmentReader(file, path.name))
            file.seek(0)
            return [(read_age(file, triple), triple.json, triple.signature) for triple in triples]

    def write_triples(self, path: Path, triples: list[tuple[bytes, bytes, bytes]], end: bool | None = None) -> None:
        content = b"".join(b"".join(members(index, *triple)) for index, triple in enumerate(triples))
        closed = path.name.endswith(".tar") if end is None else end
        path.write_bytes(content + (END if closed else b""))

    def change_triples(self, path: Path, change: Callable[[list[tuple[bytes, bytes, bytes]]], object]) -> None:
        triples = self.triples(path)
        change(triples)
        self.write_triples(path, triples)

    def flip(self, path: Path, at: int) -> None:
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)

    # --- ledger -----------------------------------------------------------------------------------------------------------------------

    def ledger(self, start: int) -> Path:
        return self.store / "ledger" / f"{start:06d}.jsonl"

    def lines(self, start: int) -> list[bytes]:
        return self.ledger(start).read_bytes().splitlines()

    def write_lines(self, start: int, lines: list[bytes]) -> None:
        self.ledger(start).write_bytes(b"".join(line + b"\n" for line in lines))

    def find_line(self, start: int, kind: str, number: int = 0) -> int:
        return [i for i, line in enumerate(self.lines(start)) if json.loads(line[89:])["type"] == kind][number]

    def append_entry(self, start: int, key: SigningKey, kind: str, detail: dict[str, Any], raw: Callable[[bytes], bytes] = bytes) -> None:
        """A further entry as the camera would write it, signed by `key`. `raw` changes the JSON before it is signed."""
        lines = self.lines(start)
        last = json.loads(lines[-1][89:])
        entry = {**last, "n": last["n"] + 1000, "type": kind, "detail": detail, "key": key.public.id, "prev": sha256(lines[-1])}
        entry["boottime_ns"] += 1
        text = raw(compact(entry))
        self.write_lines(start, [*lines, base64.b64encode(key.sign(text)) + b" " + text])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def compact(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def resign(triples: list[tuple[bytes, bytes, bytes]], first: int, key: SigningKey, **changes: Any) -> None:
    """Sign the triples from `first` on anew, linked; `changes` go into the first of them."""
    for index in range(first, len(triples)):
        age, text, _ = triples[index]
        said = {**json.loads(text), "key": key.public.id, **(changes if index == first else {})}
        said |= {"sha256": sha256(age), "size": len(age)}
        if index:
            said["prev"] = sha256(triples[index - 1][1])
        raw = compact(said) + b"\n"
        triples[index] = age, raw, key.sign(raw)


# --- making it --------------------------------------------------------------------------------------------------------------------------

BUTTON = Caller(via="button")


class _Camera:
    def __init__(self, scene: Scene, clock: SettableClock) -> None:
        self.scene = scene
        self.clock = clock
        self.seq = 0
        self.boot = 1
        self.shift_boot = 0
        self.first_seq: dict[str, int] = {}

    def start(self) -> Store:
        keys = self.scene.root / "keys"
        store = Store.open(
            self.scene.store, signing=keys, device_id="cam-7", clock=self.clock, config_sha256="0" * 64, boot_id=f"boot-{self.boot}"
        )
        store.ledger.note(CONFIRMED)
        if self.boot != self.shift_boot:
            store.ledger.note(RULES)
            store.ledger.append("shift_begin", {"officer": "H-12", "caller": {"via": "card"}})
            self.shift_boot = self.boot
        return store

    def open(self, ledger: Ledger, number: int) -> str:
        recording = f"{ledger.start.number:06d}-{number:04d}"
        self.scene.folder(recording).mkdir()
        opened = RecordingOpened(
            recording=recording, keep_from_us=0, warning="played_to_device", pressed_us=1, officer="H-12", caller=BUTTON
        )
        ledger.note(opened)
        return recording

    def segment(self, ledger: Ledger, recording: str, number: int, fragments: int, *, gap_us: int = 0) -> tuple[GrowingSegment, bytes]:
        growing = GrowingSegment(ledger.start, recording=recording, segment=number, ledger_head=ledger.head)
        init = EncryptedInit(1, age_bytes(f"init {recording}", 300), (RECIPIENT,), "libx264", 1280, 720, 30.0, True)
        content = b"".join(growing.init(init))
        for index in range(fragments):
            self.seq += 1
            self.first_seq.setdefault(recording, self.seq)
            gap = gap_us if index else 0
            pts_us = self.seq * SECOND + gap
            age = age_bytes(f"fragment {self.seq}", 1500)
            fragment = sealed_piece(1, self.seq, pts_us, SECOND - gap, 30, "live", pts_us, 48_000, 0, age)
            content += b"".join(growing.fragment(fragment, gap_us=gap, pre_start_us=None if index or number else 0))
        return growing, content

    def seal(self, ledger: Ledger, recording: str, number: int, fragments: int, *, gap_us: int = 0) -> None:
        growing, content = self.segment(ledger, recording, number, fragments, gap_us=gap_us)
        path = self.scene.folder(recording) / f"{number:06d}.tar"
        path.write_bytes(content + b"".join(growing.end()))
        ledger.note(
            SegmentSealed(
                recording=recording,
                segment=number,
                file=path.name,
                last=growing.last_sha256,
                sha256=growing.file_sha256,
                size=growing.size,
                fragments=growing.fragments,
            )
        )
        ledger.change_key()

    def close(self, ledger: Ledger, recording: str, segments: int) -> None:
        ended_us = self.seq * SECOND + SECOND
        lasts_us = ended_us - self.first_seq[recording] * SECOND
        ledger.note(RecordingClosed(recording=recording, reason="officer", duration_us=lasts_us, segments=segments, end_us=ended_us))


def key_in_use(ledger: Ledger) -> SigningKey:
    signer = ledger.start.signer
    assert isinstance(signer, EvolvingSigner)
    return signer._key


def make(root: Path) -> Scene:
    """Make the scene in `root`."""
    root.mkdir(parents=True)
    scene = Scene(root, provision(root / "keys"))
    (root / "device.pem").write_bytes(scene.device_pem)
    camera = _Camera(scene, ticking_clock())

    camera.clock.wall_us -= OFF_US
    store = camera.start()
    ledger = store.ledger
    recording = camera.open(ledger, 1)
    camera.seal(ledger, recording, 0, 3)
    ledger.append("marker", {"recording": recording, "at_us": 5})
    camera.seal(ledger, recording, 1, 2)
    camera.close(ledger, recording, 2)
    recording = camera.open(ledger, 2)
    camera.seal(ledger, recording, 0, 1)
    camera.close(ledger, recording, 1)
    recording = camera.open(ledger, 3)
    _, content = camera.segment(ledger, recording, 0, 3)
    (scene.folder(recording) / "000000.tar.part").write_bytes(content[:-700])
    store.close()

    camera.boot, camera.clock.wall_us = 2, NEWEST_BOOT_US + camera.clock.boottime_us
    store = camera.start()
    ledger = store.ledger
    ledger.note(RecordingDeleting(recording=DELETED, reason="28 days have passed", **PROVEN, segments=1, bytes=1))
    shutil.move(scene.folder(DELETED), root / "removed")
    ledger.note(RecordingDeleted(recording=DELETED))
    recording = camera.open(ledger, 1)
    camera.seal(ledger, recording, 0, 3)
    camera.close(ledger, recording, 1)
    recording = camera.open(ledger, 2)
    camera.seal(ledger, recording, 0, 3, gap_us=200_000)
    camera.close(ledger, recording, 1)
    store.close()
    scene.anchors["at_rest"] = scene.lines(2)[-1].decode()
    shutil.copytree(scene.store, root / "backup")

    store = camera.start()
    ledger = store.ledger
    recording = camera.open(ledger, 1)
    scene.keys["spent"] = key_in_use(ledger)
    camera.seal(ledger, recording, 0, 3)
    camera.close(ledger, recording, 1)
    recording = camera.open(ledger, 2)
    scene.anchors["earlier"] = ledger.start.anchor(ledger.head, None).line
    growing, content = camera.segment(ledger, recording, 0, 4)
    (scene.folder(recording) / "000000.tar.part").write_bytes(content)
    ledger.append("marker", {"recording": recording, "at_us": 9})
    assert growing.last is not None
    pin = Pin(recording=recording, segment=0, n=growing.last.statement.n, sha256=growing.last_sha256)
    scene.anchors["running"] = ledger.start.anchor(ledger.head, pin).line
    scene.keys["ram"] = key_in_use(ledger)
    key_folder = KeyFolder(root / "keys")
    scene.keys["file"] = key_folder.accept(last_start(scene.store / "ledger", key_folder).next_key)[0]
    scene.keys["own"] = SigningKey.generate()
    scene.keys["person"] = SigningKey.generate()
    store.close()
    return scene
