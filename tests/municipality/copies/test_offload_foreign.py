"""Offload onto a disk on which somebody put something: nothing is followed, waited for or written through, and what is not proven to lie
there is counted as failed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bodycamd.camera.keeping.offload import Offloaded, offload
from bodycamd.cli.main import main
from bodycamd.errors import DataError, OutputError, StoreBusyError, UsageError
from bodycamd.evidence.keys import PublicKey
from bodycamd.linux.foreign import Folder
from bodycamd.municipality.verify.verify import verify
from bodycamd.store.reader import StoreReader
from tests.kit.scale import only_in_full
from tests.kit.special_files import NOT_A_FILE, NOT_A_FOLDER, put
from tests.municipality.verify.attacks.scene import INTACT, SECOND_INTACT, Scene, make

pytestmark = pytest.mark.timeout(30)
SEGMENT = f"recordings/{INTACT}/000000.tar"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
FILES = [name for name in NOT_A_FILE if name != "device" or os.geteuid() == 0]
FOLDERS = [name for name in NOT_A_FOLDER if name != "device" or os.geteuid() == 0]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


@pytest.fixture
def store(scene: Scene, tmp_path: Path) -> Path:
    return shutil.copytree(scene.store, tmp_path / "store")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (made := tmp_path / "disk").mkdir()
    return made


def run(store: Path, disk: Path) -> Offloaded:
    return offload(StoreReader.open(store), disk, same_disk=True)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


@only_in_full
@pytest.mark.parametrize("special", FILES)
@pytest.mark.parametrize("name", [SEGMENT, "ledger/000001.jsonl", "ledger/000003.jsonl"])
def test_what_stands_in_a_files_place_on_the_disk_is_never_a_copy(store: Path, disk: Path, name: str, special: str) -> None:
    (disk / name).parent.mkdir(parents=True)
    put(disk / name, NOT_A_FILE[special])
    before = everything(store)
    if name == SEGMENT:
        assert any("stands where a regular file must be" in why for why in run(store, disk).failed)
    else:
        with pytest.raises(DataError, match="stands where a regular file must be"):
            run(store, disk)
    assert everything(store) == before
    assert not (disk / name).is_file()


@pytest.mark.parametrize("special", FOLDERS)
@pytest.mark.parametrize("name", ["recordings", "ledger", f"recordings/{INTACT}"])
def test_what_stands_in_a_folders_place_on_the_disk_is_not_entered(store: Path, disk: Path, name: str, special: str) -> None:
    (disk / name).parent.mkdir(parents=True, exist_ok=True)
    put(disk / name, NOT_A_FOLDER[special])
    if "/" in name:
        assert sum("stands where a folder must be" in why for why in run(store, disk).failed) == 2
    else:
        with pytest.raises(DataError, match="stands where a folder must be"):
            run(store, disk)


@pytest.mark.parametrize("name", ["recordings", "ledger", f"recordings/{INTACT}", SEGMENT, "ledger/000001.jsonl"])
def test_a_link_back_to_the_store_is_no_copy(store: Path, disk: Path, name: str) -> None:
    """As reported: everything was `already there`, nothing was copied, and the camera signed `failed: 0`."""
    (disk / name).parent.mkdir(parents=True, exist_ok=True)
    (disk / name).symlink_to(store / name)
    before = everything(store)
    try:
        failed = run(store, disk).failed
    except DataError:
        failed = ["everything"]
    assert failed
    assert everything(store) == before


@pytest.mark.parametrize("name", [SEGMENT, "ledger/000001.jsonl"])
def test_the_stores_own_file_under_a_second_name_is_no_copy(store: Path, disk: Path, name: str) -> None:
    (disk / name).parent.mkdir(parents=True)
    os.link(store / name, disk / name)
    if name == SEGMENT:
        assert any("second name" in why for why in run(store, disk).failed)
    else:
        with pytest.raises(DataError, match="second name"):
            run(store, disk)


@as_root
@pytest.mark.parametrize("part", ["", "recordings"])
def test_the_store_mounted_a_second_time_is_no_disk(store: Path, disk: Path, part: str) -> None:
    (disk / part).mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", store / part, disk / part], check=True)
    try:
        with pytest.raises((UsageError, DataError), match=r"in each other|own folder"):
            run(store, disk)
    finally:
        subprocess.run(["umount", disk / part], check=True)


def test_a_half_written_file_of_an_earlier_offload_is_not_written_through(store: Path, disk: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"somebody's")
    (disk / SEGMENT).parent.mkdir(parents=True)
    (disk / "ledger").mkdir()
    (disk / f"recordings/{INTACT}/.000000.tar.part").symlink_to(victim)
    (disk / f"recordings/{INTACT}/.000001.tar.abcd_123.part").write_bytes(b"half")
    (disk / "ledger/.000001.jsonl.part").write_bytes(b"half")
    assert run(store, disk).failed == []
    assert victim.read_bytes() == b"somebody's"
    assert not [path for path in disk.rglob("*") if path.name.endswith(".part")]


@pytest.mark.parametrize("what", ["segment", "recording"])
def test_what_is_stated_and_is_not_there_is_counted(store: Path, disk: Path, what: str) -> None:
    if what == "segment":
        (store / SEGMENT).unlink()
    else:
        shutil.rmtree(store / "recordings" / SECOND_INTACT)
    done = run(store, disk)
    assert len(done.failed) == 1
    assert "No such file" in done.failed[0]


def test_a_second_offload_to_the_same_disk_waits_outside(store: Path, disk: Path) -> None:
    import fcntl

    with Folder.open(disk) as held:
        fcntl.flock(held.descriptor, fcntl.LOCK_EX)
        with pytest.raises(StoreBusyError, match="another offload"):
            run(store, disk)


def test_a_copy_counts_what_the_original_does(scene: Scene, store: Path, disk: Path) -> None:
    done = run(store, disk)
    assert (done.failed, done.already_there) == ([], 0)
    again = run(store, disk)
    assert (again.failed, again.copied, again.already_there) == ([], 0, done.copied)
    registered = PublicKey.from_pem((scene.root / "device.pem").read_bytes())
    assert verify(disk, registered).head == verify(store, registered).head == done.head


@as_root
def test_a_full_disk_ends_with_73_and_whole_files(store: Path, disk: Path) -> None:
    size = sum(path.stat().st_size for path in store.rglob("*.tar")) // 2
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], check=True)
    try:
        with pytest.raises(OutputError, match="No space left"):
            offload(StoreReader.open(store), disk)
        kept = everything(disk)
        assert kept == {name: content for name, content in everything(store).items() if name in kept}
    finally:
        subprocess.run(["umount", disk], check=True)


def test_an_unreadable_part_of_the_store_is_counted_or_told(store: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A disk that gives an error in place of one file: the others are copied all the same."""
    (store / SEGMENT).unlink()
    (store / SEGMENT).mkdir()
    done = run(store, disk)
    assert len(done.failed) == 1
    assert done.copied
    assert main(["recordings", "list", "--store", str(disk)]) == 0
    capsys.readouterr()
