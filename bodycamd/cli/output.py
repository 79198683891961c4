"""How commands print: JSON for programs, plain words and tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import typer

from bodycamd.foreign_text import Json, json_text, shown

MAX_LINE = 16_384
"""Characters: room for two paths, however they are written out; nobody reads more of one line."""
MAX_CELL = 200


def say(line: str, *, err: bool = False) -> None:
    """One line for a person, on standard output or, with `err`, on standard error. Every word that a command prints passes here or through
    `print_json`: whatever it holds of others, it stays one line of printable characters.
    """
    line = shown(line, MAX_LINE)
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    typer.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)


def say_lines(lines: Iterable[str]) -> None:
    """Several lines."""
    for line in lines:
        say(line)


def print_json(value: Json) -> None:
    """One JSON document on one line, in printable ASCII."""
    typer.echo(json_text(value))


def duration(seconds: float) -> str:
    """A length as people read it: `4.1 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def counted(number: int, thing: str) -> str:
    """How many of it: `1 recording`, `2 recordings`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def size(count: float) -> str:
    """A number of bytes as people read it, in powers of ten."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells in columns as lines, the first row the headings."""
    rows = [[shown(cell, MAX_CELL) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
