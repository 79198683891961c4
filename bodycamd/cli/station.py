"""`bodycamd station`: where the footage of a municipality's cameras comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import mistakes
from bodycamd.cli.output import counted, say, say_lines
from bodycamd.errors import DataError

app = typer.Typer(help="The station: takes in what cameras send, and gives receipts.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="The station's configuration.", readable=False)]
DEFAULT_STATION = Path("/etc/bodycamd-station/station.yaml")


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(help="Where its key is made.", readable=False)] = DEFAULT_STATION.parent,
    name: Annotated[str, typer.Option(help="What the roster calls it.")] = "station-1",
) -> None:
    """Make a station's key, and print its line for the fleet file.

    The key signs receipts. It opens no footage and orders no camera: if it is lost, make another one and sign the next roster.
    """
    from bodycamd.municipality.station.service import make_key

    path = folder / f"{name}.key"
    key = make_key(path)
    say(f"made {path}: it stays here; nobody else needs it")
    say("for the fleet file, under stations:")
    say_lines([f"  - {{id: {name}, key: {key.public.raw.hex()}}}"])


@app.command("check")
def check(
    file: FileArgument = DEFAULT_STATION,
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"ok":…,"problems":[…],"warnings":[…]}.')] = False,
) -> None:
    """Check a station's configuration.

    Ends with 0, or with 78 and a line for each mistake: file, line, key, reason, and what is allowed.
    """
    from bodycamd.config.load import read
    from bodycamd.municipality.station.station_file import judge_station

    _, problems = judge_station(read(file))
    mistakes.tell(file, "the station's configuration", problems, [], json)


@app.command("run")
def run(file: FileArgument = DEFAULT_STATION) -> None:
    """Run a station until it is stopped. A proxy in front of it ends TLS."""
    from bodycamd.municipality.station.service import serve
    from bodycamd.municipality.station.station_file import load_station

    serve(load_station(file), say)


@app.command("rebuild")
def rebuild(file: FileArgument = DEFAULT_STATION) -> None:
    """Make the index anew, from what cameras signed and the station's own receipts and log.

    The station is stopped, and the old index moved away. Ends with 65 where something does not verify; the rest is in the index then.
    """
    from bodycamd.municipality.station.service import rebuild_index
    from bodycamd.municipality.station.station_file import load_station

    done = rebuild_index(load_station(file))
    for problem in done.problems:
        say(f"bodycamd: {problem}", err=True)
    say(f"{counted(done.cameras, 'camera')}, {counted(done.receipts, 'receipt')}, {counted(done.audit_lines, 'line')} of the log")
    if done.problems:
        raise typer.Exit(DataError.exit_code)
