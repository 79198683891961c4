"""Films that are not what was stated, and a film maker that fails: one sentence, in bounds, nothing left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bodycamd.errors import BodycamError, DataError
from bodycamd.municipality.film.contact_sheet import contact_sheet
from bodycamd.municipality.film.film import export
from bodycamd.municipality.film.film_maker import FilmMaker
from bodycamd.municipality.film.identities import Identities
from tests.kit.desk import RECORDING, Desk
from tests.kit.films import Camera, fragmented_mp4, split
from tests.kit.scale import SCALE, nightly_count, one_in, only_in_full
from tests.kit.waiting import wait_for


@only_in_full
def test_mutated_films_end_in_a_sentence_and_in_bounds(tmp_path: Path) -> None:
    films = nightly_count(1000)
    command = [sys.executable, "-m", "tests.municipality.film.mutated_films", str(tmp_path), str(random.randrange(10**6)), str(films)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100 if SCALE < 1 else 3000)
    assert (done.returncode, done.stderr) == (0, ""), command
    found = json.loads(done.stdout)
    assert not {"several lines", "left behind"} & {what for what, times in found["ended"].items() if times}
    assert sum(found["ended"].values()) == films
    assert found["own_mib"] <= 100, found
    assert found["child_mib"] <= 300, found


def foreign_film(*options: str, size: str = "320x180", codec: str = "libx264") -> tuple[bytes, list[bytes]]:
    source = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=10:duration=1", "-f", "lavfi", "-i", "sine=duration=1"]
    flags = "frag_keyframe+empty_moov+default_base_moof"
    command = ["ffmpeg", "-v", "error", *source, "-c:v", codec, "-pix_fmt", "yuv420p", "-c:a", "aac", *options]
    return split(subprocess.run([*command, "-movflags", flags, "-f", "mp4", "-"], check=True, capture_output=True, timeout=60).stdout)


def smaller_in_the_box(film: tuple[bytes, list[bytes]]) -> tuple[bytes, list[bytes]]:
    """The sample entry says 320x180; the parameter sets of the stream say what they said."""
    at = film[0].index(b"avc1") + 28
    return film[0][:at] + (320).to_bytes(2, "big") + (180).to_bytes(2, "big") + film[0][at + 4 :], film[1]


@only_in_full
@one_in(4)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: foreign_film(codec="mpeg4"), "stated is H.264 with AAC"),
        (lambda: foreign_film("-c:a", "libmp3lame"), "stated is H.264 with AAC"),
        (lambda: foreign_film("-an"), "stated is H.264 with AAC"),
        (lambda: foreign_film("-map", "0", "-map", "1", "-map", "0"), "stated is H.264 with AAC"),
        (lambda: foreign_film(size="640x360"), "640x360 pixels; stated are 320x180"),
        (lambda: foreign_film(size="4112x64"), "4112x64 pixels; stated are 320x180"),
        (lambda: smaller_in_the_box(foreign_film(size="1920x1088")), "stated are 320x180"),
        (lambda: split(fragmented_mp4(1, rate=15)), "15 pictures in it; stated are 30"),
    ],
)
def test_only_what_is_stated_is_taken(make: Callable[[], tuple[bytes, list[bytes]]], words: str, tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    segment = camera.write(*make(), stated=(320, 180, True))
    with pytest.raises(DataError, match=words):
        export(camera.recording, [segment], Identities.load(camera.identity_file), camera.folder / "film.mp4")
    assert list(camera.folder.iterdir()) == [segment]


@only_in_full
def test_a_contact_sheet_decodes_no_giants_and_h264_only(tmp_path: Path) -> None:
    for film, words in ((foreign_film(size="4112x64"), "4112x64"), (foreign_film(codec="mpeg4"), "only H.264")):
        (tmp_path / "film.mp4").write_bytes(film[0] + b"".join(film[1]))
        with pytest.raises(DataError, match=words):
            contact_sheet(tmp_path / "film.mp4", tmp_path / "sheet.png")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


@only_in_full
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("[bytearray(2**20) for _ in iter(int, 1)]", "takes more than 256 MiB of memory"),
        ("raise RecursionError('deep')", "RecursionError: deep"),
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)", "PermissionError"),
        ("open('/tmp/film-maker-was-here', 'w')", "PermissionError"),
        ("os.execv('/bin/true', ['true'])", "PermissionError"),
        ("[os.dup(0) for _ in range(100)]", "Too many open files"),
        ("resource.setrlimit(resource.RLIMIT_CPU, (1, 2)); [0 for _ in iter(int, 1)]", "of the processor"),
    ],
)
def test_whatever_the_film_maker_does_is_one_sentence(
    harm: str, words: str, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that has been taken over can do no more than end."""
    (tmp_path / "taken.py").write_text(
        "import os, resource, sys\nfrom bodycamd.municipality.film import film_maker_process as process\n"
        f"def harm(self, order, pipe):\n    {harm}\n"
        "process._FilmMaker._segment = harm\nprocess.main(sys.argv[1:])\n"
    )
    started = subprocess.Popen

    def start(command: list[str], **named: Any) -> subprocess.Popen[bytes]:
        return started([sys.executable, str(tmp_path / "taken.py"), *command[command.index("-m") + 2 :]], **named)

    monkeypatch.setattr(subprocess, "Popen", start)
    (tmp_path / "out").mkdir()
    with pytest.raises(BodycamError, match=words) as caught:
        export(RECORDING, desk.segments(), Identities.load(desk.identity), tmp_path / "out/film.mp4")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_film_maker_is_confined_here(tmp_path: Path) -> None:
    with FilmMaker(lambda: None) as maker:
        assert maker.weaknesses() == []


def test_a_film_maker_that_has_ended_by_itself_is_closed_like_any_other() -> None:
    """It may end between its last word and the look at what it used."""
    with FilmMaker(lambda: None) as maker:
        assert maker.weaknesses() == []
        pid = maker._process.pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().split(") ")[1].startswith("Z"))
    assert maker.peak_bytes > 0
