"""A contact sheet: pictures of a film at equal distances, in rows, as one PNG. For a quick look and for a file; it proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError, OutputError
from bodycamd.linux import foreign
from bodycamd.linux.new_file import PICTURE, check_room
from bodycamd.municipality.film.film import give_names
from bodycamd.municipality.film.film_maker import FilmMaker
from bodycamd.municipality.film.film_making import UnnamedFiles


def contact_sheet(
    film: Path, png: Path, columns: int = 4, rows: int = 4, *, overwrite: bool = False, stop: Callable[[], None] = lambda: None
) -> int:
    """Write the sheet of a film and return how many pictures it shows: `columns` times `rows`, fewer where the film has fewer frames.

    Raises `NotFoundError`, `DataError` where the film cannot be decoded, `OutputError`. The file appears whole or not at all; one that
    exists is replaced only where `overwrite` says so and it is a picture.
    """
    if not film.is_file():
        raise NotFoundError(f"{film}: there is no such film")
    if not png.absolute().parent.is_dir():
        raise OutputError(f"{png}: cannot be written: there is no such folder")
    check_room(png, PICTURE, "picture", overwrite)
    with foreign.open_file(film) as source, UnnamedFiles(png.absolute().parent, png.stem) as files, FilmMaker(stop, out=png) as maker:
        made = files.new()
        try:
            shown = len(maker.draw_sheet(source.fileno(), made, columns=columns, rows=rows))
        except DataError as error:
            raise DataError(f"{film}: {error}") from error
        stop()
        give_names([(made, png)], replace=overwrite)
    return shown
