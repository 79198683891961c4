"""After a restore, however old the backup: no chain forks, no number is given twice, no hold is lost, no footage outlives its term."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bodycamd.cli.main import main
from bodycamd.errors import DataError, StorageError, StoreBusyError
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.backup import open_backup
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import LedgerFirstError
from bodycamd.municipality.station.opening import serving
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.restoring import restore
from bodycamd.municipality.station.staging import Staging
from tests.evidence.rostering import FIRST, NOW_US, signed
from tests.kit.scale import only_in_full
from tests.municipality.station.kept import Kept
from tests.municipality.station.life import DEVICE, STATION_KEY
from tests.municipality.station.prepared import Prepared
from tests.municipality.station.sending import sealed
from tests.municipality.station.test_rebuild import rows


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Kept]:
    opened = Kept(tmp_path)
    yield opened
    opened.close()


@only_in_full
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


@only_in_full
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


@only_in_full
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
    staging = Staging(life.root / "station" / "staging")
    with pytest.raises(DataError, match="another one than the backup's"):
        restore(made.path, "station-1", STATION_KEY.public, life.root / "station", life.storage, staging, index, life.first_keys, NOW_US)
    index.close()
    assert path.read_bytes() == raw


@only_in_full
def test_footage_that_the_storage_lost_is_not_called_stored(life: Kept) -> None:
    """An old image of the disk is in the place: what came after it is gone, and the camera brings the receipts for it."""
    life.record()
    life.send()
    life.state_receipts()
    made = life.back_up()
    second = life.record()
    life.send()
    assert life.state_receipts() > 0
    shutil.rmtree(life.storage.camera(DEVICE) / "store" / "recordings" / second)
    assert life.restore(made.path, files_too=True).lost == ()
    life.send_ledger()
    files = [file for file in sealed(life.camera.store_folder) if file.parent.name == second]
    for file in files:
        assert life.intake.segment_progress(DEVICE, second, file.name).receipt is None
    assert [what for event, what in life.log if event == "segment_lost"] == [f"{second}/{file.name}" for file in files]
    with life.rebuilt() as (done, index):
        assert done.problems == ()
        assert rows(index) == rows(life.root / "station" / "index.sqlite")
    life.send()
    assert all(life.intake.segment_progress(DEVICE, second, file.name).receipt for file in files), "what is sent again is taken"
    with life.rebuilt() as (_, index):
        assert rows(index) == rows(life.root / "station" / "index.sqlite")


def test_what_was_promised_stays_promised(life: Kept) -> None:
    """Until when a receipt says that its segment is kept: a camera may have made room by it."""
    life.record()
    made = life.back_up()
    life.send()
    (*_, last) = life.intake.receipts_after(DEVICE, 0)
    life.state_receipts()
    life.restore(made.path, files_too=True)
    life.send_ledger()
    (copy,) = life.copies.copies(DEVICE)
    assert copy.kept_until_us == max(wall_us(one.receipt.kept_until, "x") for one in life.intake.receipts_after(DEVICE, 0))
    assert copy.kept_until_us >= wall_us(last.receipt.kept_until, "x") > life.now_us


@only_in_full
def test_nothing_is_deleted_before_the_orders_are_here_again(life: Kept) -> None:
    """A hold came after the backup: its recording is due when the station begins again, and this is the only copy."""
    name = life.record()
    life.send()
    made = life.back_up()
    life.order(life.camera.to_hold(name))
    life.off(29)
    life.restore(made.path, files_too=True, brought=False)
    for _ in range(2):
        assert life.sweep().deleted == ()
        life.send_ledger()
    life.intake.ledger_receipt(DEVICE, life.first_key)
    assert life.sweep().deleted == ()
    life.again()
    life.bring()
    assert life.sweep().held == ((DEVICE, name),)
    assert life.here == [name]


@only_in_full
def test_a_camera_that_nothing_comes_from_holds_its_copies_back_for_a_week(life: Kept) -> None:
    name = life.record()
    life.send()
    made = life.back_up()
    life.off(29)
    life.restore(made.path, files_too=True)
    assert life.sweep().deleted == ()
    life.off(6.9)
    assert life.sweep().deleted == ()
    life.off(0.2)
    assert life.sweep().deleted == ((DEVICE, name),)


@only_in_full
def test_a_restore_that_was_broken_off_serves_nobody(life: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    life.record()
    life.send()
    made = life.back_up()

    def cut(*_: object) -> None:
        raise StorageError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(Index, "stored_files", cut)
        with pytest.raises(StorageError, match="cut"):
            life.restore(made.path, files_too=False)
    life.open()
    with pytest.raises(DataError, match="not come to its end"):
        RestoredIndex(life.index.database).check_finished()
    with pytest.raises(DataError, match="not empty"):
        restore(
            made.path, "station-1", STATION_KEY.public, life.root / "station", life.storage, life.staging, life.index, life.first_keys, 0
        )
    life.restore(made.path, files_too=False)
    RestoredIndex(life.index.database).check_finished()


@only_in_full
def test_the_newer_roster_stays_in_force(life: Kept) -> None:
    """A suspension that the backup knows is not undone by an old file, nor one that is here by an old backup."""
    kept = life.root / "station" / "in-force.roster"
    old, new = (signed(msgspec.structs.replace(FIRST, version=version)).document.file_bytes for version in (4, 5))
    kept.write_bytes(new)
    made = life.back_up().path
    for here, after in ((old, new), (None, new)):
        kept.unlink() if here is None else kept.write_bytes(here)
        life.restore(made, files_too=False)
        assert kept.read_bytes() == after
    life.off(0.1)
    kept.write_bytes(old)
    made = life.back_up().path
    kept.write_bytes(new)
    life.restore(made, files_too=False)
    assert kept.read_bytes() == new


def test_nothing_is_restored_under_a_station_that_runs(tmp_path: Path) -> None:
    with serving(tmp_path), serving(tmp_path), pytest.raises(StoreBusyError, match="stop it first"), serving(tmp_path, alone=True):
        raise AssertionError
    with serving(tmp_path, alone=True), pytest.raises(StoreBusyError, match="being restored"), serving(tmp_path):
        raise AssertionError
    with serving(tmp_path, alone=True):
        pass


@only_in_full
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
    assert main(["station", "orders-brought", str(prepared.file)]) == 0
