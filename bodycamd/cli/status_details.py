"""Every figure of a status, a line each: what `bodycamd status --verbose` shows below the screen."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias, Union

import msgspec

from bodycamd.cli.output import MAX_CELL, duration, size
from bodycamd.foreign_text import shown

if TYPE_CHECKING:
    from bodycamd.camera.daemon.status_message import Status

Json: TypeAlias = Union[str, int, float, "list[Json]", "dict[str, Json]", None]
INSTANT = re.compile(r"\b([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]+Z")
NAMES = 20
"""Columns of the names at the left."""


def details(status: Status, columns: int) -> list[str]:
    """Lines of at most `columns` characters."""
    found: dict[str, Json] = msgspec.json.decode(msgspec.json.encode(status))
    lines = []
    for name, value in rows(found):
        begin = f"{shown(name, NAMES - 1):<{NAMES}}"
        lines += textwrap.wrap(shown(value, 10 * MAX_CELL), columns, initial_indent=begin, subsequent_indent=" " * NAMES) or [
            begin.rstrip()
        ]
    return lines


def rows(status: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Name and value of every line; keys that are not known here are shown as they come."""
    for key, value in status.items():
        if key == "flags":
            yield "problems", ", ".join(str(flag).replace("_", " ") for flag in value) if isinstance(value, list) and value else "none"
        elif key.endswith("_seconds"):
            if value is not None:
                yield _name(key.removesuffix("_seconds")), _value(key, value)
        elif key == "retention" and isinstance(value, Mapping):
            yield from _retention(value)
        elif isinstance(value, Mapping):
            yield _name(key), _parts(value)
        else:
            yield _name(key), _value(key, value)


def _retention(found: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """What is kept, what goes next, and what somebody should look at."""
    following = found.get("next_recording")
    told = [f"{found['recordings']} recordings at the last sweep"] if "recordings" in found and found.get("swept_at") else []
    told += [f"{following} goes next, on {_value('on', found.get('next_deletes_on'))}"] if following else []
    told += [f"swept at {_value('at', found['swept_at'])}"] if found.get("swept_at") else []
    told += [] if found.get("clock_confirmed") else ["the clock is not confirmed: running time counts"]
    yield "retention", "; ".join(told)
    for key in ("held", "reviews_due", "problems"):
        if found.get(key):
            yield "not in order" if key == "problems" else _name(key), _value(key, found[key])


def _parts(value: Mapping[str, Json]) -> str:
    """The parts of one line; what is empty is left out, and a unit that is its own name is not said twice."""
    shown = [(k, _value(k, v)) for k, v in value.items() if v not in (None, "", [], {})]
    return ", ".join(v if k in ("bytes", "seconds") else f"{_name(k)} {v}" for k, v in shown) or "-"


def _name(key: str) -> str:
    for unit in ("_bytes", "_seconds", "_ms", "_us"):
        key = key.removesuffix(unit)
    return "time left" if key == "minutes_left" else key.replace("_", " ")


def _value(key: str, value: Json) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, Mapping):
        return f"({_parts(value)})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if key.endswith("bytes"):
            return size(value)
        if key.endswith("seconds"):
            return duration(value)
        if key == "minutes_left":
            return duration(value * 60)
        if key.endswith("_ms"):
            return f"{value:g} ms"
        if key == "percent":
            return f"{value:.0f} %"
        return f"{value:g}" if isinstance(value, float) else str(value)
    return INSTANT.sub(r"\1Z", str(value))
