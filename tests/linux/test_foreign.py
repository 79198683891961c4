"""The one door to foreign files: what stands in a file's place is told, never opened, never waited for; nothing is a link."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError
from bodycamd.linux import foreign
from bodycamd.linux.foreign import Folder
from tests.kit.special_files import NOT_A_FILE, NOT_A_FOLDER, Maker, without_root

as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
SECONDS = 5


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """A door that waits ends the test."""

    def late(*_: object) -> None:
        raise TimeoutError("it waits for somebody")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _cases(makers: dict[str, Maker]) -> pytest.MarkDecorator:
    needs = [pytest.param(make, marks=as_root if name == "device" else (), id=name.replace(" ", "-")) for name, make in makers.items()]
    return pytest.mark.parametrize("make", needs)


@_cases(NOT_A_FILE)
def test_what_is_no_regular_file_is_told_and_not_opened(tmp_path: Path, make: Maker) -> None:
    path = tmp_path / "here"
    make(path)
    for read in (
        lambda: foreign.open_file(path),
        lambda: foreign.read_file(path, 10),
        lambda: foreign.open_file(path, below=tmp_path.parent),
    ):
        with pytest.raises(DataError, match="stands where a regular file must be"):
            read()
    with Folder.open(tmp_path) as folder, pytest.raises(FileExistsError):
        folder.create("here")


@_cases(NOT_A_FOLDER)
def test_what_is_no_folder_is_told_and_not_entered(tmp_path: Path, make: Maker) -> None:
    path = tmp_path / "store" / "here"
    path.parent.mkdir()
    make(path)
    with pytest.raises(DataError, match="stands where a folder must be"):
        Folder.open(path, below=tmp_path)
    with pytest.raises(DataError, match="stands where a folder must be"):
        foreign.open_file(path / "file", below=path.parent)
    with Folder.open(path.parent) as folder, pytest.raises(DataError, match="stands where a folder must be"):
        folder.make_folder("here")


def test_no_part_below_the_named_folder_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "store" / "ledger").mkdir(parents=True)
    (tmp_path / "store" / "ledger" / "1").write_bytes(b"content")
    (tmp_path / "to_store").symlink_to("store")
    (tmp_path / "store" / "to_ledger").symlink_to("ledger")
    named = tmp_path / "to_store"
    assert foreign.read_file(named / "ledger" / "1", 7, below=named) == b"content"
    with pytest.raises(DataError, match="a link stands where a folder must be"):
        foreign.read_file(named / "to_ledger" / "1", 7, below=named)
    with pytest.raises(DataError, match="a link stands where a folder must be"):
        foreign.read_file(named / "ledger" / "1", 7, below=tmp_path)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc/passwd", "a\0b"])
def test_a_name_that_leads_elsewhere_is_no_name(tmp_path: Path, name: str) -> None:
    with Folder.open(tmp_path) as folder:
        for use in (folder.file, folder.folder, folder.create, folder.remove, folder.look):
            with pytest.raises(DataError):
                use(name)


def test_a_path_does_not_climb_out_of_the_named_folder(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    with pytest.raises(DataError):
        foreign.read_file(tmp_path / "store" / ".." / "secret", 10, below=tmp_path / "store")


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert foreign.read_file(tmp_path / "file", 5) == b"12345"
    with pytest.raises(DataError, match="longer than 4 bytes"):
        foreign.read_file(tmp_path / "file", 4)
    os.truncate(tmp_path / "file", 2**40)
    with pytest.raises(DataError, match="longer than 1000 bytes"):
        foreign.read_named(tmp_path / "file", 1000)


def test_a_change_after_opening_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "file").write_bytes(b"ours")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(b"theirs")
    with Folder.open(tmp_path / "store") as folder:
        (tmp_path / "store").rename(tmp_path / "moved")
        (tmp_path / "store").symlink_to("other")
        assert folder.read("file", 10) == b"ours"


def test_what_is_missing_and_what_is_no_folder_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "nothing", tmp_path / "file", tmp_path / "file" / "below", tmp_path / "nothing" / "below"):
        with pytest.raises(NotFoundError):
            Folder.open(path)
    with pytest.raises(NotFoundError):
        foreign.open_file(tmp_path / "nothing")
    with Folder.open(tmp_path) as folder:
        assert folder.look("nothing") is None


@as_root
def test_another_file_system_is_not_entered() -> None:
    with pytest.raises(DataError, match="another file system"):
        Folder.open(Path("/dev/shm"), below=Path("/"))


@as_root
def test_what_this_user_may_not_read_is_told_with_what_to_do(tmp_path: Path) -> None:
    folder = Path(os.path.realpath("/tmp")) / f"foreign-{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        (folder / "file").write_bytes(b"")
        with without_root():
            for read in (Folder.open, foreign.open_file):
                path = folder if read is Folder.open else folder / "file"
                with pytest.raises(PermissionDeniedError, match="use sudo"):
                    read(path)
        folder.chmod(0o755)
        (folder / "file").chmod(0o600)
        with without_root(), pytest.raises(PermissionDeniedError, match="use sudo"):
            foreign.read_named(folder / "file", 1)
        folder.chmod(0o744)  # names may be read, nothing can be looked at
        with without_root(), Folder.open(folder) as opened:
            assert [listed.name for listed in opened.names()] == ["file"]
            with pytest.raises(PermissionDeniedError):
                opened.entries()
    finally:
        (folder / "file").unlink()
        folder.rmdir()


def test_entries_tell_what_everything_is(tmp_path: Path) -> None:
    for name, make in NOT_A_FILE.items():
        if name != "device":
            make(tmp_path / name)
    (tmp_path / "file").write_bytes(b"123")
    with Folder.open(tmp_path) as folder:
        told = {entry.name: entry for entry in folder.entries()}
        assert [(n.name, n.is_file, n.is_folder) for n in folder.names()] == [(n, told[n].is_file, told[n].is_folder) for n in sorted(told)]
    assert {name: told[name].kind for name in ("pipe", "socket", "folder", "file", "link loop")} == {
        "pipe": "a named pipe",
        "socket": "a socket",
        "folder": "a folder",
        "file": "a file",
        "link loop": "a link",
    }
    assert told["file"].is_file
    assert told["file"].size == 3
    assert not told["link to nothing"].is_file
    assert told["folder"].is_folder


def test_too_many_names_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MAX_NAMES", 3)
    for name in "abc":
        (tmp_path / name).touch()
    with Folder.open(tmp_path) as folder:
        assert [listed.name for listed in folder.names()] == ["a", "b", "c"]
        (tmp_path / "d").touch()
        with pytest.raises(DataError, match="more than 3 names"):
            folder.names()


def test_making_and_renaming_stay_in_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"outside")
    (tmp_path / "target").mkdir()
    with Folder.open(tmp_path / "target") as target, target.make_folder("inner") as inner:
        with inner.create("new.part") as file:
            file.write(b"new")
            file.seek(0)
            assert file.read() == b"new"
        (tmp_path / "target" / "inner" / "new").symlink_to(outside)
        inner.rename("new.part", "new")
        assert inner.read("new", 3) == b"new"
        assert [listed.name for listed in inner.names()] == ["new"]
        assert inner.look("new").mode & 0o777 == 0o600  # type: ignore[union-attr]
        with target.make_folder("inner") as again:
            assert again.identity == inner.identity
        inner.remove("new")
        assert inner.names() == []
    assert outside.read_bytes() == b"outside"


def test_the_folders_above_are_known_whatever_the_path_says(tmp_path: Path) -> None:
    (tmp_path / "store" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "store" / "inner")
    with Folder.open(tmp_path / "link") as inner, Folder.open(tmp_path / "store") as store, Folder.open(Path("/")) as root:
        above = inner.identities_above()
        assert above[0] == inner.identity
        assert above[1] == store.identity
        assert above[-1] == root.identity
        assert inner.identity not in store.identities_above()


def test_a_file_that_a_person_named_may_be_a_link_or_a_pipe_that_somebody_writes_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"key")
    (tmp_path / "link").symlink_to("file")
    assert foreign.read_named(tmp_path / "link", 10) == b"key"
    os.mkfifo(tmp_path / "pipe")
    assert foreign.read_named(tmp_path / "pipe", 10) == b""
    reading, writing = os.pipe()

    def write() -> None:
        os.write(writing, b"from a command")
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    assert foreign.read_named(Path(f"/dev/fd/{reading}"), 20) == b"from a command"
    writer.join()
    os.close(reading)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/usr"])
def test_a_device_or_a_folder_that_a_person_named_is_no_file(path: str) -> None:
    with pytest.raises(DataError, match="stands where a regular file must be"):
        foreign.read_named(Path(path), 10)


def test_a_loop_and_a_dangling_link_that_a_person_named_are_told(tmp_path: Path) -> None:
    for name in ("link loop", "link to nothing"):
        NOT_A_FILE[name](tmp_path / name)
        with pytest.raises(BodycamError):
            foreign.read_named(tmp_path / name, 10)
        with pytest.raises(BodycamError):
            Folder.open(tmp_path / name)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"1")
    os.mkfifo(tmp_path / "a" / "b" / "pipe")
    foreign.read_file(tmp_path / "a" / "b" / "file", 1, below=tmp_path)
    for name in ("pipe", "nothing"):
        with pytest.raises(BodycamError):
            foreign.read_file(tmp_path / "a" / "b" / name, 1, below=tmp_path)
        with pytest.raises(BodycamError):
            Folder.open(tmp_path / "a" / "b" / name, below=tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_swapped_between_look_and_open_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look comes first; what is opened is looked at once more."""
    os.mkfifo(tmp_path / "file")
    (tmp_path / "link").symlink_to("/etc/passwd")
    with Folder.open(tmp_path) as folder:
        monkeypatch.setattr(folder.__class__, "_expect", lambda *_: None)
        with pytest.raises(DataError, match="a named pipe stands"):
            folder.file("file")
        with pytest.raises(DataError, match="link"):
            folder.file("link")
    assert stat.S_ISFIFO((tmp_path / "file").stat().st_mode)
