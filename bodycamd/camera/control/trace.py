"""A trace of the control: what happened, when, and what `step` answered. From it a run is repeated, line by line, without a camera.

Lines of JSON in two forms (`bodycamd-trace/1`):

- `{"trace": "begin", "format", "software", "state"}`: from here on, from this whole state. The first line, and again where lines are
  missing before it.
- `{"trace": "step", "now_us", "event", "state", "deadline_us", "actions"}`: the arguments of one `step`, and the name of the state, the
  next deadline and the actions that came of it. Times are CLOCK_BOOTTIME in microseconds.

There is no footage in it, and no name: whose shift it is, is not the control's to know. Numbers of recordings, hashes of sealed fragments
and the reasons of failures are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

import msgspec
from msgspec import Struct

from bodycamd.camera.control.events import Action, Event
from bodycamd.camera.control.machine import next_deadline, step
from bodycamd.camera.control.state import State, StateName
from bodycamd.errors import DataError
from bodycamd.foreign_text import shown

FORMAT: Literal["bodycamd-trace/1"] = "bodycamd-trace/1"
MAX_LINE_BYTES = 64 * 1024
MAX_LINES = 1_000_000


class Begin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="trace", tag="begin"):
    """From here on, from this state."""

    format: Literal["bodycamd-trace/1"] = FORMAT
    software: str
    state: State


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="trace", tag="step"):
    """One step: what went in, and what came out."""

    now_us: int
    event: Event
    state: StateName
    deadline_us: int | None
    actions: list[Action]


TraceLine = Begin | Step


@cache
def _line() -> msgspec.json.Decoder[TraceLine]:
    """Made when the first line is: it takes milliseconds, and few cameras trace."""
    return msgspec.json.Decoder(TraceLine)


def begin_line(state: State, software: str) -> bytes:
    """The line that a trace, or its continuation after a gap, begins with."""
    return msgspec.json.encode(Begin(software=software, state=state)) + b"\n"


def step_line(now_us: int, event: Event, after: State, actions: list[Action]) -> bytes | None:
    """The line of one step. `None` where JSON has no word for it (a number that is none): the trace then has a gap."""
    made = Step(now_us=now_us, event=event, state=after.name, deadline_us=next_deadline(after), actions=actions)
    try:
        line = msgspec.json.encode(made) + b"\n"
        same = _line().decode(line) == made
    except (msgspec.ValidationError, OverflowError):
        return None
    return line if same and len(line) <= MAX_LINE_BYTES else None


def read_trace(raw: bytes, name: str) -> list[TraceLine]:
    """The lines of a trace. Raises `DataError`: not a trace, or one of another format."""
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if len(lines) > MAX_LINES:
        raise DataError(f"{name}: more than {MAX_LINES} lines: no camera traces as much")
    found: list[TraceLine] = []
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE_BYTES:
            raise DataError(f"{name}: line {number}: more than {MAX_LINE_BYTES} bytes")
        try:
            found.append(_line().decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{name}: line {number} is not of {FORMAT}: {shown(error)}") from error
    if not found or not isinstance(found[0], Begin):
        raise DataError(f"{name}: a trace begins with the state that it begins from")
    return found


def replay(lines: list[TraceLine]) -> Iterator[str]:
    """Carry every step out once more; yields a sentence for each that answers otherwise than the trace says. A trace that was not made by a
    control may hold states that `step` never makes: that it fails there is reported in the same way, and the rest is passed over."""
    state: State | None = None
    for number, line in enumerate(lines, 1):
        if isinstance(line, Begin):
            state = line.state
        elif state is not None:
            try:
                state, actions = step(state, line.event, line.now_us)
                deadline_us = next_deadline(state)
            except (AssertionError, ArithmeticError) as error:
                yield f"line {number}: {type(line.event).__name__}: step fails: {type(error).__name__}: {shown(error)}"
                state = None
                continue
            found = (state.name, deadline_us, actions)
            if found != (stated := (line.state, line.deadline_us, line.actions)):
                yield f"line {number}: {type(line.event).__name__}: {shown(found, 1000)}, where the trace says {shown(stated, 1000)}"
