"""The service's folder can be written to by the service: what lies there is never run as a part of the program."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bodycamd.linux.python import python_command
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

ROOT = Path(__file__).parents[2]
POISON = "import os\nwith open({mark!r}, 'a') as file:\n    file.write(f'{{__name__}} {{os.getpid()}}\\n')\nraise SystemExit(99)\n"
NAMES = ("msgspec", "bodycamd", "yaml", "cryptography", "gpiozero", "av", "pyrage", "asyncio", "json", "sitecustomize")


@pytest.fixture
def poisoned(tmp_path: Path) -> Path:
    """A folder with modules of well-known names, also where a user's own packages lie; `mark` beside it tells whether one ran."""
    folder = tmp_path / "poisoned"
    own = folder / ".local" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    own.mkdir(parents=True)
    for name in (*NAMES, "usercustomize"):
        for place in (folder, own):
            (place / f"{name}.py").write_text(POISON.format(mark=str(tmp_path / "mark")))
    return folder


def test_the_poison_works(poisoned: Path) -> None:
    """Else the other tests would show nothing."""
    ended = subprocess.run([sys.executable, "-m", "bodycamd.camera.daemon"], cwd=poisoned, capture_output=True)
    assert ended.returncode == 99
    assert (poisoned.parent / "mark").exists()


@only_in_full
def test_the_daemon_and_its_children_run_nothing_that_lies_in_their_folder(poisoned: Path, tmp_path: Path) -> None:
    """Started there, with that folder as home, as the unit does: recorder, capture worker and voice come up, and go."""
    camera = Camera(tmp_path / "camera")
    camera.command = ("env", "-C", str(poisoned), f"HOME={poisoned}", *python_command("bodycamd.camera.daemon"))
    with camera:
        found = wait_for(lambda: whole(started(camera.process.pid)), 30, "a worker and a voice")
        assert found is not None
        assert {os.readlink(f"/proc/{pid}/cwd") for pid in found} == {str(poisoned)}
        assert camera.stop() == 0
    assert not (tmp_path / "mark").exists()


def whole(pids: list[int]) -> list[int] | None:
    """The processes, once there is one of each kind."""
    kinds = ("bodycamd.camera.daemon", "bodycamd.camera.capture.worker.main", "bodycamd.camera.board.voice.process")
    return pids if all(any(kind in words(pid) for pid in pids) for kind in kinds) else None


def started(daemon: int) -> list[int]:
    """The daemon and its children, whichever of its threads started them."""
    return [daemon, *(int(pid) for told in Path(f"/proc/{daemon}/task").glob("*/children") for pid in told.read_text().split())]


def words(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def test_every_start_of_python_by_the_product_is_safe() -> None:
    """In units, in what the installation does, and in the program itself: `-P` and `-s`, by one function."""
    lines = [
        f"{path.name}: {line.strip()}"
        for path in [*(path for path in (ROOT / "systemd").rglob("*") if path.is_file()), ROOT / "scripts/install"]
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bpython3?\b +-", line) and not line.lstrip().startswith("#")
    ]
    assert len(lines) >= 6
    assert [line for line in lines if not re.search(r"\bpython3? -P -s ", line)] == []
    starting = re.compile(r"sys\.executable|\"-m\"")
    source = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in (ROOT / "bodycamd").rglob("*.py")}
    using = {str(path) for path, text in source.items() if starting.search(text)}
    assert using <= {
        "bodycamd/linux/python.py",
        "bodycamd/camera/board/voice/supervisor.py",
        "bodycamd/camera/board/voice/child.py",
    }
    for path in using - {"bodycamd/linux/python.py"}:
        text = source[Path(path)]
        assert '"-m"' not in text
        assert all("python: str = sys.executable" in line for line in text.splitlines() if "sys.executable" in line), path


@only_in_full
def test_the_units_command_lines_run_nothing_that_lies_in_their_folder(poisoned: Path) -> None:
    """As they stand in the units, with this interpreter."""
    found = 0
    for unit in (ROOT / "systemd").glob("*.service"):
        for line in unit.read_text(encoding="utf-8").splitlines():
            name, _, command = line.partition("=")
            if name.startswith("Exec") and "python" in command:
                asked = shlex.split(
                    command.replace("/opt/bodycamd/current/bin/python", sys.executable).replace("/etc/bodycamd", "/nowhere")
                )
                subprocess.run(
                    asked, cwd=poisoned, env={"HOME": str(poisoned), "PATH": os.environ["PATH"]}, capture_output=True, timeout=60
                )
                found += 1
    assert found == 10
    assert not (poisoned.parent / "mark").exists()
