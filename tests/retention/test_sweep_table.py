"""Deleting one recording, step by step on a real folder: in which order, what a refusal leaves, and what the entries state."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bodycamd.errors import StorageError
from bodycamd.evidence.retention_entries import RecordingDeleted, RecordingDeleting
from bodycamd.evidence.statements import Stated
from bodycamd.linux.disk import Disk
from bodycamd.retention.deletion import delete
from bodycamd.retention.policy import Deletion, Rules

ID = "000001-0001"
DUE = Deletion(ID, False, 29 * 86_400_000_000 + 1_999_999, "wall_clock", 1_767_225_600_000_000)
BEGUN = Deletion(ID, True)
RULES = Rules(days=14)
DELETING = RecordingDeleting(
    recording=ID,
    reason="14 days have passed",
    days=14,
    proof="wall_clock",
    age_seconds=29 * 86_400 + 1,
    ended_before="2026-01-01T00:00:00.000000Z",
    segments=2,
    bytes=7,
)
FILES = [f"remove {ID}/000000.tar", f"remove {ID}/000001.cut.tar"]
ALL = ["deleting", *FILES, f"sync {ID}", f"remove folder {ID}", "sync recordings", "deleted"]


class Steps(Disk):
    """The real disk; every step stands in `done` when it is done. `refused`: the step that fails, and how."""

    def __init__(self, refused: str = "", error: int = errno.EIO) -> None:
        self.refused, self.error = refused, error
        self.done: list[str] = []
        self.entries: list[Stated] = []

    def step(self, name: str) -> None:
        if name == self.refused:
            raise OSError(self.error, os.strerror(self.error))
        self.done.append(name)

    def remove(self, path: Path) -> None:
        self.step(f"remove {path.parent.name}/{path.name}")
        super().remove(path)

    def remove_folder(self, path: Path) -> None:
        super().remove_folder(path)
        self.step(f"remove folder {path.name}")

    def fsync_folder(self, path: Path) -> None:
        self.step(f"sync {path.name}")
        super().fsync_folder(path)

    def enter(self, detail: Stated) -> None:
        name = {RecordingDeleting: "deleting", RecordingDeleted: "deleted"}[type(detail)]
        if name == self.refused:
            raise StorageError("no space left on device")
        self.done.append(name)
        self.entries.append(detail)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """The store's folder: this recording with two segments, and another one."""
    for name in (ID, "000001-0002"):
        folder = tmp_path / "recordings" / name
        folder.mkdir(parents=True)
        (folder / "000000.tar").write_bytes(b"1234")
        (folder / "000001.cut.tar").write_bytes(b"123")
    return tmp_path / "recordings"


def pauses(deletion: Deletion, recordings: Path, disk: Steps) -> list[list[str]]:
    """What was done before each pause."""
    return [list(disk.done) for _ in delete(deletion, recordings, RULES, disk=disk, enter=disk.enter)]


def left(recordings: Path) -> list[str]:
    return sorted(path.name for path in recordings.glob(f"{ID}/*"))


def test_the_order_and_a_pause_after_each_step_that_touched_the_disk(recordings: Path) -> None:
    disk = Steps()
    assert pauses(DUE, recordings, disk) == [ALL[:number] for number in (1, 2, 3, 5, 7)]
    assert disk.entries == [DELETING, RecordingDeleted(recording=ID, strays_left=0)]
    assert [path.name for path in recordings.iterdir()] == ["000001-0002"]
    assert len(list((recordings / "000001-0002").iterdir())) == 2


def test_what_was_begun_is_not_stated_again(recordings: Path) -> None:
    disk = Steps()
    assert pauses(BEGUN, recordings, disk)[-1] == ALL[1:]
    assert disk.entries == [RecordingDeleted(recording=ID, strays_left=0)]


@pytest.mark.parametrize("deletion", [DUE, BEGUN])
def test_a_folder_that_is_gone_is_stated_as_deleted(tmp_path: Path, deletion: Deletion) -> None:
    """A cut came after the folder went and before `deleted`."""
    disk = Steps()
    (tmp_path / "recordings").mkdir()
    done = ([] if deletion.begun else ["deleting"]) + ["sync recordings", "deleted"]
    assert pauses(deletion, tmp_path / "recordings", disk)[-1] == done
    assert disk.entries[-1] == RecordingDeleted(recording=ID, strays_left=0)
    if not deletion.begun:
        stated = disk.entries[0]
        assert isinstance(stated, RecordingDeleting)
        assert (stated.segments, stated.bytes) == (0, 0)


