"""`bodycamd status`: how the camera is, asked over the control socket."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from bodycamd.cli.daemon_or_store import AsJson, ask
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.output import print_json, say_lines
from bodycamd.cli.place import ConfigOption, SocketOption, find_socket

WIDEST = 80
"""Columns: longer lines are hard to read."""


def status(
    verbose: Annotated[bool, typer.Option("--verbose", help="Also show every figure that the daemon has.")] = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
    timezone: TimezoneOption = None,
    json: AsJson = False,
) -> None:
    """Show how the camera is in one screen: state, room, clock, battery, and what to do about what is wrong."""
    from bodycamd.camera.daemon.protocol import AskStatus
    from bodycamd.camera.daemon.status_message import Status
    from bodycamd.cli.status_details import details
    from bodycamd.cli.status_screen import screen

    path = find_socket(config, socket)
    local = local_time(timezone, config)
    found = ask(path, AskStatus(), Status)
    if json:
        print_json(found)
        return
    terminal = shutil.get_terminal_size((WIDEST, 24))
    columns = min(terminal.columns, WIDEST)
    if verbose:
        say_lines([*screen(found, local, columns, None), "", *details(found, columns)])
    else:
        say_lines(screen(found, local, columns, terminal.lines))
