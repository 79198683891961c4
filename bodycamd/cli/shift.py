"""`bodycamd shift`: who wears the camera, by pseudonymous id, as ledger entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.daemon_or_store import AsJson, ask
from bodycamd.cli.output import print_json, say
from bodycamd.cli.place import ConfigOption, SocketOption, find_socket

if TYPE_CHECKING:
    from bodycamd.camera.daemon.protocol import Request
    from bodycamd.camera.recorder.shift import Shift

app = typer.Typer(help="Begin or end an officer's shift.", no_args_is_help=True)


@app.command()
def begin(
    officer: Annotated[str, typer.Option(help="The officer's pseudonym, such as H-12; never a name.")],
    config: ConfigOption = None,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Begin a shift: from now on the ledger names this officer, in the clear."""
    from bodycamd.camera.daemon.protocol import BeginShift
    from bodycamd.evidence.pseudonyms import pseudonym

    pseudonym(officer, "--officer")
    _ask(find_socket(config, socket), BeginShift(officer=officer), "begun", json)


@app.command()
def end(config: ConfigOption = None, socket: SocketOption = None, json: AsJson = False) -> None:
    """End the running shift."""
    from bodycamd.camera.daemon.protocol import EndShift

    _ask(find_socket(config, socket), EndShift(), "ended", json)


def _ask(socket: Path, request: Request[Shift], what: str, json: bool) -> None:
    from bodycamd.camera.recorder.shift import Shift

    shift = ask(socket, request, Shift)
    if json:
        print_json(shift)
    else:
        say(f"the shift of officer {shift.officer} has {what}")
