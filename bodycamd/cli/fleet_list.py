"""`bodycamd fleet list`: each camera, and how far it is; each person, and the fingerprint."""

from __future__ import annotations

from typing import Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import print_json, say, say_lines, table


def list_cameras(
    fleet: FleetOption = fleet_option.FLEET,
    json: Annotated[bool, typer.Option("--json", help='Print {"cameras":[…],"people":[…]}.')] = False,
) -> None:
    """List the cameras (no card yet, card made, active, suspended, lost, retired) and the people.

    *Active* means enrolled: whether a roster with it was signed and has reached it is another matter.
    Compare a person's fingerprint with the one that `keys person for-fleet` printed: it covers key and recipient.
    """
    from bodycamd.workshop.fleet.overview import cameras, newest_roster, people
    from bodycamd.workshop.fleet.record import read_record, record_path

    _, found = fleet_option.usable(fleet)
    record = read_record(record_path(fleet))
    rows, listed = cameras(found, record), people(found)
    if json:
        both = {"cameras": rows, "people": listed}
        print_json({what: [{key: value for key, value in row.items() if value} for row in told] for what, told in both.items()})
        return
    say_lines(table([["camera", "team", "state", "since", "card until", "replaced by", "remark"], *([*row.values()] for row in rows)]))
    for person in listed:
        say(f"{person['person']}  {person['state']}, {person['roles']}, {person['teams']}")
        if person["recipient"]:
            say(f"  recipient    {person['recipient']}")
        say(f"  fingerprint  {person['fingerprint']}")
    say(newest_roster(record, fleet_option.now_us()))
