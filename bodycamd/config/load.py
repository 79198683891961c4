"""The strict loader: `load(path)` returns a `Config` or raises `ConfigError`; nothing is ever guessed.

YAML is read strictly (`strict_yaml`), and what earlier versions wrote otherwise as today's (`migrations`); unknown keys, wrong types,
values out of bounds and contradictions (`checks`) are refused. Relative paths are relative to the configuration file's folder; `load`
returns absolute ones and fills in the shipped warning. Files that the configuration names are looked at by `check_files`, not by `load`.
What orders have changed (`ordered`: values by their dotted keys) stands over the file, and is judged with it, as a whole.

An error is one line: `FILE: line N: key.path: reason; allowed: …`. `judge` finds all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import Struct, structs
from msgspec.structs import replace

from bodycamd.config import checks
from bodycamd.config.migrations import SplitKey, migrated
from bodycamd.config.private_keys import WHAT_TO_DO, line_of_private_key
from bodycamd.config.problems import Problem, in_order, nearest
from bodycamd.config.settings import PATH_KEYS, Config, allowed, key_types, literals
from bodycamd.config.strict_yaml import MAX_BYTES, MAX_SHOWN, REFUSED, Document, Value, Where, dotted, read_document
from bodycamd.errors import BodycamError, ConfigError
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import read_named

MAX_PROBLEMS = 200
"""A file with more mistakes than this is no configuration: the rest is not looked for."""
NOTHING: Mapping[str, Value] = MappingProxyType({})
BY_ORDER = 0
"""The line of a key that no line of the file has: an order set it."""


class Judgement(Struct, frozen=True):
    """Of a configuration: every problem in the order of its lines, and the configuration where there is none."""

    problems: list[Problem]
    config: Config | None
    lines: Mapping[str, int]
    """Where each key stands, by its dotted path."""
    migrated: tuple[SplitKey, ...] = ()
    """What of an earlier version's form was read as today's."""

    def placed(self, problem: Problem) -> Problem:
        """The same with its line; where the key has its default, the line of a key that it contradicts."""
        written = (self.lines[key] for key in (problem.key, *problem.others) if key in self.lines)
        return problem if problem.line is not None else replace(problem, line=next(written, None))


def load(path: Path | str, ordered: Mapping[str, Value] = NOTHING) -> Config:
    """Read, check and complete a configuration. Raises `ConfigError` (one line), also where the file itself cannot be read."""
    return load_migrated(path, ordered)[0]


def load_migrated(path: Path | str, ordered: Mapping[str, Value] = NOTHING) -> tuple[Config, tuple[SplitKey, ...]]:
    """As `load`, and what of an earlier version's form was read as today's."""
    found = judge(read(path), Path(path), ordered)
    return _taken(found, Path(path)), found.migrated


def read(path: Path | str) -> bytes:
    """The bytes of a configuration file. Raises `ConfigError`."""
    try:
        raw = read_named(Path(path), 16 * MAX_BYTES)
    except BodycamError as error:
        raise ConfigError(f"{shown(error, 4096)}; allowed: a readable configuration file") from error
    if not raw and Path(path).is_fifo():
        raise ConfigError(
            f"{shown(path, 4096)}: a named pipe that nobody writes to, not a regular file; allowed: a readable configuration file"
        )
    return raw


def parse(raw: bytes, path: Path) -> Config:
    """As `load`, from bytes that stand, or will stand, at `path`."""
    return _taken(judge(raw, path), path)


def _taken(found: Judgement, path: Path) -> Config:
    if found.config is not None:
        return found.config
    more = len(found.problems) - 1
    raise ConfigError(found.problems[0].text(shown(path, 4096)) + (f" ({more} more: bodycamd config check)" if more else ""))


def judge(raw: bytes, path: Path, ordered: Mapping[str, Value] = NOTHING) -> Judgement:
    """Everything that is wrong with what stands, or will stand, at `path`; the files that it names are not looked at.

    A contradiction is told only where the keys that it is between are right by themselves.
    """
    if (secret := line_of_private_key(raw)) is not None:
        return Judgement([Problem("", WHAT_TO_DO, "", secret)], None, {})
    document, applied = migrated(read_document(raw))
    document = _with_ordered(document, ordered)
    lines = {dotted(where): line for where, line in document.lines.items() if line != BY_ORDER}
    right: dict[str, Value] = {}
    problems = [*document.problems]
    if document.values or not problems:
        problems += islice(_judge_section(Config, (), document.values, document, right), MAX_PROBLEMS)
    problems = [_of_order(problem) for problem in _one_for_each_key(problems)]
    wrong = {problem.key for problem in problems}
    try:
        config = _with_absolute_paths(msgspec.convert({"device_id": "unnamed", **right}, Config), path.absolute().parent)
        between = [p for p in checks.contradictions(config) if not wrong & {p.key, *p.others}] if document.values else []
    except msgspec.ValidationError as error:
        raise AssertionError(f"every key is right by itself, and the whole is not: {error}") from error
    judged = Judgement(problems, None, lines)
    problems += map(judged.placed, between)
    problems.sort(key=in_order)
    return Judgement(problems, config if not problems else None, lines, applied)


def wrong_changes(changes: Mapping[str, Value]) -> list[Problem]:
    """What is wrong with changes by themselves, whatever file they will stand over: unknown keys, types, bounds."""
    document = _with_ordered(Document({}, {}, []), changes)
    found = _judge_section(Config, (), document.values, document, {})
    return [_of_order(problem) for problem in found if problem.key.partition("[")[0] in changes]


def _with_ordered(document: Document, ordered: Mapping[str, Value]) -> Document:
    """The document with these values in the place of its own. Where a section is no mapping, the file is wrong, and stays so."""
    values, lines = document.values, dict(document.lines)
    for key, value in ordered.items():
        where = tuple(key.split("."))
        if (changed := _with_value(values, where, value)) is not None:
            values = changed
            lines.update({where[:steps]: BY_ORDER for steps in range(1, len(where) + 1) if where[:steps] not in lines})
            lines[where] = BY_ORDER
    return replace(document, values=values, lines=lines)


def _with_value(section: Mapping[str, Value], where: Where, value: Value) -> dict[str, Value] | None:
    first, *rest = where
    if not rest:
        return {**section, first: value}
    inner = section.get(first, {})
    changed = _with_value(inner, tuple(rest), value) if isinstance(inner, dict) else None
    return None if changed is None else {**section, first: changed}


def _of_order(problem: Problem) -> Problem:
    return replace(problem, reason=f"{problem.reason}, as an order set it", line=None) if problem.line == BY_ORDER else problem


def _one_for_each_key(problems: list[Problem]) -> list[Problem]:
    """The first of each key of a line: what is wrong inside of a wrong value says nothing more."""
    first: dict[tuple[int | None, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.line, problem.key.partition("[")[0]), problem)
    return list(first.values())


def check_files(config: Config, path: Path | str) -> None:
    """Look at the files that the configuration at `path` names. Raises `ConfigError` for the first that is not what is needed."""
    for problem in checks.file_problems(config):
        raise ConfigError(problem.text(shown(path, 4096)))


def _judge_section(
    section: type[msgspec.Struct], where: Where, values: Mapping[str, Value], document: Document, right: dict[str, Value]
) -> Iterator[Problem]:
    """Every mistake in a section; what is right of it goes into `right`."""
    fields = {found.name: found for found in structs.fields(section)}
    for key, value in values.items():
        here = (*where, key)
        line = document.lines.get(here)
        if line is None or value is REFUSED:
            continue  # refused already
        path = shown(dotted(here), MAX_SHOWN)
        if key not in fields:
            yield Problem(
                path, "unknown key", allowed(dotted(where)).removeprefix("a mapping of "), line, _meant_key(key, where, list(fields))
            )
        elif isinstance(fields[key].type, type) and issubclass(fields[key].type, msgspec.Struct) and isinstance(value, dict):
            inner: dict[str, Value] = {}
            right[key] = inner
            yield from _judge_section(fields[key].type, here, value, document, inner)
        elif isinstance(value, list) and REFUSED in value:
            continue
        else:
            try:
                msgspec.convert(value, fields[key].type)
                right[key] = value
            except msgspec.ValidationError as error:
                reason = f"{explained(error)}: {written(value)}"
                yield Problem(path, reason, allowed(path), line, _meant_value(value, path, fields[key]))
    for name, found in fields.items():
        if found.required and name not in values:
            path = dotted((*where, name))
            yield Problem(path, "the key is missing", allowed(path), document.lines.get(where))


def written(value: Value) -> str:
    """The value, as the file has it or nearly so."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else shown(str(value), MAX_SHOWN)


