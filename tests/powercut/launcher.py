"""The daemon, with its steps on the disk written down, left out, or cut short: `python -m tests.powercut.launcher … -- --config FILE`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from bodycamd.camera.daemon import __main__ as daemon
from bodycamd.camera.daemon import wiring
from bodycamd.camera.recorder import store
from bodycamd.camera.recorder.writer import Writer
from bodycamd.linux import durable
from bodycamd.linux.clock import ClockReading, SystemClock, quality
from bodycamd.retention import clock_trust as trust
from tests.kit.parts import replace
from tests.powercut.steps import Kill, Steps

DAY_US = 86_400_000_000


class LaterClock(SystemClock):
    """The machine's clocks, the wall clock so many days on and synchronised."""

    def __init__(self, days: float) -> None:
        super().__init__()
        self._more_us = round(days * DAY_US)

    def read(self) -> ClockReading:
        reading, (trusted, source, error_ms) = super().read(), quality(0, 0, 1000)
        return ClockReading(reading.boottime_us, reading.wall_us + self._more_us, trusted, source, error_ms)


def main() -> int:
    """Everything after `--` is the daemon's own command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True, help="the folder whose steps count")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--leave-out", action="append", default=[])
    parser.add_argument("--kill", type=int, default=0, help="die at the step of this number")
    parser.add_argument("--kill-step", default="", help="count only steps of this name for --kill")
    parser.add_argument("--when", choices=("before", "after", "halfway"), default="before")
    parser.add_argument("--segment-seconds", type=float, help="shorter than the configuration allows, for many rotations in a short time")
    parser.add_argument("--days-on", type=float, help="the wall clock is so many days on, synchronised, and believed at once")
    parser.add_argument("--boot", help="the name of this boot")
    parser.add_argument("--stray", help="put an empty file there first, below the root: somebody else's")
    ours, rest = parser.parse_known_args()
    kill = Kill(ours.kill, ours.when, ours.kill_step) if ours.kill else None
    Steps(ours.root, log=ours.log, leave_out=ours.leave_out, kill=kill).install()
    if ours.segment_seconds is not None:

        def writer(**settings: Any) -> Writer:
            return Writer(**{**settings, "segment_seconds": ours.segment_seconds})

        replace(wiring, "Writer", writer)
    if ours.days_on is not None:
        replace(wiring, "SystemClock", lambda: LaterClock(ours.days_on))
        replace(trust, "CONTINUOUS_US", 0)
    if ours.boot:
        replace(store, "boot_id_now", lambda: ours.boot)
    if ours.stray:
        os.close(os.open(ours.root / ours.stray, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        durable.sync_folder((ours.root / ours.stray).parent)
    return daemon.main([word for word in rest if word != "--"])


if __name__ == "__main__":
    sys.exit(main())
