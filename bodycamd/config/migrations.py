"""What earlier versions wrote otherwise, read as today's: a camera's own configuration outlives an update, and the update a power cut.

The recorder reads an old file as it stands, so that whichever of version and file a cut leaves behind, the camera starts. `rewritten`
brings the file itself to today's form: the lines that change, and nothing else. Only what can mean one thing is read otherwise; anything
else that a version does not take is refused with its key.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import yaml
from msgspec import Struct
from msgspec.structs import replace

from bodycamd.config.problems import Problem
from bodycamd.config.strict_yaml import REFUSED, Document, Value, Where, dotted, read_document
from bodycamd.errors import ConfigError, OutputError
from bodycamd.linux import durable

BEFORE = ".before-migration"
"""Behind the file's name: what it was before its newest migration."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SplitKey(Struct, frozen=True):
    """A key whose meaning became that of two: where `old` is given without `new` beside it, `new` is read as `value`. `since` is the
    version that asks for both.
    """

    since: str
    old: Where
    new: str
    value: str

    @property
    def where(self) -> Where:
        """Where the new key stands."""
        return (*self.old[:-1], self.new)

    @property
    def named(self) -> str:
        """The new key's dotted path."""
        return dotted(self.where)

    def told(self, lines: Mapping[str, int]) -> Problem:
        """What a person is told of it; `lines` are those of the dotted keys."""
        reason = f"read as {self.value}, which {dotted(self.old)} alone meant before {self.since}"
        wanted = f"{self.new}: {self.value} beside it; `bodycamd config migrate` writes it"
        return Problem(self.named, reason, wanted, lines.get(dotted(self.old)))


MIGRATIONS = (SplitKey("0.1.0", ("board", "battery", "supply"), "gauge", "kernel"),)
"""The oldest first. `supply` named a gauge of the kernel, when there were no others; the cameras of November 2026 have it so."""


def migrated(document: Document) -> tuple[Document, tuple[SplitKey, ...]]:
    """The document as today's version would have it written, the same one where it is; and what was read otherwise for that."""
    applied = []
    for migration in MIGRATIONS:
        section = _section(document.values, migration.old[:-1])
        old = section.get(migration.old[-1]) if section is not None and migration.old in document.lines else None
        if section is None or migration.new in section or old is None or old is REFUSED:
            continue
        applied.append(migration)
        lines = {**document.lines, migration.where: document.lines[migration.old]}
        document = replace(document, values=_with(document.values, migration.where, migration.value), lines=lines)
    return document, tuple(applied)


def rewritten(raw: bytes) -> tuple[bytes, tuple[SplitKey, ...]]:
    """The file's bytes in today's form, comments and all, and what was changed; the same bytes where nothing is to be changed.

    Raises `ConfigError` where the change cannot be made so that exactly the meaning of `migrated` comes out: a person has to write it.
    """
    document = read_document(raw)
    if document.problems:
        raise ConfigError(document.problems[0].text("the configuration"))
    (wanted, applied), made = migrated(document), raw
    for key in applied:
        made = _with_key(made, key)
    if (after := read_document(made)).problems or after.values != wanted.values:
        key = applied[0]
        raise ConfigError(f"{key.named}: this file is not changed by itself: write {key.new}: {key.value} beside {dotted(key.old)}")
    return made, applied


def migrate(path: Path, raw: bytes) -> tuple[SplitKey, ...]:
    """Have the file at `path`, whose bytes are `raw`, in today's form, and beside it what it was; returns what was changed. A power cut
    leaves the old file or the new one. Raises `ConfigError` as `rewritten` does, `OutputError`.
    """
    made, applied = rewritten(raw)
    if not applied:
        return ()
    file = path.resolve()
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        durable.replace(file.with_name(file.name + BEFORE), raw, mode)
        durable.replace(file, made, mode)
    except OSError as error:
        raise OutputError(f"{path}: cannot be rewritten: {error.strerror}") from error
    return applied


def _with_key(raw: bytes, key: SplitKey) -> bytes:
    """The file with the new key behind the old one: on a line of its own, or within the braces."""
    mark = BYTE_ORDER_MARK if raw.startswith(BYTE_ORDER_MARK) else b""
    text = raw.removeprefix(mark).decode()
    section = yaml.compose(text, Loader=yaml.SafeLoader)
    for step in key.old[:-1]:
        section = _pair(section, step)[1]
    old, value = _pair(section, key.old[-1])
    written, at = f"{key.new}: {key.value}", value.end_mark.index
    if isinstance(section, yaml.MappingNode) and section.flow_style:
        return mark + f"{text[:at]}, {written}{text[at:]}".encode()
    at = end if (end := text.find("\n", at)) >= 0 else len(text)
    line_break = "\r\n" if text[:at].endswith("\r") else "\n"
    at -= len(line_break) - 1
    return mark + f"{text[:at]}{line_break}{' ' * old.start_mark.column}{written}{text[at:]}".encode()


def _pair(section: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node]:
    """The key of this name in a section, and its value."""
    assert isinstance(section, yaml.MappingNode), "it was read as one"
    key, value = next((key, value) for key, value in section.value if key.value == name)
    return key, value


def _section(values: Mapping[str, Value], where: Where) -> Mapping[str, Value] | None:
    found: Value = dict(values)
    for step in where:
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _with(values: Mapping[str, Value], where: Where, value: Value) -> dict[str, Value]:
    """The values with this one too."""
    first, *rest = where
    if not rest:
        return {**values, first: value}
    inner = values[first]
    assert isinstance(inner, dict), "only what is there gets another key"
    return {**values, first: _with(inner, tuple(rest), value)}
