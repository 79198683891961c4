"""Chooses the time zone in which commands print, for every command that prints times: `--timezone`, else that of the configuration that the
command uses, else that of the Netherlands. `words.times` converts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.output import say
from bodycamd.cli.place import load, of_this_machine
from bodycamd.config.paths import DEFAULT_CONFIG
from bodycamd.config.timezone import ALLOWED, DEFAULT_TIMEZONE, find_timezone
from bodycamd.errors import ConfigError, UsageError
from bodycamd.foreign_text import shown

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from bodycamd.municipality.words.times import LocalTime

TimezoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        help=f"Local time, by its name in the IANA time zone database. Without it that of the configuration, or {DEFAULT_TIMEZONE}.",
        show_default=False,
    ),
]


def local_time(timezone: str | None = None, config: Path | None = None) -> LocalTime:
    """The clock of `--timezone`; without it that of `--config`, of this machine's configuration where this user may read one, or of the
    Netherlands. Raises `UsageError` for a name that this machine's database does not know, `ConfigError` for what `config` names.

    Where this machine's configuration is broken, what was asked for is read all the same, and it is said whose time it is.
    """
    from bodycamd.municipality.words.times import LocalTime

    zone = find_timezone(timezone) if timezone is not None else _configured(config)
    if zone is None:
        name = DEFAULT_TIMEZONE if timezone is None else timezone
        raise UsageError(f"--timezone {shown(name)}: no time zone is called so; give {ALLOWED}")
    return LocalTime(zone)


def _configured(config: Path | None) -> ZoneInfo | None:
    """Of the configuration that the command uses. `None` where there is none, and this machine's database lacks that of the Netherlands."""
    try:
        settings = load(config) if config is not None else of_this_machine()
        name = settings.timezone if settings is not None else DEFAULT_TIMEZONE
        zone = find_timezone(name)
        if zone is None and settings is not None:
            raise ConfigError(f"{shown(config or DEFAULT_CONFIG)}: timezone: no time zone is called {shown(name)}; allowed: {ALLOWED}")
    except ConfigError as error:
        if config is not None:
            raise
        say(f"{error}; times are those of {DEFAULT_TIMEZONE}", err=True)
        return find_timezone(DEFAULT_TIMEZONE)
    return zone