@pytest.mark.parametrize(
    ("refused", "words", "left_over"),
    [  # whatever the disk refuses, no later step is taken
        ("deleting", "no space left on device", ["000000.tar", "000001.cut.tar"]),
        (FILES[0], "recordings/000001-0001/000000.tar: cannot remove: Input/output error", ["000000.tar", "000001.cut.tar"]),
        (FILES[1], "recordings/000001-0001/000001.cut.tar: cannot remove: Input/output error", ["000001.cut.tar"]),
        (f"sync {ID}", "recordings/000001-0001: cannot sync: Input/output error", []),
        (f"remove folder {ID}", "recordings/000001-0001: cannot remove the folder: Input/output error", []),
        ("sync recordings", "recordings: cannot sync: Input/output error", []),
        ("deleted", "no space left on device", []),
    ],
)
def test_a_refused_step_is_the_last_and_the_next_time_completes_it(
    recordings: Path, refused: str, words: str, left_over: list[str]
) -> None:
    disk = Steps(refused)
    with pytest.raises(StorageError) as told:
        pauses(DUE, recordings, disk)
    assert str(told.value).endswith(words)
    assert disk.done == ALL[: ALL.index(refused)]
    assert left(recordings) == left_over
    pauses(DUE if refused == "deleting" else BEGUN, recordings, again := Steps())
    assert again.done[-1] == "deleted"
    assert not (recordings / ID).exists()


@pytest.mark.parametrize("error", [errno.ENOTEMPTY, errno.EEXIST])
@pytest.mark.parametrize(("strays", "counted"), [(0, 1), (1, 1), (3, 3)])
def test_what_is_no_segment_stays_and_is_counted(recordings: Path, error: int, strays: int, counted: int) -> None:
    """With the folder: which kernel says which error for one that is not empty is its own affair."""
    for number in range(strays):
        (recordings / ID / f"note-{number}").write_text("stray")

    class Kernel(Steps):
        def remove_folder(self, path: Path) -> None:
            raise OSError(error, os.strerror(error))

    disk = Kernel()
    pauses(DUE, recordings, disk)
    assert disk.done == ["deleting", *FILES, f"sync {ID}", "sync recordings", "deleted"]
    assert disk.entries[-1] == RecordingDeleted(recording=ID, strays_left=counted)
    assert left(recordings) == [f"note-{number}" for number in range(strays)]


@pytest.mark.parametrize("what", ["a link", "a file"])
def test_nothing_is_touched_behind_a_link_or_in_something_else(tmp_path: Path, recordings: Path, what: str) -> None:
    (recordings / ID).rename(tmp_path / "elsewhere")
    if what == "a link":
        (recordings / ID).symlink_to(tmp_path / "elsewhere")
    else:
        (recordings / ID).write_text("")
    disk = Steps()
    with pytest.raises(StorageError) as told:
        pauses(DUE, recordings, disk)
    assert str(told.value).startswith(f"{recordings / ID}: {what} stands where a folder must be")
    assert disk.done == []
    assert len(list((tmp_path / "elsewhere").iterdir())) == 2


def test_a_segment_that_goes_while_it_is_measured_begins_no_deletion(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "lstat", lambda path: os.stat(path / "gone"))
    disk = Steps()
    with pytest.raises(StorageError, match=rf"^{ID}: cannot look at its segments: Not a directory$"):
        pauses(DUE, recordings, disk)
    assert disk.done == []


@pytest.mark.parametrize(
    ("before_us", "stated"),
    [(0, "1970-01-01T00:00:00.000000Z"), (1, "1970-01-01T00:00:00.000001Z"), (-1, None), (None, None)],
)
def test_a_latest_end_is_stated_where_a_wall_clock_can_show_it(recordings: Path, before_us: int | None, stated: str | None) -> None:
    disk = Steps()
    pauses(Deletion(ID, False, 1_000_000, "running_time", before_us), recordings, disk)
    entry = disk.entries[0]
    assert isinstance(entry, RecordingDeleting)
    assert (entry.ended_before, entry.proof, entry.age_seconds) == (stated, "running_time", 1)
