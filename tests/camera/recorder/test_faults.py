"""The writer on a disk that fails: each step once, for long, for ever; a full disk; a ledger that cannot be written."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bodycamd.camera.control.events import DiskChanged, FragmentDurable, RecordingSealed, StorageChanged, WriteFailed
from bodycamd.camera.recorder import space
from bodycamd.linux import durable
from bodycamd.linux.disk import Disk
from tests.camera.recorder.faults import Fault, FaultyDisk
from tests.camera.recorder.rig import Rig, open_store
from tests.kit.scale import one_in, only_in_full, sample

STEPS = ["make_folder", "create", "write", "fdatasync", "fsync_folder", "rename"]


def film_with(rig: Rig, seconds: int = 12) -> str:
    rig.camera()
    recording = rig.begin()
    for _ in range(seconds):
        rig.film(1)
        rig.wait_written()
    return recording


@one_in(4)
@pytest.mark.parametrize("error", sample([errno.EIO, errno.ENOSPC], 2))
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("operation", STEPS)
def test_each_step_may_fail_once_and_nothing_is_lost(tmp_path: Path, operation: str, nth: int, error: int) -> None:
    if operation == "make_folder" and nth > 1:
        pytest.skip("there is one folder")
    disk = FaultyDisk(Fault(operation, nth, error))
    rig = Rig(tmp_path / "root", disk=disk, segment_seconds=4)
    recording = film_with(rig)
    rig.wait_durable(12)
    rig.end()
    rig.wait_sealed()
    found = rig.stop()
    assert sorted(set(found.seqs(recording))) == list(range(1, 13))
    assert len(rig.of(WriteFailed)) == 1
    assert rig.of(WriteFailed)[0].reason == os.strerror(error)
    if error == errno.ENOSPC:
        assert rig.of(StorageChanged)[0].level == "full"
    acknowledged = [event.seq for event in rig.of(FragmentDurable)]
    assert acknowledged == list(range(1, 13)), "each once, in order, whatever stands twice"


def test_a_failed_fdatasync_is_not_tried_again_on_the_same_file(tmp_path: Path) -> None:
    disk = FaultyDisk(Fault("fdatasync", 3))
    rig = Rig(tmp_path / "root", disk=disk)
    recording = film_with(rig, 6)
    rig.wait_durable(6)
    used = [name for operation, name in disk.calls if operation in ("write", "fdatasync")]
    assert used == sorted(used), "the first segment is not touched after its failure"
    found = rig.stop()
    assert found.files[recording] == ["000000.tar.part", "000001.tar"]
    twice = [seq for seq in found.seqs(recording) if found.seqs(recording).count(seq) == 2]
    assert sorted(set(twice)) == [3], "what was written and not acknowledged stands twice, and seq shows it"
    assert [event.segment for event in rig.of(FragmentDurable)] == [0, 0, 1, 1, 1, 1]


def test_the_first_fragment_says_where_the_recording_begins_also_when_it_is_written_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "root", disk=FaultyDisk(Fault("fdatasync", 1)))
    rig.camera()
    recording = rig.begin(keep_from_us=1_250_000)
    rig.film(2)
    rig.wait_durable(2)
    statements = [s for s in rig.stop().fragments(recording) if "pre_start_us" in s]
    assert {(statement["seq"], statement["pre_start_us"]) for statement in statements} == {(1, 250_000)}


def test_a_disk_that_fails_for_long_costs_pauses_and_then_goes_on(tmp_path: Path) -> None:
    disk = FaultyDisk(Fault("create", 1, errno.EROFS, times=3))
    rig = Rig(tmp_path / "root", disk=disk)
    recording = film_with(rig, 5)
    rig.wait_durable(5)
    assert rig.failures() == ["write segment 000000.tar.part"] * 3
    assert rig.stop().seqs(recording) == [1, 2, 3, 4, 5]


def test_a_disk_that_never_works_again_still_lets_the_recording_and_the_daemon_end(tmp_path: Path) -> None:
    disk = FaultyDisk(Fault("write", 3, errno.EIO, times=10_000))
    rig = Rig(tmp_path / "root", disk=disk)
    recording = film_with(rig, 5)
    rig.wait(lambda: rig.of(WriteFailed))
    rig.end()
    rig.seal_now()
    rig.wait_sealed()
    found = rig.stop()
    assert [event.seq for event in rig.of(FragmentDurable)] == [1, 2]
    assert found.entries("footage_not_written")[0]["fragments"] == 3
    assert found.entries("recording_closed")[0]["recording"] == recording


def test_after_a_failure_at_the_seal_the_next_start_recovers_what_was_acknowledged(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "root", disk=FaultyDisk(Fault("rename", 1)))
    recording = film_with(rig, 3)
    rig.end()
    rig.wait_sealed()
    assert rig.stop().files[recording] == ["000000.tar.part"]
    store = open_store(tmp_path / "root")
    assert store.recovered_segments == 1
    assert store.resume is None
    store.close()
    found = rig.read()
    assert found.files[recording] == ["000000.cut.tar"]
    assert found.seqs(recording) == [1, 2, 3]


def test_a_taken_name_is_passed_over(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "root", segment_seconds=3)
    rig.camera()
    recording = rig.begin()
    rig.film(1)
    rig.wait_durable(1)
    folder = rig.store.recordings_folder / recording
    (folder / "000001.tar.part").write_bytes(b"a stray")
    (folder / "000002.tar.part").symlink_to("/etc/passwd")
    rig.film(5)
    rig.wait_durable(6)
    assert rig.writer.stop(10)
    rig.store.close()
    assert (folder / "000001.tar.part").read_bytes() == b"a stray"
    assert (folder / "000003.tar").exists()


def test_the_ledger_may_fail_and_footage_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path / "root", segment_seconds=4)
    rig.camera()
    real = durable.write_all
    failing = True

    def write_all(descriptor: int, buffers: Sequence[durable.Buffer], offset: int | None = None) -> None:
        if failing and os.readlink(f"/proc/self/fd/{descriptor}").endswith(".jsonl"):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor, buffers, offset)

    monkeypatch.setattr(durable, "write_all", write_all)
    recording = rig.begin()
    rig.film(10)
    rig.wait_durable(10)
    rig.end()
    rig.wait_sealed()
    assert rig.failures() == ["ledger"]
    assert rig.writer.progress().pending_entries == 5
    failing = False
    rig.wait(lambda: rig.writer.progress().pending_entries == 0)
    found = rig.stop()
    kinds = [entry["type"] for entry in found.ledger][2:]
    assert kinds == ["recording_opened", *["segment_sealed"] * 3, "recording_closed"]
    assert found.seqs(recording) == list(range(1, 11))


@pytest.fixture
def small_root(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(mount)], check=True)
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.root
@pytest.mark.parametrize("reserve_bytes", [-1_000_000, 0, 200_000])
def test_a_full_disk_loses_nothing_that_was_acknowledged(small_root: Path, reserve_bytes: int) -> None:
    """The negative reserve switches the look for room off, so that the kernel's own ENOSPC is met."""
    rig = Rig(small_root, reserve_bytes=reserve_bytes)
    rig.camera()
    recording = rig.begin()
    for _ in range(60):
        rig.film(1, size=30_000)
        rig.wait_written()
    rig.wait(lambda: "full" in [event.level for event in rig.of(StorageChanged)])
    rig.end(reason="storage_full")
    rig.seal_now()
    rig.wait(lambda: rig.of(RecordingSealed))
    found = rig.stop()
    acknowledged = [event.seq for event in rig.of(FragmentDurable)]
    assert len(acknowledged) >= 20
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    assert set(acknowledged) <= set(found.seqs(recording))
    if reserve_bytes > 0:
        assert rig.disk.free_bytes(small_root) >= reserve_bytes - 16_384, "the ledger only"
        assert found.files[recording] == ["000000.tar"]


