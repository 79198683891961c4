"""The real daemon with parts that fail when a test says so: `python -m tests.system.faults.launch --config FILE`.

The product knows nothing of this. Its worker is `tests.system.faults.worker`, its voice `tests.system.faults.voice`, its clocks are
`clocks.FaultyClock`, and `kernel.Kernel` answers for the disk; `triggers` says how each is told to fail.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from bodycamd.camera.board import simulated
from bodycamd.camera.board.voice.supervisor import VoiceProcess
from bodycamd.camera.capture.first_worker import start
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.daemon import __main__ as daemon
from bodycamd.camera.daemon import watches, wiring
from bodycamd.camera.recorder import space
from bodycamd.camera.recorder.writer import Writer
from bodycamd.config import load as configuration
from tests.kit.parts import replace
from tests.system.faults import clocks, kernel, triggers

RESERVE_BYTES = "BODYCAMD_TEST_RESERVE_BYTES"
"""A smaller reserve for the ledger, so that a small disk can be filled."""
SEGMENT_SECONDS = "BODYCAMD_TEST_SEGMENT_SECONDS"
"""Shorter segments than the configuration allows, for rotations in a short time."""
LOOK_SECONDS = 1.0
"""The daemon looks at the clock and at the room on the disk every 5 s; here more often, so that tests need not wait."""
VOICE = "voice.sh"


def supervisor(**settings: Any) -> Supervisor:
    """As the daemon makes it, with the failing worker."""
    return Supervisor(**settings | {"start": lambda: start((sys.executable, "-m", "tests.system.faults.worker"))})


def voice(*arguments: Any, **settings: Any) -> VoiceProcess:
    """As the board makes it, with the failing voice: a script that puts another module in the place of the real one."""
    script = triggers.folder() / VOICE
    script.write_text(f'#!/bin/sh\nshift 4\nexec "{sys.executable}" -m tests.system.faults.voice "$@"\n')
    script.chmod(0o700)
    return VoiceProcess(*arguments, **settings, python=str(script))


def writer(**settings: Any) -> Writer:
    """As the daemon makes it, with the reserve and the segments that the test asks for."""
    if RESERVE_BYTES in os.environ:
        settings["ledger_reserve_bytes"] = int(os.environ[RESERVE_BYTES])
    if SEGMENT_SECONDS in os.environ:
        settings["segment_seconds"] = float(os.environ[SEGMENT_SECONDS])
    return Writer(**settings)


def main() -> int:
    """Put the failing parts in place, then be the daemon."""
    watches.WATCH_SECONDS, space.ROOM_US = LOOK_SECONDS, round(LOOK_SECONDS * 1e6)
    for module, name, part in (
        (wiring, "Supervisor", supervisor),
        (wiring, "Writer", writer),
        (simulated, "VoiceProcess", voice),
        (wiring, "SystemClock", clocks.FaultyClock),
    ):
        replace(module, name, part)
    clocks.install()
    config = configuration.load(sys.argv[sys.argv.index("--config") + 1])
    kernel.Kernel(Path(config.storage.directory)).install()
    return daemon.main()


if __name__ == "__main__":
    sys.exit(main())
