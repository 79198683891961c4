"""YAML without surprises: a small subset, read strictly; everything else is refused with the key's path, the reason and what is allowed.

Guarantees: one document, one mapping, plain string keys, each at most once; values are text, decimal numbers, `true`, `false`, `null`,
lists and mappings. Refused: anchors, aliases and merge keys (so no document grows when it is read), tags and directives, the YAML 1.1
spellings `yes`, `no`, `on`, `off`, `y`, `n` and `~`, numbers of other bases (`0x11`, `017`, `1:30`, `1_000`), control characters and
surrogates inside keys and values, more than `MAX_DEPTH` levels, more than `MAX_BYTES` bytes, and what is not UTF-8.

Every such mistake is found, each with its line; only what is no YAML at all hides what follows it.
"""

from __future__ import annotations

import re
from types import UnionType
from typing import TypeAlias

import yaml
from msgspec import Struct, field

from bodycamd.config.problems import Problem
from bodycamd.errors import ConfigError
from bodycamd.foreign_text import shown

MAX_BYTES = 256 * 1024
MAX_DEPTH = 8
MAX_SHOWN = 60
"""Characters of the file's own text in a message."""

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,29})\Z")
_FLOAT = re.compile(r"[+-]?(0|[1-9][0-9]{0,29})?\.[0-9]{1,30}([eE][+-]?[0-9]{1,3})?\Z")
_DOUBTFUL_NUMBER = re.compile(
    r"[+-]?(0[xob][0-9A-Fa-f_]+|[0-9]+_[0-9_]*|0[0-9]+|[0-9]+(:[0-5]?[0-9])+|\.(nan|inf)|[0-9]+[eE][+-]?[0-9]+)\Z", re.IGNORECASE
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "": None}
_YAML_1_1 = frozenset({"yes", "no", "on", "off", "y", "n", "~"})
_DOUBTFUL = "means different things to different YAML readers"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half of a pair, by an escape: no text that can be written to a disk or a socket. PyYAML joins no pairs, so both halves are refused."""


Where = tuple[str, ...]
"""The steps from the document to a key: keys, and `[3]` in a list."""


class Refused:
    """Stands where a value was refused."""


REFUSED = Refused()
Value: TypeAlias = "str | int | float | bool | Refused | list[Value] | dict[str, Value] | None"
"""What a document may hold."""


class Document(Struct, frozen=True):
    """What was read. `lines`, from 1, are those of the keys that were not refused. Values that were refused are `REFUSED`."""

    values: dict[str, Value]
    lines: dict[Where, int]
    problems: list[Problem]


class _Mapping(Struct):
    values: dict[str, Value] = field(default_factory=dict)
    key: str | None = None

    @property
    def step(self) -> str | None:
        return self.key


class _Sequence(Struct):
    values: list[Value] = field(default_factory=list)

    @property
    def step(self) -> str | None:
        return f"[{len(self.values)}]"


def dotted(where: Where) -> str:
    """The path as people write it: `video.width`, `list[3]`."""
    return "".join(step if step.startswith("[") else f".{step}" for step in where).lstrip(".")


class _Unreadable(Exception):
    """Nothing after this place can be read."""


_Kind: TypeAlias = "type | UnionType | tuple[_Kind, ...]"


class _Loader(yaml.SafeLoader):
    """PyYAML's, with a mistake of the file where it has chr() judge an escape: "\\U00110000" was a `ValueError`."""

    def check_event(self, *choices: _Kind) -> bool:
        try:
            return bool(super().check_event(*choices))
        except ValueError as error:
            raise yaml.MarkedYAMLError(problem="an escape of no character", problem_mark=self.get_mark()) from error


