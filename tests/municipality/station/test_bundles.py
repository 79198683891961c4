"""Software for cameras at the station: laid in by the operator, fetched in parts by cameras of the roster, believed by nobody."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.installation.archive import verify
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.cli.main import main
from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence.orders import Update
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station import audit, bundle_routes
from bodycamd.municipality.station.answer_pace import AnswerPace, TooSoonError
from bodycamd.municipality.station.bundle_routes import MOST_BYTES
from bodycamd.municipality.station.bundle_store import Added, BundleStore
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.segments import StoredBundle
from tests.evidence.ordering import UPDATE, ordered
from tests.kit.bundles import FILES, Release
from tests.kit.scale import count, only_in_full
from tests.municipality.station.at_station import Scene, private
from tests.municipality.station.prepared import DAY_US, Prepared, stop
from tests.municipality.station.sending import CameraLink

BIG = {**FILES, "wheels/big-1.0.whl": bytes(range(256)) * 3000}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    (tmp_path / "release").mkdir()
    return Release(tmp_path / "release")


def laid_in(scene: Scene, release: Release, path: Path) -> Added:
    keys = read_release_keys(release.public)
    return store_of(scene).add(path, lambda one: verify(one, keys).sha256)


def store_of(scene: Scene) -> BundleStore:
    return BundleStore(scene.station.storage, scene.station.index, lambda: scene.station.now * 1_000_000)


def parts(link: CameraLink, name: str, most: int) -> Iterator[bytes]:
    at = 0
    while True:
        answer = link.ask("GET", f"bundles/{name}?offset={at}&most={most}")
        assert answer.status_code == 200, answer.text
        at += len(answer.content)
        assert len(answer.content) <= min(most, MOST_BYTES)
        if not answer.content:
            assert at == int(answer.headers["bundle-bytes"])
            return
        yield answer.content


def test_a_camera_fetches_in_parts_what_the_operator_laid_in_and_the_log_says_so(scene: Scene, release: Release) -> None:
    path = release.bundle("0.3.0", BIG)
    added = laid_in(scene, release, path)
    assert (added.size_bytes, added.new) == (path.stat().st_size, True)
    assert laid_in(scene, release, path) == Added(added.name, added.size_bytes, False)
    for most in (100_000, 10**9):
        assert b"".join(parts(scene.link, added.name, most)) == path.read_bytes()
    store_of(scene).remove(added.name)
    assert scene.link.ask("GET", f"bundles/{added.name}").status_code == 404
    log = [audit.decode(raw, "x") for raw in scene.station.storage.audit_lines()]
    assert [(one.event, one.sha256) for one in log] == [("bundle_added", added.name), ("bundle_removed", added.name)]


def test_only_cameras_of_the_roster_get_any_of_it(scene: Scene, release: Release) -> None:
    place = f"/v1/cameras/HV-01/bundles/{laid_in(scene, release, release.bundle()).name}"
    assert scene.station.client.get(place).status_code == 401
    assert scene.desk.ask_at("GET", place).status_code == 401, "a person is no camera"
    assert replace(scene.link, key=private(release.key)).ask_at("GET", place).status_code == 401
    assert scene.link.ask_at("GET", place.replace("HV-01", "HV-02")).status_code == 403
    moved = scene.link.signed("GET", f"{place}?offset=1")
    moved.url = moved.url.copy_with(query=b"offset=2")
    assert scene.station.client.send(scene.link.at_client(moved)).status_code == 401, "the place is signed too"
    scene.station.senders.clear()
    assert scene.link.ask_at("GET", place).status_code == 401


def test_what_is_no_place_is_none_and_behind_the_end_there_is_nothing(scene: Scene, release: Release) -> None:
    name = laid_in(scene, release, release.bundle()).name
    for place in ("..%2fin-force.roster", name.upper(), "ab", "ab" * 33, f"{name}?offset=x", f"{name}?offset=-1", f"{name}?most=x"):
        assert scene.link.ask("GET", f"bundles/{place}").status_code == 404, place
    for offset in (10**15 - 1, 10**9):
        answer = scene.link.ask("GET", f"bundles/{name}?offset={offset}")
        assert (answer.status_code, answer.content) == (200, b"")
    for wrong in ("../index.sqlite", "ab", "", name.upper()):
        with pytest.raises(DataError, match="64 hex digits"):
            store_of(scene).remove(wrong)
    assert [one for one, _ in store_of(scene).list()] == [name]


@only_in_full
def test_a_camera_gets_so_many_parts_and_then_has_to_wait(scene: Scene, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_routes, "AT_ONCE", 3)
    name = laid_in(scene, release, release.bundle()).name
    scene.again()
    answers = [scene.link.ask("GET", f"bundles/{name}?most=1") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 5


@settings(max_examples=count(100))
@given(waits=st.lists(st.floats(0, 30), max_size=60))
def test_no_more_comes_than_the_pace_allows(waits: list[float]) -> None:
    now, got = 0.0, 0
    pace = AnswerPace(lambda: now, at_once=4, seconds=5.0)
    for wait in waits:
        now += wait
        with suppress(TooSoonError), pace.one("HV-01"):
            got += 1
    assert got <= 4 + now / 5.0


@only_in_full
def test_what_no_known_key_signed_and_what_was_changed_is_not_kept(scene: Scene, release: Release, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Release(tmp_path / "other").bundle()
    altered = release.bundle("0.3.0")
    altered.write_bytes(altered.read_bytes()[:-1] + b"x")
    for path in (other, altered):
        with pytest.raises((PermissionDeniedError, DataError), match=r"not signed by|altered"):
            laid_in(scene, release, path)
    with pytest.raises(NotFoundError):
        laid_in(scene, release, tmp_path / "nowhere")
    assert store_of(scene).list() == []
    assert list(scene.station.storage.audit_lines()) == []


@only_in_full
def test_a_file_that_changes_while_it_is_laid_in_is_not_kept(scene: Scene, release: Release) -> None:
    path = release.bundle()
    keys = read_release_keys(release.public)

    def check(one: Path) -> str:
        name = verify(one, keys).sha256
        with path.open("r+b") as file:
            file.seek(3000)
            file.write(b"other")
        return name

    with pytest.raises(DataError, match="changed"):
        store_of(scene).add(path, check)
    assert store_of(scene).list() == []


@only_in_full
def test_the_same_bundle_signed_by_another_key_takes_no_place(scene: Scene, release: Release, tmp_path: Path) -> None:
    """Its name is the same: the name is of what a bundle has, not of who signed it."""
    (tmp_path / "other").mkdir()
    other = Release(tmp_path / "other")
    name = laid_in(scene, release, release.bundle()).name
    with pytest.raises(DataError, match="remove it first"):
        laid_in(scene, other, other.bundle())
    assert b"".join(parts(scene.link, name, 10**9)) == release.bundle().read_bytes()
    store_of(scene).remove(name)
    assert laid_in(scene, other, other.bundle()) == Added(name, other.bundle().stat().st_size, True)


def test_a_kill_between_log_and_storage_leaves_no_bundle_that_the_log_does_not_have(
    scene: Scene, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def events() -> list[str]:
        return [audit.decode(raw, "x").event for raw in scene.station.storage.audit_lines()]

    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "put_bundle", killed)
        with pytest.raises(KeyboardInterrupt):
            laid_in(scene, release, release.bundle())
    assert (events(), store_of(scene).list()) == (["bundle_added"], [])
    name = laid_in(scene, release, release.bundle()).name
    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "delete_bundle", killed)
        with pytest.raises(KeyboardInterrupt):
            store_of(scene).remove(name)
    assert events() == ["bundle_added", "bundle_added", "bundle_removed"]
    store_of(scene).remove(name)
    assert store_of(scene).list() == []


def test_a_full_disk_keeps_nothing_of_it(tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    path = release.bundle("0.3.0", BIG)
    storage = FolderStorage(tmp_path / "data")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bodycamd.linux.durable.write_all", full)
    with path.open("rb") as source, pytest.raises(StorageError, match="No space left"):
        storage.put_bundle(StoredBundle("ab" * 32, path.stat().st_size, "00" * 32), source)
    assert list((tmp_path / "data" / "bundles").iterdir()) == []


@only_in_full
def test_by_its_commands_while_the_station_runs(prepared: Prepared, release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    path, key, file = release.bundle(), str(release.public), str(prepared.file)
    name = verify(path, read_release_keys(release.public)).sha256
    process = prepared.start()
    try:
        assert main(["station", "bundle", "add", str(path), file, "--release-key", key]) == 0
        assert capsys.readouterr().out.startswith(f"{name}: is here now")
        assert main(["station", "bundle", "list", file, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == [{"name": name, "bytes": path.stat().st_size}]
        assert main(["station", "bundle", "list", file]) == 0
        assert name in capsys.readouterr().out
        order = prepared.folder / "update.order"
        for named, missing in ((name, False), ("ab" * 32, True)):
            now = {"made_at": wall_text(time.time_ns() // 1000), "not_after": wall_text(time.time_ns() // 1000 + DAY_US)}
            to_update = msgspec.structs.replace(
                UPDATE, body=Update(bundle=named), person="A-01", cameras=("cam-7",), nonce=named[:32], **now
            )
            order.write_bytes(ordered(to_update).document.file_bytes)
            assert main(["station", "order", str(order), file]) == 0
            assert ("does not have bundle" in capsys.readouterr().err) == missing
        assert main(["station", "bundle", "remove", name, file]) == 0
        assert main(["station", "bundle", "remove", name, file]) == 66
        assert main(["station", "bundle", "remove", "x", file]) == 65
        assert main(["station", "bundle", "add", str(prepared.file), file, "--release-key", key]) == 65
        capsys.readouterr()
        assert main(["station", "bundle", "list", file]) == 0
        assert capsys.readouterr().out == "no bundles\n"
    finally:
        assert stop(process) == 0
