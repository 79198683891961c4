"""The process that reads sealed segments out: `python -m bodycamd.camera.offloading --config FILE`, started by systemd when somebody
connects to `bodycamd-offload.socket`, and ending by itself when nobody has for a minute.

Exit codes as everywhere (`bodycamd.errors`): 78 where the configuration is wrong, 69 where systemd handed over no socket. Who asks is told
where the store cannot be opened.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera.offloading.serving import serve
from bodycamd.config.load import load
from bodycamd.errors import BodycamError, UnavailableError
from bodycamd.foreign_text import shown

FIRST_DESCRIPTOR = 3
"""sd_listen_fds(3): SD_LISTEN_FDS_START."""
IDLE_SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and give its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bodycamd.camera.offloading", description="Read sealed segments out.")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        store = Path(load(options.config).storage.directory)
        with _handed_over() as listener:
            listener.settimeout(IDLE_SECONDS)
            serve(listener, store)
    except BodycamError as error:
        print(shown(f"offload: {error}", 16_384), file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _handed_over() -> socket.socket:
    """The listening socket. Raises `UnavailableError` where systemd gave none."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        raise UnavailableError("no socket was handed over: this is started by bodycamd-offload.socket")
    return socket.socket(fileno=FIRST_DESCRIPTOR)


if __name__ == "__main__":
    sys.exit(main())
