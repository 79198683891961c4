"""Every command that there is, walked from the root: nobody has to remember to list a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from typer.main import get_command

from bodycamd.cli.main import app


class Parameter(Protocol):
    """Of a command, as click and typer's own copy of it have them."""

    @property
    def name(self) -> str | None: ...
    @property
    def opts(self) -> Sequence[str]: ...
    @property
    def required(self) -> bool: ...
    @property
    def param_type_name(self) -> str: ...


class Command(Protocol):
    """The same of a command; a group has `commands` besides."""

    @property
    def params(self) -> Sequence[Parameter]: ...


def _below(words: tuple[str, ...], command: Command) -> Iterator[tuple[str, Command]]:
    below: Mapping[str, Command] = getattr(command, "commands", {})
    yield " ".join(words), command
    for name, inner in below.items():
        yield from _below((*words, name), inner)


NODES: dict[str, Command] = dict(_below((), get_command(app)))
"""Groups too; the root is the empty text."""
COMMANDS = {words: command for words, command in NODES.items() if not hasattr(command, "commands")}
"""What carries something out, by its words."""
