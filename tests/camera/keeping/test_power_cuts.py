"""Power cuts during holds, releases and deletions, on a disk that keeps no more than POSIX promises."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import cast, get_args

import msgspec
import pytest

from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.retention_entries import RecordingDeleted, RecordingDeleting
from bodycamd.municipality.verify.store_check import inventory
from tests.kit.resting_camera import DAY, HOUR, RestingCamera
from tests.kit.scale import count, only_in_full
from tests.powercut.posix import PosixDisk, Unsynced
from tests.powercut.steps import Steps, read_log

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

Promise = tuple[int, str, str]
"""From this size of the log on: `held`, or `releasing` (it may be released already, or not yet); which recording."""


def prepare(root: Path) -> RestingCamera:
    """Six recordings, a confirmed clock."""
    camera = RestingCamera(root).switch_on()
    camera.settle()
    for _ in range(6):
        camera.record()
    camera.switch_off()
    return camera


def work(camera: RestingCamera, log: Path) -> list[Promise]:
    """Holds, releases, two sweeps, as the log sees them."""
    promises: list[Promise] = []

    def promise(what: str, name: str) -> None:
        promises.append((log.stat().st_size, what, name))

    first, second, third, *_ = [f"000001-{number:04d}" for number in range(1, 7)]
    camera.switch_on(off_us=40 * DAY)
    for name in (first, second, third):
        camera.hold(name)
        promise("held", name)
    camera.settle()
    promise("releasing", second)
    camera.release(second)
    camera.run(HOUR)
    promise("releasing", third)
    camera.release(third)
    camera.hold(first, "access-request")
    promise("held", first)
    camera.run(HOUR)
    camera.switch_off()
    return promises


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Promise], RestingCamera]:
    """The folder before, the log of every step on it, and what was promised when. In a process of its own: the steps stay wrapped."""
    folder = tmp_path_factory.mktemp("cuts")
    root, base, log = folder / "root", folder / "base", folder / "log"
    camera = prepare(root)
    shutil.copytree(root, base)
    if (child := os.fork()) == 0:
        code = 1
        try:
            Steps(root, log=log).install()
            (folder / "promises").write_bytes(msgspec.json.encode(work(camera, log)))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    return base, log, msgspec.json.decode((folder / "promises").read_bytes(), type=list[Promise]), camera


@only_in_full
@pytest.mark.timeout(900)
def test_a_confirmed_hold_survives_and_deletions_are_whole(worked: tuple[Path, Path, list[Promise], RestingCamera], tmp_path: Path) -> None:
    base, log, promises, before = worked
    operations = read_log(log)
    kinds = {operation.kind for _, operation in operations}
    assert {"unlink", "sync folder", "write", "sync"} <= kinds
    chance = random.Random(7)
    amid = [at for at, (_, operation) in enumerate(operations, 1) if operation.step.startswith("unlink retention.deletion.")]
    completed = 0
    # Anywhere, and, so that it does not hang on how many steps there are, after a file of something that is deleted.
    for number, at in enumerate([*(chance.randrange(len(operations) + 1) for _ in range(count(300))), *chance.sample(amid, 3)]):
        disk = PosixDisk(base)
        disk.do(operation for _, operation in operations[:at])
        root = tmp_path / f"cut-{number}"
        disk.cut(root, cast(Unsynced, get_args(Unsynced)[number % 3]), chance)
        done = operations[at - 1][0] if at else 0
        completed += judge(root, [promise for promise in promises if promise[0] <= done], before)
    assert completed, "no cut fell into a deletion"


def judge(root: Path, promised: list[Promise], before: RestingCamera) -> int:
    """Start again after the cut and look: returns how many deletions the start completed."""
    camera = RestingCamera(root)
    camera.clock.wall_us = before.clock.wall_us + 50 * DAY
    camera.boot = 99
    left_open = begun(root / "store")
    camera.switch_on()
    holds = camera.keeper._facts().holds
    held: dict[str, int] = {}
    for _, what, name in promised:
        held[name] = held.get(name, 0) + (1 if what == "held" else -1)
    for name, number in held.items():
        if number > 0:
            assert len(holds.get(name, ())) >= number, f"a confirmed hold on {name} is lost"
            assert name in camera.present()
    assert begun(root / "store") == set(), "a deletion that was begun is not completed"
    assert [f for f in inventory(root / "store")[0] if "no entry" in f.problem or "is not there" in f.problem] == []
    camera.settle()
    assert camera.present() == sorted(holds), f"what is not held is gone, what is held stays: {camera.keeper.problems}"
    camera.switch_off()
    camera.verified_types()
    return len(left_open)


@pytest.mark.parametrize("kind", ["hold_added", "hold_released", "deleting", "deleted"])
def test_an_entry_that_lost_its_signature_says_nothing(tmp_path: Path, kind: str) -> None:
    """A card may keep the sector with the whole JSON and lose the one before, where the signature begins."""
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    name = camera.record()
    if kind != "hold_added":
        camera.hold(name)
    if kind != "hold_released":
        camera.switch_off()
        camera.switch_on(off_us=40 * DAY)
    note = camera.store.ledger.note
    if kind == "hold_added":
        camera.hold(name)
    elif kind == "hold_released":
        camera.release(name)
    else:
        note(RecordingDeleting(recording=name, reason="28 days have passed"))
        if kind == "deleted":
            note(RecordingDeleted(recording=name))
    path = camera.store.ledger.path
    camera.store.close()
    content = path.read_bytes()
    begin = content[:-1].rfind(b"\n") + 1
    assert f'"type":"{kind}"'.encode() in content[begin:]
    path.write_bytes(content[:begin] + bytes(40) + content[begin + 40 :])
    camera.switch_on(same_boot=True)
    assert [*camera.keeper._facts().holds] == ([name] if kind in ("hold_released", "deleting") else [])
    assert camera.present() == ([] if kind == "deleted" else [name])
    camera.switch_off(clean=False)
    assert camera.verified_types().count("deleted") == (kind == "deleted")


def begun(store: Path) -> set[str]:
    """Deletions with a beginning and no end."""
    found: set[str] = set()
    for line in VerifiedLedger(store / "ledger"):
        if isinstance(line.detail, RecordingDeleting):
            found.add(line.detail.recording)
        elif isinstance(line.detail, RecordingDeleted):
            found.remove(line.detail.recording)
    return found
