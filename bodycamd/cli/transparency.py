"""`bodycamd transparency`: the numbers of one month, to be published."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.output import print_json, say_lines
from bodycamd.cli.place import ConfigOption, StoreOption, find_place
from bodycamd.municipality.words.language import Language


def transparency(
    month: Annotated[str, typer.Option(help="The month, in local time: YYYY-MM.")],
    store: StoreOption = None,
    config: ConfigOption = None,
    out: Annotated[Path | None, typer.Option(help="A folder to write transparency-MONTH.json, .csv and .html to.")] = None,
    language: Annotated[Language, typer.Option(help="The page's language.")] = "nl",
    timezone: TimezoneOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count recordings, minutes, warnings, holds, deletions and faults of a month: numbers only, nothing personal."""
    from bodycamd.errors import OutputError
    from bodycamd.linux.new_file import write_new
    from bodycamd.municipality.publish.transparency import as_csv, month_of
    from bodycamd.municipality.publish.transparency_page import page

    place = find_place(store, config)
    local = local_time(timezone, config)
    found = month_of(place.store, month, local)
    if json:
        print_json(asdict(found))
    elif out is None:
        say_lines(as_csv(found).splitlines())
    if out is None:
        return
    if not out.is_dir():
        raise OutputError(f"{out}: there is no such folder")
    pages = {"json": msgspec.json.format(msgspec.json.encode(asdict(found)), indent=2).decode() + "\n"}
    pages |= {"csv": as_csv(found), "html": page(found, language, local)}
    written = {out / f"transparency-{month}.{kind}": content.encode() for kind, content in pages.items()}
    write_new(written)
    if not json:
        say_lines(map(str, written))
