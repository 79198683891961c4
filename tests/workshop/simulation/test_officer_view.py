"""The time line: the patterns of the indicator's own table are recognised by eye, at once or later alike."""

from __future__ import annotations

import random

import msgspec
import pytest

from bodycamd.camera.board.board_log import BoardChange
from bodycamd.camera.control import indicator
from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import LampPattern, RowName
from bodycamd.workshop.simulation import officer_view as timeline
from bodycamd.workshop.simulation.officer_view import Line

WORDS: dict[RowName, str] = {
    "off": "LED: off",
    "buffering": "LED: short flash every 4 s",
    "blink": "LED: blinks fast",
    "recording": "LED: steady on",
    "low": "LED: steady, with a short gap every 10 s",
    "missing": "LED: double flash each second",
    "refused": "LED: three long flashes",
    "cannot_record": "LED: three long flashes",
}
LASTS: dict[RowName, int] = {
    "blink": 4_300_000,
    "low": 25_000_000,
    "cannot_record": 21_000_000,
    "refused": 3_000_000,
    "buffering": 13_000_000,
}


def play(pattern: LampPattern, begins_us: int, lasts_us: int, jitter: random.Random | None = None) -> list[tuple[int, bool]]:
    changes: list[tuple[int, bool]] = []
    elapsed = 0
    while elapsed < lasts_us:
        on, next_us = pattern.level(elapsed)
        late = jitter.randrange(0, 25_000) if jitter is not None and changes else 0
        changes.append((begins_us + elapsed + late, on))
        if next_us is None:
            break
        elapsed += next_us
    return changes


def shown(names: list[RowName], jitter: random.Random | None = None) -> tuple[list[tuple[int, bool]], int]:
    changes: list[tuple[int, bool]] = []
    at_us = 10_000_000
    for name in names:
        lasts_us = LASTS.get(name, 6_000_000)
        changes += play(indicator.TABLE[name].lamp, at_us, lasts_us, jitter)
        at_us += lasts_us
    return changes, at_us


SEQUENCES: list[tuple[list[RowName], list[RowName]]] = [
    (["off", "blink", "recording", "off"], ["blink", "recording", "off"]),
    (["buffering", "blink", "recording", "buffering"], ["buffering", "blink", "recording", "off", "buffering"]),
    (["buffering", "off"], ["buffering", "off"]),
    (["off", "blink", "missing", "recording", "off"], ["blink", "missing", "recording", "off"]),
    (["recording", "missing", "recording"], ["recording", "missing", "recording"]),
    (["blink", "recording", "low"], ["blink", "recording", "low"]),
    (["off", "refused", "off", "blink"], ["refused", "blink"]),
    (["cannot_record", "off", "blink"], ["cannot_record", "blink"]),
]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize(("played", "seen"), SEQUENCES)
def test_what_is_shown_is_what_is_seen(played: list[RowName], seen: list[RowName], seed: int | None) -> None:
    changes, now_us = shown(played, random.Random(seed) if seed is not None else None)
    assert [line.text for line in timeline.lamp_lines(changes, now_us)] == [WORDS[name] for name in seen]


@pytest.mark.parametrize(("played", "seen"), SEQUENCES)
def test_what_is_settled_does_not_change(played: list[RowName], seen: list[RowName]) -> None:
    changes, end_us = shown(played)
    whole = list(timeline.lamp_lines(changes, end_us))
    for now_us in range(10_000_000, end_us, 130_000):
        settled_us = now_us - timeline.SETTLING_US
        so_far = timeline.lamp_lines([change for change in changes if change[0] <= now_us], now_us)
        assert [line for line in so_far if line.at_us <= settled_us] == [line for line in whole if line.at_us <= settled_us]


PULSES: dict[HapticName, str] = {
    "ready": "vibrates: two pulses, short long",
    "started": "vibrates: two short pulses",
    "reminder": "vibrates: one short pulse",
    "marker": "vibrates: one tick",
    "held": "vibrates: one strong pulse",
    "asked": "vibrates: four ticks",
    "continues": "vibrates: two long pulses",
    "missing": "vibrates: three long pulses",
    "low": "vibrates: three pulses, short short long",
    "saved": "vibrates: one long pulse",
    "refused": "vibrates: five short pulses",
    "shift_begun": "vibrates: three pulses, long short short",
    "shift_ended": "vibrates: three pulses, long short long",
    "check_passed": "vibrates: four pulses, long long short short",
    "check_failed": "vibrates: four pulses, short short short long",
    "help_sent": "vibrates: four pulses, long short short short",
    "help_not_sent": "vibrates: four pulses, short short long long",
    "help_answered": "vibrates: four pulses, long short long short",
}


@pytest.mark.parametrize("name", list(indicator.PULSES))
def test_pulses(name: HapticName) -> None:
    changes = play(indicator.PULSES[name], 1_000_000, 5_000_000)
    assert list(timeline.haptic_lines(changes, 9_000_000)) == [Line(1_000_000, "feels", PULSES[name])]


@pytest.mark.parametrize("name", list(indicator.PULSES))
def test_a_word_that_is_settled_does_not_change(name: HapticName) -> None:
    """However long it is: *missing* takes 4.4 s."""
    changes = play(indicator.PULSES[name], 1_000_000, 5_000_000)
    for now_us in range(1_000_000, 9_000_000, 50_000):
        so_far = timeline.haptic_lines([change for change in changes if change[0] <= now_us], now_us)
        settled = [line for line in so_far if line.at_us <= now_us - timeline.SETTLING_US]
        assert settled in ([], [Line(1_000_000, "feels", PULSES[name])])


def test_everything_of_a_board_in_the_order_of_time() -> None:
    entries = [
        {"at_us": 5_000_000, "part": "voice", "event": "ended"},
        {"at_us": 1_000_000, "part": "button", "on": True},
        {"at_us": 1_150_000, "part": "button", "on": False, "sent_us": 1_149_000},
        {"at_us": 1_002_000, "part": "voice", "event": "started"},
        {"at_us": 1_001_000, "part": "ready_lamp", "on": False},
        {"at_us": 6_000_000, "part": "battery", "percent": 12.5},
        {"at_us": 7_000_000, "part": "something new", "on": True},
    ]
    changes = [msgspec.convert(entry, BoardChange) for entry in entries]
    lines = timeline.board_lines(changes, 9_000_000, 4.04)
    assert [timeline.text(line, 500_000) for line in lines] == [
        "    0.500 s  does     presses the button",
        "    0.501 s  sees     green LED: off",
        "    0.502 s  hears    speaks the warning (4.0 s)",
        "    0.650 s  does     releases the button after 0.15 s",
        "    4.500 s  hears    the warning has been spoken",
        "    5.500 s  camera   battery: 12 %",
    ]


def test_an_empty_board() -> None:
    assert timeline.board_lines([], 1, 4.0) == []
