"""The card reader's process: `python -m bodycamd.camera.cards --config FILE`, run by the unit `bodycamd-cards` where `board.card_reader`
names a reader, which the unit asks first (`--is-wanted`).

It waits for cards and tells their codes over the socket `board.cards`; a card's number leaves it never. It has no network, no footage, no
key, and no way to the recorder but what the recorder reads. Exit codes as everywhere (`bodycamd.errors`): 78 where the configuration is
wrong, or names no reader; 69 where the socket cannot be made, or the reader's library is missing; 0 after SIGTERM, SIGINT or SIGHUP.
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

from bodycamd.camera.cards.messages import encode
from bodycamd.camera.cards.reader import build_reader
from bodycamd.camera.cards.watch import CardWatch
from bodycamd.config.load import load
from bodycamd.errors import BodycamError, ConfigError
from bodycamd.foreign_text import shown
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.telling import Teller

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PAUSE_MS = 1000
"""After a look at a reader that does not answer."""


def serve(watch: CardWatch, teller: Teller, stop: int) -> None:
    """Look and tell, until something can be read from the descriptor `stop`."""
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    faulty: str | None = None
    while not poll.poll(PAUSE_MS if watch.fault is not None else 0):
        news = watch.look()
        teller.admit()  # who has connected since hears of it
        for told in news:
            teller.publish(encode(told), kept=not told.is_showing)
        if watch.fault != faulty:
            log.log(logging.ERROR if watch.fault else logging.INFO, "%s", watch.fault or "the card reader answers")
        faulty = watch.fault


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and give its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bodycamd.camera.cards", description="Tell which card is shown.")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE")
    parser.add_argument("--is-wanted", action="store_true", help="only say by the exit code whether a reader is configured: 0, or 1")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    if options.is_wanted:
        return _is_wanted(options.config)
    stop, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake)
    try:
        config = load(options.config)
        reader = build_reader(config)
        if reader is None:
            raise ConfigError(f"{options.config}: board.card_reader: none: there is nothing to read; allowed: pcsc, pn532")
        assert config.shift.salt is not None, "the configuration check asks for shift.salt"
        teller = Teller(Path(config.board.cards), process="cards", key="board.cards")
        try:
            serve(CardWatch(reader, config.shift.salt, boottime_us), teller, stop)
        finally:
            teller.close()
            reader.close()
    except BodycamError as error:
        print(shown(f"cards: {error}", 16_384), file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _is_wanted(path: Path) -> int:
    """0 where a reader is configured; else systemd passes over the unit, also where the configuration is wrong: the recorder says that."""
    try:
        return int(load(path).board.card_reader == "none")
    except BodycamError as error:
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
