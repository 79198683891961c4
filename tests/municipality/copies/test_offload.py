"""Offload: the disk gets a store that verifies; nothing else is written, nothing is believed, it is logged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from bodycamd.camera.keeping import offload as subject
from bodycamd.camera.keeping.offload import offload
from bodycamd.cli.main import main
from bodycamd.errors import DataError, OutputError, UsageError
from bodycamd.evidence.keys import PublicKey
from bodycamd.municipality.verify.verify import verify
from bodycamd.store.reader import StoreReader
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full

pytestmark = only_in_full

RECORDING = "000001-0001"


@pytest.fixture(scope="module")
def recorded(eventful_camera: Camera) -> Camera:
    """A sealed segment and a cut one."""
    return eventful_camera


@pytest.fixture
def store(recorded: Camera, tmp_path: Path) -> Path:
    return shutil.copytree(recorded.store, tmp_path / "store")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (made := tmp_path / "disk").mkdir()
    return made


def run(store: Path, disk: Path) -> subject.Offloaded:
    return offload(StoreReader.open(store), disk, same_disk=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_copy_is_a_store_that_verifies_and_the_source_is_as_it_was(recorded: Camera, store: Path, disk: Path) -> None:
    before = contents(store)
    done = run(store, disk)
    assert (done.copied, done.already_there, done.failed, done.left_behind) == (2, 0, [], [])
    assert contents(store) == before
    assert contents(disk) == {name: content for name, content in before.items() if name != ".lock"}
    registered = PublicKey.from_pem(recorded.device_pem)
    original, copy = verify(store, registered), verify(disk, registered)
    assert (copy.verdict, copy.head) == (original.verdict, original.head) == ("incomplete", done.head)


def test_stock_tools_agree_that_it_is_the_same(store: Path, disk: Path) -> None:
    run(store, disk)
    assert subprocess.run(["diff", "-r", "-x", ".lock", store, disk], capture_output=True).returncode == 0


def test_it_goes_on_where_it_was_interrupted(store: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = subject._copy
    calls: list[Path] = []

    def interrupted(source: Path, *rest: object) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise KeyboardInterrupt
        copy(source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(subject, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(store, disk)
    assert list(contents(disk)) == [f"recordings/{RECORDING}/000000.tar"], "half a file, or a ledger that promises more than there is"
    monkeypatch.setattr(subject, "_copy", copy)
    done = run(store, disk)
    assert (done.copied, done.already_there) == (1, 1)
    assert run(store, disk).already_there == 2


def test_what_comes_later_is_added(store: Path, disk: Path) -> None:
    hidden = store / "ledger" / "000002.jsonl"
    later = hidden.read_bytes()
    hidden.write_bytes(later.splitlines(keepends=True)[0])
    done = run(store, disk)
    assert done.left_behind == [f"{RECORDING}/000001.cut.tar"], "nothing states it yet"
    hidden.write_bytes(later)
    done = run(store, disk)
    assert (done.copied, done.already_there, done.left_behind) == (1, 1, [])
    assert (disk / "ledger" / "000002.jsonl").read_bytes() == later


@pytest.mark.parametrize("where", ["good", "torn", "short", "long", "link"])
def test_what_is_not_as_stated_is_not_kept_and_told(store: Path, disk: Path, where: str) -> None:
    path = store / "recordings" / RECORDING / "000001.cut.tar"
    content = bytearray(path.read_bytes())
    if where == "link":
        path.rename(store / "elsewhere.tar")
        path.symlink_to(store / "elsewhere.tar")
    elif where in ("good", "torn"):
        content[100 if where == "good" else -100] ^= 1
        path.write_bytes(bytes(content))
    else:
        path.write_bytes(bytes(content[:-1]) if where == "short" else bytes(content) + b"x")
    done = run(store, disk)
    assert not (disk / "recordings" / RECORDING / "000001.cut.tar").exists()
    assert len(done.failed) == 1
    assert isinstance(subject.failure(done), DataError)
    assert (disk / "recordings" / RECORDING / "000000.tar").exists()


def test_a_copy_that_was_changed_on_the_disk_is_told_and_left_alone(store: Path, disk: Path) -> None:
    run(store, disk)
    copy = disk / "recordings" / RECORDING / "000000.tar"
    content = bytearray(copy.read_bytes())
    content[-2000] ^= 1
    copy.write_bytes(bytes(content))
    done = run(store, disk)
    assert len(done.failed) == 1
    assert copy.read_bytes() == bytes(content)


@pytest.mark.parametrize("how", ["fewer lines", "fewer starts", "other lines"])
def test_another_cameras_disk_and_an_older_store_are_refused(store: Path, disk: Path, how: str) -> None:
    run(store, disk)
    before = contents(disk)
    path = store / "ledger" / "000002.jsonl"
    first = path.read_bytes().splitlines(keepends=True)[0]
    if how == "fewer starts":
        path.unlink()
    else:
        path.write_bytes(first if how == "fewer lines" else first + b"another history\n")
    with pytest.raises(DataError, match="does not extend"):
        run(store, disk)
    assert contents(disk) == before


def test_targets_that_cannot_be_meant(store: Path, disk: Path, tmp_path: Path) -> None:
    for to in (store, store / "recordings", tmp_path, tmp_path / "none", store / "ledger" / "000001.jsonl"):
        with pytest.raises(UsageError):
            run(store, to)
    (tmp_path / "link").symlink_to(store)
    with pytest.raises(UsageError, match="in each other"):
        run(store, tmp_path / "link")
    with pytest.raises(UsageError, match="is the disk mounted"):
        offload(StoreReader.open(store), disk)


def test_it_says_which_folder_is_missing_and_what_to_do(store: Path, tmp_path: Path) -> None:
    """The disk is mounted and only the folder is missing; or it is not mounted."""
    reader = StoreReader.open(store)
    with pytest.raises(UsageError, match=f"no folder {tmp_path}/none; {tmp_path} is on the store's own file system: mount the disk first"):
        offload(reader, tmp_path / "none" / "footage")
    with pytest.raises(UsageError, match=f"no folder {tmp_path}/none; make it with mkdir -p '{tmp_path}/none/my footage'"):
        offload(reader, tmp_path / "none" / "my footage", same_disk=True)
    with pytest.raises(UsageError, match=r"000001\.jsonl is not a folder"):
        offload(reader, store / "ledger" / "000001.jsonl" / "x")
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as mounted,
        pytest.raises(UsageError, match=f"no folder {mounted}/footage; if {mounted} is the mounted disk, make it with mkdir -p"),
    ):
        offload(reader, Path(mounted) / "footage")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_leaves_whole_files_only(store: Path, disk: Path) -> None:
    size = sum(path.stat().st_size for path in store.rglob("*.tar")) * 2 // 3
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], check=True)
    try:
        with pytest.raises(OutputError, match="No space left"):
            offload(StoreReader.open(store), disk)
        assert [path.name for path in disk.rglob("*") if path.is_file()] == ["000000.tar"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_it_is_logged_by_the_running_camera_and_by_a_start_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = Camera(tmp_path / "camera")
    (disk := tmp_path / "disk").mkdir()
    arguments = ["offload", "--to", str(disk), "--store", str(camera.store), "--same-disk", "--json"]
    socket, config = ["--socket", str(camera.device / "control.sock")], ["--config", str(camera.config)]
    with camera:
        camera.skip_warning_and_record()
        camera.stop_recording()
        camera.wait_state("standby")
        assert main([*arguments, *socket]) == 0
        done = json.loads(capsys.readouterr().out)
        assert camera.stop() == 0
    (entry,) = camera.ledger("offloaded")
    assert entry["detail"] == {
        "to": str(disk),
        "recordings": 1,
        "copied": 1,
        "already_there": 0,
        "bytes": done["bytes"],
        "failed": 0,
        "head": done["head"],
        "caller": {"via": "control_socket", "uid": os.geteuid()},
    }
    assert main([*arguments, *socket, *config]) == 0
    entries = camera.ledger("offloaded")
    assert [entry["start"] for entry in entries] == [1, 2]
    assert entries[1]["detail"]["already_there"] == 1
    assert verify(camera.store, PublicKey.from_pem(camera.device_pem)).verdict == "intact"
    assert main([*arguments, *socket, "--config", str(tmp_path / "none.yaml")]) == 78
    assert main([*arguments, *socket]) == 2
    assert "could not be logged" in capsys.readouterr().err
