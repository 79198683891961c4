"""`bodycamd shift`: who wears the camera, by pseudonymous id, as ledger entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.daemon_or_store import AsJson, ask
from bodycamd.cli.output import print_json, say
from bodycamd.cli.place import ConfigOption, SocketOption, find_socket
from bodycamd.errors import ConfigError

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


@app.command()
def card(
    officer: Annotated[str, typer.Option(help="The officer's pseudonym, such as H-12; never a name.")],
    config: ConfigOption = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long a card is waited for.")] = 30.0,
    json: AsJson = False,
) -> None:
    """Wait for a card at this machine's reader, and print its line for the file `shift.cards`.

    The line holds a code and never the card's number. Add it to the file on every camera, and restart bodycamd there. A card selects a
    pseudonym and proves nothing: its number can be copied.
    """
    from bodycamd.camera.cards.codes import line_of
    from bodycamd.camera.cards.registration import wait_for_card
    from bodycamd.config.load import load
    from bodycamd.config.paths import DEFAULT_CONFIG
    from bodycamd.evidence.pseudonyms import pseudonym
    from bodycamd.linux.clock import boottime_us

    pseudonym(officer, "--officer")
    board = load(DEFAULT_CONFIG if config is None else config).board
    if board.card_reader == "none":
        raise ConfigError("board.card_reader: none: there is no reader to wait at; allowed: pcsc, pn532")
    code = wait_for_card(Path(board.cards), seconds, boottime_us, lambda: say("hold the card to the reader", err=True))
    if json:
        print_json({"officer": officer, "code": code})
    else:
        say(line_of(officer, code))


def _ask(socket: Path, request: Request[Shift], what: str, json: bool) -> None:
    from bodycamd.camera.recorder.shift import Shift

    shift = ask(socket, request, Shift)
    if json:
        print_json(shift)
    else:
        say(f"the shift of officer {shift.officer} has {what}")
