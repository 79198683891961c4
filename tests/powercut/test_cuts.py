"""A day of work of the plain daemon on a logged ext4, and the power cut at many places of it."""

from __future__ import annotations

import bisect
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit import stock_tools
from tests.powercut import device
from tests.powercut.bench import cut_device, judge_image, mounted, promised_at
from tests.powercut.device import LoggedDevice
from tests.powercut.judge import NEWEST_US, Truth, key_files, read_ledger, read_truth, snapshot
from tests.powercut.replay import Replay
from tests.powercut.workload import FILM_RATE, PATTERN, Noted, WatchedCamera, day_of_work

pytestmark = [pytest.mark.powercut, pytest.mark.root, pytest.mark.timeout(1800)]

CUTS = int(os.environ.get("CUTS", "150"))


@dataclass
class Day:
    device: LoggedDevice
    noted: Noted
    truth: Truth
    identity: Path


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("day")
    with LoggedDevice(folder / "device") as logged:
        camera = WatchedCamera(folder / "camera", logged.disk, logged.position, PATTERN)
        try:
            day_of_work(camera)
            truth = read_truth(logged.disk, camera.registered, camera.identity)
        finally:
            camera.stop_sampling()
            camera.kill()
    return Day(logged, camera.noted, truth, camera.identity)


def test_the_day_has_everything_that_a_cut_may_hit(day: Day) -> None:
    durable = [event for _, event in day.noted.events if event["event"] == "FragmentDurable"]
    assert len(durable) > 700
    assert max(number for _, number in day.truth.segments) >= 1, "rotations"
    assert [start for _, start in day.noted.ready] == [1, 2, 3]
    assert any(entry.get("resumes") for entry in day.truth.ledger.details("recording_opened"))
    assert day.truth.ledger.details("segment_recovered"), "a daemon was killed"
    assert day.truth.ledger.unstated == []


def test_no_cut_loses_anything_acknowledged(day: Day, tmp_path: Path) -> None:
    figures = cut_device(day.device, day.noted, day.truth, CUTS, tmp_path / "cuts", random.Random())
    print(f"\npower cuts on ext4: {figures}")
    assert not figures.complaints, figures.examples
    assert figures.cuts == CUTS
    assert 0 < figures.newest_lost_us <= NEWEST_US


def amid_segments(noted: Noted) -> list[int]:
    """The size of the log amid each segment that grows for a second or longer: so many of its fragments are acknowledged, and so many still
    come, that it is open and has footage however late the news of them was heard."""
    heard: dict[tuple[str, int], list[int]] = {}
    for position, event in noted.events:
        if event["event"] == "FragmentDurable":
            heard.setdefault((event["recording"], event["segment"]), []).append(position)
    return [positions[len(positions) // 2] for positions in heard.values() if len(positions) >= FILM_RATE]


@pytest.mark.parametrize("number", range(3))
def test_stock_tools_open_what_a_cut_left(day: Day, tmp_path: Path, number: int) -> None:
    entries = device.read_log(day.device.log)
    replay = Replay(day.device.base, day.device.log, entries, tmp_path / "replay")
    at = bisect.bisect_right([entry.end for entry in entries], amid_segments(day.noted)[number])
    image, mount = tmp_path / "cut.img", tmp_path / "mount"
    mount.mkdir()
    replay.cut(at, "torn", random.Random(), image)
    replay.close()
    verdict = judge_image(image, mount, day.truth, promised_at(day.noted, entries[at - 1].end), day.noted)
    assert not verdict.complaints
    with mounted(image, mount):
        files, segments = snapshot(mount / "store")
        ledger = read_ledger(files, day.truth.registered)
        recovered = ledger.details("segment_recovered")[-1]
        path = mount / "store/recordings" / recorded_as(recovered)
        film = tmp_path / "film.mp4"
        command = f"head -c {recovered['good_bytes']} '{path}' | tar -xf - --wildcards '*.age' --to-command='age -d -i {day.identity}'"
        film.write_bytes(subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True, stdout=subprocess.PIPE).stdout)
        assert (recovered["recording"], recovered["segment"]) in segments
        assert len(key_files(mount / "signing")) == 1
    stock_tools.decodes(film)
    (picture,) = [stream for stream in stock_tools.probe(film)["streams"] if stream["codec_type"] == "video"]
    assert picture["codec_name"] == "h264"


def recorded_as(entry: dict[str, str]) -> str:
    return f"{entry['recording']}/{entry['file']}"
