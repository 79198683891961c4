"""`bodycamd fleet lost`, `replace`, `retire`: what became of a camera. Nobody is removed; the next roster says it to the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import say

if TYPE_CHECKING:
    from bodycamd.evidence.roster import State

Camera = Annotated[str, typer.Argument(help="The camera's name, as in the fleet file.")]


def lost(camera: Camera, fleet: FleetOption = fleet_option.FLEET) -> None:
    """A camera is lost or stolen: from the next roster on nothing that it says is believed.

    What it recorded before stays evidence. A card that was out of your hands is never used again: a camera that is found is retired.
    """
    _set(camera, fleet, "lost", None)


def retire(camera: Camera, fleet: FleetOption = fleet_option.FLEET) -> None:
    """A camera goes out of service, for good: its name is never used again."""
    _set(camera, fleet, "retired", None)


def replace(
    camera: Camera,
    by: Annotated[str, typer.Option("--by", help="The new camera's name: one that no camera has had.")],
    was_lost: Annotated[bool, typer.Option("--lost", help="The old one is lost, not retired; one that is lost already stays so.")] = False,
    fleet: FleetOption = fleet_option.FLEET,
) -> None:
    """Another camera takes the place of this one, in its team, under a name of its own. Then make its card: bodycamd fleet card."""
    _set(camera, fleet, "lost" if was_lost else "retired", by)


def _set(camera: str, fleet: Path, state: State, by: str | None) -> None:
    from bodycamd.workshop.fleet.record import appending, record_path
    from bodycamd.workshop.fleet.states import change

    _, found = fleet_option.usable(fleet)
    with appending(record_path(fleet)) as writer:
        writer.add(*change(found, writer.record, camera, state, by, fleet_option.today()))
        state = writer.record.state(camera)
    say(f"{camera}: {state}" + (f"; {by} takes its place" if by else ""))
    say("in force with the next roster: bodycamd fleet roster", err=True)
