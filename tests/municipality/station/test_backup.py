"""A backup is what cameras and people signed; and after a restore, however old the backup, no chain forks, no number is given twice, and
footage goes when its term is over."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.orders import SignedOrder
from bodycamd.evidence.receipts import Received, received
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.backup import BackedUp, back_up, members, open_backup
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import LedgerFirstError
from bodycamd.municipality.station.restoring import Restored, restore
from bodycamd.municipality.station.staging import Staging
from tests.evidence.rostering import NOW_US, key
from tests.kit.scale import count, only_in_full
from tests.municipality.station.life import DEVICE, STATION_KEY, Life
from tests.municipality.station.prepared import Prepared
from tests.municipality.station.sending import sealed
from tests.municipality.station.test_deletion import DEEDS, Lived
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

    def back_up(self, **options: int) -> BackedUp:
        folder = self.root / "backups"
        folder.mkdir(exist_ok=True)
        return back_up("station-1", STATION_KEY, self.storage, self.root / "station", folder, self.now_us, **options)

    def restore(self, backup: Path, *, files_too: bool) -> Restored:
        """The index is lost, and the ledgers; or all but the footage. People bring again the orders that they brought."""
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
        keys, staging = {DEVICE: self.first_key}, Staging(station / "staging")
        done = restore(backup, "station-1", STATION_KEY.public, station, self.storage, staging, index, keys, self.now_us)
        index.close()
        self.open()
        with self.rebuilt() as (_, file):
            assert rows(file) == rows(station / "index.sqlite")
        for order in self.posted[:]:
            super().order(order)
        return done


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Kept]:
    opened = Kept(tmp_path)
    yield opened
    opened.close()


def test_it_has_what_was_signed_and_no_footage(life: Kept) -> None:
    """By stock tools: what is in it, and that it is what the station signed."""
    life.record()
    life.send()
    life.order(life.camera.to_hold("000001-0001"))
    done = life.back_up()
    names = subprocess.run(["tar", "-tf", done.path], check=True, capture_output=True, text=True).stdout.split()
    assert len(names) == done.files
    kinds = {name.split("/")[0 if not name.startswith("cameras") else 2] for name in names}
    assert kinds == {"receipts", "documents", "ledger", "audit"}
    assert done.path.stat().st_mode & 0o777 == 0o600
    digest = subprocess.run(["sha256sum", done.path], check=True, capture_output=True, text=True).stdout.split()[0]
    assert digest in done.path.with_name(done.path.name + ".sig").read_text()
    assert not any(name.endswith((".tar", ".key")) for name in names)


def test_a_backup_is_kept_for_a_week(life: Kept) -> None:
    life.record()
    life.send()
    first = life.back_up()
    (life.root / "backups" / "other-20200101T000000Z.tar").write_text("another's")
    life.off(3)
    assert life.back_up().removed == ()
    life.off(4.5)
    done = life.back_up()
    assert done.removed == (first.path,)
    assert len(list((life.root / "backups").glob("station-1-*.tar"))) == len(list((life.root / "backups").glob("station-1-*.sig"))) == 2
    assert (life.root / "backups" / "other-20200101T000000Z.tar").exists()
    with pytest.raises(DataError, match="of this second"):
        life.back_up()


def changed(life: Kept, path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[600] ^= 1
    path.write_bytes(raw)


def signed_by_another(life: Kept, path: Path) -> None:
    path.unlink()
    path.with_name(path.name + ".sig").unlink()
    back_up("station-1", key("station-2"), life.storage, life.root / "station", path.parent, life.now_us)


def of_another_station(life: Kept, path: Path) -> None:
    path.unlink()
    path.with_name(path.name + ".sig").unlink()
    made = back_up("station-2", STATION_KEY, life.storage, life.root / "station", path.parent, life.now_us)
    made.path.rename(path)
    made.path.with_name(made.path.name + ".sig").rename(path.with_name(path.name + ".sig"))


def unsigned(life: Kept, path: Path) -> None:
    path.with_name(path.name + ".sig").unlink()


WRONG: dict[str, tuple[Callable[[Kept, Path], None], str]] = {
    "changed": (changed, "not what the station signed"),
    "signed by another key": (signed_by_another, "has not signed it"),
    "of another station": (of_another_station, "has not signed it"),
    "without its signature": (unsigned, "sig"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_backup_of_this_station_changes_nothing(what: str, life: Kept) -> None:
    life.record()
    life.send()
    made = life.back_up()
    change, told = WRONG[what]
    change(life, made.path)
    with pytest.raises(BodycamError, match=told):
        life.restore(made.path, files_too=True)
    assert not (life.root / "station" / "audit").exists()
    life.open()


def test_names_that_lead_elsewhere_are_none_of_a_backup() -> None:
    for name, kind in (("../x", tarfile.REGTYPE), ("audit/000000001-000000001.jsonl", tarfile.SYMTYPE), ("index.sqlite", tarfile.REGTYPE)):
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
        raw.seek(0)
        with pytest.raises(DataError, match="none of a backup"):
            list(members(raw, "x"))
    with pytest.raises(DataError, match="no archive"):
        list(members(io.BytesIO(b"x" * 2000), "x"))


def test_a_restored_station_goes_on_behind_what_a_camera_states(life: Kept) -> None:
    """Everything but the footage is lost; the backup is older than half of what the camera has a receipt for."""
    first = life.record()
    life.send()
    life.order(life.camera.to_hold(first))
    life.state_receipts()
    life.poll()
    made = life.back_up()
    second = life.record()
    life.send()
    life.order(life.camera.to_hold(second, 1))
    life.poll()
    assert life.state_receipts() > 0
    n = life.so_far.n
    done = life.restore(made.path, files_too=True)
    assert done.unknown == ((DEVICE, second),)
    assert done.lost == ()
    file = next(path for path in sealed(life.camera.store_folder) if path.parent.name == first)
    with pytest.raises(LedgerFirstError, match="restored"):
        life.intake.ledger_receipt(DEVICE, life.first_key)
    life.poll()
    life.order(life.camera.to_hold(second, 2))
    life.poll()
    life.send()
    assert life.intake.segment_progress(DEVICE, first, file.name).receipt is not None
    life.record()
    life.send()
    assert life.state_receipts() > 0
    assert life.so_far.n > n
    events = [event for event, _ in life.log]
    assert events.count("restored") == 1
    assert events.count("receipt_taken_back") == 2
    with life.rebuilt() as (rebuilt, index):
        assert rebuilt.problems == ()
        assert rows(index) == rows(life.root / "station" / "index.sqlite")


def test_what_the_log_states_as_deleted_does_not_come_back(life: Kept) -> None:
    """Somebody puts an old copy of the disk in the place: what was deleted is there again, and goes before the station serves."""
    name = life.record()
    life.send()
    shutil.copytree(life.storage.camera(DEVICE) / "store" / "recordings", life.root / "old")
    life.off(29)
    life.sweep()
    assert life.here == []
    made = life.back_up()
    shutil.copytree(life.root / "old", life.storage.camera(DEVICE) / "store" / "recordings", dirs_exist_ok=True)
    assert life.here == [name]
    done = life.restore(made.path, files_too=True)
    assert (done.deleted_again, life.here) == (1, [])
    assert life.copies.deleted_on(DEVICE, name) is not None


def test_footage_that_is_lost_is_told(life: Kept) -> None:
    name = life.record()
    life.send()
    made = life.back_up()
    shutil.rmtree(life.storage.camera(DEVICE) / "store" / "recordings")
    assert {one[:2] for one in life.restore(made.path, files_too=False).lost} == {(DEVICE, name)}


def test_a_ledger_that_is_another_one_is_left(life: Kept) -> None:
    life.record()
    life.send()
    made = life.back_up()
    path = next((life.storage.camera(DEVICE) / "store" / "ledger").iterdir())
    raw = bytearray(path.read_bytes())
    raw[10] ^= 1
    statement, file = open_backup(made.path, "station-1", STATION_KEY.public)
    file.close()
    assert statement.station == "station-1"
    path.write_bytes(raw)
    index = Index.open(f"sqlite:///{life.root}/other.sqlite")
    keys, staging = {DEVICE: life.first_key}, Staging(life.root / "station" / "staging")
    with pytest.raises(DataError, match="another one than the backup's"):
        restore(made.path, "station-1", STATION_KEY.public, life.root / "station", life.storage, staging, index, keys, NOW_US)
    index.close()
    assert path.read_bytes() == raw


class LivedTwice(Lived):
    """A life in which the station loses what it has, at any time."""

    life: Kept

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.life.close()
        self.life = Kept(root / "kept")
        self.backups: list[Path] = []

    def do(self, deed: str | float) -> None:
        if deed in OWN:
            self.nonce += 1
            self.done[str(deed)] += OWN[str(deed)](self)
        else:
            super().do(deed)

    def back_up(self) -> bool:
        try:
            self.backups.append(self.life.back_up().path)
        except DataError:
            return False  # nothing happened since the last one: it is of the same second
        self.backups = [path for path in self.backups if path.exists()]
        return True

    def lose_index(self) -> bool:
        return self._lose(files_too=False)

    def lose_all(self) -> bool:
        return self._lose(files_too=True)

    def lose_all_long_ago(self) -> bool:
        return self._lose(files_too=True, oldest=True)

    def _lose(self, *, files_too: bool, oldest: bool = False) -> bool:
        if self.backups:
            self.life.restore(self.backups[0 if oldest else -1], files_too=files_too)
            self.life.send_ledger()  # the camera finds it again before it is swept
        return bool(self.backups)

    def state(self) -> bool:
        self.life.send_ledger()
        return self.life.state_receipts(self.nonce % 3 + 1) > 0

    def poll(self) -> bool:
        self.life.poll()
        return bool(self.life.numbers)


OWN: dict[str, Callable[[LivedTwice], bool]] = {
    name: getattr(LivedTwice, name) for name in ("back_up", "lose_index", "lose_all", "lose_all_long_ago", "state", "poll")
}


@only_in_full
@pytest.mark.timeout(600)
@settings(max_examples=count(40))
@given(st.lists(st.one_of(st.sampled_from(sorted(OWN) * 2 + sorted(DEEDS)), st.floats(0.5, 15)), min_size=8, max_size=30))
def test_lives_with_restores(tmp_path_factory: pytest.TempPathFactory, deeds: list[str | float]) -> None:
    """Nothing early, nothing late, no held one lost, no fork, and the index is what a rebuild makes of it, whatever is lost when."""
    lived = LivedTwice(tmp_path_factory.mktemp("life"))
    for deed in ["record", "send", "state", "back_up", *deeds]:
        lived.do(deed)
    lived.life.send()
    lived.life.state_receipts()
    lived.end()


def test_commands(prepared: Prepared, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["station", "order", str(prepared.order()), str(prepared.file)]) == 0
    (tmp_path / "backups").mkdir()
    capsys.readouterr()
    assert main(["station", "backup", str(tmp_path / "backups"), str(prepared.file)]) == 0
    assert " files; " in capsys.readouterr().out
    (made,) = (tmp_path / "backups").glob("*.tar")
    assert main(["station", "restore", str(made), str(prepared.file)]) == 65
    assert "not empty" in capsys.readouterr().err
    data = prepared.folder / "data"
    for path in [*data.glob("index.sqlite*"), *data.glob("documents/*")]:
        path.unlink()
    assert main(["station", "restore", str(made), str(prepared.file)]) == 0
    assert "1 document" in capsys.readouterr().out
    lines = [line for path in sorted((data / "audit").iterdir()) for line in path.read_bytes().splitlines()]
    assert audit.decode(lines[-1], "x").event == "restored"
    assert main(["station", "orders", str(prepared.file)]) == 0
    assert "cam-7" in capsys.readouterr().out
