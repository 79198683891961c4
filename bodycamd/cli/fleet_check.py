"""`bodycamd fleet check`: every mistake of a fleet file at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import fleet_option, mistakes
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.config.problems import Problem
from bodycamd.errors import NotFoundError, UsageError


def check(
    file: Annotated[Path | None, typer.Argument(help="The fleet file; --fleet says the same.", show_default=False, readable=False)] = None,
    fleet: FleetOption = fleet_option.FLEET,
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"ok":…,"problems":[…],"warnings":[…]}.')] = False,
) -> None:
    """Check a fleet file, the cameras' settings in it too, and whether cameras that have the last roster would take the next one.

    Ends with 0, or with 78 and a line for each mistake: file, line, key, reason, what is allowed, and what was probably meant.
    """
    if file is not None and fleet != fleet_option.FLEET:
        raise UsageError("give the fleet file once: FILE, or --fleet FILE")
    file = file or fleet
    from bodycamd.workshop.fleet import checks
    from bodycamd.workshop.fleet.record import read_record, record_path
    from bodycamd.workshop.fleet.succession import problems as removed

    reading = fleet_option.read(file)
    problems = checks.check(reading)
    warnings = list(checks.doubts(reading.fleet)) if reading.fleet is not None else []
    if not problems and reading.fleet is not None:
        try:
            read_record(record_path(file))
        except NotFoundError as error:
            warnings.append(Problem("", str(error), ""))
        else:
            problems = list(removed(reading.fleet, file, fleet_option.now_us()))
    mistakes.tell(file, "the fleet file", problems, warnings, json)
