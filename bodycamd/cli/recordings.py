"""`bodycamd recordings`: what is in a store. Reads only; a copy of a store will do, and no key is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from bodycamd.cli.output import duration, print_json, size

if TYPE_CHECKING:
    from bodycamd.recorder.listing import RecordingInfo

LISTED = ("recording", "opened", "length", "size", "state", "warning")
app = typer.Typer(help="List and show the recordings of a store.", no_args_is_help=True)

StoreOption = Annotated[Path, typer.Option("--store", help="The store: the folder of recordings/ and ledger/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_recordings(store: StoreOption = Path("/var/lib/bodycamd/store"), json: AsJson = False) -> None:
    """List all recordings, the oldest first."""
    from bodycamd.recorder.store import Store

    found = Store.read_only(store).recordings()
    if json:
        print_json([_fields(info) for info in found])
        return
    if not found:
        typer.echo(f"{store}: no recordings")
        return
    lines = [LISTED, *(tuple(_cells(info)[name] for name in LISTED) for info in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(LISTED))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@app.command()
def show(
    recording: Annotated[str, typer.Argument(help="Its id, as `list` prints it: 000001-0001.")],
    store: StoreOption = Path("/var/lib/bodycamd/store"),
    json: AsJson = False,
) -> None:
    """Show one recording and its segments."""
    from bodycamd.recorder.store import Store

    reader = Store.read_only(store)
    info = reader.recording(recording)
    files = [(path, path.stat().st_size) for path in reader.segments(recording)]
    if json:
        print_json({**_fields(info), "files": [{"path": str(path), "bytes": count} for path, count in files]})
        return
    for name, value in {**_cells(info), "resumes": info.resumes or "-"}.items():
        typer.echo(f"{name:<12} {value}")
    for path, count in files:
        typer.echo(f"{path}  {size(count)}")


def _fields(info: RecordingInfo) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(info)
    return {"recording": fields.pop("id"), **fields}


def _cells(info: RecordingInfo) -> dict[str, str]:
    return {
        "recording": info.id,
        "opened": info.opened.partition(".")[0] + "Z" if info.opened else "-",
        "length": duration(info.duration_us / 1e6),
        "fragments": str(info.fragments),
        "size": size(info.bytes),
        "segments": str(info.segments),
        "state": f"{info.state}: {info.reason}" if info.reason else info.state,
        "warning": info.warning.replace("_", " ") or "-",
    }
