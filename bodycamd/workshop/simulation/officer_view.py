"""What the officer sees, hears and feels, and what happens to the footage, as lines with times from ready.

The lamp and the motor are judged by their bare changes on the simulated board, not by what the daemon says it shows: the patterns are
recognised as a person would recognise them. Footage facts are those of the ledger and of the acknowledgements.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bodycamd.camera.board.board_log import BoardChange
from bodycamd.camera.control.events import FragmentDurable
from bodycamd.camera.control.indicator import PULSES
from bodycamd.evidence.statements import Entry
from bodycamd.municipality.words.sentences import in_words

Sense = Literal["does", "sees", "hears", "feels", "footage", "camera"]

STEADY_US = 900_000
LONG_FLASH_US = 500_000
QUICK_US = 250_000
"""Between two flashes of one pattern."""
SHORT_GAP_US = 450_000
SETTLING_US = max(pattern.length_us for pattern in PULSES.values()) + SHORT_GAP_US + 100_000
"""What lies further back than this is not named differently by what comes after it: the longest word of the motor is over, and the gap that
says so."""
PAUSE_US = 2_000_000
FLASH_OVERDUE_US = 4_500_000
NEVER_US = 1 << 62
_PULSE_LENGTHS = ((235_000, "tick"), (525_000, "short"), (1_000_000, "strong"), (NEVER_US, "long"))
"""A pulse shorter than this is called so: half-way between the lengths that the motor has."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the time line."""

    at_us: int
    sense: Sense
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """The lamp or the motor, on or off for a while. `length_us` of the last run is what has passed so far."""

    start_us: int
    on: bool
    length_us: int


def runs(changes: Iterable[tuple[int, bool]], now_us: int) -> list[Run]:
    """Changes of level as runs, the last one up to `now_us`. Repeated levels are one run."""
    kept: list[tuple[int, bool]] = []
    for at_us, on in sorted(changes):
        if not kept or kept[-1][1] != on:
            kept.append((at_us, on))
    ends = [*[at_us for at_us, _ in kept[1:]], now_us][: len(kept)]
    return [Run(at_us, on, max(0, end - at_us)) for (at_us, on), end in zip(kept, ends, strict=True)]


def lamp_lines(changes: Iterable[tuple[int, bool]], now_us: int) -> Iterator[Line]:
    """The LED's patterns in words, each once, where it begins."""
    seen = runs(changes, now_us)
    shown = "off"
    for number, run in enumerate(seen):
        noticed_us = run.start_us
        if run.on:
            word = _flash(seen, number, shown)
        elif shown == BUFFERING:  # over only when the next flash stays out
            word, noticed_us = "off" if run.length_us > FLASH_OVERDUE_US else shown, run.start_us + FLASH_OVERDUE_US
        else:
            word = "off" if run.length_us > STEADY_US and shown not in (LONG, ONCE) else shown
        if word != shown:
            shown = word
            yield Line(noticed_us, "sees", f"LED: {word}")


STEADY = "steady on"
LOW = "steady, with a short gap every 10 s"
FAST = "blinks fast"
DOUBLE = "double flash each second"
LONG = "three long flashes"
BUFFERING = "short flash every 4 s"
ONCE = "a short flash"


def _flash(seen: Sequence[Run], number: int, shown: str) -> str:
    run = seen[number]
    before = seen[number - 1].length_us if number else NEVER_US
    after = seen[number + 1].length_us if number + 1 < len(seen) else NEVER_US
    if run.length_us > STEADY_US:
        gap = shown in (STEADY, LOW) and before < SHORT_GAP_US
        return LOW if gap else STEADY
    if run.length_us > LONG_FLASH_US:
        return LONG
    if _short(seen, number + 2) and after < QUICK_US:
        following = seen[number + 3].length_us if number + 3 < len(seen) else NEVER_US
        first_of_pair = before > QUICK_US and following > QUICK_US
        second_of_pair = shown == DOUBLE and before > QUICK_US
        return DOUBLE if first_of_pair or second_of_pair else FAST
    if before < QUICK_US:
        second_of_pair = after < STEADY_US and _short(seen, number + 2)
        return DOUBLE if shown != FAST and second_of_pair else shown if shown in (FAST, DOUBLE) else FAST
    return BUFFERING if shown == BUFFERING or (before > PAUSE_US and after > PAUSE_US) else ONCE


def _short(seen: Sequence[Run], number: int) -> bool:
    return number < len(seen) and seen[number].on and seen[number].length_us <= LONG_FLASH_US


