"""The daemon, with its steps on the disk written down, left out, or cut short: `python -m tests.powercut.launcher … -- --config FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bodycamd import daemon
from bodycamd.recorder.writer import Writer
from tests.powercut.steps import Kill, Steps


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
    ours, rest = parser.parse_known_args()
    kill = Kill(ours.kill, ours.when, ours.kill_step) if ours.kill else None
    Steps(ours.root, log=ours.log, leave_out=ours.leave_out, kill=kill).install()
    if ours.segment_seconds is not None:

        def writer(**settings: Any) -> Writer:
            return Writer(**{**settings, "segment_seconds": ours.segment_seconds})

        daemon.__dict__["Writer"] = writer
    return daemon.main([word for word in rest if word != "--"])


if __name__ == "__main__":
    sys.exit(main())
