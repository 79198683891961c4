"""The disk operations that evidence rests on: each step, in order, and what stands in the way."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycamd.linux import durable
from tests.evidence.cutting import Journal


def steps(root: Path, action: Callable[[], object]) -> list[tuple[str, str]]:
    """What is done, in order, by the path below `root`; and nothing that was opened stays open."""
    journal, before = Journal(root), len(os.listdir("/proc/self/fd"))
    journal.record(action)
    assert len(os.listdir("/proc/self/fd")) == before
    return [(operation.kind, os.path.relpath(operation.path, root)) for operation in journal.operations]


@pytest.mark.parametrize(
    ("buffers", "at_once", "calls"),
    [
        ([], 100, 0),
        ([b"", b""], 100, 0),
        ([b"abc"], 100, 1),
        ([b"", b"ab", b"", b"cd"], 100, 1),
        ([b"abc", b"de"], 1, 5),
        ([b"abc", b"de"], 2, 3),
        ([b"abc", b"de"], 3, 2),
        ([b"abc", b"de", b"f"], 4, 2),
        ([b"abc", b"de", b"f"], 5, 2),
        ([b"abc", b"de", b"f"], 6, 1),
        ([b"x"] * 512, 10_000, 1),
        ([b"x"] * 513, 10_000, 2),
        ([b"x"] * 1200, 10_000, 3),
    ],
)
def test_all_is_written_in_order_with_few_calls(monkeypatch: pytest.MonkeyPatch, buffers: list[bytes], at_once: int, calls: int) -> None:
    taken: list[bytes] = []

    def writev(descriptor: int, parts: list[memoryview]) -> int:
        assert descriptor == 7
        assert len(parts) <= 1024, "as many as Linux takes"
        taken.append(b"".join(parts)[:at_once])
        return len(taken[-1])

    monkeypatch.setattr(os, "writev", writev)
    durable.write_all(7, iter(buffers))
    assert (b"".join(taken), len(taken)) == (b"".join(buffers), calls)


def test_a_disk_that_takes_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "writev", lambda descriptor, parts: 0)
    with pytest.raises(OSError, match="the disk took no bytes") as told:
        durable.write_all(7, [b"x"])
    assert (told.value.errno, told.value.strerror) == (errno.EIO, "the disk took no bytes")


def test_a_folder_is_synchronised_and_a_file_is_none(tmp_path: Path) -> None:
    assert steps(tmp_path, lambda: durable.sync_folder(tmp_path)) == [("sync folder", ".")]
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        durable.sync_folder(tmp_path / "file")


def test_each_new_folder_is_durable_before_the_next(tmp_path: Path) -> None:
    made = tmp_path / "a/b/c"
    new = [("mkdir", "a"), ("sync folder", "."), ("mkdir", "a/b"), ("sync folder", "a"), ("mkdir", "a/b/c"), ("sync folder", "a/b")]
    assert steps(tmp_path, lambda: durable.make_folder(made))[-6:] == new
    assert [stat.S_IMODE(path.stat().st_mode) for path in (made, made.parent, made.parent.parent)] == [0o700] * 3
    assert steps(tmp_path, lambda: durable.make_folder(made)) == [("sync folder", "a/b")], "an earlier process may have died in between"
    durable.make_folder(tmp_path / "d/e", 0o750)
    assert [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("d", "d/e")] == [0o750] * 2
    durable.make_folder(Path("/"))


def test_a_folder_that_somebody_else_makes_meanwhile_is_as_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real = tmp_path / "a", os.mkdir

    def mkdir(path: Path, mode: int) -> None:
        real(path)
        real(path)

    monkeypatch.setattr(os, "mkdir", mkdir)
    durable.make_folder(made)
    assert made.is_dir()


def test_what_stands_in_a_file_is_settled(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    assert steps(tmp_path, lambda: durable.settle(file)) == [("sync", "file")]
    file.chmod(0o400)
    durable.settle(file)
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(OSError, match="symbolic link") as told:
        durable.settle(tmp_path / "link")
    assert told.value.errno == errno.ELOOP


def test_a_new_file_has_a_name_that_nothing_had_and_is_only_added_to(tmp_path: Path) -> None:
    file = tmp_path / "file"
    descriptor = durable.open_new(file)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    assert (flags & os.O_ACCMODE, flags & os.O_APPEND) == (os.O_WRONLY, os.O_APPEND)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (file, tmp_path / "link", tmp_path):
        with pytest.raises(FileExistsError):
            durable.open_new(taken)
    os.close(durable.open_new(tmp_path / "other", 0o640))
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o640


def test_a_created_file_is_durable_by_content_then_by_name(tmp_path: Path) -> None:
    order = [("create", "file"), ("write", "file"), ("sync", "file"), ("sync folder", ".")]
    assert steps(tmp_path, lambda: durable.create(tmp_path / "file", b"content")) == order
    assert (tmp_path / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    durable.create(tmp_path / "other", b"", 0o640)
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o640
    with pytest.raises(FileExistsError):
        durable.create(tmp_path / "file", b"other")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_an_erased_file_is_zeros_durably_before_it_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, other = tmp_path / "file", tmp_path / "second name"
    file.write_bytes(b"secret" * 2000)
    os.link(file, other)
    assert steps(tmp_path, lambda: durable.erase(file)) == [("write", "file"), ("sync", "file"), ("unlink", "file")]
    assert not file.exists()
    assert other.read_bytes() == bytes(12_000)
    other.write_bytes(b"stays")
    (tmp_path / "link").symlink_to(other)
    with pytest.raises(OSError, match="symbolic link"):
        durable.erase(tmp_path / "link")
    assert other.read_bytes() == b"stays"
