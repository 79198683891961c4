"""What a station says that it holds: what is there, and nothing of it is changed by looking."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.cli.main import main
from bodycamd.cli.station_copies import CopyAt
from bodycamd.errors import NotFoundError, StorageError
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.copy_listing import ListedCopy, list_copies
from bodycamd.municipality.station.read_only import read_index
from tests.evidence.ordering import HOLD
from tests.kit.scale import count, only_in_full
from tests.municipality.station.at_station import hold
from tests.municipality.station.conftest import FilmedStore
from tests.municipality.station.life import DAY_US, DEVICE, Life
from tests.municipality.station.prepared import Prepared, stop
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment
from tests.municipality.station.test_forwarding import forward, to_forward
from tests.municipality.station.test_ledger_copy import state

MINUTES_US = 3 * 60_000_000


def unshared(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {name: told for name, told in state(folder).items() if not name.endswith("-shm")}


def listed(life: Life) -> dict[str, ListedCopy]:
    """As the command does it; whatever there is stays as it is. The memory that SQLite shares between the connections of one process is
    left out: with a station that is another process it stays too (`test_beside_a_running_station_…`)."""
    before = unshared(life.root)
    keys = {DEVICE: life.first_key}
    url = f"sqlite:///{life.root}/station/index.sqlite"
    found = read_index(url, lambda index: list(list_copies(index, life.storage, keys, life.now_us, life.days)))
    assert unshared(life.root) == before
    return {one.recording: one for one in found}


def test_what_is_here_and_what_is_missing(life: Life) -> None:
    whole, part, none, running = life.record(), life.record(), life.record(), life.record(close=False)
    files: dict[str, list[Path]] = {name: [] for name in (whole, part, none, running)}
    for file in sealed(life.camera.store_folder):
        files[file.parent.name].append(file)
    life.send(whole)
    life.send_segment(files[part][0])
    found = listed(life)
    assert [len(found[name].missing) for name in (whole, part, none)] == [0, 1, 2]
    assert found[part].missing == [files[part][1].name]
    assert [found[name].receipts for name in (whole, part, none)] == [2, 1, 0]
    assert [found[name].ended for name in (whole, part, none)] == [True, True, True]
    assert not found[running].ended
    assert found[none].deletes_us is None
    assert found[whole].deletes_us is not None
    assert {one.size_bytes for one in found[whole].segments} == {file.stat().st_size for file in files[whole]}
    assert not any(one.problem or one.held or one.deleting or one.forwarded or one.lost for one in found.values())
    (life.storage.camera(DEVICE) / "store" / "recordings" / whole / files[whole][0].name).unlink()
    assert listed(life)[whole].lost == [files[whole][0].name]


def test_what_holds_it_and_to_whom_it_went(life: Life) -> None:
    name, other = life.record(), life.record()
    life.send()
    order = life.order(hold(body=replace(HOLD.body, recording=name)))
    forward(life, to_forward(life, other))
    found = listed(life)
    [held] = found[name].held
    assert (held.id, held.by, held.ground, held.reference) == (order.id, "E-01", "complaint", "Z-2026/00123")
    assert found[other].held == ()
    [to] = found[other].forwarded
    assert to.receiver == "meldkamer"
    assert found[name].forwarded == ()


def test_one_that_is_begun_to_be_deleted_says_so_and_one_that_is_gone_is_not_listed(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    name = life.record()
    life.send()
    life.off(29)

    def fails(device: str, recording: str) -> None:
        raise StorageError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(life.storage, "delete_recording", fails)
        life.sweep()
    assert listed(life)[name].deleting
    life.sweep()
    assert listed(life) == {}


@only_in_full
@pytest.mark.parametrize("meanwhile", [True, False])
def test_a_copy_whose_files_are_deleted_and_whose_rows_are_not_yet_is_not_lost(
    life: Life, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    """Nor is one whose deletion begins, or is done with, while it is listed."""
    life.record()
    name = life.record()
    life.send()
    life.off(29)
    storage_segments, sweeps = life.storage.segments, [life.sweep]

    def fails(copies: CopyIndex, device: str, recording: str, now_us: int) -> None:
        if recording == name:
            raise StorageError("busy")
        finish(copies, device, recording, now_us)

    def swept(device: str, recording: str) -> frozenset[str]:
        while sweeps:
            sweeps.pop()()
        return storage_segments(device, recording)

    finish = CopyIndex.finish
    monkeypatch.setattr(CopyIndex, "finish", fails)
    if meanwhile:
        monkeypatch.setattr(life.storage, "segments", swept)
    else:
        swept(DEVICE, name)
    [one] = list_copies(life.index.database, life.storage, {DEVICE: life.first_key}, life.now_us, life.days)
    assert (one.recording, one.deleting, one.lost, [segment.here for segment in one.segments]) == (name, True, [], [False, False])
    assert (CopyAt.of(one).state, CopyAt.of(one).lost) == ("deleting", [])


def test_a_ledger_that_does_not_count_is_told(life: Life) -> None:
    name = life.record()
    life.send()
    url = f"sqlite:///{life.root}/station/index.sqlite"

    def with_keys(keys: dict[str, PublicKey]) -> ListedCopy:
        return read_index(url, lambda index: list(list_copies(index, life.storage, keys, life.now_us, 28)))[0]

    told = [with_keys({}), with_keys({DEVICE: SigningKey.generate().public})]
    assert ["no such camera" in told[0].problem, "another key" in told[1].problem] == [True, True]
    assert [one.recording for one in told] == [name, name], "what is here is listed all the same"
    assert [one.ended for one in told] == [False, False]
    folder = life.storage.camera(DEVICE) / "store" / "ledger"
    newest = sorted(folder.iterdir())[-1]
    newest.write_bytes(newest.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n")
    assert "another process has more" in listed(life)[name].problem


@only_in_full
@pytest.mark.parametrize("closed", [True, False])
def test_an_index_that_is_open_closed_or_left_by_a_kill_is_read_and_left(life: Life, closed: bool) -> None:
    name = life.record()
    life.send()
    if closed:
        life.index.close()
    assert list(listed(life)) == [name]
    folder = life.root / "station"
    assert (folder / "index.sqlite-shm").exists() is not closed
    if not closed:
        copy = life.root / "killed"
        copy.mkdir()
        for file in folder.glob("index.sqlite*"):
            (copy / file.name).write_bytes(file.read_bytes())
        before = state(copy)
        found = read_index(f"sqlite:///{copy}/index.sqlite", lambda index: list(list_copies(index, life.storage, {}, 0, 28)))
        assert [one.recording for one in found] == [name]
        assert state(copy) == before
        (copy / "index.sqlite-shm").unlink()
        with pytest.raises(StorageError, match="start it once"):
            read_index(f"sqlite:///{copy}/index.sqlite", lambda index: None)


def test_no_index_and_one_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_index(f"sqlite:///{tmp_path}/index.sqlite", lambda index: None)
    assert list(tmp_path.iterdir()) == []
    older = sqlite3.connect(tmp_path / "index.sqlite")
    older.execute("create table alembic_version (version_num varchar(32))")
    older.execute("insert into alembic_version values ('0001')")
    older.commit()
    older.close()
    with pytest.raises(StorageError, match="start the station once"):
        read_index(f"sqlite:///{tmp_path}/index.sqlite", lambda index: None)


@only_in_full
@settings(max_examples=count(20), deadline=None, phases=(Phase.generate,), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9), st.booleans()), min_size=1, max_size=4), st.integers(7, 28))
def test_on_the_day_that_is_told_it_goes(tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, int, bool]], days: int) -> None:
    """And not before a receipt says, whatever was sent when, and by whichever clock."""
    life = Life(tmp_path_factory.mktemp("life"), days=days)
    try:
        for waits, sends_after, clocked in made:
            life.off(waits / 3)
            life.camera.clock.trusted = clocked
            name = life.record()
            life.off(sends_after / 3)
            life.send(name)
        life.send()
        while here := listed(life):
            days_of = {name: one.deletes_us for name, one in here.items() if one.deletes_us is not None}
            assert days_of.keys() == here.keys(), "all of it came"
            name = min(days_of, key=lambda one: days_of[one])
            wait_us = days_of[name] + MINUTES_US - life.now_us
            if wait_us > 0:
                life.off(wait_us / DAY_US)
            life.sweep()
            assert name not in listed(life)
    finally:
        life.close()


def told(prepared: Prepared, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    before = state(prepared.folder)
    assert main(["station", "copies", str(prepared.file), *words]) == code
    assert state(prepared.folder) == before, "nothing is changed, also beside a station that runs"
    return capsys.readouterr().out


@only_in_full
def test_beside_a_running_station_a_killed_one_and_a_stopped_one(
    prepared: Prepared, filmed: FilmedStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert main(["station", "copies", str(prepared.file)]) == 66
    capsys.readouterr()
    process = prepared.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{prepared.port}", timeout=30) as client:
        link = CameraLink(client, "cam-7", filmed.uplink_key)
        send_ledger(link, filmed.store)
        files = list(sealed(filmed.store))
        send_segment(link, files[0])
        path = f"recordings/{files[1].parent.name}/{files[1].name}"
        assert link.part(path, 0, files[1].read_bytes()[:1000]).status_code == 204
    found = json.loads(told(prepared, capsys, "--json"))
    assert [found[0][name] for name in ("camera", "state", "here", "segments")] == ["cam-7", "whole", 1, 1]
    assert found[1]["state"] == "part"
    assert len(found[1]["missing"]) == found[1]["segments"]
    text = told(prepared, capsys)
    assert "goes on" in text.splitlines()[0]
    assert files[0].parent.name in text
    assert json.loads(told(prepared, capsys, "--json", "--camera", "HV-99")) == []
    ledger = prepared.folder / "data" / "cameras" / "cam-7" / "store" / "ledger"
    assert stop(process, signal.SIGKILL) == -signal.SIGKILL
    torn = sorted(ledger.iterdir())[-1]
    (ledger.parent.parent / "ledger-pending.json").write_text(json.dumps([{"name": torn.name, "size": torn.stat().st_size}]))
    with torn.open("ab") as file:
        file.write(b"torn")
    assert json.loads(told(prepared, capsys, "--json")) == found
    process = prepared.start()
    assert stop(process) == 0
    assert json.loads(told(prepared, capsys, "--json")) == found
    (ledger.parent / "recordings" / files[0].parent.name / files[0].name).unlink()
    assert json.loads(told(prepared, capsys, "--json", code=65))[0]["state"] == "lost"