@only_in_full
def test_a_disk_that_cannot_be_used_is_told_once_and_so_is_its_return(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FaultyDisk()
    rig = Rig(tmp_path / "root", disk=disk)
    monkeypatch.setattr(space, "ROOM_US", 0)

    def gone(path: Path) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(disk, "free_bytes", gone)
        rig.wait(lambda: rig.of(DiskChanged))
        rig.wait_turn()
    rig.wait(lambda: len(rig.of(DiskChanged)) == 2)
    rig.stop()
    assert rig.of(DiskChanged) == [DiskChanged(False, "look for room: Read-only file system"), DiskChanged(True)]
    assert not rig.of(WriteFailed)


def test_a_read_only_file_system_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    read_only = os.statvfs_result((*tuple(real)[:8], real.f_flag | os.ST_RDONLY, real.f_namemax))
    monkeypatch.setattr(os, "statvfs", lambda path: read_only)
    with pytest.raises(OSError, match="Read-only"):
        Disk().free_bytes(tmp_path)


def test_a_recording_that_lost_footage_to_the_disk_is_not_whole(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "root", disk=FaultyDisk(Fault("write", 3, times=1000)))
    film_with(rig, 4)
    rig.wait(lambda: rig.of(WriteFailed))
    rig.end()
    rig.seal_now()
    assert not rig.wait_sealed().whole
    assert rig.stop().entries("footage_not_written")[0]["fragments"] == 2
