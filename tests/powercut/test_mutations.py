"""The bench can fail: it notices the lack of each durable step. And on a disk that keeps no more than POSIX promises, the product loses
nothing either."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.powercut import mutations
from tests.powercut.bench import HOW, after_each, cut_device, cut_posix
from tests.powercut.device import LoggedDevice
from tests.powercut.judge import Truth, read_truth
from tests.powercut.posix import Unsynced
from tests.powercut.reenact import reenact
from tests.powercut.steps import Operation, read_log
from tests.powercut.workload import FILM, FILM_RATE, Noted, WatchedCamera, fragments, press_twice, short_work

CUTS = int(os.environ.get("CUTS", "150"))
pytestmark = [pytest.mark.powercut, pytest.mark.timeout(max(900, 6 * CUTS))]

CUTS_OF_A_MUTATION = 120
ENOUGH = 4
"""So many cuts with complaints, and a mutation is caught."""


@dataclass
class Work:
    base: Path
    log: list[tuple[int, Operation]]
    noted: Noted
    truth: Truth


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Every operation of a short work with deaths at chosen steps."""
    folder = tmp_path_factory.mktemp("work")
    disk, steps = folder / "disk", folder / "steps.log"
    disk.mkdir()
    steps.touch()
    camera = WatchedCamera(folder / "camera", disk, lambda: steps.stat().st_size, FILM)
    shutil.copytree(disk, folder / "base")
    try:
        short_work(camera, ["--root", str(disk), "--log", str(steps), "--segment-seconds", "1.5"])
        truth = read_truth(disk, camera.registered, camera.identity)
    finally:
        camera.kill()
    return Work(folder / "base", read_log(steps), camera.noted, truth)


def test_every_durable_step_has_its_mutation(work: Work) -> None:
    seen = {operation.step for _, operation in work.log if operation.kind in ("sync", "sync folder")}
    assert seen | {"write linux.durable.erase"} == mutations.ALL


def test_no_cut_loses_anything_on_a_disk_that_keeps_only_what_posix_promises(work: Work, tmp_path: Path) -> None:
    chance = random.Random()
    cuts: list[tuple[int, Unsynced]] = sorted((chance.randint(1, len(work.log)), chance.choice(HOW)) for _ in range(CUTS))
    figures = cut_posix(work.base, work.log, cuts, work.noted, work.truth, tmp_path, chance)
    print(f"\npower cuts on a disk that keeps only what POSIX promises: {figures}")
    assert not figures.complaints, figures.examples


@pytest.mark.parametrize("step", mutations.ON_POSIX)
def test_the_posix_disk_misses(work: Work, tmp_path: Path, step: str) -> None:
    cuts = list(after_each(work.log, step))
    figures = cut_posix(work.base, work.log, cuts, work.noted, work.truth, tmp_path, random.Random(1), leave_out=step, enough=ENOUGH)
    print(f"\nwithout {step}: {figures}; {next(iter(figures.examples.values()), '')}")
    assert figures.complaints


@pytest.mark.root
@pytest.mark.parametrize("step", mutations.ON_EXT4)
def test_the_logged_ext4_misses(work: Work, tmp_path: Path, step: str) -> None:
    with LoggedDevice(tmp_path / "device") as logged:
        noted = reenact(logged, work.base, work.log, work.noted, step)
    figures = cut_device(logged, noted, work.truth, CUTS_OF_A_MUTATION, tmp_path / "cuts", random.Random(1), enough=ENOUGH)
    print(f"\nwithout {step}: {figures}; {next(iter(figures.examples.values()), '')}")
    assert figures.complaints


@pytest.mark.root
def test_a_daemon_that_does_not_synchronise_its_footage_is_caught_at_work(tmp_path: Path) -> None:
    """Not the operations of a good one without a step, but the daemon itself, running without it."""
    with LoggedDevice(tmp_path / "device") as logged:
        camera = WatchedCamera(tmp_path / "camera", logged.disk, logged.position, FILM)
        try:
            camera.launch("--root", str(logged.disk), "--leave-out", "fdatasync camera.recorder.recording._write").wait_ready()
            press_twice(camera)
            fragments(camera, 2 * FILM_RATE)
            camera.stop_recording()
            assert camera.stop() == 0, camera.journal
            truth = read_truth(logged.disk, camera.registered, camera.identity)
        finally:
            camera.kill()
    figures = cut_device(logged, camera.noted, truth, CUTS_OF_A_MUTATION, tmp_path / "cuts", random.Random(1), enough=ENOUGH)
    print(f"\nthe daemon without fdatasync: {figures}")
    assert figures.complaints["lost"]
