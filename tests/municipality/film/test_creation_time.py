"""A film states when it was recorded: the camera's wall clock at its first picture, and nothing of the computer that exports."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.film.film import export
from bodycamd.municipality.film.identities import Identities
from tests.kit.films import BOOT_SECONDS, Camera, fragmented_mp4, split
from tests.kit.scale import only_in_full


@pytest.fixture(scope="module")
def footage() -> tuple[bytes, list[bytes]]:
    return split(fragmented_mp4(6, size="160x120", audio=False))


def exported(camera: Camera, segments: Sequence[Path]) -> list[Path]:
    out = camera.folder / "film.mp4"
    done = export(camera.recording, segments, Identities.load(camera.identity_file), out, overwrite=True)
    return [Path(part.path) for part in done.parts]


def created(film: Path) -> set[str]:
    """Of the film and of its tracks."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format_tags=creation_time:stream_tags=creation_time", "-of", "json", str(film)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    return {each.get("tags", {}).get("creation_time", "none") for each in (found["format"], *found["streams"])}


@only_in_full
def test_it_is_the_cameras_clock_and_a_film_made_again_is_the_same(
    tmp_path: Path, footage: tuple[bytes, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = Camera(tmp_path)
    segments = [camera.write(footage[0], footage[1][:3]), camera.write(footage[0], footage[1][3:])]
    [film] = exported(camera, segments)
    assert created(film) == {"2025-06-15T15:06:40.000000Z"}
    first = film.read_bytes()
    monkeypatch.setenv("TZ", "America/St_Johns")
    [film] = exported(camera, segments)
    assert film.read_bytes() == first


@only_in_full
@pytest.mark.parametrize("wall", ["1970-01-01T00:00:07Z", "2030-01-01T00:00:00Z", "2040-02-06T06:28:15Z"])
def test_each_part_states_its_own_also_where_the_clock_was_set(wall: str, tmp_path: Path, footage: tuple[bytes, list[bytes]]) -> None:
    camera = Camera(tmp_path)
    init, fragments = footage
    first = camera.write(init, fragments[:2])
    camera.clock.wall_us = wall_us(wall, "wall") + camera.clock.boottime_us - int(BOOT_SECONDS * 1e6) - 4_000_000
    parts = exported(camera, [first, camera.write(init, fragments[4:])])
    assert [created(part) for part in parts] == [{"2025-06-15T15:06:40.000000Z"}, {wall.replace("Z", ".000000Z")}]


@only_in_full
@pytest.mark.parametrize("wall", ["2040-02-06T06:28:16Z", "2299-12-31T23:59:00Z"])
def test_what_a_film_cannot_state_is_left_out(wall: str, tmp_path: Path, footage: tuple[bytes, list[bytes]]) -> None:
    """It would be stated as a time in the past."""
    camera = Camera(tmp_path)
    camera.clock.wall_us = wall_us(wall, "wall")
    [film] = exported(camera, [camera.write(*footage)])
    assert created(film) == {"none"}
