"""A recording that a command line names: refused where it is no recording's id before anything is looked at, and completed by the shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.place import find_place
from bodycamd.errors import BodycamError
from bodycamd.store.names import RECORDINGS_FOLDER, check_recording, recording_names

ALL = "all"


def _checked(name: str | None) -> str | None:
    if name is not None:
        check_recording(name)
    return name


def _checked_or_all(name: str) -> str:
    if name != ALL:
        check_recording(name)
    return name


def _ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """For the shell: the ids in the store that the line names so far, or in this machine's. By names only: nothing is opened. A store that
    cannot be read has none, and nothing is said.
    """
    try:
        store, config = (Path(given) if (given := ctx.params.get(name)) else None for name in ("store", "config"))  # typer 0.28: as typed
        store = find_place(store, config).store
        names, _ = recording_names(store / RECORDINGS_FOLDER)
    except (BodycamError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def _ids_or_all(ctx: typer.Context, incomplete: str) -> list[str]:
    return [*_ids(ctx, incomplete), *(word for word in (ALL,) if word.startswith(incomplete))]


RecordingArgument = Annotated[
    str,
    typer.Argument(
        help="Its id, as `bodycamd recordings list` prints it: 000001-0001.", metavar="RECORDING", callback=_checked, autocompletion=_ids
    ),
]
RecordingOrAllArgument = Annotated[
    str,
    typer.Argument(
        help="Its id, as `bodycamd recordings list` prints it: 000001-0001; or: all.",
        metavar="RECORDING|all",
        callback=_checked_or_all,
        autocompletion=_ids_or_all,
    ),
]
RecordingOption = Annotated[
    str | None,
    typer.Option(
        "--recording", help="Only what is said of this recording: its id, such as 000001-0001.", callback=_checked, autocompletion=_ids
    ),
]
