"""The contact sheet: so many pictures, in rows; errors leave no file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bodycamd.errors import DataError, NotFoundError, OutputError
from bodycamd.municipality.film.contact_sheet import contact_sheet
from bodycamd.municipality.film.film_link import CELL_WIDTH
from tests.kit.films import fragmented_mp4
from tests.kit.scale import only_in_full


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    path.write_bytes(fragmented_mp4(4, begins=0))
    return path


def size(png: Path) -> tuple[int, int]:
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", str(png)]
    name, width, height = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip().split(",")
    assert name == "png"
    return int(width), int(height)


@only_in_full
def test_pictures_in_rows(film: Path, tmp_path: Path) -> None:
    assert contact_sheet(film, tmp_path / "sheet.png", columns=4, rows=2) == 8
    width, height = size(tmp_path / "sheet.png")
    assert width >= 4 * CELL_WIDTH
    assert height >= 2 * CELL_WIDTH * 9 // 16
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_film_with_fewer_frames_than_cells(tmp_path: Path) -> None:
    short = tmp_path / "short.mp4"
    short.write_bytes(fragmented_mp4(0.1, begins=0))
    assert contact_sheet(short, tmp_path / "sheet.png") == 3


def test_errors(film: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        contact_sheet(tmp_path / "none.mp4", tmp_path / "sheet.png")
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(DataError):
        contact_sheet(tmp_path / "text.mp4", tmp_path / "sheet.png")
    with pytest.raises(OutputError):
        contact_sheet(film, tmp_path / "no" / "sheet.png")
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]
