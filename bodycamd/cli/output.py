"""How commands print: JSON for programs, plain words and tables for people."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

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


def tell_broken(reason: str) -> None:
    """What of a ledger does not verify is shown nowhere; that it was left out is said. `reason` is empty where all of it verifies."""
    if reason:
        say(f"the ledger verifies only so far, the rest is left out: {reason}; `bodycamd verify` tells more", err=True)


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
    """Rows of cells in columns as lines, the first row the headings. Where the terminal is too narrow, each row is a paragraph that begins
    with its first cell: nothing is cut.
    """
    rows = [[shown(cell, MAX_CELL) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    available = terminal_columns()
    if not available or max(map(len, lines)) <= available:
        return lines
    return [line for row in rows[1:] for line in _paragraph(rows[0], row, available)]


def fitted(line: str) -> list[str]:
    """One line as several that the terminal is wide enough for, all but the first indented. Only a word longer than a line is broken."""
    available = terminal_columns()
    line = shown(line, MAX_LINE)
    return _wrapped(line, available, "") if available and len(line) > available else [line]


def terminal_columns() -> int:
    """How wide the terminal is, or `COLUMNS` says; 0 where nothing says so: then lines are as long as they are."""
    return shutil.get_terminal_size((0, 0)).columns


def _paragraph(headings: Sequence[str], row: Sequence[str], available: int) -> Iterator[str]:
    yield from _wrapped(row[0], available, "")
    held = ""
    for heading, cell in zip(headings[1:], row[1:], strict=True):
        pair = f"{heading}: {cell}"
        if held and len(held) + 3 + len(pair) <= available:
            held += f" · {pair}"
            continue
        if held:
            yield from _wrapped(held, available, "  ")
        held = f"  {pair}"
    if held:
        yield from _wrapped(held, available, "  ")


def _wrapped(line: str, available: int, indent: str) -> list[str]:
    if len(line) <= available:
        return [line]
    return textwrap.wrap(line.strip(), max(available, 20), initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)
