"""Power cuts while the daemon starts: after the recovery there is exactly one key that the chain accepts, and none of an earlier start.

Starts on an empty store, after an ordered stop, after a death while recording, and after deaths amid the start itself, at each of its
durable steps; with the plain daemon each time another has died.
"""

from __future__ import annotations

import bisect
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.powercut import device
from tests.powercut.bench import HOW, cut_entries, judge_image, promised_at
from tests.powercut.device import LoggedDevice
from tests.powercut.judge import Truth, Verdict, read_truth
from tests.powercut.workload import FILM, Noted, WatchedCamera, fragments, press_twice

pytestmark = [pytest.mark.powercut, pytest.mark.root, pytest.mark.timeout(1800)]

CUTS = max(30, int(os.environ.get("CUTS", "150")) * 3 // 10)
DEATHS = (
    "fdatasync linux.durable.create",
    "fsync linux.durable.create",
    "fdatasync evidence.ledger.append",
    "write linux.durable.erase",
    "fdatasync linux.durable.erase",
)
"""The durable steps of a start, in their order; the daemon dies just before each."""


@dataclass
class Starts:
    device: LoggedDevice
    noted: Noted
    truth: Truth
    windows: list[tuple[int, int]]
    """The log's size when each start began, and when it was ready or dead."""


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    folder = tmp_path_factory.mktemp("starts")
    windows: list[tuple[int, int]] = []
    with LoggedDevice(folder / "device") as logged:
        camera = WatchedCamera(folder / "camera", logged.disk, logged.position, FILM)

        def whole_start() -> None:
            began = logged.position()
            camera.launch().wait_ready()
            windows.append((began, logged.position()))

        def start_that_dies(step: str) -> None:
            began = logged.position()
            camera.launch("--root", str(logged.disk), "--kill", "1", "--kill-step", step)
            camera.wait_dead()
            camera.note_secrets()
            windows.append((began, logged.position()))

        try:
            whole_start()
            press_twice(camera)
            fragments(camera, 10)
            for step in DEATHS:
                camera.kill()
                start_that_dies(step)
                whole_start()
                fragments(camera, 10)
            camera.stop_recording()
            assert camera.stop() == 0, camera.journal
            whole_start()
            assert camera.stop() == 0, camera.journal
            truth = read_truth(logged.disk, camera.registered, camera.identity)
        finally:
            camera.kill()
    return Starts(logged, camera.noted, truth, windows)


def test_every_start_made_a_key_and_took_one_away(starts: Starts) -> None:
    ready = [number for _, number in starts.noted.ready]
    assert len(ready) == len(DEATHS) + 2
    assert set(ready) <= set(starts.truth.ledger.start_keys)
    assert len({*starts.truth.ledger.start_keys.values()}) == len(starts.truth.ledger.start_keys)


def test_after_any_cut_of_a_start_one_key_is_accepted(starts: Starts, tmp_path: Path) -> None:
    entries, chance = device.read_log(starts.device.log), random.Random()
    ends = [entry.end for entry in entries]
    within = [range(bisect.bisect_right(ends, began), bisect.bisect_right(ends, ended) + 1) for began, ended in starts.windows]
    chosen = sorted(chance.choice(within[number % len(within)]) for number in range(CUTS))
    where = [(min(max(1, at), len(entries)), HOW[number % len(HOW)]) for number, at in enumerate(chosen)]

    def look(image: Path, mount: Path, position: int) -> Verdict:
        return judge_image(image, mount, starts.truth, promised_at(starts.noted, position), starts.noted)

    figures = cut_entries(starts.device, entries, where, tmp_path / "cuts", chance, look)
    print(f"\npower cuts during {len(within)} starts, {sum(map(len, within))} entries of the log: {figures}")
    assert not figures.complaints, figures.examples
    assert figures.cuts == CUTS
