"""The tables of ledger entries in `docs/format.md`, made from the structs: `python -m tests.evidence.entry_tables` writes them anew."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from bodycamd.evidence.entries import DETAILS, IN_FORMAT_2, NEW_IN_FORMAT_2
from bodycamd.evidence.noted_entries import NOTED
from bodycamd.evidence.statements import Stated

PAGE = Path(__file__).parents[2] / "docs" / "format.md"
BEGIN, END = "<!-- entries: made by `python -m tests.evidence.entry_tables` -->", "<!-- end of entries -->"
LARGEST = 2**53 - 1


def words_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What a field may hold."""
    pattern = str(schema.get("pattern", ""))
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "`{" + ", ".join(definitions[name]["properties"]) + "}`"
    if "anyOf" in schema:
        return " or ".join(words_of(part, definitions) for part in schema["anyOf"] if part.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    match schema.get("type"):
        case "boolean":
            return "`true` or `false`"
        case "integer":
            high = schema.get("maximum")
            return f"{schema.get('minimum', '')} to {'2^53 - 1' if high == LARGEST else high}"
        case "number":
            least = f"above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else schema["minimum"]
            return f"a number, {least} to {schema['maximum']}"
        case "array":
            return f"list of {words_of(schema['items'], definitions)}"
        case "string" if pattern:
            return "`" + pattern.removeprefix("^").removesuffix("\\Z").replace("|", "\\|") + "`"
        case "string":
            return f"{schema.get('minLength', 0)} to {schema['maxLength']} characters"
    return str(schema)


def fields_of(kind: type[Stated]) -> Iterator[tuple[str, str]]:
    """Each field, with what it may hold."""
    (schema,), definitions = msgspec.json.schema_components((kind,), ref_template="#/{name}")
    own = definitions[kind.__name__] if "$ref" in schema else schema
    for name, field in own["properties"].items():
        yield name, words_of(field, definitions) + ("" if name in own.get("required", ()) else "; may be absent")


def said_of(kind: type[Stated]) -> str:
    """The docstring in one paragraph, without the type that opens it."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    said = re.sub(r"^`[a-z_]+`[:,]? ?", "", text)
    return said[:1].upper() + said[1:]


def table(kinds: Mapping[str, type[Stated]]) -> str:
    """One row for each type, then one for each of its fields."""
    rows = ["| `type` | field | holds |", "|---|---|---|"]
    for type, kind in kinds.items():
        rows.append(f"| `{type}` | | {said_of(kind)} |")
        for name, holds in fields_of(kind):
            here = "; only in `/2`" if name in NEW_IN_FORMAT_2.get(type, ()) else ""
            stricter = dict(fields_of(IN_FORMAT_2[type])).get(name) if type in IN_FORMAT_2 else None
            if stricter is not None and stricter != holds:
                holds = f"{holds}; in `/2`: {stricter}"
            rows.append(f"| | `{name}` | {holds}{here} |")
    return "\n".join(rows)


def section() -> str:
    """What stands between the marks."""
    return (
        f"{BEGIN}\n\n"
        f"Types with fixed fields. Verification refuses any other field or value.\n\n{table(DETAILS)}\n\n"
        f"Free types that readers know. Verification asks nothing of them but strict JSON; an entry that does not fit is passed over by\n"
        f"every reader that looks for its fields.\n\n{table(NOTED)}\n\n{END}"
    )


def page(text: str) -> str:
    """The page with the section put in."""
    before, rest = text.split(BEGIN)
    return before + section() + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
