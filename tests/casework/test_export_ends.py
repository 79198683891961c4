"""However an export ends: with everything and code 0, or with nothing. Signals at any moment, full disks, foreign films, other cameras."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bodycamd.casework.contact_sheet import contact_sheet
from bodycamd.casework.export import export
from bodycamd.casework.film_maker import FilmMaker
from bodycamd.casework.identity import Identities
from bodycamd.casework.package import export_package
from bodycamd.cli.main import main
from bodycamd.cli.signals import Stopping
from bodycamd.errors import BodycamError, DataError, OutputError, StoppedError
from bodycamd.linux import unnamed
from bodycamd.recorder.store import Store
from tests.casework.footage import BOOT_SECONDS, Camera, fragmented_mp4, split
from tests.scale import SCALE, count, nightly_count, only_in_full
from tests.waiting import wait_for

RECORDING = "000001-0001"
FRAMES = 6 * 30
KINDS = ["film", "package", "all", "sheet"]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
BODYCAMD = [sys.executable, "-m", "bodycamd.cli.main"]


class Desk:
    """A store of one camera with two recordings, the first in two films; an identity; a film. A small one has one second of each."""

    def __init__(self, folder: Path, device: str = "cam", *, small: bool = False) -> None:
        self.folder = folder
        self.store = folder / "store"
        init, fragments = split(fragmented_mp4(1 if small else 6))
        self.cameras = [Camera(folder / "store/recordings", name, device) for name in (RECORDING, "000001-0002")]
        self.cameras[0].write(init, fragments)
        if not small:
            self.cameras[0].write(*split(fragmented_mp4(3, begins=BOOT_SECONDS + 20)), generation=2)
        self.cameras[1].write(init, fragments[:3])
        self.identity = folder / "identity.txt"
        self.identity.write_text("".join(f"{camera.identity}\n" for camera in self.cameras))
        self.cameras[0].identity_file.unlink()
        self.film = folder / "film.mp4"
        self.film.write_bytes(init + b"".join(fragments))

    def command(self, kind: str, out: Path, *options: str) -> list[str]:
        if kind == "sheet":
            return ["contact-sheet", str(self.film), str(out / "sheet.png")]
        what = {"film": (RECORDING, "film.mp4"), "package": (RECORDING, "case"), "all": ("all", "all")}[kind]
        common = ["--store", str(self.store), "--identity", str(self.identity), *options]
        return ["export", what[0], "--out", str(out / what[1]), *common]

    def segments(self) -> list[Path]:
        return sorted((self.store / "recordings" / RECORDING).iterdir())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("small"), small=True)


def packets(film: Path) -> int:
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets"]
    said = subprocess.run([*command, "-of", "csv=p=0", film], check=True, capture_output=True, text=True, timeout=60).stdout
    return int(said.strip().strip(","))


def everything(kind: str, out: Path) -> None:
    """All of it is there, and nothing else."""
    if kind == "film":
        assert sorted(path.name for path in out.iterdir()) == ["film-2.mp4", "film.mp4"]
        assert packets(out / "film.mp4") + packets(out / "film-2.mp4") == FRAMES + 90
    elif kind == "sheet":
        assert [path.name for path in out.iterdir()] == ["sheet.png"]
        subprocess.run(["ffmpeg", "-v", "error", "-i", out / "sheet.png", "-f", "null", "-"], check=True, timeout=60)
    elif kind == "package":
        assert [path.name for path in out.iterdir()] == ["case"]
        whole_package(out / "case", FRAMES + 90)
    else:
        assert sorted(path.name for path in (out / "all").iterdir()) == [f"cam_{RECORDING}", "cam_000001-0002"]
        whole_package(out / "all" / f"cam_{RECORDING}", FRAMES + 90)
        whole_package(out / "all" / "cam_000001-0002", 90)


def whole_package(package: Path, frames: int) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=package, check=True, timeout=60)
    report = json.loads((package / "report.json").read_bytes())
    assert sum(packets(package / film["file"]) for film in report["films"]) == frames
    assert {path.name for path in package.iterdir()} >= {"report.html", "SHA256SUMS", "contact-sheet.png"}


def nothing(kind: str, out: Path) -> None:
    """Nothing of it is there; of `all`, what was whole before."""
    left = list(out.rglob("*"))
    if kind == "all":
        assert not [path for path in left if path.name.startswith(".")]
        for package in (out / "all").iterdir() if (out / "all").exists() else []:
            whole_package(package, FRAMES + 90 if package.name == f"cam_{RECORDING}" else 90)
    else:
        assert left == []


# --- signals ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_at_any_moment_ends_with_nothing_and_its_code(desk: Desk, kind: str, tmp_path: Path) -> None:
    """The moments are spread over the whole run; before Python is up, and after the end, there is nothing to catch."""
    command = [*BODYCAMD, *desk.command(kind, tmp_path / "0")]
    (tmp_path / "0").mkdir()
    began = time.monotonic()
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    seconds = time.monotonic() - began
    everything(kind, tmp_path / "0")
    drawn = random.Random(kind)
    for number in range(1, nightly_count(50 * len(SIGNALS)) + 1):
        out = tmp_path / str(number)
        out.mkdir()
        sent = SIGNALS[number % len(SIGNALS)]
        run = subprocess.Popen(
            [*BODYCAMD, *desk.command(kind, out)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heard
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(seconds * drawn.uniform(0.2, 1.0))
        run.send_signal(sent)
        _, said = run.communicate(timeout=60)
        if run.returncode == 0:
            everything(kind, out)
            continue
        assert run.returncode in (-sent, 128 + sent), said
        if "bodycamd: " in said:
            assert said.splitlines()[-1] == f"bodycamd: stopped by {sent.name}; nothing of it was kept"
            nothing(kind, out)
        elif any(out.iterdir()) and kind != "all":
            everything(kind, out)  # Python was ending by itself: all had got its name
        else:
            nothing(kind, out)


def heard() -> None:
    """What a shell starts with `&` ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class StopAt:
    """Raises at the n-th time that it is asked."""

    def __init__(self, at: int) -> None:
        self.asked = 0
        self._at = at

    def __call__(self) -> None:
        self.asked += 1
        if self.asked == self._at:
            raise StoppedError(signal.SIGTERM)


