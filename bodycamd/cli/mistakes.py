"""Mistakes of a file that people write, and what is warned of: a line each, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from msgspec.structs import asdict

from bodycamd.cli.output import print_json, say
from bodycamd.config.problems import Problem
from bodycamd.errors import ConfigError
from bodycamd.foreign_text import shown


def tell(file: Path, what: str, problems: Sequence[Problem], warnings: Sequence[Problem], json: bool) -> None:
    """Print them, or that `what` is valid. Ends the command with 78 where there is a mistake."""
    if json:
        told = {"problems": [asdict(problem) for problem in problems], "warnings": [asdict(warning) for warning in warnings]}
        print_json({"file": str(file), "ok": not problems, **told})
    else:
        name = shown(file, 4096)
        for problem in problems:
            say(f"bodycamd: {problem.text(name)}", err=True)
        for warning in warnings:
            say(f"warning: {warning.text(name)}", err=True)
        if not problems:
            say(f"{file}: {what} is valid")
    if problems:
        raise typer.Exit(ConfigError.exit_code)
