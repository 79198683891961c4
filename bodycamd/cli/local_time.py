"""Chooses the time zone in which commands print: that of the configuration, or `--timezone`; `words.times` converts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.output import say
from bodycamd.config.paths import DEFAULT_CONFIG
from bodycamd.config.timezone import ALLOWED, DEFAULT_TIMEZONE, find_timezone
from bodycamd.errors import ConfigError, UsageError
from bodycamd.foreign_text import shown

if TYPE_CHECKING:
    from pathlib import Path

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

    if timezone is None and config is not None:
        return configured_local_time(config)
    if timezone is None and os.access(DEFAULT_CONFIG, os.R_OK):
        try:
            return configured_local_time(DEFAULT_CONFIG)
        except ConfigError as error:
            say(f"{error}; times are those of {DEFAULT_TIMEZONE}", err=True)
    timezone = DEFAULT_TIMEZONE if timezone is None else timezone
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
