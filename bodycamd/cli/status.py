"""`bodycamd status`: how the camera is, asked over the control socket."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.daemon_or_store import AsJson, ask
from bodycamd.cli.local_time import configured_local_time, local_time
from bodycamd.cli.output import print_json, say_lines
from bodycamd.cli.place import ConfigOption, SocketOption, find_socket
from bodycamd.config.paths import DEFAULT_CONFIG

if TYPE_CHECKING:
    from bodycamd.municipality.words.times import LocalTime

WIDEST = 80
"""Columns: longer lines are hard to read."""


def status(
    verbose: Annotated[bool, typer.Option("--verbose", help="Also show every figure that the daemon has.")] = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Show how the camera is in one screen: state, room, clock, battery, and what to do about what is wrong."""
    from bodycamd.camera.daemon.protocol import AskStatus
    from bodycamd.camera.daemon.status_message import Status
    from bodycamd.cli.status_details import details
    from bodycamd.cli.status_screen import screen

    found = ask(find_socket(config, socket), AskStatus(), Status)
    if json:
        print_json(found)
        return
    terminal = shutil.get_terminal_size((WIDEST, 24))
    columns = min(terminal.columns, WIDEST)
    local = _local(config)
    if verbose:
        say_lines([*screen(found, local, columns, None), "", *details(found, columns)])
    else:
        say_lines(screen(found, local, columns, terminal.lines))


def _local(config: Path | None) -> LocalTime:
    """Of the configuration; who may only ask the daemon need not be able to read it."""
    readable = config is not None or os.access(DEFAULT_CONFIG, os.R_OK)
    return configured_local_time(config or DEFAULT_CONFIG) if readable else local_time()
