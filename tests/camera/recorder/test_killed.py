"""A real recorder process is killed with SIGKILL in the middle of its work; the next start finds everything that was acknowledged."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.camera.recorder import judge
from tests.camera.recorder.rig import open_store
from tests.kit.scale import count, only_in_full


def recorder(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "tests.camera.recorder.child", str(root)], stdout=subprocess.PIPE, text=True)


@only_in_full
@pytest.mark.parametrize("seed", range(count(20)))
def test_killed_while_writing(tmp_path: Path, seed: int) -> None:
    root = tmp_path / "root"
    acknowledged: list[list[str]] = []
    starts = 2
    for _ in range(starts):
        with recorder(root) as child:
            assert child.stdout is not None
            for _ in range(random.Random(seed).randint(1, 60)):
                acknowledged.append(child.stdout.readline().split())
            child.kill()
            rest = child.stdout.read()
        acknowledged.extend(line.split() for line in rest.splitlines(keepends=True) if line.endswith("\n"))
    store = open_store(root)
    store.close()
    assert store.start == starts + 1
    assert store.resume is not None
    assert store.resume.recording == acknowledged[-1][0]
    found = judge.read(root / "store")
    for recording, segment, index, seq, sha256 in acknowledged:
        statement = found.pieces[recording, int(segment), int(index)].statement
        assert (statement["seq"], statement["sha256"]) == (int(seq), sha256)
    for recording in found.files:
        assert found.seqs(recording) == list(range(1, len(found.seqs(recording)) + 1)), "exactly once, no gap"
    assert not [name for names in found.files.values() for name in names if name.endswith(".part")]


def test_the_lock_dies_with_the_process(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with recorder(root) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert os.path.exists(root / "store/.lock")
        child.kill()
    open_store(root).close()
