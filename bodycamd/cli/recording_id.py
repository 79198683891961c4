"""A recording that a command line names: refused where it is no recording's id before anything is looked at, and completed by the shell."""

from __future__ import annotations

from typing import Annotated

import typer

from bodycamd.store.names import check_recording

ALL = "all"


def _checked(name: str | None) -> str | None:
    if name is not None:
        check_recording(name)
    return name


def _checked_or_all(name: str) -> str:
    if name != ALL:
        check_recording(name)
    return name


RecordingArgument = Annotated[
    str, typer.Argument(help="Its id, as `bodycamd recordings list` prints it: 000001-0001.", metavar="RECORDING", callback=_checked)
]
RecordingOrAllArgument = Annotated[
    str,
    typer.Argument(
        help="Its id, as `bodycamd recordings list` prints it: 000001-0001; or: all.", metavar="RECORDING|all", callback=_checked_or_all
    ),
]
RecordingOption = Annotated[
    str | None, typer.Option("--recording", help="Only what is said of this recording: its id, such as 000001-0001.", callback=_checked)
]
