"""`bodycamd station bundle`: software that a station has for its cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from bodycamd.cli.daemon_or_store import AsJson
from bodycamd.cli.output import print_json, say, say_lines, size, table
from bodycamd.cli.station_option import DEFAULT_STATION, FileArgument

app = typer.Typer(help="Software for cameras, which they fetch where a signed order names it.", no_args_is_help=True)


class BundleAt(Struct, frozen=True):
    """A bundle that a station has: what its orders call it, and its size."""

    name: str
    bytes: int


@app.command("add")
def add(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="bodycamd-VERSION.bundle.", readable=False)],
    release_key: Annotated[Path, typer.Option(help="The release keys that the cameras trust, in PEM: you hear at once of a wrong file.")],
    file: FileArgument = DEFAULT_STATION,
) -> None:
    """Lay in a bundle, whether the station runs or not. Twice does no harm.

    Every byte is checked first, as cameras do it again: 77 where none of the keys signed it, 65 where anything differs. No camera takes it
    but by an order: bodycamd order sign update.
    """
    from bodycamd.camera.installation.archive import verify
    from bodycamd.camera.installation.release_key import read_release_keys
    from bodycamd.municipality.station.service import opened_bundles
    from bodycamd.municipality.station.station_file import load_station

    keys = read_release_keys(release_key)
    with opened_bundles(load_station(file)) as bundles:
        added = bundles.add(bundle, lambda path: verify(path, keys).sha256)
    say(f"{added.name}: {'is here now' if added.new else 'was here already'}, {size(added.size_bytes)}")


@app.command("list")
def list_bundles(file: FileArgument = DEFAULT_STATION, json: AsJson = False) -> None:
    """List the bundles that a station has, by the names that orders call them."""
    from bodycamd.municipality.station.service import opened_bundles
    from bodycamd.municipality.station.station_file import load_station

    with opened_bundles(load_station(file)) as bundles:
        found = [BundleAt(*one) for one in bundles.list()]
    if json:
        print_json(found)
        return
    say_lines(table([("name", "size"), *((one.name, size(one.bytes)) for one in found)]) if found else ["no bundles"])


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What bodycamd station bundle list prints.")],
    file: FileArgument = DEFAULT_STATION,
) -> None:
    """Take a bundle away, whether the station runs or not. Cameras that have fetched it keep it as long as its order stands."""
    from bodycamd.municipality.station.service import opened_bundles
    from bodycamd.municipality.station.station_file import load_station

    with opened_bundles(load_station(file)) as bundles:
        bundles.remove(name)
    say(f"{name}: is gone")
