"""The machine is loaded: footage goes on, the button answers, the lamp tells the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycamd.camera.control.state import CALM_US
from bodycamd.linux.clock import boottime_us
from tests.kit.camera import Camera, wait_until_us
from tests.kit.scale import count, nightly_count, only_in_full
from tests.system.load.groups import Group, faults, missing
from tests.system.load.hogs import Hog
from tests.system.load.officer import FIGURES, Officer

pytestmark = [pytest.mark.timing, pytest.mark.timeout(600), only_in_full]

RECORDINGS = 40
EDGES = 5000
SOCKET_HOGS = ("flood", "deaf", "held", "storm", "garbage")


@pytest.fixture(autouse=True, scope="module")
def _figures() -> Iterator[None]:
    yield
    for what, text in FIGURES.items():
        print(f"{what}: {text}")


in_groups = [pytest.mark.root, pytest.mark.skipif(bool(missing()), reason=missing())]


class GroupedCamera(Camera):
    """All its processes are in a group of the kernel."""

    group: Group

    def start(self, *, ready: bool = True) -> Camera:
        self.group.join()
        try:
            return super().start(ready=ready)
        finally:
            self.group.leave()


def rounds(full: int) -> int:
    """So many recordings in the nightly run; enough in CI to see a defect."""
    return max(3, nightly_count(full))


def work(camera: Camera, load: Callable[[], Hog], what: str, recordings: int = RECORDINGS) -> None:
    officer = Officer(camera)
    with load():
        for _ in range(rounds(recordings)):
            officer.record()
    assert camera.stop() == 0, camera.journal
    officer.judge(what)


def test_both_processors_are_busy(tmp_path: Path) -> None:
    with Camera(tmp_path) as camera:
        work(camera, lambda: Hog("cpu"), "processors busy")


def test_the_button_chatters(tmp_path: Path) -> None:
    """Thousands of edges a second, while it records; the recording goes on and can be ended by a finger afterwards."""
    with Camera(tmp_path) as camera:
        officer = Officer(camera)
        officer.press()
        began_us = boottime_us()
        with Hog("edges", camera.device, EDGES):
            camera.wait_event("FragmentDurable", len(camera.of("FragmentDurable")) + count(60), 300)
        passed = (boottime_us() - began_us) / 1e6
        edges = sum(line["at_us"] > began_us for line in camera.timeline("button"))
        markers = len(camera.ledger("marker"))
        camera.hand.up()
        wait_until_us(boottime_us() + CALM_US)
        officer.stop()
        for _ in range(rounds(20)):
            officer.record()
        assert camera.stop() == 0, camera.journal
        officer.judge(f"button chatters, {edges / passed:.0f} edges/s, {markers / passed:.0f} markers/s")


@pytest.mark.parametrize("_", [pytest.param(0, marks=in_groups, id="group")])
def test_memory_is_short(tmp_path: Path, _: int) -> None:
    """All that the camera has of memory is fought for all the time."""
    with Group("memory", "short") as group:
        camera = GroupedCamera(tmp_path)
        camera.group = group
        with camera:
            before = faults(camera.process.pid)
            officer = Officer(camera)
            officer.record()
            group.limit(round(group.used_megabytes()) + 60)
            with Hog("memory", 20, before=group.join):
                for _round in range(rounds(30)):
                    officer.record()
                read = faults(camera.process.pid) - before
            assert camera.stop() == 0, camera.journal
            officer.judge(f"memory short, {read} pages read again, {group.killed()} killed")


@pytest.mark.parametrize("_", [pytest.param(0, marks=in_groups, id="group")])
def test_memory_runs_out(tmp_path: Path, _: int) -> None:
    """The kernel takes a worker, not the recorder; footage is back within 3 s."""
    with Group("memory", "out") as group:
        camera = GroupedCamera(tmp_path)
        camera.group = group
        with camera:
            officer = Officer(camera)
            officer.press()
            camera.wait_event("FragmentDurable", 3)
            worker = camera.status()["capture"]["pid"]
            scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (camera.process.pid, worker)]
            assert scores[1] == scores[0] + 400
            group.limit(round(group.used_megabytes()) + 50)
            with Hog("grow", group.path, before=group.join):
                stalled = camera.wait_event("CaptureStalled")
                resumed = camera.wait_event("FragmentDurable", where=lambda event: event["pts_us"] > stalled["last_frame_us"])
                assert camera.process.poll() is None
                officer.stop()
            assert camera.stop() == 0, camera.journal
            back = (resumed["pts_us"] - stalled["last_frame_us"]) / 1e6
            officer.judge(f"memory runs out, {group.killed()} killed, footage again after {back:.1f} s")
            assert back <= 3 + 2


@pytest.mark.parametrize("kind", SOCKET_HOGS)
def test_the_control_socket_is_attacked(tmp_path: Path, kind: str) -> None:
    with Camera(tmp_path) as camera:
        work(camera, lambda: Hog(kind, camera.device / "control.sock"), f"control socket, {kind}", 20)
