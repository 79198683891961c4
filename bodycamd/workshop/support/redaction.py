"""What may be passed on is chosen, not what may not: of values, those whose type leaves no room for a name; of the journal, the words that
bodycamd's own messages are made of. Everything else is left out, and that it was is shown.

Not guaranteed: that a name which is also a word of a message ("open") is left out; it cannot be told from the word there.
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import msgspec
import msgspec.inspect as mi

import bodycamd
from bodycamd.foreign_text import Json

LEFT_OUT = "…"
Found: TypeAlias = "Json | msgspec.Struct"
_SPEAKING = ("camera", "config", "evidence", "linux", "retention", "store")
"""The packages whose messages the journal of the unit holds."""
_TOKEN = re.compile(r"[\w/-]+")
"""A path and the number of a case are one each: none of their parts is left."""
_WORD = re.compile(r"[A-Za-z]+")
_PLAIN = re.compile(r"[0-9]{6}-[0-9]{4}|[0-9]{1,7}(?:us|ms|s|MB|kB|GB|B|Hz)?|[-_]+")
"""The id of a recording, a number that is too short for one of a person or a case, a dash."""


def chosen(value: Found, kind: mi.Type) -> Json:
    """Of a value of this type: numbers, truth values and the words of fixed lists, in the same structure. Text becomes `LEFT_OUT`."""
    match kind:
        case mi.Metadata():
            return chosen(value, kind.type)
        case mi.UnionType():
            fitting = [part for part in kind.types if _fits(value, part)]
            return chosen(value, fitting[0]) if fitting else LEFT_OUT
        case mi.StructType():
            return {field.name: chosen(getattr(value, field.name), field.type) for field in kind.fields}
        case mi.ListType() | mi.VarTupleType() | mi.CollectionType():
            return [chosen(item, kind.item_type) for item in value] if isinstance(value, list | tuple) else LEFT_OUT
        case mi.LiteralType():
            return str(value) if value in kind.values else LEFT_OUT
        case mi.NoneType() | mi.BoolType() | mi.IntType() | mi.FloatType():
            return value if value is None or isinstance(value, bool | int | float) else LEFT_OUT
        case _:
            return LEFT_OUT


def _fits(value: Found, kind: mi.Type) -> bool:
    match kind:
        case mi.Metadata():
            return _fits(value, kind.type)
        case mi.StructType():
            return isinstance(value, kind.cls)
        case mi.NoneType():
            return value is None
        case mi.BoolType():
            return isinstance(value, bool)
        case mi.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case mi.FloatType():
            return isinstance(value, float)
        case mi.LiteralType():
            return isinstance(value, str) and value in kind.values
        case _:
            return isinstance(value, list | tuple)


def message(text: str) -> str:
    """A line of the journal, of which only words of our own messages and plain numbers are left."""
    return _TOKEN.sub(lambda found: found[0] if _known(found[0]) else LEFT_OUT, text[:4096])


def _known(token: str) -> bool:
    return bool(_PLAIN.fullmatch(token)) or token.lower() in _vocabulary()


@cache
def _vocabulary() -> frozenset[str]:
    root = Path(bodycamd.__file__).parent
    ours = frozenset(word for folder in _SPEAKING for path in sorted((root / folder).rglob("*.py")) for word in _words(path))
    return ours | {level.lower() for level in logging.getLevelNamesMapping()}


def _words(path: Path) -> Iterator[str]:
    """Of the texts in a module that a person reads: f-strings, and literals with a space. Docstrings are for programmers."""
    tree = ast.parse(path.read_bytes())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from (token.lower() for token in _TOKEN.findall(node.value) if _WORD.fullmatch(token.replace("_", "")))
