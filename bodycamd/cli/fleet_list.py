"""`bodycamd fleet list`: each camera, and how far it is."""

from __future__ import annotations

from typing import Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import print_json, say, say_lines, table


def list_cameras(
    fleet: FleetOption = fleet_option.FLEET,
    json: Annotated[bool, typer.Option("--json", help="Print a list of {camera, team, state, since, card_until, replaced_by}.")] = False,
) -> None:
    """List the cameras: no card yet, card made, active, suspended, lost, retired.

    *Active* means enrolled: whether a roster with it was signed and has reached it is another matter.
    """
    from bodycamd.workshop.fleet.overview import cameras, newest_roster
    from bodycamd.workshop.fleet.record import read_record, record_path

    _, found = fleet_option.usable(fleet)
    record = read_record(record_path(fleet))
    rows = cameras(found, record)
    if json:
        print_json([{key: value for key, value in row.items() if value} for row in rows])
        return
    say_lines(table([["camera", "team", "state", "since", "card until", "replaced by"], *([*row.values()] for row in rows)]))
    say(newest_roster(record, fleet_option.now_us()))