def _meant_key(key: str, where: Where, here: list[str]) -> str:
    if near := nearest(key, here):
        return dotted((*where, near))
    everywhere = list(key_types())
    elsewhere = [path for path in everywhere if path.rpartition(".")[2] == key]
    return " or ".join(elsewhere) or nearest(dotted((*where, key)), everywhere)


def _meant_value(value: Value, path: str, key: structs.FieldInfo) -> str:
    """A word of those that are allowed, or the number without its unit."""
    if not isinstance(value, str):
        return ""
    number = re.match(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,6})?(?=[^0-9.])", value)
    if number is not None:
        meant = float(number[0]) if "." in number[0] else int(number[0])
        try:
            msgspec.convert(meant, key.type)
        except msgspec.ValidationError:
            return ""
        return number[0]
    return nearest(value.lower(), literals(path))


_TYPE_NAMES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number with a fraction",
    "bool": "true/false",
    "object": "a mapping",
    "array": "a list",
}


def explained(error: msgspec.ValidationError) -> str:
    """The reason of a refused value in plain words, from msgspec's message."""
    got = re.search(r"got `(\w+)`", str(error))
    if got:
        return f"{_TYPE_NAMES.get(got[1], got[1])} does not belong here"
    return "unknown value" if str(error).startswith("Invalid enum value") else "the value is out of bounds"


def _with_absolute_paths(config: Config, folder: Path) -> Config:
    if config.warning.file is None:
        warning = structs.replace(config.warning, file=f"warnings/{config.warning.language}.wav")
        config = structs.replace(config, warning=warning)
    for key in PATH_KEYS:
        section, _, name = key.rpartition(".")
        holder = getattr(config, section) if section else config
        if (path := getattr(holder, name)) is not None:
            changed = structs.replace(holder, **{name: str(folder / path)})
            config = structs.replace(config, **{section: changed}) if section else changed
    return config
