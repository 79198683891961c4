"""Every mistake at once in a strict YAML file whose sections are structs, or lists of structs: each key and value, with its line."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct, structs

from bodycamd.config.load import explained, written
from bodycamd.config.problems import Problem, nearest
from bodycamd.config.strict_yaml import MAX_SHOWN, REFUSED, Document, Value, Where, dotted
from bodycamd.foreign_text import shown

Allowed: TypeAlias = Callable[[Where], str]
Beside: TypeAlias = Callable[[type[Struct]], Sequence[str]]


def judged(
    kind: type[Struct], where: Where, values: Mapping[str, Value], document: Document, allowed: Allowed, beside: Beside
) -> Iterator[Problem]:
    """Every mistake of a key or a value in a section, and in those below it. `allowed` says for people what a key may have, `beside` which
    keys a section has that its struct does not.
    """
    fields = {field.name: field for field in structs.fields(kind)}
    own = document.lines.get(where) or min((line for at, line in document.lines.items() if at[: len(where)] == where), default=None)
    for key, value in values.items():
        here = (*where, key)
        line = document.lines.get(here, own)
        if here not in document.lines or value is REFUSED or (isinstance(value, list) and REFUSED in value):
            continue  # refused already
        if key not in fields:
            yield Problem(
                shown(dotted(here), MAX_SHOWN), "unknown key", ", ".join([*fields, *beside(kind)]), line, nearest(key, list(fields))
            )
            continue
        yield from _judged_value(fields[key], here, value, document, line, allowed, beside)
    for name, field in fields.items():
        if field.required and name not in values:
            yield Problem(dotted((*where, name)), "the key is missing", allowed((*where, name)), own)


def _judged_value(
    field: structs.FieldInfo, here: Where, value: Value, document: Document, line: int | None, allowed: Allowed, beside: Beside
) -> Iterator[Problem]:
    inner = _struct_in(field)
    if inner is not None and isinstance(value, dict):
        yield from judged(inner, here, value, document, allowed, beside)
        return
    if inner is not None and isinstance(value, list):
        for number, item in enumerate(value):
            place = (*here, f"[{number}]")
            if isinstance(item, dict):
                yield from judged(inner, place, item, document, allowed, beside)
            else:
                yield Problem(dotted(place), "not a mapping", allowed(here), line)
    try:
        msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        item_at = re.search(r"at `\$\[([0-9]+)\]", str(error))
        if item_at is None or not isinstance(value, list):
            yield Problem(dotted(here), f"{explained(error)}: {written(value)}", allowed(here), line)
        elif inner is None:
            wrong = value[int(item_at[1])]
            yield Problem(dotted((*here, f"[{item_at[1]}]")), f"{explained(error)}: {written(wrong)}", allowed(here), line)


def _struct_in(field: structs.FieldInfo) -> type[Struct] | None:
    """The struct that a field is, or may be, or is a list of."""
    info = msgspec.inspect.type_info(field.type)
    if isinstance(info, msgspec.inspect.UnionType):
        info = next((one for one in info.types if isinstance(one, msgspec.inspect.StructType)), info)
    if isinstance(info, msgspec.inspect.VarTupleType):
        info = info.item_type
    return info.cls if isinstance(info, msgspec.inspect.StructType) else None


def allowed_in(table: Mapping[str, str]) -> Allowed:
    """What is allowed, by a table: by the path without the numbers of list items, else by the key alone."""

    def allowed(where: Where) -> str:
        path = ".".join(step for step in where if not step.startswith("["))
        return table.get(path) or table.get(where[-1], "")

    return allowed


def nothing_beside(kind: type[Struct]) -> Sequence[str]:
    """A section has the keys of its struct."""
    return ()
