"""A backup is what cameras and people signed, and no footage; and what is none of this station changes nothing."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycamd.errors import BodycamError, DataError
from bodycamd.municipality.station import backup
from bodycamd.municipality.station.backup import back_up, members, open_backup
from tests.evidence.rostering import key
from tests.kit.scale import only_in_full
from tests.municipality.station.kept import Kept
from tests.municipality.station.life import DEVICE, STATION_KEY


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


def test_the_checkpoint_of_a_shortened_ledger_is_in_it(life: Kept) -> None:
    life.record()
    life.send()
    (life.storage.camera(DEVICE) / "store" / "ledger" / "checkpoint-000003.jsonl").write_bytes(b"x\n")
    _, file = open_backup(life.back_up().path, "station-1", STATION_KEY.public)
    with file:
        assert dict(members(file, "x"))[f"cameras/{DEVICE}/ledger/checkpoint-000003.jsonl"] == b"x\n"


def test_a_ledger_that_is_too_long_costs_nobody_elses_backup(life: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    life.record()
    life.send()
    monkeypatch.setattr(backup, "MAX_LEDGER_BYTES", 100)
    done = life.back_up()
    assert len(done.problems) == 1
    assert f"{DEVICE}: its ledger is not in the backup" in done.problems[0]
    assert done.files > 0


@only_in_full
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
    (life.root / "backups" / "station-1-20260101T000000Z.tar.part").write_text("of one that was killed")
    life.off(30)
    assert len(life.back_up().removed) == 1, "the newest two stay"
    assert list((life.root / "backups").glob("*.part")) == []
    life.off(8)
    assert life.back_up(dated=False).removed == (), "by a clock that nobody vouches for"
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


@only_in_full
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
