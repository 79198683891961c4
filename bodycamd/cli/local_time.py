"""Chooses the time zone in which commands print: that of the configuration, or `--timezone`; `words.times` converts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.config.timezone import ALLOWED, DEFAULT_TIMEZONE, find_timezone
from bodycamd.errors import ConfigError, UsageError
from bodycamd.foreign_text import shown

if TYPE_CHECKING:
    from pathlib import Path

    from bodycamd.municipality.words.times import LocalTime

TimezoneOption = Annotated[str, typer.Option("--timezone", help="Local time, by its name in the IANA time zone database.")]


def local_time(timezone: str = DEFAULT_TIMEZONE) -> LocalTime:
    """The clock of `--timezone`. Raises `UsageError` for a name that this machine's database does not know."""
    from bodycamd.municipality.words.times import LocalTime

    zone = find_timezone(timezone)
    if zone is None:
        raise UsageError(f"--timezone {shown(timezone)}: no time zone is called so; give {ALLOWED}")
    return LocalTime(zone)


def configured_local_time(path: Path) -> LocalTime:
    """The clock of the configuration at `path`, or of the Netherlands where there is none. Raises `ConfigError` like `config check`."""
    from bodycamd.config import load as configuration
    from bodycamd.municipality.words.times import LocalTime

    name = configuration.load(path).timezone if path.exists() else DEFAULT_TIMEZONE
    zone = find_timezone(name)
    if zone is None:
        raise ConfigError(f"{shown(path)}: timezone: no time zone is called {shown(name)}; allowed: {ALLOWED}")
    return LocalTime(zone)
