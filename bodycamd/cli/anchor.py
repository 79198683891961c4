"""`bodycamd anchor`: where the ledger stands, signed, to be kept outside the camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.daemon_or_store import ask
from bodycamd.cli.output import say_lines
from bodycamd.cli.place import ConfigOption, find_socket
from bodycamd.errors import UsageError


def anchor(
    store: Annotated[Path | None, typer.Option(help="A store at rest, or a copy: its last entry is the anchor.", readable=False)] = None,
    config: ConfigOption = None,
    socket: Annotated[Path | None, typer.Option(help="A running camera's control socket: it signs an anchor now.", readable=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Write the JSON to this new file instead of printing it.")] = None,
    qr: Annotated[Path | None, typer.Option(help="Also write a QR code (PNG, a new file) for a phone.")] = None,
) -> None:
    """Take an anchor. Kept outside the camera, it shows later that nothing before it was cut off, rewritten or replaced by an older copy.

    With neither option the running camera of this machine is asked.
    """
    from bodycamd.camera.daemon.protocol import AnchorLine, AskAnchor
    from bodycamd.linux.new_file import write_new
    from bodycamd.municipality.verify import anchors

    if store is not None and socket is not None:
        raise UsageError("--store reads a store at rest, --socket asks a running camera: give one of them")
    if out is not None and out == qr:
        raise UsageError(f"{out}: --out and --qr name the same file")
    if store is not None:
        taken = anchors.of_store(store)
    else:
        answer = ask(find_socket(config, socket), AskAnchor(), AnchorLine)
        taken = anchors.from_line(answer.line, "the daemon's anchor")
    files = {qr: taken.qr_png()} if qr is not None else {}
    if out is not None:
        files[out] = taken.file_bytes()
    write_new(files)
    if out is None:
        say_lines(taken.file_bytes().decode().splitlines())
