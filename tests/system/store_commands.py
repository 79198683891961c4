"""The commands that read a store, by the command line's own word."""

from __future__ import annotations

from typing import Any

import typer.main

from bodycamd.cli.main import app

OTHERS = ("hold", "prune", "sweep", "support-bundle")
"""They need a person's key and the list of whose keys count, or the camera's configuration; and a bundle is made of what may be read."""


def reading_commands() -> list[list[str]]:
    """Every command that takes `--store` and only reads it."""
    found: list[list[str]] = []

    def walk(command: Any, path: list[str]) -> None:
        if hasattr(command, "commands"):
            for name, inner in command.commands.items():
                walk(inner, [*path, name])
        elif path[0] not in OTHERS and any("--store" in parameter.opts for parameter in command.params):
            found.append(path)

    walk(typer.main.get_command(app), [])
    return found