def run_in_process(desk: Desk, kind: str, out: Path, stop: Callable[[], None]) -> None:
    identities = Identities.load(desk.identity)
    if kind == "film":
        export(RECORDING, desk.segments(), identities, out / "film.mp4", stop=stop)
    elif kind == "sheet":
        contact_sheet(desk.film, out / "sheet.png", stop=stop)
    else:
        export_package(Store.read_only(desk.store), RECORDING, identities, out / "case", stop=stop)


@pytest.mark.parametrize("kind", ["film", "package", "sheet"])
def test_between_any_two_steps_it_can_be_stopped(desk: Desk, kind: str, tmp_path: Path) -> None:
    """Counted in steps instead of time: the first and the last ones too."""
    (tmp_path / "0").mkdir()
    steps = StopAt(0)
    run_in_process(desk, kind, tmp_path / "0", steps)
    everything(kind, tmp_path / "0")
    drawn = random.Random(kind)
    for at in {1, steps.asked - 1, *(drawn.randint(1, steps.asked) for _ in range(nightly_count(500) // 10))}:
        out = tmp_path / f"stop{at}"
        out.mkdir()
        try:
            run_in_process(desk, kind, out, StopAt(at))
        except StoppedError:
            assert list(out.iterdir()) == []
        else:
            everything(kind, out)  # fewer looks this time: a look while waiting is one too


@pytest.mark.parametrize("kind", ["film", "package"])
def test_no_name_while_it_is_made_not_even_for_kill_9(desk: Desk, kind: str, tmp_path: Path) -> None:
    """Stopped in the middle, when footage has been written: the folder is empty, and stays so after `kill -9`."""
    program = (
        "import os, sys, time; from bodycamd.casework import film_making\n"
        "ended = film_making.FilmMaking._count\n"
        "def count(self, scan, frames):\n"
        "    ended(self, scan, frames); sys.stdout.write('half\\n'); sys.stdout.flush(); time.sleep(60)\n"
        "film_making.FilmMaking._count = count\n"
        "from bodycamd.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    run = subprocess.Popen([sys.executable, "-c", program, *desk.command(kind, tmp_path)], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "half\n"
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    assert list(tmp_path.iterdir()) == []
    run.kill()
    run.communicate(timeout=60)
    assert list(tmp_path.iterdir()) == []
    wait_for(lambda: not any(Path(f"/proc/{child}/cmdline").exists() for child in children), what="the end of the film maker")


def test_a_signal_sets_a_flag_and_breaks_off_what_only_reads() -> None:
    with Stopping() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(StoppedError) as caught:
            stop()
        assert caught.value.exit_code == 129
    with Stopping() as stop, pytest.raises(StoppedError) as caught, stop.at_once():
        signal.raise_signal(signal.SIGINT)
    assert caught.value.exit_code == 130


# --- the disk at the target -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_at_the_target_leaves_nothing(desk: Desk, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "whole").mkdir()
    assert main(desk.command(kind, tmp_path / "whole")) == 0
    needed = sum(path.stat().st_size for path in (tmp_path / "whole").rglob("*") if path.is_file())
    drawn = random.Random(kind)
    sizes = [0.5, *(drawn.uniform(0.02, 0.98) for _ in range(count(20) - 2))]
    for number, part in enumerate(sizes):
        with small_disk(tmp_path / str(number), max(4096, int(needed * part) // 4096 * 4096)) as small:
            capsys.readouterr()
            code = main(desk.command(kind, small))
            said = capsys.readouterr().err
            assert code == 73, said
            assert "No space left" in said
            nothing(kind, small)


@pytest.mark.parametrize("kind", ["film", "package", pytest.param("all", marks=only_in_full), pytest.param("sheet", marks=only_in_full)])
def test_a_file_system_without_unnamed_files(desk: Desk, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """vfat, say: no O_TMPFILE and no links. All is made all the same; stopped, nothing is left."""
    opened = os.open

    def as_vfat(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return opened(path, flags, *arguments, **named)

    def no_links(*arguments: Any, **named: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "open", as_vfat)
    monkeypatch.setattr(os, "link", no_links)
    assert main(desk.command(kind, tmp_path)) == 0
    everything(kind, tmp_path)
    assert main(desk.command(kind, tmp_path, *([] if kind == "sheet" else ["--overwrite"]))) == 0
    everything(kind, tmp_path)
    if kind != "all":
        (tmp_path / "stopped").mkdir()
        with pytest.raises(StoppedError):
            run_in_process(desk, kind, tmp_path / "stopped", StopAt(6))
        assert list((tmp_path / "stopped").iterdir()) == []


def test_a_name_that_is_taken_meanwhile_is_not_replaced(desk: Desk, tmp_path: Path) -> None:
    film = tmp_path / "film-2.mp4"
    segments = desk.segments()

    def stop() -> None:
        """The last look before the films get their names."""
        if not film.exists() and stop.films == 2:  # type: ignore[attr-defined]
            film.write_bytes(b"mine")

    stop.films = 0  # type: ignore[attr-defined]
    taken = unnamed.UnnamedFile.second_descriptor

    def count_films(self: unnamed.UnnamedFile) -> int:
        stop.films += 1  # type: ignore[attr-defined]
        return taken(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unnamed.UnnamedFile, "second_descriptor", count_films)
        with pytest.raises(OutputError, match="exists already"):
            export(RECORDING, segments, Identities.load(desk.identity), tmp_path / "film.mp4", stop=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["film-2.mp4"]
    assert film.read_bytes() == b"mine"


# --- films that are not what was stated -------------------------------------------------------------------------------------------------


def test_mutated_films_end_in_a_sentence_and_in_bounds(tmp_path: Path) -> None:
    films = nightly_count(1000)
    command = [sys.executable, "-m", "tests.casework.mutated_films", str(tmp_path), str(random.randrange(10**6)), str(films)]
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


def test_a_contact_sheet_decodes_no_giants_and_h264_only(tmp_path: Path) -> None:
    for film, words in ((foreign_film(size="4112x64"), "4112x64"), (foreign_film(codec="mpeg4"), "only H.264")):
        (tmp_path / "film.mp4").write_bytes(film[0] + b"".join(film[1]))
        with pytest.raises(DataError, match=words):
            contact_sheet(tmp_path / "film.mp4", tmp_path / "sheet.png")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("[bytearray(2**20) for _ in iter(int, 1)]", "takes more than 768 MiB of memory"),
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
        "import os, resource, sys\nfrom bodycamd.casework import film_maker_process as process\n"
        f"def harm(self, order, pipe):\n    {harm}\n"
        "process._FilmMaker._segment = harm\nprocess.main(sys.argv[1:])\n"
    )
    started = subprocess.Popen

    def start(command: list[str], **named: Any) -> subprocess.Popen[bytes]:
        return started([sys.executable, str(tmp_path / "taken.py"), *command[4:]], **named)

    monkeypatch.setattr(subprocess, "Popen", start)
    (tmp_path / "out").mkdir()
    with pytest.raises(BodycamError, match=words) as caught:
        export(RECORDING, desk.segments(), Identities.load(desk.identity), tmp_path / "out/film.mp4")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_film_maker_is_confined_here(tmp_path: Path) -> None:
    with FilmMaker(lambda: None) as maker:
        assert maker.weaknesses() == []


# --- another camera's export ------------------------------------------------------------------------------------------------------------


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


def test_damage_is_told_again_where_the_package_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harmed = Desk(tmp_path / "a", small=True)
    segment = harmed.cameras[1].folder / "000000.tar"
    content = bytearray(segment.read_bytes())
    content[-700] ^= 1  # in the padding: the fragment itself is as it was stated
    segment.write_bytes(bytes(content))
    for _ in range(2):
        assert main(harmed.command("all", tmp_path)) == 4
    assert "cam_000001-0002: is there already, with damage; passed over" in capsys.readouterr().err


def test_two_cameras_of_one_name_are_told_apart(small: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = Desk(tmp_path / "twin", small=True)
    assert main(small.command("all", tmp_path)) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "all").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(twin.command("all", tmp_path)) == 73
    assert f"holds another recording {RECORDING} of a camera called cam" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "all").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("what", ["film gone", "film cut", "report gone", "report not ours", "an older name"])
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
