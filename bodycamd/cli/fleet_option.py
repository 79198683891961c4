"""Which fleet file a command is about, and today's date for what it notes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.errors import ConfigError
from bodycamd.foreign_text import shown

if TYPE_CHECKING:
    from bodycamd.workshop.fleet.fleet_file import Fleet, FleetReading

FleetOption = Annotated[Path, typer.Option("--fleet", help="The fleet file.", readable=False)]
FLEET = Path("fleet.yaml")


def read(file: Path) -> FleetReading:
    """What the file says, right or wrong. Raises `ConfigError` where it cannot be read."""
    from bodycamd.config import load
    from bodycamd.workshop.fleet.fleet_file import read_fleet

    if file == FLEET and not os.path.lexists(file):
        raise ConfigError(f"{FLEET}: there is none in this folder: cd to the fleet's folder, or name it with --fleet FILE")
    return read_fleet(load.read(file))


def usable(file: Path) -> tuple[FleetReading, Fleet]:
    """The fleet of a file without a mistake. Raises `ConfigError`."""
    from bodycamd.workshop.fleet.roster_making import usable as without_mistake

    reading = read(file)
    return reading, without_mistake(reading, shown(file, 4096))


def today() -> str:
    """The day in UTC."""
    return datetime.now(UTC).date().isoformat()


def now_us() -> int:
    """The wall clock, microseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * 1_000_000)