def haptic_lines(changes: Iterable[tuple[int, bool]], now_us: int) -> Iterator[Line]:
    """Pulses in words: those that follow each other within 0.45 s are one train, unless only one of them is of a length that answers the
    hand."""
    train: list[Run] = []
    for run in runs(changes, now_us):
        if run.on:
            if train and _hand(train[-1]) != _hand(run):
                yield _train(train)
                train = []
            train.append(run)
        elif train and run.length_us > SHORT_GAP_US:
            yield _train(train)
            train = []
    if train:
        yield _train(train)


def _length(run: Run) -> str:
    return next(name for limit_us, name in _PULSE_LENGTHS if run.length_us < limit_us)


def _hand(run: Run) -> str | None:
    """The word's own length where it answers the hand: a tick, or the strong pulse of a hold; `None` for all others."""
    name = _length(run)
    return name if name in ("tick", "strong") else None


def _train(train: Sequence[Run]) -> Line:
    counts = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
    count = counts.get(len(train), str(len(train)))
    lengths = [_length(run) for run in train]
    pulses = "pulse" if len(train) == 1 else "pulses"
    if len(set(lengths)) > 1:
        return Line(train[0].start_us, "feels", f"vibrates: {count} {pulses}, {' '.join(lengths)}")
    kind = pulses.replace("pulse", "tick") if lengths[0] == "tick" else f"{lengths[0]} {pulses}"
    return Line(train[0].start_us, "feels", f"vibrates: {count} {kind}")


def button_lines(changes: Iterable[tuple[int, bool]]) -> Iterator[Line]:
    """Presses and releases."""
    pressed_us: int | None = None
    for at_us, on in sorted(changes):
        if on and pressed_us is None:
            pressed_us = at_us
            yield Line(at_us, "does", "presses the button")
        elif not on and pressed_us is not None:
            yield Line(at_us, "does", f"releases the button after {(at_us - pressed_us) / 1e6:.2f} s")
            pressed_us = None


def voice_line(event: str, at_us: int, warning_seconds: float) -> Line:
    """What the voice did."""
    words = {
        "started": f"speaks the warning ({warning_seconds:.1f} s)",
        "ended": "the warning has been spoken",
        "silenced": "the warning falls silent",
        "failed": "the warning cannot be spoken",
    }
    return Line(at_us, "hears", words.get(event, f"voice: {event}"))


def board_lines(changes: Sequence[BoardChange], now_us: int, warning_seconds: float) -> list[Line]:
    """Everything of the board's time line, in the order of time."""

    def levels(part: str) -> list[tuple[int, bool]]:
        return [(change.at_us, change.on) for change in changes if change.part == part and change.on is not None]

    lines = [*lamp_lines(levels("lamp"), now_us), *haptic_lines(levels("haptic"), now_us), *button_lines(levels("button"))]
    lines += [Line(at_us, "sees", f"green LED: {'on' if on else 'off'}") for at_us, on in levels("ready_lamp")]
    lines += [voice_line(c.event, c.at_us, warning_seconds) for c in changes if c.part == "voice" and c.event is not None]
    lines += [Line(c.at_us, "camera", f"battery: {c.percent:.0f} %") for c in changes if c.part == "battery" and c.percent is not None]
    return sorted(lines, key=lambda line: line.at_us)


_QUIET = frozenset(
    {
        *("start", "leaving", "voice_ready", "view", "audio_changed", "microphone_opened"),
        *("clock_changed", "press_latched", "retention_rules", "time", "key_changed"),
    }
)


def ledger_line(entry: Entry) -> Line | None:
    """A ledger entry as a sentence; `None` for those that an officer would not miss."""
    if entry.type in _QUIET or (entry.type == "store_recovered" and not entry.detail.get("segments")):
        return None
    return Line(entry.boottime_ns // 1000, "footage", in_words(entry))


def durable_line(event: FragmentDurable) -> Line:
    """The first fragment of a recording that is safe."""
    return Line(event.at_us, "footage", f"The first part of recording {event.recording} is safe on the disk.")


def text(line: Line, ready_us: int) -> str:
    """As it is printed."""
    seconds = (line.at_us - ready_us) / 1e6
    return f"{math.floor(seconds * 1000) / 1000:9.3f} s  {line.sense:<8} {line.text}"


def as_json(line: Line, ready_us: int) -> dict[str, str | int | float]:
    """As programs read it."""
    return {"at_seconds": round((line.at_us - ready_us) / 1e6, 6), "at_us": line.at_us, "sense": line.sense, "text": line.text}
