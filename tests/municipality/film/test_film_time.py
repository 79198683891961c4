"""Where a film's time begins: both tracks at 0, with no empty edit where that can be; every packet where it was beside the others."""

from __future__ import annotations

import json
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from bodycamd.municipality.film.film import export
from bodycamd.municipality.film.identities import Identities
from tests.kit.films import Camera, fragmented_mp4, split
from tests.kit.scale import only_in_full

PACKET = 1024 / 48_000
"""Seconds. ffmpeg's own sound begins one packet early: AAC needs it to start up."""


def packets(film: Path, kind: str) -> list[tuple[int, int]]:
    """PTS and size of each, as the film's tables and its edits say."""
    command = ["ffprobe", "-v", "error", "-select_streams", kind, "-show_entries", "packet=pts,size", "-of", "json", str(film)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    return [(packet["pts"], int(packet["size"])) for packet in found["packets"]]


def starts(film: Path) -> dict[str, float]:
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type,start_time", "-of", "json", str(film)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    return {stream["codec_type"]: float(stream["start_time"]) for stream in found["streams"]}


def empty_edits(film: Path) -> list[float]:
    """Seconds that each track, in order, waits before it begins; from the boxes."""
    content, waits, at = film.read_bytes(), [], -1
    while (at := content.find(b"elst", at + 1)) >= 0:
        (count,) = struct.unpack(">I", content[at + 8 : at + 12])
        edits = [struct.unpack(">Ii", content[at + 12 + 12 * n : at + 20 + 12 * n]) for n in range(count)]
        waits.append(sum(length for length, media_time in edits if media_time == -1) / 1e6)
    return waits


def stream_hashes(film: Path) -> str:
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-map", "0", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("sound_after", "waits"),
    [
        (0.0, [0, 0]),
        pytest.param(PACKET, [0, 0], marks=only_in_full, id="at once"),
        pytest.param(0.01, [0, 0], marks=only_in_full, id="half a packet"),
        pytest.param(0.05, [0, 0.05 - PACKET], marks=only_in_full, id="sound later"),
        pytest.param(-0.2, [0.2 + PACKET, 0], marks=only_in_full, id="sound much earlier"),
    ],
)
@only_in_full
def test_where_it_begins(sound_after: float, waits: list[float], tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    init, fragments = split(fragmented_mp4(2, sound_after_seconds=sound_after))
    film, plain = camera.folder / "film.mp4", camera.folder / "plain.mp4"
    plain.write_bytes(init + b"".join(fragments))
    segment = camera.write(init, fragments)
    [part] = export(camera.recording, [segment], Identities.load(camera.identity_file), film).parts
    assert stream_hashes(film) == stream_hashes(plain)
    for kind in ("video", "audio"):
        moved = [(pts + part.shifts[kind], size) for pts, size in packets(film, kind[0])]
        assert moved == packets(plain, kind[0])
    moved_by = [part.shifts[kind] * Fraction(part.time_bases[kind]) for kind in ("video", "audio")]
    assert abs(moved_by[0] - moved_by[1]) <= Fraction(1, 48_000), "picture and sound keep their offset"
    assert empty_edits(film) == pytest.approx(waits, abs=0.001)
    assert [starts(film)[kind] for kind in ("video", "audio")] == pytest.approx(waits, abs=0.001)
