"""The sensors process: `python -m bodycamd.camera.sensors --config FILE`, run by the unit `bodycamd-sensors`.

It looks every 5 s and tells its readings over the socket `board.sensors`. It has no network, no footage, no key, and no way to the
recorder but what the recorder reads. Exit codes as everywhere (`bodycamd.errors`): 78 where the configuration is wrong, 69 where the socket
cannot be made; 0 after SIGTERM, SIGINT or SIGHUP.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera.sensors.readings import READ_SECONDS, encode
from bodycamd.camera.sensors.watch import Watch
from bodycamd.config.load import load
from bodycamd.errors import BodycamError
from bodycamd.foreign_text import shown
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.telling import Teller

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(watch: Watch, teller: Teller, stop: int) -> None:
    """Look and tell, until something can be read from the descriptor `stop`."""
    poll = select.poll()
    poll.register(teller, select.POLLIN)
    poll.register(stop, select.POLLIN)
    faulty: str | None = None
    due_us = boottime_us()
    while True:
        if (now_us := boottime_us()) >= due_us:
            due_us = now_us + int(READ_SECONDS * 1e6)
            reading = watch.look()
            if reading.fault is not None and reading.fault != faulty:
                log.error("%s", reading.fault)
            faulty = reading.fault
            try:
                teller.publish(encode(reading))
            except ValueError as error:  # the recorder hears nothing then, and says so
                log.error("a reading that cannot be: %s", error)
            poll.register(teller, select.POLLIN)
        woken = {descriptor for descriptor, _ in poll.poll(max(0, (due_us - boottime_us()) // 1000 + 1))}
        if stop in woken:
            return
        if not teller.admit():
            poll.modify(teller, 0)  # it would be readable at once: again after the next reading


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and give its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bodycamd.camera.sensors", description="Read battery gauge, temperature and supply.")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    stop, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake)
    try:
        config = load(options.config)
        teller = Teller(Path(config.board.sensors), process="sensors", key="board.sensors")
        try:
            serve(Watch(config, boottime_us), teller, stop)
        finally:
            teller.close()
    except BodycamError as error:
        print(shown(f"sensors: {error}", 16_384), file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
