"""`bodycamd fleet officer-card`: the code of an officer's card, for the fleet file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import say
from bodycamd.errors import DataError, UsageError

MAX_BYTES = 200


def officer_card(
    officer: Annotated[str, typer.Argument(help="The officer's pseudonym, such as H-12; never a name.")],
    team: Annotated[list[str] | None, typer.Option("--team", help="At this team's cameras only; else at every one.")] = None,
    number_file: Annotated[
        Path | None,
        typer.Option("--number-file", help="Take the card's number from this file, in hex; /dev/stdin works too.", readable=False),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long a card is waited for.")] = 30.0,
    fleet: FleetOption = fleet_option.FLEET,
) -> None:
    """Wait for a card at this computer's reader (PC/SC), and print its line for `officers` in the fleet file.

    The line holds a code, made with the fleet's salt, and never the card's number. A card selects a pseudonym and proves nothing.
    """
    from bodycamd.evidence.pseudonyms import pseudonym
    from bodycamd.linux.clock import boottime_us
    from bodycamd.linux.foreign import read_named
    from bodycamd.workshop.fleet import officer_cards

    name = pseudonym(officer, "OFFICER")
    reading, found = fleet_option.usable(fleet)
    if unlisted := sorted(set(team or []) - {one.id for one in found.teams}):
        raise UsageError(f"--team {unlisted[0]}: the teams are {', '.join(one.id for one in found.teams)}")
    salt = officer_cards.salt(reading)
    if number_file is not None:
        try:
            code = officer_cards.code_from_number(read_named(number_file, MAX_BYTES).decode(), salt)
        except UnicodeDecodeError:
            raise DataError(f"{number_file}: not the number of a card in hex digits") from None
    else:
        from bodycamd.camera.cards.pcsc import PcscReader

        reader = PcscReader()
        try:
            code = officer_cards.code_at_reader(reader, salt, seconds, boottime_us, lambda: say("lay the card on the reader", err=True))
        finally:
            reader.close()
    if (other := next((one.id for one in found.officers if one.card == code), None)) is not None:
        raise UsageError(f"this card is that of {other} already: a card has one officer")
    say(officer_cards.line(name, code, team or []))
