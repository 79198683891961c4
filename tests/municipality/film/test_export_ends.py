"""However an export ends: with everything and code 0, or with nothing. Signals at any moment, full disks, odd file systems."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bodycamd.cli.main import main
from bodycamd.cli.signals import Stopping
from bodycamd.errors import OutputError, StoppedError
from bodycamd.linux import unnamed
from bodycamd.municipality.film.contact_sheet import contact_sheet
from bodycamd.municipality.film.film import export
from bodycamd.municipality.film.identities import Identities
from bodycamd.municipality.report.case_folder import export_package
from bodycamd.store.reader import StoreReader
from tests.kit.desk import KINDS, RECORDING, Desk, everything, nothing
from tests.kit.local_time import AMSTERDAM
from tests.kit.scale import count, nightly_count, only_in_full
from tests.kit.waiting import wait_for

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
QUICK_KINDS = [KINDS[0], *(pytest.param(kind, marks=only_in_full) for kind in ("package", "sheet", "all"))]
"""A film for `make test`; all of them in the full run."""
BODYCAMD = [sys.executable, "-m", "bodycamd.cli.main"]


# --- signals ----------------------------------------------------------------------------------------------------------------------------


@only_in_full
@pytest.mark.parametrize("kind", QUICK_KINDS)
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
        if said.startswith("Fatal Python error: init_"):  # on a busy machine: the interpreter was not up
            nothing(kind, out)
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
        export_package(StoreReader.open(desk.store), RECORDING, identities, out / "case", local=AMSTERDAM, stop=stop)


@only_in_full
@pytest.mark.parametrize("kind", QUICK_KINDS[:3])
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


@only_in_full
@pytest.mark.parametrize("kind", QUICK_KINDS[:2])
def test_no_name_while_it_is_made_not_even_for_kill_9(desk: Desk, kind: str, tmp_path: Path) -> None:
    """Stopped in the middle, when footage has been written: the folder is empty, and stays so after `kill -9`."""
    program = (
        "import os, sys, time; from bodycamd.municipality.film import film_making\n"
        "ended = film_making.FilmMaking._end\n"
        "def end(self, segment):\n"
        "    ended(self, segment); sys.stdout.write('half\\n'); sys.stdout.flush(); time.sleep(60)\n"
        "film_making.FilmMaking._end = end\n"
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


@only_in_full
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
@pytest.mark.parametrize("kind", QUICK_KINDS)
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


@only_in_full
@pytest.mark.parametrize("kind", QUICK_KINDS)
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
    assert main(desk.command(kind, tmp_path, "--overwrite")) == 0
    everything(kind, tmp_path)
    if kind != "all":
        (tmp_path / "stopped").mkdir()
        with pytest.raises(StoppedError):
            run_in_process(desk, kind, tmp_path / "stopped", stop_once_there_is_a_file(tmp_path / "stopped"))
        assert list((tmp_path / "stopped").iterdir()) == []


def stop_once_there_is_a_file(folder: Path) -> Callable[[], None]:
    """Stops at the first look that finds something in the folder: how many looks there are before is a matter of the machine's speed."""

    def stop() -> None:
        if any(folder.iterdir()):
            raise StoppedError(signal.SIGTERM)

    return stop


@only_in_full
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
