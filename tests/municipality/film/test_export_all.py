"""Exports into a folder where something is already: other cameras, older packages, damaged ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from tests.kit.desk import RECORDING, Desk, whole_package
from tests.kit.scale import only_in_full

MORE = ("film gone", "report gone", "report not ours", "an older name")
LEFT = ["film cut", *(pytest.param(what, marks=only_in_full) for what in MORE)]
"""What is found where an export was made before: one for `make test`."""


@only_in_full
def test_two_cameras_into_one_folder(small: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every camera begins with 000001-0001."""
    other = Desk(tmp_path / "b", device="cam-b", small=True)
    for at in (small, other):
        assert main(at.command("all", tmp_path)) == 0
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == [f"cam-b_{RECORDING}", "cam-b_000001-0002", f"cam_{RECORDING}", "cam_000001-0002"]
    films = [film["file"] for film in json.loads((tmp_path / "all" / names[0] / "report.json").read_bytes())["films"]]
    assert films == [f"cam-b_{RECORDING}.mp4"]
    capsys.readouterr()
    assert main(other.command("all", tmp_path)) == 0
    assert capsys.readouterr().err.count("is there already; passed over") == 2


@only_in_full
def test_damage_is_told_again_where_the_package_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harmed = Desk(tmp_path / "a", small=True)
    segment = harmed.cameras[1].folder / "000000.tar"
    content = bytearray(segment.read_bytes())
    content[-700] ^= 1  # in the padding: the fragment itself is as it was stated
    segment.write_bytes(bytes(content))
    for _ in range(2):
        assert main(harmed.command("all", tmp_path)) == 4
    assert "cam_000001-0002: is there already, with damage; passed over" in capsys.readouterr().err


@only_in_full
def test_two_cameras_of_one_name_are_told_apart(small: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = Desk(tmp_path / "twin", small=True)
    assert main(small.command("all", tmp_path)) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "all").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(twin.command("all", tmp_path)) == 73
    assert f"holds another recording {RECORDING} of a camera called cam" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "all").rglob("*") if path.is_file()} == before


@only_in_full
@pytest.mark.parametrize("what", LEFT)
def test_what_is_there_is_compared_before_it_is_passed_over(
    small: Desk, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "all" / "cam_000001-0002"
    if what == "an older name":
        (tmp_path / "all").mkdir()
        (tmp_path / "all" / "000001-0002").mkdir()
        assert main(small.command("all", tmp_path)) == 0
        assert package.is_dir()
        return
    assert main(small.command("all", tmp_path)) == 0
    film = package / "cam_000001-0002.mp4"
    if what == "film gone":
        film.unlink()
    elif what == "film cut":
        os.truncate(film, 1000)
    elif what == "report gone":
        (package / "report.json").unlink()
    else:
        (package / "report.json").write_text("{}")
    capsys.readouterr()
    assert main(small.command("all", tmp_path)) == 73
    said = capsys.readouterr().err
    assert "is there already" in said
    assert f"cam_{RECORDING}: is there already; passed over" in said
    shutil.rmtree(package)
    assert main(small.command("all", tmp_path)) == 0
    whole_package(package, 30)
