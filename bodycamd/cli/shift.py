"""`bodycamd shift`: who wears the camera, by pseudonymous id, as ledger entries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bodycamd.camera.daemon.client import DEFAULT_SOCKET, ControlClient
from bodycamd.cli.output import print_json, say

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
    from bodycamd.evidence.pseudonyms import pseudonym

    pseudonym(officer, "--officer")
    _tell(_ask(socket, "shift_begin", officer=officer), "the shift of officer {officer} has begun", json)


@app.command()
def end(socket: Socket = DEFAULT_SOCKET, json: AsJson = False) -> None:
    """End the running shift."""
    _tell(_ask(socket, "shift_end"), "the shift of officer {officer} has ended", json)


def _ask(socket: Path, command: str, **arguments: str) -> Any:
    with ControlClient(socket) as client:
        return client.request(command, **arguments)


def _tell(result: Any, words: str, json: bool) -> None:
    if json:
        print_json(result)
    else:
        officer = result.get("officer", "?") if isinstance(result, dict) else "?"
        say(words.format(officer=officer))
