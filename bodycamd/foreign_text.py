r"""Text that others wrote, made safe to be shown: on a terminal, in a log line, on a page, under a film.

File names, the fields of ledgers and statements, what libraries and other processes say, and the words of a command line may hold anything.
Whatever prints them goes through `shown`: one line, bounded, and every character that would steer the reader instead of being read is
written out in one fixed form:

- `\u001b`, `\u202e`, `\U000e0001`: controls (C0, C1, DEL), line and paragraph separators, spaces other than U+0020, direction and other
  format characters, what has no width, surrogates, private and unassigned characters (in the Unicode of the Python that shows them);
- `\xff`: a byte of a file name that is not UTF-8 (`os.fsdecode` makes a lone surrogate of it);
- a combining mark without a character to stand on, and the third on the same one.

A backslash stays itself, so that text may be shown twice: a name that spells such a form out looks like it. Letters that run from right to
left are shown, and a terminal may order them as it will.
"""

from __future__ import annotations

import json
import traceback
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json: TypeAlias = "str | int | float | bool | msgspec.Struct | DataclassInstance | Sequence[Json] | Mapping[str, Json] | None"
"""What msgspec writes as JSON."""
MAX_MARKS = 2
_UNSEEN = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)
"""Printable by its category, and yet nothing to see: fillers, blanks, joiners, variation selectors."""


def shown(text: object, longest: int = 160) -> str:
    """`str(text)` as at most `longest` printable characters on one line; a cut ends in `…`. What is shown, shown again, stays."""
    raw = str(text)
    if len(raw) <= longest and raw.isascii() and raw.isprintable():
        return raw
    pieces: list[str] = []
    room, marks = longest, MAX_MARKS
    for character in raw[: longest + 1]:  # no character takes less than one place
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        piece = character if _readable(character) and marks <= MAX_MARKS else _written_out(character)
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            break
    else:
        return "".join(pieces)
    while room < 1:
        room += len(pieces.pop())
    return "".join(pieces) + "…"


def html_text(text: object, longest: int = 4096, *, keep_lines: bool = False) -> str:
    """The same for HTML, as content or as a quoted attribute. With `keep_lines` every line by itself: for commands that we wrote."""
    from html import escape  # noqa: TID251 - here it belongs; only pages need its table of entities

    lines = str(text).split("\n") if keep_lines else [text]
    return "\n".join(escape(shown(line, longest)) for line in lines)


def json_text(value: Json, indent: int | None = None) -> str:
    """Any value that msgspec can hold as JSON in printable ASCII: its strings hold all else as `\\uXXXX`, which every reader undoes."""
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=True, indent=indent, separators=(",", ":") if indent is None else None)


def trace_lines(error: BaseException) -> list[str]:
    """The trace of an error, line by line; what the errors themselves say stays on a line each."""
    pieces = traceback.TracebackException.from_exception(error).format()
    lines = (line for piece in pieces for line in (piece.splitlines() if piece.startswith("  File ") else [piece.strip("\n")]))
    return [shown(line, 4096) for line in lines]


def _readable(character: str) -> bool:
    return character.isprintable() and ord(character) not in _UNSEEN


def _written_out(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
