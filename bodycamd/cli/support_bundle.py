"""`bodycamd support-bundle`: how a camera is, to be sent to whoever helps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.output import say, say_lines
from bodycamd.cli.place import ConfigOption, SocketOption, StoreOption, find_place
from bodycamd.config.paths import DEFAULT_CONFIG


def support_bundle(
    out: Annotated[Path, typer.Option(help="The tar to make, a new file.")],
    store: StoreOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Write a tar that tells how the camera is: versions, status, types and counts of ledger entries, settings, the unit's journal.

    It holds no footage, no keys and no names: of text only bodycamd's own words are left. Look into it before you send it.
    """
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.support.bundle import bundle

    place = find_place(store, config, socket)
    made, told = bundle(place.store, place.socket, config or DEFAULT_CONFIG)
    write_new({out: made})
    say_lines(told)
    say(f"{out}: to be looked into: tar -xOf {out} | less")
