"""Power cuts during holds, releases and deletions: on a logged ext4, and on a disk that keeps no more than POSIX promises. A confirmed hold
stands; a deletion is not begun, or completed by the next start, and its entries agree."""

from __future__ import annotations

import bisect
import collections
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.powercut import device, mutations
from tests.powercut.bench import HOW, Figures, after_each, checked_image, cut_entries, cut_operations, places
from tests.powercut.device import Entry, LoggedDevice
from tests.powercut.judge import Verdict
from tests.powercut.keeping import STRAY, Kept, keep_and_delete, stored
from tests.powercut.keeping_judge import judge_keeping
from tests.powercut.posix import Unsynced
from tests.powercut.reenact import reenact
from tests.powercut.steps import Operation, read_log
from tests.powercut.workload import FILM, Noted, WatchedCamera
from tests.powercut.written import blocks_of, written_after

pytestmark = [pytest.mark.powercut, pytest.mark.timeout(1800)]

CUTS = max(30, int(os.environ.get("CUTS", "150")) * 3 // 10)
ENOUGH = 4
"""So many cuts with complaints, and a mutation is caught."""
BEFORE, AFTER = 4, 8
"""So many entries before and after a confirmation are cut at."""
CONFIRMED = ("hold_added", "hold_released", "deleting", "deleted")


@dataclass
class Work:
    """On the logged device."""

    device: LoggedDevice
    noted: Noted
    kept: Kept
    ledger: list[tuple[bytes, list[int]]]
    """Every file at the end: its content, and the blocks that hold it."""


@dataclass
class PlainWork:
    """Every operation of it, in a plain folder."""

    base: Path
    log: list[tuple[int, Operation]]
    noted: Noted
    kept: Kept


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder = tmp_path_factory.mktemp("keeping")
    with LoggedDevice(folder / "device") as logged:
        camera = WatchedCamera(folder / "camera", logged.disk, logged.position, FILM)
        try:
            kept = keep_and_delete(camera, ["--root", str(logged.disk)])
            ledger = [(file.read_bytes(), blocks_of(file)) for file in sorted((camera.store / "ledger").iterdir())]
        finally:
            camera.kill()
    return Work(logged, camera.noted, kept, ledger)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> PlainWork:
    folder = tmp_path_factory.mktemp("keeping-plain")
    disk, steps = folder / "disk", folder / "steps.log"
    disk.mkdir()
    steps.touch()
    camera = WatchedCamera(folder / "camera", disk, lambda: steps.stat().st_size, FILM)
    shutil.copytree(disk, folder / "base")
    try:
        kept = keep_and_delete(camera, ["--root", str(disk), "--log", str(steps)])
    finally:
        camera.kill()
    return PlainWork(folder / "base", list(entries_named(read_log(steps))), camera.noted, kept)


def entries_named(log: list[tuple[int, Operation]]) -> Iterator[tuple[int, Operation]]:
    """The `fdatasync` of an entry about holds and deletions gets the entry's name: without that of every entry, the first thing to show
    would be the lack of a start."""
    kind = ""
    for end, operation in log:
        if operation.step == "write evidence.ledger.append":
            kind = next((kind for kind in CONFIRMED if f'"type":"{kind}"'.encode() in operation.data), "")
        if kind and operation.step == mutations.ENTRY:
            operation = msgspec.structs.replace(operation, step=f"{mutations.ENTRY} of {kind}")
        yield end, operation


# --- the logged device ------------------------------------------------------------------------------------------------------------------


def confirmations(work: Work, entries: list[Entry]) -> tuple[list[range], list[range]]:
    """The entries of the device's log around each line about holds, and from each `deleting` to its `deleted`."""
    holds: list[range] = []
    deletions: list[range] = []
    begun: dict[bytes, int] = {}
    for content, blocks in work.ledger:
        offset = 0
        for line in content.splitlines(keepends=True):
            kind = next((kind for kind in CONFIRMED if f'"type":"{kind}"'.encode() in line), "")
            if kind:
                recording = line.partition(b'"recording":')[2][:13]
                at = written_after(work.device.log, entries, blocks, offset, line)
                assert at, f"{kind} of {recording!r} never reached the disk"
                if kind == "deleting":
                    begun[recording] = at
                elif kind == "deleted":
                    deletions.append(range(begun[recording] - BEFORE, at + AFTER))
                else:
                    holds.append(range(at - BEFORE, at + AFTER))
            offset += len(line)
    return holds, deletions


def keeping_places(work: Work, entries: list[Entry], chance: random.Random) -> Iterator[tuple[int, Unsynced]]:
    """In the midst of each deletion; then half around the confirmations in turn, half anywhere; growing."""
    holds, deletions = confirmations(work, entries)
    assert (len(holds), len(deletions)) == (6 + 4, 5)
    first = bisect.bisect_right([entry.end for entry in entries], work.noted.start_position)
    windows = [*holds, *deletions, *deletions]
    chance.shuffle(windows)
    chosen = [(deletion.start + BEFORE + deletion.stop - AFTER) // 2 for deletion in deletions]
    chosen += [chance.choice(windows[number % len(windows)]) for number in range(CUTS // 2 - len(chosen))]
    chosen += [chance.randint(first, len(entries)) for _ in range(CUTS - len(chosen))]
    yield from sorted((min(max(1, at), len(entries)), HOW[number % len(HOW)]) for number, at in enumerate(chosen))


def described(figures: Figures, seen: collections.Counter[str]) -> str:
    met = ", ".join(f"{what} {number}" for what, number in sorted(seen.items()))
    complaints = ", ".join(f"{kind} {number}" for kind, number in figures.complaints.items()) or "none"
    return f"{figures.cuts} cuts, {figures.checked} confirmations looked for; {met}; complaints: {complaints}"


@pytest.mark.root
def test_a_confirmed_hold_stands_and_a_deletion_is_whole(work: Work, tmp_path: Path) -> None:
    entries, chance = device.read_log(work.device.log), random.Random()
    seen: collections.Counter[str] = collections.Counter()

    def look(image: Path, mount: Path, position: int) -> Verdict:
        return checked_image(image, mount, lambda: judge_keeping(mount, work.kept, work.noted, position, seen))

    figures = cut_entries(work.device, entries, keeping_places(work, entries, chance), tmp_path / "cuts", chance, look)
    print(f"\npower cuts during holds and deletions on ext4: {described(figures, seen)}")
    assert not figures.complaints, figures.examples
    assert figures.cuts == CUTS
    assert min(seen[what] for what in ("deletions to complete", "deletions done", "HoldAdded", "HoldReleased")) > 0, seen


@pytest.mark.root
@pytest.mark.parametrize("step", mutations.ENTRIES_OF_RETENTION)
def test_the_logged_ext4_misses(plain: PlainWork, tmp_path: Path, step: str) -> None:
    with LoggedDevice(tmp_path / "device") as logged:
        noted = reenact(logged, plain.base, plain.log, plain.noted, step)
    entries, chance = device.read_log(logged.log), random.Random(1)
    ends = [entry.end for entry in entries]
    seen: collections.Counter[str] = collections.Counter()

    def look(image: Path, mount: Path, position: int) -> Verdict:
        return checked_image(image, mount, lambda: judge_keeping(mount, plain.kept, noted, position, seen))

    where = places(noted, ends, bisect.bisect_right(ends, noted.start_position), 0, chance)
    figures = cut_entries(logged, entries, where, tmp_path / "cuts", chance, look, ENOUGH)
    print(f"\nwithout {step}: {described(figures, seen)}; {next(iter(figures.examples.values()), '')}")
    assert figures.complaints


# --- the disk that keeps only what POSIX promises ---------------------------------------------------------------------------------------


def cut_plain(plain: PlainWork, cuts: Iterator[tuple[int, Unsynced]], folder: Path, leave_out: str = "", enough: int = 0) -> str:
    """Complaints raise `AssertionError` unless a step is left out; then their lack does."""
    seen: collections.Counter[str] = collections.Counter()

    def look(into: Path, position: int) -> Verdict:
        return judge_keeping(into, plain.kept, plain.noted, position, seen)

    figures = cut_operations(plain.base, plain.log, cuts, folder, random.Random(), look, leave_out, enough)
    assert bool(figures.complaints) == bool(leave_out), f"{described(figures, seen)} {figures.examples}"
    return f"{described(figures, seen)}; {next(iter(figures.examples.values()), '')}"


def test_the_work_has_everything_that_a_cut_may_hit(plain: PlainWork) -> None:
    assert len(plain.kept.footage) > 10
    assert all(len(plain.kept.of(recording)) > 1 for recording, _ in plain.kept.footage)
    steps = {operation.step for _, operation in plain.log}
    assert {f"{name} retention.deletion.{by}" for name, by in (("unlink", "_remove"), ("rmdir", "_remove_folder"))} <= steps
    assert any(operation.path.endswith(STRAY) for _, operation in plain.log)


def test_every_durable_step_of_a_deletion_has_its_mutation(plain: PlainWork) -> None:
    durable = {operation.step for _, operation in plain.log if operation.kind in ("sync", "sync folder")}
    assert {step for step in durable if " retention." in step} == set(mutations.OF_DELETION)
    named = {step for step in durable if step.startswith(mutations.ENTRY)}
    assert named == {mutations.ENTRY, *mutations.ENTRIES_OF_RETENTION, f"{mutations.ENTRY} of deleted"}
    assert {step for step in durable - named if not step.endswith(" elsewhere")} <= mutations.ALL | set(mutations.OF_DELETION)


def test_a_confirmed_hold_stands_and_a_deletion_is_whole_on_a_disk_that_keeps_only_what_posix_promises(
    plain: PlainWork, tmp_path: Path
) -> None:
    chance = random.Random()
    about = [i for i, (_, operation) in enumerate(plain.log, 1) if " retention." in operation.step]
    chosen = [chance.choice(about) + chance.randint(-6, 6) for _ in range(CUTS // 2)]
    chosen += [chance.randint(1, len(plain.log)) for _ in range(CUTS - len(chosen))]
    cuts = sorted((min(max(1, at), len(plain.log)), chance.choice(HOW)) for at in chosen)
    print(f"\npower cuts during holds and deletions, POSIX: {cut_plain(plain, iter(cuts), tmp_path)}")


@pytest.mark.parametrize("step", [*mutations.ENTRIES_OF_RETENTION, *mutations.OF_DELETION])
def test_the_posix_disk_misses(plain: PlainWork, tmp_path: Path, step: str) -> None:
    print(f"\nwithout {step}: {cut_plain(plain, after_each(plain.log, step), tmp_path, step, ENOUGH)}")


def test_what_is_kept_is_there_at_the_end(plain: PlainWork) -> None:
    left = stored(plain.base.parent / "disk" / "store")
    assert left == {key: content for key, content in plain.kept.footage.items() if key in left}
