"""The button answers whatever the camera, the disk and the speaker do.

Several cameras side by side, each with its worker and its voice stopped whenever they appear, all on one slow disk that a neighbour keeps
busy. Each round: a press (the lamp must blink), another (the warning is skipped), then a hold, its release and a press (the recording must
end).
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from bodycamd.camera.control.state import ALONE_US, BURST_US
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import StateChanged
from bodycamd.linux.clock import boottime_us
from tests.bench.bare import BareProcess
from tests.bench.figures import Table, percentile, spread
from tests.bench.slow_disk import SlowDisk
from tests.bench.stopper import Stopper
from tests.kit.camera import Camera, wait_until_us
from tests.kit.scale import count
from tests.kit.waiting import wait_for
from tests.powercut.device import missing

pytestmark = [
    pytest.mark.bench,
    pytest.mark.root,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

CAMERAS = 8
PRESSES = 500
BETWEEN_FLASHES_US = 400_000
SWITCH_SECONDS = 0.0002
"""The officers share one interpreter: a finger must not wait for another officer's look at a lamp."""


class Officer:
    """Presses one camera's button; notes how long each answer took, in milliseconds."""

    def __init__(self, camera: Camera, seed: int) -> None:
        self._camera = camera
        self._random = random.Random(seed)
        self.lamp: list[float] = []
        self.closing: list[float] = []

    def work(self, presses: int) -> None:
        camera = self._camera
        with ControlClient(camera.device / "control.sock", timeout_seconds=120) as client:
            client.subscribe()
            states = (event for event in client.events() if isinstance(event, StateChanged))

            def until(state: str) -> int:
                return next(event.at_us for event in states if event.state == state)

            for _ in range(presses):
                known = self._dark_moment()
                pressed_us = camera.tap()
                wait_until_us(camera.felt_us(pressed_us) + BURST_US)
                camera.tap()
                lit = next(line for line in camera.timeline("lamp")[known:] if line["on"] and line["at_us"] >= pressed_us)
                self.lamp.append((lit["at_us"] - pressed_us) / 1000)
                released_us = camera.stop_by_hand()
                self.closing.append((until("closing") - released_us - ALONE_US) / 1000)
                until("standby")

    def _dark_moment(self) -> int:
        """Wait for one, at random, between two groups of flashes: a camera whose spare hangs, too, shows in standby that it cannot record.
        Returns how often the lamp had changed."""

        def changes() -> int:
            lamp = self._camera.timeline("lamp")
            dark = not lamp or (not lamp[-1]["on"] and boottime_us() - lamp[-1]["at_us"] > BETWEEN_FLASHES_US)
            return len(lamp) + 1 if dark else 0

        while True:
            known = wait_for(changes, 15, "a dark lamp")
            time.sleep(self._random.uniform(0.05, 0.3))
            if changes() == known:
                return known - 1


def test_the_button_answers(table: Table, tmp_path: Path) -> None:
    each = -(-count(PRESSES) // CAMERAS)
    with ExitStack() as stack:
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(SWITCH_SECONDS)
        slow = stack.enter_context(SlowDisk(tmp_path))
        cameras = [
            stack.enter_context(Camera(tmp_path / f"camera-{n}", {"storage": {"directory": str(slow.disk / f"store-{n}")}}))
            for n in range(CAMERAS)
        ]
        stopper = Stopper([camera.process.pid for camera in cameras])
        stack.callback(stopper.close)
        stopper.start()
        wait_for(lambda: min(stopper.counts.values()) >= CAMERAS, 10, "stopped workers and voices")
        officers = [Officer(camera, seed) for seed, camera in enumerate(cameras)]
        with BareProcess(tmp_path) as bare, ThreadPoolExecutor(CAMERAS) as crowd:
            for done in [crowd.submit(officer.work, each) for officer in officers]:
                done.result()
        durable = [event for camera in cameras for event in camera.of("FragmentDurable")]
        states = [camera.status()["state"] for camera in cameras]
    lamp = [ms for officer in officers for ms in officer.lamp]
    closing = [ms for officer in officers for ms in officer.closing]
    sync = statistics.median(slow.sync_seconds) * 1000
    assert durable == []
    assert states == ["standby"] * CAMERAS
    under = f"worker and voice stopped, {sync:.0f} ms a sync"
    machine = percentile(bare.answers, 0.99)
    rows = (("press -> LED", lamp, 20), ("press that stood alone -> closing", closing, 50))
    for what, answers, bound in rows:
        table.add(
            f"{what} ({under})",
            percentile(answers, 0.99),
            spread(answers),
            peer=f"a bare process {spread(bare.answers)}",
            machine=machine,
            at_most=bound,
            target=f"{bound} ms p99",
        )
