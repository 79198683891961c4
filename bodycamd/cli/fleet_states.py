"""`bodycamd fleet lost`, `replace`, `retire`: what became of a camera. Nobody is removed; the next roster says it to the others.

Until then `take-back` mends a mistake: one wrong digit would else burn the name of a camera that works.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import say
from bodycamd.errors import UsageError

if TYPE_CHECKING:
    from bodycamd.evidence.roster import State
    from bodycamd.workshop.fleet.fleet_file import Fleet
    from bodycamd.workshop.fleet.record import Record

_MEANS = {
    "lost": "it is lost, and from the next roster on nothing that it says is believed",
    "retired": "it is retired, and its name is never used again",
}
Camera = Annotated[str, typer.Argument(help="The camera's name, as in the fleet file.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is the right camera: for scripts.")]


def lost(camera: Camera, fleet: FleetOption = fleet_option.FLEET, yes: Yes = False) -> None:
    """A camera is lost or stolen: from the next roster on nothing that it says is believed.

    What it recorded before stays evidence. A card that was out of your hands is never used again: a camera that is found is retired.
    """
    _set(camera, fleet, "lost", None, yes)


def retire(camera: Camera, fleet: FleetOption = fleet_option.FLEET, yes: Yes = False) -> None:
    """A camera goes out of service, for good: its name is never used again."""
    _set(camera, fleet, "retired", None, yes)


def replace(
    camera: Camera,
    by: Annotated[str, typer.Option("--by", help="The new camera's name: one that no camera has had.")],
    was_lost: Annotated[bool, typer.Option("--lost", help="The old one is lost, not retired; one that is lost already stays so.")] = False,
    fleet: FleetOption = fleet_option.FLEET,
    yes: Yes = False,
) -> None:
    """Another camera takes the place of this one, in its team, under a name of its own. Then make its card: bodycamd fleet card."""
    _set(camera, fleet, "lost" if was_lost else "retired", by, yes)


def take_back(camera: Camera, fleet: FleetOption = fleet_option.FLEET) -> None:
    """Take back what was said last of a camera with `lost`, `retire` or `replace`, as long as no roster that says so has been signed."""
    from bodycamd.workshop.fleet.record import appending, record_path, rosters_folder
    from bodycamd.workshop.fleet.states import taken_back

    _, found = fleet_option.usable(fleet)
    with appending(record_path(fleet)) as writer:
        kept = [path.name for path in rosters_folder(fleet).glob("*.roster")]
        writer.add(taken_back(found, writer.record, camera, kept, fleet_option.today()))
        say(f"{camera}: as before, {_state(found, writer.record, camera)}")


def _set(camera: str, fleet: Path, state: State, by: str | None, yes: bool) -> None:
    from bodycamd.workshop.fleet.record import appending, record_path
    from bodycamd.workshop.fleet.states import change

    _, found = fleet_option.usable(fleet)
    with appending(record_path(fleet)) as writer:
        lines = change(found, writer.record, camera, state, by, fleet_option.today())
        if not yes:
            _check_meant(
                f"{camera}, {_state(found, writer.record, camera)}: {_MEANS[state]}{f', replaced by {by}' if by else ''}. Is it that?"
            )
        writer.add(*lines)
        state = writer.record.state(camera)
    say(f"{camera}: {state}" + (f"; {by} takes its place" if by else ""))
    say(f"in force with the next roster: bodycamd fleet roster. Was it a mistake, before that: bodycamd fleet take-back {camera}", err=True)


def _check_meant(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on: say so with --yes")
    if not typer.confirm(question, err=True):
        raise UsageError("nothing was changed")


def _state(fleet: Fleet, record: Record, camera: str) -> str:
    from bodycamd.workshop.fleet.overview import cameras

    row = next(row for row in cameras(fleet, record) if row["camera"] == camera)
    since = f" since {row['since']}" if row["since"] else ""
    return f"team {row['team']}, {row['state']}{since}"
