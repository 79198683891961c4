"""The indicator's table and the choice of its row."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from msgspec.structs import replace

from bodycamd.camera.control.events import (
    BatteryChanged,
    ButtonDown,
    ButtonHeld,
    ButtonStuck,
    CaptureFlowing,
    CaptureStalled,
    DiskChanged,
    HapticName,
    Ready,
    ResumeOffer,
    RingOverflowed,
    ShutdownRequested,
    VoiceHealth,
    WriteFailed,
)
from bodycamd.camera.control.indicator import OFF, PULSES, STEADY, TABLE, LampPattern, RowName, indicate
from bodycamd.camera.control.machine import next_deadline
from bodycamd.camera.control.state import Policy
from tests.camera.control.camera import HOLD, Camera, S, fragment, recording, standby, warning

MS = 1000
BUFFERING = Policy(pre_event_us=30 * S, record_warning=True)


def played(pattern: LampPattern, length_us: int) -> list[tuple[bool, int]]:
    """The levels and their lengths (ms), followed by `level` alone."""
    at_us, levels = 0, list[tuple[bool, int]]()
    while at_us < length_us:
        on, wait_us = pattern.level(at_us)
        if wait_us is None:
            return [*levels, (on, -1)]
        assert wait_us > 0
        assert pattern.level(at_us + wait_us - 1)[0] == on
        levels.append((on, wait_us // MS))
        at_us += wait_us
    return levels


@pytest.mark.parametrize(
    ("row", "levels"),
    [
        ("off", [(False, -1)]),
        ("ready", [(False, -1)]),
        ("recording", [(True, -1)]),
        ("buffering", [(True, 100), (False, 3900)] * 2),
        ("blink", [(True, 100), (False, 100)] * 40),
        ("low", [(True, 9700), (False, 300)]),
        ("missing", [(True, 120), (False, 130), (True, 120), (False, 630)] * 8),
        ("refused", [(True, 700), (False, 300), (True, 700), (False, 300), (True, 700), (False, 300), (False, -1)]),
        ("check_passed", [(True, 700), (False, 300), (True, 700), (False, 1300), (False, -1)]),
        ("check_failed", [(True, 250), (False, 250)] * 6 + [(False, -1)]),
        ("cannot_record", [(True, 700), (False, 300), (True, 700), (False, 300), (True, 700), (False, 7300)]),
    ],
)
def test_lamp_patterns(row: RowName, levels: list[tuple[bool, int]]) -> None:
    length_us = sum(ms for _, ms in levels if ms > 0) * MS or S
    assert played(TABLE[row].lamp, length_us + (levels[-1][1] < 0)) == levels


def test_every_pattern_changes_level_at_every_step() -> None:
    for row in TABLE.values():
        for pattern in (row.lamp, row.ready_lamp):
            levels = [on for on, _ in pattern.steps]
            if len(levels) > 1:
                following = levels[1:] + (levels[:1] if pattern.repeat else [])
                assert all(a != b for a, b in zip(levels, following, strict=False))


def pulse_lengths(name: HapticName) -> list[int]:
    return [milliseconds for on, milliseconds in PULSES[name].steps if on]


def test_the_words_of_the_motor() -> None:
    lengths = {120: "tick", 350: "short", 700: "strong", 1300: "long"}
    assert {name: " ".join(lengths[milliseconds] for milliseconds in pulse_lengths(name)) for name in get_args(HapticName)} == {
        "ready": "short long",
        "started": "short short",
        "reminder": "short",
        "marker": "tick",
        "held": "strong",
        "asked": "tick tick tick tick",
        "continues": "long long",
        "missing": "long long long",
        "low": "short short long",
        "saved": "long",
        "refused": "short short short short short",
        "shift_begun": "long short short",
        "shift_ended": "long short long",
        "check_passed": "long long short short",
        "check_failed": "short short short long",
        "help_sent": "long short short short",
        "help_not_sent": "short short long long",
        "help_answered": "long short long short",
    }


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(get_args(HapticName), 2)))
def test_no_two_meanings_of_the_motor_can_be_mistaken_for_each_other(one: HapticName, other: HapticName) -> None:
    """Of two trains of one count, a pulse at the same place differs by clearly more than 180 ms and three thresholds of feeling."""
    first, second = pulse_lengths(one), pulse_lengths(other)
    apart = [abs(a - b) > 180 and max(a, b) >= 1.8 * min(a, b) for a, b in zip(first, second, strict=False)]
    assert len(first) != len(second) or any(apart)


@pytest.mark.parametrize("name", get_args(HapticName))
def test_pulses_that_are_called_equal_are_equal_and_each_can_be_felt(name: HapticName) -> None:
    steps = PULSES[name].steps
    assert [on for on, _ in steps] == [number % 2 == 0 for number in range(len(steps))], "begins and ends with a pulse"
    lengths = pulse_lengths(name)
    for a, b in itertools.pairwise(lengths):
        assert a == b or (abs(a - b) > 180 and max(a, b) >= 1.8 * min(a, b))
    assert min(lengths) >= 100, "a motor that has to start up moves by then"
    assert all(milliseconds >= 200 for on, milliseconds in steps if not on), "a motor that runs on does not join two pulses"


def test_the_lamp_answers_at_once_where_it_blinks() -> None:
    assert TABLE["blink"].lamp.level(0)[0]
    assert TABLE["refused"].lamp.level(0)[0]
    assert TABLE["missing"].lamp.level(0)[0]


def test_ready_and_buffering() -> None:
    camera = Camera()
    assert camera.shown() == "off"
    camera.handle(Ready())
    shown = indicate(camera.state, camera.now_us)
    assert (shown.name, shown.lamp, shown.ready_lamp, shown.haptic) == ("ready", OFF, STEADY, None)
    buffering = standby(BUFFERING)
    assert buffering.shown() == "ready", "not before footage comes"
    buffering.handle(CaptureFlowing(1, "x", 30.0))
    assert buffering.shown() == "buffering"


def test_a_press_while_starting_blinks() -> None:
    camera = Camera()
    camera.down()
    assert camera.shown() == "blink"


def test_blinks_from_the_press_until_footage_is_durable_then_steady_for_three_seconds() -> None:
    camera = warning()
    assert camera.shown() == "blink"
    camera.later(4)
    camera.warned()
    assert camera.shown() == "blink"
    camera.later(2)
    camera.durable()
    assert camera.shown() == "recording"
    camera.later(2.999)
    assert camera.shown() == "recording"
    assert next_deadline(camera.state) == camera.now_us + 1000
    camera.later(0.001)
    assert camera.shown() == "missing"
    camera.durable()
    assert camera.shown() == "recording"


def test_no_first_fragment_within_five_seconds_is_missing() -> None:
    camera = warning()
    camera.later(1)
    camera.warned()
    camera.later(4.999)
    assert camera.shown() == "blink"
    assert next_deadline(camera.state) == camera.now_us + 1000
    camera.later(0.001)
    assert camera.shown() == "missing"


def test_an_acknowledgement_that_arrives_late_counts_from_when_it_was_durable() -> None:
    camera = recording()
    camera.later(5)
    camera.handle(fragment(camera.state.number, camera.now_us - 2 * S))
    assert camera.shown() == "recording"
    camera.handle(fragment(camera.state.number, camera.now_us - 9 * S))
    camera.later(1)
    assert camera.shown() == "missing"


@pytest.mark.parametrize("event", [WriteFailed("fdatasync", "EIO"), RingOverflowed(3, 3 * S), CaptureStalled(1, "no frame", None)])
def test_a_known_failure_is_missing_at_once(event: WriteFailed | RingOverflowed | CaptureStalled) -> None:
    camera = recording()
    camera.handle(event)
    shown = indicate(camera.state, camera.now_us)
    assert shown.name == "missing"
    assert shown.haptic is not None
    assert (shown.haptic.name, shown.haptic.first_ms, shown.haptic.every_ms) == ("missing", 0, 10_000)
    early = warning()
    early.warned()
    early.handle(event)
    assert early.shown() == "missing", "also before the first durable fragment"


def test_a_failed_write_is_missing_until_a_fragment_is_durable() -> None:
    camera = recording()
    camera.handle(WriteFailed("fdatasync", "EIO"))
    camera.later(1)
    assert camera.shown() == "missing"
    camera.durable()
    assert camera.shown() == "recording"


def test_a_disk_that_cannot_be_used_is_shown_before_a_press_is_made_in_vain() -> None:
    camera = standby()
    camera.handle(DiskChanged(False, "read-only"))
    assert camera.shown() == "cannot_record"
    camera.handle(DiskChanged(True))
    assert camera.shown() == "ready"
    going = recording()
    going.handle(DiskChanged(False, "the ledger"))
    going.durable()
    assert going.shown() == "low", "footage is durable"


def test_a_stall_is_missing_until_footage_comes_again() -> None:
    camera = recording()
    camera.handle(CaptureFlowing(1, "x", 30.0))
    camera.handle(CaptureStalled(1, "no frame", None))
    camera.durable()
    assert camera.shown() == "missing", "a fragment from before the stall"
    camera.handle(CaptureFlowing(2, "x", 30.0))
    assert camera.shown() == "recording"


@pytest.mark.parametrize("part", ["storage", "battery", "voice", "sound"])
def test_low_is_below_missing_and_above_recording(part: str) -> None:
    camera = recording()
    match part:
        case "storage":
            camera.storage("low")
        case "battery":
            camera.handle(BatteryChanged("low", 12.0))
        case "voice":
            camera.handle(VoiceHealth(False, "no device"))
        case _:
            camera.state = replace(camera.state, audio_lost=True)
    shown = indicate(camera.state, camera.now_us)
    assert shown.name == "low"
    assert shown.haptic is not None
    assert (shown.haptic.name, shown.haptic.every_ms) == ("low", 60_000)
    camera.later(3)
    assert camera.shown() == "missing"


def test_low_in_standby_is_felt_only() -> None:
    camera = standby()
    camera.handle(BatteryChanged("low", 12.0))
    shown = indicate(camera.state, camera.now_us)
    assert (shown.lamp, shown.ready_lamp) == (OFF, STEADY)
    assert shown.haptic is not None
    assert shown.haptic.name == "low"


@pytest.mark.parametrize("part", ["full", "stuck", "stalled", "failing"])
def test_cannot_record_in_standby(part: str) -> None:
    camera = standby(BUFFERING)
    match part:
        case "full":
            camera.storage("full")
        case "stuck":
            camera.handle(ButtonStuck(camera.now_us))
        case "stalled":
            camera.handle(CaptureStalled(1, "no camera", None))
        case _:
            camera.state = replace(camera.state, failing_until_us=camera.now_us + 60 * S)
    shown = indicate(camera.state, camera.now_us)
    assert (shown.name, shown.ready_lamp) == ("cannot_record", OFF)


def test_a_refusal_is_above_everything_for_three_seconds_and_each_is_an_episode() -> None:
    camera = standby()
    camera.storage("full")
    camera.down()
    first = indicate(camera.state, camera.now_us)
    assert first.name == "refused"
    camera.later(1)
    camera.down()
    second = indicate(camera.state, camera.now_us)
    assert second != first, "the lamp starts the pattern anew"
    camera.later(2.999)
    assert camera.shown() == "refused"
    assert next_deadline(camera.state) == camera.now_us + 1000
    camera.later(0.001)
    assert camera.shown() == "cannot_record"


def test_closing_is_steady_until_saved_or_until_nothing_was_durable_for_three_seconds() -> None:
    camera = stopped()
    assert camera.shown() == "recording"
    camera.handle(CaptureStalled(1, "killed while closing", None))
    assert camera.shown() == "recording", "the camera is not wanted any more"
    camera.later(1.5)
    assert camera.shown() == "missing"
    camera.seal()
    assert camera.shown() == "ready"


def stopped() -> Camera:
    camera = recording(HOLD)
    camera.down()
    camera.later(1.5)
    camera.durable()
    camera.later(0.5)
    camera.durable()
    camera.handle(ButtonHeld(camera.now_us))
    assert camera.name() == "closing"
    camera.later(1.5)
    return camera


def test_failing_is_missing_while_recording_for_a_minute() -> None:
    camera = Camera()
    camera.handle(Ready(ResumeOffer("000006-0001", camera.now_us - S, recent_resumes=4)))
    camera.durable()
    assert camera.shown() == "missing"
    for _ in range(60):
        camera.later(1)
        camera.durable()
    assert camera.shown() == "recording"


def test_nothing_is_shown_when_it_has_ended() -> None:
    camera = standby()
    camera.storage("full")
    camera.down()
    camera.handle(ShutdownRequested())
    camera.handle(ButtonDown(camera.now_us))
    shown = indicate(camera.state, camera.now_us)
    assert (shown.name, shown.lamp, shown.ready_lamp, shown.haptic) == ("off", OFF, OFF, None)
