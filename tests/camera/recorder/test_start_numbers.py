"""Which number the next start gets: the next one that names nothing in the store."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest

from bodycamd.errors import StorageError
from bodycamd.linux import foreign
from tests.camera.recorder.rig import open_store


def test_start_numbers_grow_whatever_is_left(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert [open_and_close(root) for _ in range(3)] == [1, 2, 3]
    (root / "store/recordings/000004-0003").mkdir()
    (root / "store/recordings/000005-0001").write_bytes(b"not even a folder")
    (root / "store/ledger/000006.jsonl").write_bytes(b"")
    (root / "store/ledger/000007.jsonl").mkdir()
    assert open_and_close(root) == 8


def test_a_name_far_ahead_takes_no_numbers_away(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert open_and_close(root) == 1
    (root / "store/ledger/999999.jsonl").write_bytes(b"")
    (root / "store/recordings/999999-0001").mkdir()
    assert [open_and_close(root) for _ in range(2)] == [2, 3]


def open_and_close(root: Path) -> int:
    store = open_store(root)
    store.close()
    return store.start


def test_an_old_ledger_file_that_cannot_be_read_does_not_stop_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    assert [open_and_close(root) for _ in range(3)] == [1, 2, 3]
    real = foreign.open_file

    def bad_sector(path: Path, *, below: Path | None = None) -> BinaryIO:
        if path.name == "000002.jsonl":
            raise StorageError(f"{path}: cannot be read: Input/output error")
        return real(path, below=below)

    monkeypatch.setattr(foreign, "open_file", bad_sector)
    store = open_store(root)
    store.close()
    assert store.start == 4
    assert [line.entry.start for line in store.past] == []
    assert "Input/output" in store.past.broken
