"""Every writer of evidence passes the one door to the disk: an error that is put there meets all of them, and none acknowledges what would
not outlast a power cut at that moment.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bodycamd.camera.control.events import Event, FragmentDurable
from bodycamd.camera.keeping.offload import offload
from bodycamd.camera.keeping.shortening import shorten
from bodycamd.errors import BodycamError
from bodycamd.evidence.copy_record import COPY_FILE, Inventory
from bodycamd.evidence.keys import KeyFolder, SigningKey, provision
from bodycamd.evidence.retention_entries import LedgerShortened
from bodycamd.evidence.statements import Stated
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder
from bodycamd.linux.new_file import write_new
from bodycamd.municipality.copies.copies import CopyRecord, CopyWriter
from bodycamd.retention.ledger_index import Facts, StartFacts
from bodycamd.store.reader import StoreReader
from tests.camera.recorder.rig import Rig
from tests.evidence.making import next_start, provisioned, some_start
from tests.kit.fragments import fragment
from tests.kit.scale import one_in, only_in_full, sample

MONTH_US, WALL_US = 31 * 86_400_000_000, 1_767_225_600_000_000


@dataclass
class Card:
    """Watches the door: `left` is what a power cut would leave of the files, by inode, and of the names, by the inode of their folder."""

    root: Path
    step: str = ""
    """Which step fails once: `write`, `sync` or `sync_names`."""
    nth: int = 1
    error: int = errno.EIO
    armed: bool = False
    done: Counter[str] = field(default_factory=Counter)
    contents: dict[int, bytes] = field(default_factory=dict)
    names: dict[int, dict[str, int]] = field(default_factory=dict)
    acknowledged: int = 0
    lies: list[str] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand at the door. What is below the root already is durable."""
        for folder in (self.root, *(path for path in self.root.rglob("*") if path.is_dir())):
            self._names_of(folder)
            self.contents |= {path.stat().st_ino: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        real_write, real_sync, real_names = durable.write_all, durable.sync, durable.sync_names

        def write_all(descriptor: int, buffers: Sequence[durable.Buffer], offset: int | None = None) -> None:
            whole = b"".join(buffers)
            self._fail("write", lambda: real_write(descriptor, (whole[: len(whole) // 2],), offset))
            real_write(descriptor, (whole,), offset)

        def sync(descriptor: int) -> None:
            self._fail("sync")
            real_sync(descriptor)
            self.contents[os.fstat(descriptor).st_ino] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

        def sync_names(folder: int) -> None:
            self._fail("sync_names")
            real_names(folder)
            self._names_of(Path(os.readlink(f"/proc/self/fd/{folder}")))

        for part in (write_all, sync, sync_names):
            monkeypatch.setattr(durable, part.__name__, part)

    def acknowledge(self, what: str, content: bytes) -> None:
        """The writer says that this is safe now."""
        self.acknowledged += 1
        if not any(content in kept for kept in self._left(self.root)):
            self.lies.append(what)

    def _fail(self, step: str, half: Callable[[], None] = lambda: None) -> None:
        if self.armed:
            self.done[step] += 1
            if step == self.step and self.done[step] == self.nth:
                half()
                raise OSError(self.error, os.strerror(self.error))

    def _names_of(self, folder: Path) -> None:
        self.names[folder.stat().st_ino] = {path.name: path.lstat().st_ino for path in folder.iterdir()}

    def _left(self, folder: Path) -> list[bytes]:
        inodes, found = [folder.stat().st_ino], []
        while inodes:
            for inode in self.names.get(inodes.pop(), {}).values():
                inodes.append(inode)
                found.append(self.contents.get(inode, b""))
        return found


def prepared(root: Path) -> None:
    """What the writers need to begin with."""
    provisioned(root)
    for _ in range(3):
        some_start(root)
    rig = Rig(root / "camera")
    rig.camera()
    rig.begin()
    rig.film(2)
    rig.end()
    rig.wait_sealed()
    rig.stop()
    (root / "copy").mkdir()


def segment(card: Card) -> None:
    rig = Rig(card.root / "camera", segment_seconds=2)

    def posted(event: Event) -> None:
        if isinstance(event, FragmentDurable):
            card.acknowledge(f"fragment {event.seq}", fragment(event.seq).age)

    rig.on_post = posted
    card.armed = True
    rig.camera()
    rig.begin()
    for _ in range(3):
        rig.film(1)
        rig.wait_written()
    rig.wait_durable(3)
    rig.end()
    rig.wait_sealed()
    card.armed = False
    rig.stop()


def ledger(card: Card) -> None:
    written = next_start(card.root)
    card.armed = True
    for at_us in range(4):
        try:
            card.acknowledge(f"entry {at_us}", written.append("marker", {"at_us": at_us}).json)
        except BodycamError:
            continue
    card.armed = False
    written.close()


def start(card: Card) -> None:
    card.armed = True
    written = next_start(card.root)
    written.close()
    card.acknowledge("start", written.path.read_bytes())


def key_file(card: Card) -> None:
    card.armed = True
    for number in (8, 9):
        card.acknowledge(f"key {number}", KeyFolder(card.root / "signing").create(number).file_bytes())


def first_key(card: Card) -> None:
    card.armed = True
    provision(card.root / "another/signing")
    card.acknowledge("first key", (card.root / "another/signing/000001.key").read_bytes())


def checkpoint(card: Card) -> None:
    folder = card.root / "ledger"

    def enter(detail: Stated) -> None:
        assert isinstance(detail, LedgerShortened)
        card.acknowledge("checkpoint", (folder / detail.file).read_bytes())

    old = Facts(starts={number: StartFacts(number, WALL_US - 3 * MONTH_US) for number in (1, 2, 3)})
    card.armed = True
    assert shorten(folder, old, None, wall_us=WALL_US, keep_months=2, running=3, enter=enter) == 2


def copy_record(card: Card) -> None:
    with Folder.open(card.root / "copy") as folder:
        writer = CopyWriter(folder, SigningKey.generate(), "E-03", CopyRecord(), "ab" * 32)
        card.armed = True
        for number in range(3):
            writer.add([Inventory(recording="000001-0001", segments=(number,))], WALL_US)
            card.acknowledge(f"line {number}", (card.root / "copy" / COPY_FILE).read_bytes())


def offloaded(card: Card) -> None:
    store = card.root / "camera/store"
    card.armed = True
    done = offload(StoreReader(store), card.root / "copy", same_disk=True)
    if not done.failed:
        for path in [*store.glob("recordings/*/*.tar"), *store.glob("ledger/*.jsonl")]:
            card.contents.pop(path.stat().st_ino)  # the original does not count
            card.acknowledge(path.name, path.read_bytes())


def new_files(card: Card) -> None:
    files = {card.root / "copy/anchor.txt": b"an anchor", card.root / "copy/sheet.png": b"a picture"}
    card.armed = True
    try:
        write_new(files)
    except BodycamError:
        assert not any(path.exists() for path in files), "all of them, or none"
        raise
    for path, content in files.items():
        card.acknowledge(path.name, content)


WRITERS = (segment, ledger, start, key_file, first_key, checkpoint, copy_record, offloaded, new_files)


def used(writer: Callable[[Card], None], card: Card, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether it came to its end."""
    prepared(card.root)
    card.install(monkeypatch)
    try:
        writer(card)
    except (BodycamError, OSError):
        return False
    return True


@only_in_full
@pytest.mark.parametrize("writer", sample(WRITERS, 3))
def test_every_writer_passes_the_door(tmp_path: Path, writer: Callable[[Card], None], monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(tmp_path)
    assert used(writer, card, monkeypatch)
    assert card.acknowledged
    assert card.lies == []
    assert card.done["write"]
    assert card.done["sync"]


@one_in(3)
@pytest.mark.parametrize("nth", sample([1, 2], 2))
@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("write", errno.ENOSPC),
        ("sync", errno.EIO),
        ("sync_names", errno.EIO),
        pytest.param("write", errno.EIO, marks=only_in_full),
        pytest.param("sync", errno.ENOSPC, marks=only_in_full),
    ],
)
@pytest.mark.parametrize("writer", sample(WRITERS, 3))
def test_nothing_is_acknowledged_that_is_not_on_the_disk(
    tmp_path: Path, writer: Callable[[Card], None], step: str, error: int, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Card(tmp_path, step, nth, error)
    used(writer, card, monkeypatch)
    assert card.lies == []


@only_in_full
@pytest.mark.parametrize("writer", sample(WRITERS, 3))
def test_short_writes_are_continued(tmp_path: Path, writer: Callable[[Card], None], monkeypatch: pytest.MonkeyPatch) -> None:
    writev, pwritev = os.writev, os.pwritev

    def halved(buffers: Sequence[memoryview]) -> list[memoryview]:
        return [buffers[0][: max(1, len(buffers[0]) // 2)]]

    card = Card(tmp_path)
    monkeypatch.setattr(os, "writev", lambda descriptor, buffers: writev(descriptor, halved(buffers)))
    monkeypatch.setattr(os, "pwritev", lambda descriptor, buffers, offset: pwritev(descriptor, halved(buffers), offset))
    assert used(writer, card, monkeypatch)
    assert card.acknowledged
    assert card.lies == []
