"""YAML without surprises: a small subset, read strictly; everything else is refused with the key's path, the reason and what is allowed.

Guarantees: one document, one mapping, plain string keys, each at most once; values are text, decimal numbers, `true`, `false`, `null`,
lists and mappings. Refused: anchors, aliases and merge keys (so no document grows when it is read), tags and directives, the YAML 1.1
spellings `yes`, `no`, `on`, `off`, `y`, `n` and `~`, numbers of other bases (`0x11`, `017`, `1:30`, `1_000`), control characters inside
values, more than `MAX_DEPTH` levels, more than `MAX_BYTES` bytes, and what is not UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

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


@dataclass(slots=True)
class _Mapping:
    values: dict[str, Any] = field(default_factory=dict)
    key: str | None = None

    @property
    def step(self) -> str:
        return f".{self.key}" if self.key is not None else ""


@dataclass(slots=True)
class _Sequence:
    values: list[Any] = field(default_factory=list)

    @property
    def step(self) -> str:
        return f"[{len(self.values)}]"


class _Builder:
    """Builds the values from PyYAML's events; nothing of PyYAML's own constructors runs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[_Mapping | _Sequence] = []
        self.document: Any = None
        self.documents = 0

    def refuse(self, event: yaml.Event, reason: str, allowed: str) -> ConfigError:
        path = "".join(level.step for level in self._open).lstrip(".")
        line = f"line {event.start_mark.line + 1}" if event.start_mark is not None else "line ?"
        where = f"{path}: {line}: " if path else f"{line}: "
        return ConfigError(f"{self._name}: {where}{reason}; allowed: {allowed}")

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, yaml.AliasEvent):
            raise self.refuse(event, f"the alias *{shown(event.anchor, MAX_SHOWN)}", "the value itself, written out")
        elif isinstance(event, yaml.ScalarEvent):
            self._check_node(event)
            self._add(event, self._scalar(event))
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._check_node(event)
            if self._expects_key():
                raise self.refuse(event, "a key that is not a plain word", "plain text as a key")
            if len(self._open) >= MAX_DEPTH:
                raise self.refuse(event, "nested too deeply", f"at most {MAX_DEPTH} levels")
            self._open.append(_Mapping() if isinstance(event, yaml.MappingStartEvent) else _Sequence())
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._add(event, self._open.pop().values)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self.refuse(event, "a second document", "one document")
        if event.version or event.tags:
            raise self.refuse(event, "a % directive", "no directives")

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            raise self.refuse(event, f"the anchor &{shown(event.anchor, MAX_SHOWN)}", "each value written out where it belongs")
        if event.tag is not None:
            raise self.refuse(event, f"the tag {shown(event.tag, MAX_SHOWN)}", "plain values without tags")

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], _Mapping) and self._open[-1].key is None

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if self._expects_key():
            if text == "<<" and event.style is None:
                raise self.refuse(event, "a merge key <<", "each key written out where it belongs")
            if _CONTROL.search(text) or not text or len(text) > 64:
                raise self.refuse(event, "a key that is not a plain word", "plain text as a key")
            return text
        if _CONTROL.search(text):
            raise self.refuse(event, "a control character or line break inside a value", "text on one line")
        if event.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text.lower() in _YAML_1_1 or text.lower() in _WORDS:
            raise self.refuse(event, f"{text} {_DOUBTFUL}", 'true, false, null, or the word in quotes "…"')
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        if _DOUBTFUL_NUMBER.match(text):
            raise self.refuse(event, f"{shown(text, MAX_SHOWN)} {_DOUBTFUL}", 'decimal digits like 17 or 0.5, or the text in quotes "…"')
        return text

    def _add(self, event: yaml.Event, value: Any) -> None:
        if not self._open:
            self.document = value
            return
        parent = self._open[-1]
        if isinstance(parent, _Sequence):
            parent.values.append(value)
        elif parent.key is None:
            parent.key = value
            if value in parent.values:
                raise self.refuse(event, "the key is repeated", "each key once")
        else:
            parent.values[parent.key] = value
            parent.key = None


def _text(raw: bytes, name: str) -> str:
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{name}: the file is larger than {MAX_BYTES // 1024} KiB; allowed: at most {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}: line {line}: the file is not UTF-8 (byte {error.start}); allowed: UTF-8 text") from error


def _events(text: str, name: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        reason = f"a character that YAML does not allow (U+{int(error.character):04X})"
        raise ConfigError(f"{name}: {reason}; allowed: printable text") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        problem = shown(" ".join(str(error.problem or error.context).split()), MAX_SHOWN)
        raise ConfigError(f"{name}: {where}not YAML: {problem}; allowed: `key: value`, indented by spaces") from error


def read_strictly(raw: bytes, name: str) -> dict[str, Any]:
    """The mapping that the bytes of file `name` hold. Raises `ConfigError`, one line, for all that is refused."""
    builder = _Builder(name)
    for event in _events(_text(raw, name), name):
        builder.take(event)
    if builder.documents == 0:
        raise ConfigError(f"{name}: the file is empty; allowed: `key: value` lines, at least device_id")
    if not isinstance(builder.document, dict):
        raise ConfigError(f"{name}: the file is not a mapping; allowed: `key: value` lines, at least device_id")
    return builder.document
