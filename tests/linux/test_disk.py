"""The real file operations: short writes, names that are taken, a file system that is full."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.linux import durable
from bodycamd.linux.disk import Disk
from bodycamd.linux.durable import MAX_BUFFERS
from tests.kit.direct_writes import is_direct
from tests.kit.scale import count


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(mount)], check=True)
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_many_buffers_and_empty_ones_arrive_in_order(tmp_path: Path) -> None:
    disk = Disk()
    descriptor = disk.create(tmp_path / "file")
    buffers = [bytes([index % 251]) * (index % 7) for index in range(3 * MAX_BUFFERS)]
    disk.write(descriptor, [b"head"], 0)
    disk.write(descriptor, buffers, 4)
    disk.fdatasync(descriptor)
    disk.close(descriptor)
    disk.fsync_folder(tmp_path)
    assert (tmp_path / "file").read_bytes() == b"head" + b"".join(buffers)


def test_short_writes_are_continued_where_they_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwritev

    def short(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        return real(descriptor, [buffers[0][: max(1, len(buffers[0]) // 2)]], offset)

    monkeypatch.setattr(os, "pwritev", short)
    disk = Disk()
    descriptor = disk.create(tmp_path / "file")
    disk.write(descriptor, [b"0123456789", b"", b"abc", memoryview(b"xyz")], 0)
    disk.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"0123456789abcxyz"


def test_a_disk_that_takes_nothing_is_an_error_not_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwritev", lambda *_: 0)
    disk = Disk()
    descriptor = disk.create(tmp_path / "file")
    with pytest.raises(OSError, match="took no bytes"):
        disk.write(descriptor, [b"x"], 0)
    disk.close(descriptor)


blocks = st.lists(st.integers(0, 6).map(lambda number: number * 512), max_size=8)


@settings(max_examples=count(300))
@given(batches=st.lists(blocks, max_size=6), odd=st.integers(0, 600))
def test_what_goes_past_the_page_cache_arrives_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]], odd: int
) -> None:
    """In parts of a page, too; and what is no whole block goes by way of the cache, with all that follows."""
    folder, disk, written = tmp_path_factory.mktemp("direct"), Disk(), b""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "STAGING_BYTES", 4096)
        patch.setattr(durable, "_staging", None)
        descriptor = disk.create(folder / "file")
        offered = is_direct(descriptor)
        for batch in (*batches, [odd], *batches):
            buffers = [os.urandom(size) for size in batch]
            disk.write(descriptor, buffers, len(written))
            written += b"".join(buffers)
            if len(written) % 512 == 0 and odd % 512 == 0:
                assert is_direct(descriptor) == offered
        disk.fdatasync(descriptor)
        disk.close(descriptor)
        assert (folder / "file").read_bytes() == written


def test_footage_leaves_nothing_in_the_page_cache(tmp_path: Path) -> None:
    disk = Disk()
    descriptor = disk.create(tmp_path / "file")
    if not is_direct(descriptor):
        pytest.skip("this file system has no direct writes")
    disk.write(descriptor, [os.urandom(512), os.urandom(2_000_000 // 512 * 512)], 0)
    disk.fdatasync(descriptor)
    disk.close(descriptor)
    told = subprocess.run(["fincore", "--bytes", "--noheadings", "--output", "RES", tmp_path / "file"], capture_output=True, check=True)
    assert int(told.stdout) == 0


@pytest.mark.parametrize("error", [errno.EINVAL, errno.EIO])
def test_a_file_system_that_refuses_direct_writes_gets_them_by_the_cache(
    tmp_path: Path, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where it says so: any other error is an error."""
    real = os.pwritev

    def refusing(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
        if is_direct(descriptor):
            raise OSError(error, os.strerror(error))
        return real(descriptor, buffers, offset)

    monkeypatch.setattr(os, "pwritev", refusing)
    disk = Disk()
    descriptor = disk.create(tmp_path / "file")
    if not is_direct(descriptor):
        pytest.skip("this file system has no direct writes")
    if error == errno.EINVAL:
        disk.write(descriptor, [b"x" * 512, b"y" * 512], 0)
        assert not is_direct(descriptor)
        assert (tmp_path / "file").read_bytes() == b"x" * 512 + b"y" * 512
    else:
        with pytest.raises(OSError, match="Input/output"):
            disk.write(descriptor, [b"x" * 512], 0)
    disk.close(descriptor)


@pytest.mark.root
def test_a_file_system_without_direct_writes_is_as_good(small_disk: Path) -> None:
    disk = Disk()
    descriptor = disk.create(small_disk / "file")
    disk.write(descriptor, [b"z" * 1024], 0)
    disk.close(descriptor)
    assert (small_disk / "file").read_bytes() == b"z" * 1024


def test_no_name_is_used_twice(tmp_path: Path) -> None:
    disk = Disk()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "taken").write_bytes(b"mine")
    disk.make_folder(tmp_path / "folder")
    for name in ("link", "taken", "folder"):
        with pytest.raises(FileExistsError):
            disk.create(tmp_path / name)
        with pytest.raises(FileExistsError):
            disk.make_folder(tmp_path / name)
        disk.close(disk.create(tmp_path / f"{name}.part"))
        with pytest.raises(FileExistsError):
            disk.rename(tmp_path / f"{name}.part", tmp_path / name)
    assert (tmp_path / "taken").read_bytes() == b"mine"
    assert not (tmp_path / "elsewhere").exists()


def test_only_the_service_user_may_read(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        disk = Disk()
        disk.make_folder(tmp_path / "folder")
        disk.close(disk.create(tmp_path / "folder/file"))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "folder/file").stat().st_mode) == 0o600


@pytest.mark.root
def test_a_full_file_system_says_so(small_disk: Path) -> None:
    disk = Disk()
    descriptor = disk.create(small_disk / "file")
    before = disk.free_bytes(small_disk)
    assert 900_000 < before <= 1 << 20
    with pytest.raises(OSError, match="No space") as caught:
        disk.write(descriptor, [bytes(300_000)] * 5, 0)
    assert caught.value.errno == errno.ENOSPC
    disk.close(descriptor)
    assert disk.free_bytes(small_disk) < before
