"""`bodycamd status`: how the camera is, asked over the control socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bodycamd.cli.client import DEFAULT_SOCKET, ControlClient
from bodycamd.cli.output import duration, print_json, size


def status(
    socket: Annotated[Path, typer.Option("--socket", help="The daemon's control socket.", readable=False)] = DEFAULT_SOCKET,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how the camera is: state, recording, room, clock, battery, and what is wrong."""
    with ControlClient(socket) as client:
        result = client.request("status")
    if json:
        print_json(result)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in rows(result if isinstance(result, Mapping) else {"status": result}):
        table.add_row(name, value)
    Console().print(table, markup=False)


def rows(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of every line; keys that are not known here are shown as they come."""
    for key, value in status.items():
        if key == "flags":
            yield "problems", ", ".join(str(flag).replace("_", " ") for flag in value) if value else "none"
        elif key.endswith("_seconds"):
            if value is not None:
                yield _name(key.removesuffix("_seconds")), _value(key, value)
        elif isinstance(value, Mapping):
            yield _name(key), ", ".join(f"{_name(k)} {_value(k, v)}" for k, v in value.items() if v not in (None, "", [])) or "-"
        else:
            yield _name(key), _value(key, value)


def _name(key: str) -> str:
    for unit in ("_bytes", "_seconds", "_ms", "_us"):
        key = key.removesuffix(unit)
    return key.replace("_", " ")


def _value(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if key.endswith("bytes"):
            return size(value)
        if key.endswith("seconds"):
            return duration(value)
        if key == "minutes_left":
            return f"{value:.0f}"
        if key.endswith("_ms"):
            return f"{value:g} ms"
        if key == "percent":
            return f"{value:.0f} %"
        return f"{value:g}" if isinstance(value, float) else str(value)
    return str(value)