class _Builder:
    """Builds the values from PyYAML's events; nothing of PyYAML's own constructors runs."""

    def __init__(self) -> None:
        self._open: list[_Mapping | _Sequence] = []
        self.document: Value = None
        self.documents = 0
        self.lines: dict[Where, int] = {}
        self.problems: list[Problem] = []

    def _where(self) -> Where:
        return tuple(level.step for level in self._open if level.step is not None)

    def _refuse(self, event: yaml.Event, reason: str, allowed: str) -> None:
        line = event.start_mark.line + 1 if event.start_mark is not None else None
        self.problems.append(Problem(dotted(self._where()), reason, allowed, line))

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"the alias *{shown(event.anchor, MAX_SHOWN)}", "the value itself, written out")
            self._add(event, str(event.anchor) if self._expects_key() else REFUSED, refused=True)
        elif isinstance(event, yaml.ScalarEvent):
            before = len(self.problems)
            self._check_node(event)
            value = self._scalar(event)
            self._add(event, value, refused=len(self.problems) > before)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._check_node(event)
            if self._expects_key():
                self._refuse(event, "a key that is not a plain word", "plain text as a key")
                raise _Unreadable
            if len(self._open) >= MAX_DEPTH:
                self._refuse(event, "nested too deeply", f"at most {MAX_DEPTH} levels")
                raise _Unreadable
            self._open.append(_Mapping() if isinstance(event, yaml.MappingStartEvent) else _Sequence())
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._add(event, self._open.pop().values)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self._refuse(event, "a second document", "one document")
            raise _Unreadable
        if event.version or event.tags:
            self._refuse(event, "a % directive", "no directives")

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._refuse(event, f"the anchor &{shown(event.anchor, MAX_SHOWN)}", "each value written out where it belongs")
        if event.tag is not None:
            self._refuse(event, f"the tag {shown(event.tag, MAX_SHOWN)}", "plain values without tags")

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], _Mapping) and self._open[-1].key is None

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        text: str = event.value
        if self._expects_key():
            if text == "<<" and event.style is None:
                self._refuse(event, "a merge key <<", "each key written out where it belongs")
            elif _CONTROL.search(text) or _SURROGATE.search(text) or not text or len(text) > 64:
                self._refuse(event, "a key that is not a plain word", "plain text as a key")
            return text
        if _CONTROL.search(text):
            return self._refuse_value(event, "a control character or line break inside a value", "text on one line")
        if (half := _SURROGATE.search(text)) is not None:
            reason = f"half of a surrogate pair (U+{ord(half[0]):04X}), which is no character"
            return self._refuse_value(event, reason, "the character itself")
        if event.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text.lower() in _YAML_1_1 or text.lower() in _WORDS:
            return self._refuse_value(event, f"{text} {_DOUBTFUL}", 'true, false, null, or the word in quotes "…"')
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        if _DOUBTFUL_NUMBER.match(text):
            reason = f"{shown(text, MAX_SHOWN)} {_DOUBTFUL}"
            return self._refuse_value(event, reason, 'decimal digits like 17 or 0.5, or the text in quotes "…"')
        return text

    def _refuse_value(self, event: yaml.Event, reason: str, allowed: str) -> Refused:
        self._refuse(event, reason, allowed)
        return REFUSED

    def _add(self, event: yaml.Event, value: Value, *, refused: bool = False) -> None:
        if not self._open:
            self.document = value
            return
        parent = self._open[-1]
        if isinstance(parent, _Sequence):
            parent.values.append(value)
        elif parent.key is None:
            assert isinstance(value, str)
            parent.key = value
            if value in parent.values:
                self._refuse(event, "the key is repeated", "each key once")
            elif event.start_mark is not None and not refused:
                self.lines[self._where()] = event.start_mark.line + 1
        else:
            parent.values[parent.key] = value
            parent.key = None


def _text(raw: bytes) -> str | Problem:
    if len(raw) > MAX_BYTES:
        return Problem("", f"the file is larger than {MAX_BYTES // 1024} KiB", f"at most {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Problem("", f"the file is not UTF-8 (byte {error.start})", "UTF-8 text", line)


def _not_yaml(error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        return Problem("", f"a character that YAML does not allow (U+{int(error.character):04X})", "printable text")
    if not isinstance(error, yaml.MarkedYAMLError):
        raise error
    mark = error.problem_mark or error.context_mark
    problem = shown(" ".join(str(error.problem or error.context).split()), MAX_SHOWN)
    column = f"column {mark.column + 1}: " if mark is not None else ""
    return Problem("", f"{column}not YAML: {problem}", "`key: value`, indented by spaces", mark.line + 1 if mark is not None else None)


def read_document(raw: bytes) -> Document:
    """What the bytes of a file hold, and every mistake in them, in the order of its lines."""
    text = _text(raw)
    if isinstance(text, Problem):
        return Document({}, {}, [text])
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.YAMLError as error:
        return Document({}, {}, [*builder.problems, _not_yaml(error)])
    except _Unreadable:
        return Document({}, {}, builder.problems)
    wanted = "`key: value` lines, at least device_id"
    if builder.documents == 0:
        return Document({}, {}, [Problem("", "the file is empty", wanted)])
    if not isinstance(builder.document, dict):
        return Document({}, {}, [*builder.problems, Problem("", "the file is not a mapping", wanted)])
    return Document(builder.document, builder.lines, builder.problems)


def read_strictly(raw: bytes, name: str) -> dict[str, Value]:
    """The mapping that the bytes of file `name` hold. Raises `ConfigError`, one line, for the first mistake in it."""
    document = read_document(raw)
    if document.problems:
        raise ConfigError(document.problems[0].text(name))
    return document.values
