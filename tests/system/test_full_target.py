"""Commands that write small files, with a full disk at the target: one line, 73, and nothing half-written is left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from tests.kit.scale import one_in
from tests.municipality.verify.attacks.scene import DELETED, Scene, make

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk on which a name can still be made, and not one byte be written."""
    (disk := tmp_path / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    try:
        with (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                try:
                    filler.write(b"x" * 4096)
                except OSError:
                    break
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


COMMANDS = {
    "certificate": ["recordings", "certificate", DELETED, "--out", "DISK/certificate.json", "--html", "DISK/certificate.html"],
    "transparency": ["transparency", "--month", "2025-06", "--out", "DISK"],
    "anchor": ["anchor", "--out", "DISK/anchor.json"],
    "anchor as a picture": ["anchor", "--qr", "DISK/anchor.png", "--out", "DISK/anchor.json"],
}


@one_in(4)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_at_the_target_leaves_nothing(scene: Scene, full: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = [part.replace("DISK", str(full)) for part in COMMANDS[name]]
    assert main([*command, "--store", str(scene.store)]) == 73
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "No space left" in said
    assert os.listdir(full) == ["filler"]


@one_in(4)
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_there_stays_what_it_was(scene: Scene, tmp_path: Path, name: str) -> None:
    """An anchor was written over the identity that somebody named by mistake."""
    command = [part.replace("DISK", str(tmp_path)) for part in COMMANDS[name]]
    there = [tmp_path / name for name in ("certificate.html", "transparency-2025-06.csv", "anchor.json")]
    for path in there:
        path.write_bytes(b"somebody's")
    assert main([*command, "--store", str(scene.store)]) == 73
    assert sorted(tmp_path.iterdir()) == sorted(there)
    assert {path.read_bytes() for path in there} == {b"somebody's"}
