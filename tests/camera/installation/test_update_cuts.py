"""The power goes at any step of an update, of one that is led back, of a roll-back: the next boot starts a camera with a whole version.

Every step on the disk is written down and cut by a disk that keeps no more than POSIX promises (`tests/powercut/posix`).
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bodycamd.camera.installation import change
from bodycamd.camera.installation.installed import read_changes
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.camera.installation.versions import Versions
from bodycamd.config.migrations import rewritten
from tests.camera.installation.fake_system import CONFIGURATION, OLD_FORM, FakeSystem, starts
from tests.kit.bundles import Release
from tests.kit.scale import IN_FULL, SCALE, one_in, only_in_full
from tests.powercut.posix import PosixDisk, Unsynced
from tests.powercut.steps import Operation, read_log

WHEELS = ["tiny-1.0.whl"]
HOW: tuple[Unsynced, ...] = ("lost", "kept", "torn")
CUTS = 20
SCENARIOS = {
    "update": ("0.2.0", "0.3.0"),
    "first": ("", "0.3.0"),
    "not ready": ("0.2.0", "0.2.0"),
    "rollback": ("0.2.0", "0.1.0"),
    "refused": ("0.2.0", "0.2.0"),
    "migration": ("0.2.0", "0.3.0"),
    "rollback of a migration": ("0.3.0", "0.2.0"),
}
"""What was in use before, and what is in use once all is done."""
FIRST = {"first": (), "rollback of a migration": ("0.2.0", "0.3.0")}
"""What was installed one after the other; of others 0.1.0 and 0.2.0."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release(tmp_path_factory.mktemp("release"))


def logged(folder: Path, release: Release, scenario: str) -> tuple[Path, list[tuple[int, Operation]]]:
    """The folder as it was before, and every step of the change."""
    base, live, log = folder / "base", folder / "live", folder / "log"
    base.mkdir()
    if "migration" in scenario:
        (base / CONFIGURATION).write_bytes(OLD_FORM)
    for version in FIRST.get(scenario, ("0.1.0", "0.2.0")):
        change.update(Versions(base), FakeSystem(base), release.bundle(version), read_release_keys(release.public))
    shutil.copytree(base, live, symlinks=True)
    command: list[str | Path] = [sys.executable, "-m", "tests.camera.installation.logged_update"]
    subprocess.run([*command, live, log, release.public, release.bundle("0.3.0"), scenario], check=True)
    before, after = SCENARIOS[scenario]
    assert starts(live, WHEELS) == after
    assert before == "" or starts(base, WHEELS) == before
    if "migration" in scenario:
        assert (live / CONFIGURATION).read_bytes() == OLD_FORM if after < "0.3.0" else rewritten(OLD_FORM)[0]
    return base, read_log(log)


@one_in(7)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_after_any_cut_the_camera_starts(release: Release, tmp_path: Path, scenario: str) -> None:
    base, log = logged(tmp_path, release, scenario)
    assert len(log) >= CUTS or "rollback" in scenario or scenario == "refused"
    chance = random.Random()
    places = [(at, how) for at in range(1, len(log) + 1) for how in HOW]
    if SCALE < IN_FULL:
        steps = len(log) / (CUTS / 4)
        places = [(1 + round(number * steps), chance.choice(HOW)) for number in range(CUTS // 4)]
    disk, done = PosixDisk(base), 0
    for at, how in places:
        disk.do(operation for _, operation in log[done : min(at, len(log))])
        done = min(at, len(log))
        disk.cut(tmp_path / "cut", how, chance)
        judge(tmp_path / "cut", scenario, f"after step {done} ({log[done - 1][1].step}), unsynced {how}")
        shutil.rmtree(tmp_path / "cut")


@only_in_full
@pytest.mark.parametrize(
    "left_out",
    [
        ("fdatasync linux.durable.settle", "fsync linux.durable.settle_tree"),
        ("fdatasync linux.durable.replace", "fsync linux.durable.replace"),
    ],
)
def test_a_missing_step_shows(release: Release, tmp_path: Path, left_out: tuple[str, ...]) -> None:
    """The bench does tell: without one of the durable steps some cut leaves a camera that does not start, or whose record is wrong."""
    base, log = logged(tmp_path, release, "update")
    assert {operation.step for _, operation in log} >= set(left_out)
    kept = [(at, operation) for at, operation in log if operation.step not in left_out]
    with pytest.raises((AssertionError, OSError)):
        cut_after_each(base, kept, tmp_path / "cut")


def cut_after_each(base: Path, log: list[tuple[int, Operation]], into: Path) -> None:
    chance, disk = random.Random(7), PosixDisk(base)
    for at, operation in log:
        disk.do([operation])
        for how in HOW:
            disk.cut(into, how, chance)
            judge(into, "update", f"at {at}")
            shutil.rmtree(into)


def judge(folder: Path, scenario: str, where: str) -> None:
    """What the next boot makes of it, twice: a boot may be cut too."""
    before, after = SCENARIOS[scenario]
    for _ in range(2):
        change.settle(Versions(folder), None)
        assert not (folder / "trial.json").exists(), where
        if scenario == "first" and not (folder / "current").is_symlink():
            continue  # nothing was in use, and nothing is: it is installed again
        used = starts(folder, WHEELS)
        assert used in {before, after}, where
        recorded = read_changes(folder)
        assert [change.version for change in recorded[-1:]] == [used], f"{where}: the record says {recorded[-1:]}"
        assert [change.number for change in recorded] == list(range(1, len(recorded) + 1)), where


@only_in_full
def test_a_cut_of_the_way_back_is_led_back_again(release: Release, tmp_path: Path) -> None:
    """The boot that leads an update back is cut at each of its own steps."""
    base, log = logged(tmp_path, release, "update")
    switched = next(at for at, (_, operation) in enumerate(log, 1) if operation.kind == "rename" and operation.new == "current")
    disk = PosixDisk(base)
    disk.do(operation for _, operation in log[: switched + 1])
    disk.cut(tmp_path / "switched", "kept", random.Random())
    shutil.copytree(tmp_path / "switched", tmp_path / "settling", symlinks=True)
    command = (
        "import sys; from pathlib import Path; from bodycamd.camera.installation import change; from tests.powercut.steps import Steps\n"
    )
    command += "from bodycamd.camera.installation.versions import Versions\n"
    command += "Steps(Path(sys.argv[1]), log=Path(sys.argv[2])).install(); change.settle(Versions(Path(sys.argv[1])), None)"
    subprocess.run([sys.executable, "-c", command, tmp_path / "settling", tmp_path / "log2"], check=True)
    assert starts(tmp_path / "settling", WHEELS) == "0.2.0"
    steps = read_log(tmp_path / "log2")
    for at in range(1, len(steps) + 1):
        for how in HOW:
            disk = PosixDisk(tmp_path / "switched")
            disk.do(operation for _, operation in steps[:at])
            disk.cut(tmp_path / "cut", how, random.Random())
            judge(tmp_path / "cut", "update", f"the way back, step {at} ({steps[at - 1][1].step}), unsynced {how}")
            assert starts(tmp_path / "cut", WHEELS) == "0.2.0"
            shutil.rmtree(tmp_path / "cut")
