"""`bodycamd shift`: who wears the camera, by pseudonymous id, as ledger entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.output import print_json, say
from bodycamd.config.paths import DEFAULT_SOCKET

if TYPE_CHECKING:
    from bodycamd.camera.daemon.protocol import Request
    from bodycamd.camera.recorder.shift import Shift

app = typer.Typer(help="Begin or end an officer's shift.", no_args_is_help=True)

Socket = Annotated[Path, typer.Option("--socket", help="The daemon's control socket.", readable=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def begin(
    officer: Annotated[str, typer.Option(help="The officer's pseudonym, such as H-12; never a name.")],
    socket: Socket = DEFAULT_SOCKET,
    json: AsJson = False,
) -> None:
    """Begin a shift: from now on the ledger names this officer, in the clear."""
    from bodycamd.camera.daemon.protocol import BeginShift
    from bodycamd.evidence.pseudonyms import pseudonym

    pseudonym(officer, "--officer")
    _ask(socket, BeginShift(officer=officer), "begun", json)


@app.command()
def end(socket: Socket = DEFAULT_SOCKET, json: AsJson = False) -> None:
    """End the running shift."""
    from bodycamd.camera.daemon.protocol import EndShift

    _ask(socket, EndShift(), "ended", json)


def _ask(socket: Path, request: Request[Shift], what: str, json: bool) -> None:
    from bodycamd.camera.daemon.client import ControlClient
    from bodycamd.camera.recorder.shift import Shift

    with ControlClient(socket) as client:
        shift = client.request(request, Shift)
    if json:
        print_json(shift)
    else:
        say(f"the shift of officer {shift.officer} has {what}")
