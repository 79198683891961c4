"""`bodycamd config`: check a configuration, print its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.output import print_json, say, say_lines
from bodycamd.errors import ConfigError
from bodycamd.foreign_text import json_text

app = typer.Typer(help="Check a configuration before a camera gets it.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The configuration file.")],
    text_only: Annotated[bool, typer.Option("--text-only", help="Do not look at the files that it names.")] = False,
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"ok":true}, or "ok":false with the "error".')] = False,
) -> None:
    """Check a configuration and the files that it names, as the camera does at its start.

    Ends with 0, or with 78 and one line: file, key, reason, what is allowed.
    """
    try:
        _check(file, text_only)
    except ConfigError as error:
        if json:
            print_json({"file": str(file), "ok": False, "error": str(error)})
            raise typer.Exit(error.exit_code) from error
        raise
    if json:
        print_json({"file": str(file), "ok": True})
    else:
        say(f"{file}: the configuration is right")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors that complete and check while typing."""
    from bodycamd.config import settings as configuration

    say_lines(json_text(configuration.schema(), indent=2).split("\n"))


def _check(file: Path, text_only: bool) -> None:
    from bodycamd.config import settings as configuration

    config = configuration.load(file)
    if text_only:
        return
    configuration.check_files(config, file)
    from bodycamd.camera.capture.worker.encrypt import load_recipients

    try:
        load_recipients(Path(config.keys.recipients))
    except ConfigError as error:
        raise ConfigError(f"{file}: keys.recipients: {error}") from error
