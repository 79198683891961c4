"""The writer on a disk that the test can break, for all tests of this folder that ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.camera.recorder.faults import FaultyDisk
from tests.camera.recorder.rig import Rig


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def rig(tmp_path: Path, disk: FaultyDisk) -> Iterator[Rig]:
    rig = Rig(tmp_path / "root", disk=disk)
    yield rig
    disk.gate.set()
    rig.writer.stop(10)
    rig.store.close()
