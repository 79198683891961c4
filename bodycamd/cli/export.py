"""`bodycamd export`: a recording as a film, for the holder of the private key."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.output import duration, print_json, size


def export(
    recording: Annotated[str, typer.Argument(help="Its id, as `bodycamd recordings list` prints it: 000001-0001.")],
    identity: Annotated[Path, typer.Option(help="The age identity file with the private key.")],
    out: Annotated[Path, typer.Option(help="The film to make: FILE.mp4; further parts become FILE-2.mp4, FILE-3.mp4.")],
    store: Annotated[Path, typer.Option(help="The store: the folder of recordings/ and ledger/.")] = Path("/var/lib/bodycamd/store"),
    contact_sheet: Annotated[Path | None, typer.Option(help="Also make a PNG with pictures of the film's first part.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace films that exist.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Decrypt a recording into MP4 films: packets copied, never re-encoded; the evidence itself stays as it is.

    A new part begins where the codec parameters change or more than a second of picture is missing. Signatures are not checked here.
    """
    from bodycamd.casework.export import export as make
    from bodycamd.casework.identity import Identities
    from bodycamd.recorder.store import Store

    signal.signal(signal.SIGTERM, _interrupt)  # so that temporary files are removed
    identities = Identities.load(identity)
    reader = Store.read_only(store)
    done = make(recording, reader.segments(recording), identities, out, overwrite=overwrite)
    if contact_sheet is not None:
        from bodycamd.casework.contact_sheet import contact_sheet as draw

        draw(Path(done.parts[0].path), contact_sheet)
    if json:
        print_json(done)
        return
    for part in done.parts:
        typer.echo(f"{part.path}: {duration(part.duration_seconds)}, {part.frames} frames, {size(part.size_bytes)}")
    for segment in done.unsealed:
        typer.echo(f"{segment.file}: cut off; {segment.fragments} fragments exported, {segment.torn_bytes} torn bytes left out", err=True)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
