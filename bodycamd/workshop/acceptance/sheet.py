"""The sheet of an acceptance day: YAML to fill in. Strict; every mistake at once, with its line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import get_args

import msgspec
from msgspec import Struct

from bodycamd.config.problems import Problem, in_order, nearest
from bodycamd.config.settings import Config
from bodycamd.config.strict_yaml import Document, Value, read_document
from bodycamd.evidence.acceptance import Found, Outcome, Result
from bodycamd.evidence.statements import DeviceId, ShortText
from bodycamd.workshop.acceptance.checks import checks

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
HEAD = """\
# Acceptance day of {device}. For each check: do what stands above it, then write
#   outcome: passed, failed, not_fitted or not_done
#   found: what you saw or measured, in quotes, at most 240 characters, no names
# Then sign it: bodycamd acceptance sign
"""


class Sheet(Struct, frozen=True):
    """What was filled in."""

    device: str
    board: str | None
    module: str | None
    results: tuple[Result, ...]


def blank(config: Config) -> str:
    """A sheet for the camera with this configuration: nothing is done yet."""
    lines = [HEAD.format(device=config.device_id), f"device: {config.device_id}"]
    lines += [f"board: {config.board.model or 'null'}", f"module: {config.video.module or 'null'}", "checks:"]
    for check in checks().values():
        words = f"{check.what[0].upper()}{check.what[1:]}. {check.how[0].upper()}{check.how[1:]}."
        lines += [f"  # {line}" for line in textwrap.wrap(words, 110, break_long_words=False, break_on_hyphens=False)]
        lines += [f"  {check.id}:", "    outcome: not_done", '    found: ""']
    return "\n".join(lines) + "\n"


def read(raw: bytes) -> tuple[Sheet | None, list[Problem]]:
    """What stands in a sheet, or everything that is wrong with it, in the order of its lines."""
    document = read_document(raw)
    values = document.values
    if not values and document.problems:  # no YAML at all: nothing can be said of its checks
        return None, document.problems
    problems = [*document.problems]
    problems += _unknown(document, (), values, ("device", "board", "module", "checks"))
    given = values.get("checks")
    results: list[Result] = []
    if not isinstance(given, dict):
        problems.append(Problem("checks", "missing", "the checks of `bodycamd acceptance sheet`"))
        given = {}
    problems += _unknown(document, ("checks",), given, tuple(checks()))
    for name in checks():
        found = _result(document, name, given.get(name))
        if isinstance(found, Result):
            results.append(found)
        else:
            problems.append(found)
    device = _text(values.get("device"), DeviceId)
    if device is None:
        problems.append(Problem("device", "not the name of a camera", "as in its configuration", document.lines.get(("device",))))
    if problems or device is None:
        return None, sorted(problems, key=in_order)
    board, module = (_text(values.get(key), ShortText) for key in ("board", "module"))
    return Sheet(device, board, module, tuple(results)), []


def _result(document: Document, name: str, value: Value) -> Result | Problem:
    key = f"checks.{name}"
    line = document.lines.get(("checks", name))
    if not isinstance(value, dict):
        return Problem(key, "missing", "outcome and found; not_done where nobody did it", line)
    outcome, found = value.get("outcome"), value.get("found")
    if outcome not in OUTCOMES:
        at = document.lines.get(("checks", name, "outcome"), line)
        return Problem(f"{key}.outcome", "not an outcome", ", ".join(OUTCOMES), at, nearest(str(outcome), OUTCOMES))
    said = _text(found, Found) if found else None
    at = document.lines.get(("checks", name, "found"), line)
    if found and said is None:
        return Problem(f"{key}.found", "not text of at most 240 characters", "a few words in quotes", at)
    if outcome in ("passed", "failed") and not said:
        return Problem(f"{key}.found", f"empty, but the outcome is {outcome}", "what was seen or measured", at)
    return Result(check=name, outcome=msgspec.convert(outcome, Outcome), found=said if outcome in ("passed", "failed") else None)


def _text(value: Value, kind: type[str]) -> str | None:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _unknown(document: Document, where: tuple[str, ...], values: dict[str, Value], known: tuple[str, ...]) -> Iterator[Problem]:
    for key in values:
        if key not in known:
            line = document.lines.get((*where, key))
            yield Problem(".".join((*where, key)), "unknown", "the keys that `bodycamd acceptance sheet` writes", line, nearest(key, known))
