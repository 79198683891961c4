"""What a command line names of people: the list of whose keys count, and the key of who gives the command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.errors import BodycamError, UsageError

if TYPE_CHECKING:
    from bodycamd.municipality.copies.person_keys import People

PeopleOption = Annotated[
    Path | None, typer.Option("--people", help="The list of people whose keys count for a copy (docs/copies.md).", readable=False)
]
KeyOption = Annotated[Path | None, typer.Option("--key", help="Your signing key, as `bodycamd keys person new` makes it.", readable=False)]


def listed(people: Path | None) -> People:
    """Nobody where none are named. A list that is none is wrong use: raises `UsageError`, which names its path."""
    from bodycamd.municipality.copies.person_keys import read_people

    if people is None:
        return {}
    try:
        return read_people(people)
    except BodycamError as error:
        raise UsageError(str(error)) from error
