"""`bodycamd contact-sheet`: pictures of a film on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.output import say
from bodycamd.cli.output_names import check_picture
from bodycamd.cli.signals import Stopping


def contact_sheet(
    film: Annotated[Path, typer.Argument(help="The film, as `bodycamd export` makes it.")],
    png: Annotated[Path, typer.Argument(help="The PNG to make.")],
    columns: Annotated[int, typer.Option(min=1, max=12, help="Pictures in a row.")] = 4,
    rows: Annotated[int, typer.Option(min=1, max=12, help="Rows.")] = 4,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that has the name.")] = False,
) -> None:
    """Make a PNG with pictures of a film at equal distances."""
    check_picture("PNG", png)
    from bodycamd.municipality.film.contact_sheet import contact_sheet as draw

    with Stopping() as stop:
        shown = draw(film, png, columns, rows, overwrite=overwrite, stop=stop)
    say(f"{png}: {shown} pictures")
