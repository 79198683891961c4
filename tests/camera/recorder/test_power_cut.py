"""A disk that keeps only what was made durable: cut the power at every acknowledgement.

Leave out one durable step, as a defect would, and the test must notice.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.control.events import FragmentDurable
from bodycamd.linux.disk import Disk
from bodycamd.linux.durable import Buffer
from tests.camera.recorder import judge
from tests.camera.recorder.rig import Rig, open_store
from tests.kit.scale import one_in


@dataclass
class Node:
    """A file or folder; `size` is what `fdatasync` made durable of a file."""

    real: Path
    size: int = 0
    written: int = 0


class VolatileDisk(Disk):
    """The real disk, with a model beside it of what a power cut leaves. `without` is a durable step that is left out, as a defect would."""

    def __init__(self, without: str = "") -> None:
        self.without = without
        self.names: dict[Path, Node] = {}
        self.durable_names: dict[Path, Node] = {}
        self.open: dict[int, Node] = {}

    def make_folder(self, path: Path) -> None:
        super().make_folder(path)
        self.names[path] = Node(path)

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self.names[path] = self.open[descriptor] = Node(path)
        return descriptor

    def write(self, descriptor: int, buffers: Sequence[Buffer], offset: int) -> None:
        super().write(descriptor, buffers, offset)
        self.open[descriptor].written = offset + sum(len(buffer) for buffer in buffers)

    def fdatasync(self, descriptor: int) -> None:
        if self.without != "fdatasync":
            self.open[descriptor].size = self.open[descriptor].written

    def fsync_folder(self, path: Path) -> None:
        if self.without == "fsync recordings" and path.name == "recordings":
            return
        if self.without == "fsync folder" and path.name != "recordings":
            return
        self.durable_names = {name: node for name, node in self.durable_names.items() if name.parent != path}
        self.durable_names |= {name: node for name, node in self.names.items() if name.parent == path}

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self.names[new] = self.names.pop(old)
        self.names[new].real = new

    def left(self) -> dict[str, bytes | None]:
        """What a cut now leaves below the recordings: files with their content, folders as `None`."""
        left: dict[str, bytes | None] = {}
        for name, node in sorted(self.durable_names.items()):
            if name.parent.name == "recordings":
                left[name.name] = None
            elif name.parent in self.durable_names:
                left[f"{name.parent.name}/{name.name}"] = node.real.read_bytes()[: node.size]
        return left


def lost(tmp_path: Path, without: str) -> int:
    """Record with rotations and a new generation; cut at every acknowledgement; count what is missing after the next start."""
    disk = VolatileDisk(without)
    rig = Rig(tmp_path / "root", disk=disk, segment_seconds=3)
    cuts: list[tuple[dict[str, bytes | None], Path, list[FragmentDurable]]] = []
    acknowledged: list[FragmentDurable] = []

    def post(event: Any) -> None:
        rig.events.append(event)
        if isinstance(event, FragmentDurable):
            acknowledged.append(event)
            ledger = tmp_path / f"cut-{len(acknowledged)}"
            shutil.copytree(tmp_path / "root", ledger, ignore=shutil.ignore_patterns("*.tar*"))
            cuts.append((disk.left(), ledger, list(acknowledged)))

    rig.writer._post = post
    rig.camera()
    rig.begin()
    for second in range(1, 9):
        rig.film(1)
        if second == 5:
            rig.camera()
        rig.wait_durable(second)
    rig.stop()
    missing = 0
    for left, root, events in cuts:
        recordings = root / "store/recordings"
        shutil.rmtree(recordings)
        recordings.mkdir()
        for name, content in left.items():
            path = recordings / name
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content)
        open_store(root).close()
        try:
            found = judge.read(root / "store")
        except AssertionError:  # a sealed file is not what the ledger says
            missing += len(events)
            continue
        for event in events:
            piece = found.pieces.get((event.recording, event.segment, event.index))
            missing += piece is None or piece.statement["sha256"] != event.sha256
    return missing


def test_a_cut_at_any_acknowledgement_leaves_everything_acknowledged(tmp_path: Path) -> None:
    assert lost(tmp_path, without="") == 0


@one_in(3)
@pytest.mark.parametrize("step", ["fdatasync", "fsync folder", "fsync recordings"])
def test_without_one_durable_step_the_cut_would_be_noticed(tmp_path: Path, step: str) -> None:
    assert lost(tmp_path, without=step) > 0
