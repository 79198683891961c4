"""What a folder says that it keeps is durable, wherever an earlier process died."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bodycamd.linux import durable
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.segments import StoredSegment

CONTENT = b"footage" * 100
SEGMENT = StoredSegment("20260701T120000", 0, "000000.tar", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class KilledError(BaseException):
    """The process is gone."""


class Unwritten:
    """What a power cut would still take: names in folders, and the content of files (by inode). Kills before the step `kill_at`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.names: set[Path] = set()
        self.files: set[int] = set()
        self.steps = self.kill_at = 0
        for place, name in ((os, "mkdir"), (os, "rename"), (durable, "sync_folder"), (durable, "settle")):
            patch.setattr(place, name, self._watched(name, getattr(place, name)))

    def stage(self, path: Path) -> Path:
        path.write_bytes(CONTENT)
        self.files.add(path.stat().st_ino)
        return path

    def _watched(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def step(*paths: Any, **words: Any) -> object:
            self.steps += 1
            if self.steps == self.kill_at:
                raise KilledError
            found = real(*paths, **words)
            match name:
                case "sync_folder":
                    self.names = {path for path in self.names if path.parent != paths[0]}
                case "settle":
                    self.files.discard(os.stat(paths[0]).st_ino)
                case _:
                    self.names.add(Path(paths[-1] if name == "rename" else paths[0]))
            return found

        return step


def test_what_is_put_is_durable_wherever_an_earlier_process_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before each step in turn; then another process puts it again."""
    disk, killed = Unwritten(monkeypatch), 0
    while True:
        data = tmp_path / f"{killed}"
        data.mkdir()
        disk.steps, disk.kill_at = 0, killed + 1
        try:
            FolderStorage(data).put_segment("cam-7", SEGMENT, disk.stage(data / "staged"), 0, 0)
        except KilledError:
            killed += 1
        else:
            break
        disk.kill_at = 0
        FolderStorage(data).put_segment("cam-7", SEGMENT, disk.stage(data / "again"), 0, 0)
        path = data / "cameras/cam-7/store/recordings" / SEGMENT.recording / SEGMENT.file
        assert path.read_bytes() == CONTENT
        assert {name for name in disk.names if data in name.parents} == set(), killed
        assert path.stat().st_ino not in disk.files, killed
    assert killed > 8
