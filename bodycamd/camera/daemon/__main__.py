"""The recorder as a process: `python -m bodycamd.camera.daemon --config FILE` is what systemd starts (Type=notify, watchdog). It ends with

- 0 after SIGTERM, SIGINT or SIGHUP: an open recording is closed and sealed first;
- 100 when the battery is critical and everything is sealed: the unit then powers the camera off;
- the exit code of a `BodycamError` (78: the configuration is wrong; 75: another daemon holds the store; …).
"""

from __future__ import annotations

import gc
import sys

if __name__ == "__main__":
    # What follows is imported once and kept: looking for what could be freed meanwhile is a thirtieth of the start.
    gc.disable()
    # The recorder speaks to nobody over a network. asyncio does without TLS where Python has none, and nothing else may bring it in.
    sys.modules["ssl"] = None  # type: ignore[assignment]  # the import system's own word for a module that may not be imported
    from bodycamd.camera.capture.first_worker import FirstWorker

    first = FirstWorker() if "--config" in sys.argv else None  # it loads itself while what follows is loaded

import asyncio
import copy
import logging
from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera.capture.first_worker import FirstWorker, start
from bodycamd.camera.daemon.wiring import serve
from bodycamd.camera.keeping import ordered_settings
from bodycamd.config import load as configuration
from bodycamd.errors import BodycamError, UsageError
from bodycamd.foreign_text import shown, trace_lines
from bodycamd.linux import memory, missing_package

MAX_LINE = 16_384
"""Characters of a line in the journal."""


class JournalFormatter(logging.Formatter):
    """One line for the message, and one for each line of a trace, each of printable characters: names of files, devices and what sound
    libraries say come from others.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one record."""
        message, error = copy.copy(record), record.exc_info[1] if record.exc_info else None
        message.exc_info = message.exc_text = message.stack_info = None
        return "\n".join([shown(super().format(message), MAX_LINE), *(trace_lines(error) if error is not None else ())])


def main(argv: Sequence[str] | None = None, first: FirstWorker | None = None) -> int:
    """The command line of systemd's unit; `first` has a capture worker that runs already, and is ended in any case. A `BodycamError` is one
    line on stderr and its exit code."""
    match sys.argv[1:] if argv is None else argv:
        case ["--config", name]:
            file = Path(name)
        case _:
            return _last_word(UsageError("usage: python -m bodycamd.camera.daemon --config FILE"))
    journal = logging.StreamHandler(sys.stderr)
    journal.setFormatter(JournalFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[journal])
    try:
        unlocked = memory.lock()  # before the signing keys are there
        config = configuration.load(file)
        ordered = ordered_settings.begin(config, file)
        if ordered is not None:
            config = ordered.config()
        configuration.check_files(config, file)
        return asyncio.run(serve(config, unlocked, ordered, start if first is None else first.start))
    except BodycamError as error:
        return _last_word(error)
    except ModuleNotFoundError as error:
        missing = missing_package.as_error(error, "run")
        if missing is None:
            raise
        return _last_word(missing)
    finally:
        if first is not None:
            first.end()


def _last_word(error: BodycamError) -> int:
    print(shown(f"bodycamd: {error}", MAX_LINE), file=sys.stderr)  # noqa: T201 - to the journal
    return error.exit_code


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main(first=first))
