"""What lamps and motor show, in words, and what to do about it: tables of `docs/trouble.md` and `README.md`, from the camera's own.

`python -m tests.hardware.signs` writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

from msgspec.structs import replace

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import (
    LONG_MS,
    PULSES,
    SHORT_MS,
    STRONG_MS,
    TABLE,
    TICK_MS,
    LampPattern,
    RepeatedPulse,
    RowName,
    indicate,
)
from bodycamd.camera.control.state import Condition, Policy, Recording, State
from bodycamd.cli.remedies import REMEDIES
from tests.kit.marked import written

ROOT = Path(__file__).parents[2]
MODULE = "tests.hardware.signs"
LENGTHS = {TICK_MS: "tick", SHORT_MS: "short", STRONG_MS: "strong", LONG_MS: "long"}
NOTHING = "\N{EN DASH}"
NOW_US = 1_000_000_000

MEANS: dict[RowName, tuple[str, str]] = {
    "ready": ("Ready: a press begins a recording.", "Nothing."),
    "buffering": ("Ready, and the seconds before a press are kept (`pre_event_seconds`).", "Nothing."),
    "blink": (
        "The warning is spoken, or the first picture is not on the card yet.",
        "Wait. Longer than the warning and 5 s: see *nothing is stored*.",
    ),
    "recording": ("Recording: footage has come onto the card within the last 3 s.", "Nothing."),
    "low": ("Recording, but something needs attention soon.", "Carry on. Afterwards `bodycamd status`: [which](#what-status-says)."),
    "missing": (
        "Nothing is stored: no pictures come, or the card does not take them.",
        "Do not count on it. It tries again by itself; then `bodycamd status`.",
    ),
    "refused": (
        "The press or the officer's card was refused, or what was stopped is not whole on the card.",
        "`bodycamd status`, before the next use.",
    ),
    "cannot_record": ("A press would not record.", "Out of service. `bodycamd status` says which part."),
    "check_passed": ("The test before a shift: go.", "Nothing."),
    "check_failed": (
        "The test before a shift: no go. The green lamp is dark where a press would not record either.",
        "Take another camera. `bodycamd selftest --officer` says which part ([selftest.md](selftest.md)).",
    ),
    "off": ("Switched off, starting, or dead: the green lamp is dark too.", "[Nothing lights up](#nothing-lights-up)."),
}
"""Of every row: what it means, and what to do."""
FELT: dict[HapticName, str] = {
    "ready": "It has started, and is ready.",
    "started": "The recording has begun.",
    "reminder": "It is still recording (every `reminder_seconds`).",
    "marker": "The moment is marked.",
    "held": "The hold is felt: let go to ask for the stop.",
    "asked": "Press once within 5 s to stop.",
    "continues": "No press came: it goes on recording.",
    "missing": "Nothing is stored.",
    "low": "Something needs attention soon; in standby too.",
    "saved": "Stopped, and whole on the card.",
    "refused": "The press or the card was refused, or not all is stored, or it cannot record.",
    "shift_begun": "A card has begun a shift.",
    "shift_ended": "A card has ended the shift.",
    "check_passed": "The test before a shift: go.",
    "check_failed": "The test before a shift: no go.",
    "help_sent": "The call for help was sent to somebody (`help_call`).",
    "help_not_sent": "It has reached nobody: use the radio.",
    "help_answered": "Somebody has answered it.",
}
"""Of every word of the motor: what it means."""


def lamp(pattern: LampPattern) -> str:
    """A pattern in words: `on`, `off`, `two flashes of 0.12 s every 1 s`."""
    lit = [milliseconds for on, milliseconds in pattern.steps if on]
    if len(pattern.steps) == 1:
        return "on" if lit else "off"
    length = pattern.length_us / 1e6
    if length < 0.5:
        return f"blinks: {lit[0] / 1000:g} s on, {length - lit[0] / 1000:g} s off"
    every = f" every {length:g} s" if pattern.repeat else ", once"
    if len(lit) == 1 and 2 * lit[0] > 1000 * length:
        return f"on, dark for {length - lit[0] / 1000:g} s{every}"
    count = {1: "a flash", 2: "two flashes", 3: "three flashes", 6: "six flashes"}[len(lit)]
    [milliseconds] = set(lit)
    return f"{count} of {milliseconds / 1000:g} s{every}"


def word(name: HapticName) -> str:
    """A word of the motor: `short, short, long`."""
    return ", ".join(LENGTHS[milliseconds] for on, milliseconds in PULSES[name].steps if on)


def repeated(pulse: RepeatedPulse | None) -> str:
    """What a row repeats on the motor."""
    return "" if pulse is None else f"{word(pulse.name)}, every {pulse.every_ms // 1000} s"


def signs(with_advice: bool = False) -> str:
    """The rows of the lamps."""
    head = ["red lamp", "green lamp", "motor", "means"] + (["what to do"] if with_advice else [])
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, (means, advice) in MEANS.items():
        row = TABLE[name]
        cells = [lamp(row.lamp), lamp(row.ready_lamp), repeated(row.haptic), means] + ([advice] if with_advice else [])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def words() -> str:
    """The words of the motor."""
    lines = ["| motor | means |", "|---|---|"]
    return "\n".join([*lines, *(f"| {word(name)} | {means} |" for name, means in FELT.items())])


def shown(flag: str, recording: bool) -> str:
    """What a condition shows, by the control itself: a name of the rows, or nothing."""
    if flag not in get_args(Condition):
        return NOTHING
    state = State(Policy(), at_us=NOW_US, name="standby", clock_untrusted=False)
    if recording:
        begun = Recording(1, began_us=0, keep_from_us=0, reminder_us=2 * NOW_US, durable_us=NOW_US)
        state = replace(state, name="recording", recording=begun)
    wrong = replace(state, failing_until_us=NOW_US + 1) if flag == "failing" else replace(state, **{flag: True})
    before, after = indicate(state, NOW_US), indicate(wrong, NOW_US)
    if after == before:
        return NOTHING
    names = {"cannot_record": "cannot record", "missing": "nothing is stored", "low": "low"}
    return names.get(after.name, "low, by the motor alone")


def conditions() -> str:
    """Everything that `status` can say is wrong."""
    lines = ["| `status` says | shown in standby | shown while recording | what to do |", "|---|---|---|---|"]
    for flag, remedy in REMEDIES.items():
        lines.append(f"| {remedy.problem} (`{flag}`) | {shown(flag, False)} | {shown(flag, True)} | {remedy.to_do} |")
    return "\n".join(lines)


TABLES: dict[tuple[str, str], Callable[[], str]] = {
    ("docs/trouble.md", "signs"): partial(signs, with_advice=True),
    ("docs/trouble.md", "words"): words,
    ("docs/trouble.md", "conditions"): conditions,
    ("README.md", "signs"): signs,
}


if __name__ == "__main__":
    for (page, mark), table in TABLES.items():
        (ROOT / page).write_text(written((ROOT / page).read_text(encoding="utf-8"), mark, MODULE, table()), encoding="utf-8")
