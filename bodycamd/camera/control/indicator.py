"""What the officer sees and feels: one table of patterns, and the pure choice of its row.

The lamp tells the truth: *recording* (steady) only while a fragment of the open recording became durable within the last 3 s, the capture
is not stalled and no write has failed since. Priority: a refusal (for its 3 s), then missing, then low, then recording.

- From the press until the first durable fragment it blinks. If that fragment does not come within 5 s after the recording began
  (`FIRST_DURABLE_US`), or a stall or a failed write is known, footage is *missing*. A press that is latched while starting blinks too.
- In standby, *cannot record* stands for: storage full, a disk that cannot be used, stuck button, failing, a capture that stalls while
  it is wanted or, where it is closed, gave no footage when it was last opened, or a voice that cannot speak where nothing is recorded
  without it (`on_warning_failure: refuse`).
- The ready lamp is on in standby while a press would record, and only then.
- While sealing (after the end, `closing`) the steady lamp stays until the 3 s are over; off means saved.
- `low` also stands for a voice that cannot speak, a microphone that is lost, and a ledger that waits for the disk.
- The verdict of a check is shown in standby for as long as a refusal, and not after a press. The ready lamp says all the while whether a
  press would record.
- What is stopped but not whole on disk ends with the sign of a refusal, not with that of *saved*.

`PULSES` and `TABLE` give lengths in milliseconds. `indicate` is pure; `changes` lists the instants at which its answer changes by time
alone.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.state import DURABLE_US, FIRST_DURABLE_US, SIGN_US, Recording, State


class LampPattern(Struct, frozen=True):
    """Levels and how long each lasts (ms), from the instant the pattern is shown; played once, then off, or repeated. Also used for haptic
    pulse trains.

    Neighbouring steps differ in level, the last and the first too where it repeats; a single repeated step is a constant level.
    """

    steps: tuple[tuple[bool, int], ...]
    repeat: bool = True

    @property
    def length_us(self) -> int:
        """The length of one round."""
        return sum(milliseconds for _, milliseconds in self.steps) * 1000

    def level(self, elapsed_us: int) -> tuple[bool, int | None]:
        """The level after `elapsed_us` (≥ 0), and the microseconds until it changes next, or `None` if it stays."""
        if self.repeat and len(self.steps) == 1:
            return self.steps[0][0], None
        if not self.repeat and elapsed_us >= self.length_us:
            return False, None
        steps, rest_us = iter(self.steps), elapsed_us % self.length_us
        on, milliseconds = next(steps)
        while rest_us >= milliseconds * 1000:
            rest_us -= milliseconds * 1000
            on, milliseconds = next(steps)
        return on, milliseconds * 1000 - rest_us


class RepeatedPulse(Struct, frozen=True):
    """A pulse train that comes back while the row is shown: first after `first_ms`, then every `every_ms`."""

    name: HapticName
    first_ms: int
    every_ms: int


RowName = Literal[
    "off", "ready", "buffering", "blink", "recording", "low", "missing", "refused", "cannot_record", "check_passed", "check_failed"
]


class Row(Struct, frozen=True):
    """One row of the table."""

    lamp: LampPattern
    ready_lamp: LampPattern
    haptic: RepeatedPulse | None


OFF = LampPattern(((False, 1000),))
STEADY = LampPattern(((True, 1000),))
THREE_FLASHES = ((True, 700), (False, 300), (True, 700), (False, 300), (True, 700))

BLINK = LampPattern(((True, 100), (False, 100)))
SHORT_FLASH = LampPattern(((True, 100), (False, 3900)))
STEADY_WITH_GAP = LampPattern(((True, 9700), (False, 300)))
DOUBLE_FLASH = LampPattern(((True, 120), (False, 130), (True, 120), (False, 630)))
THREE_FLASHES_ONCE = LampPattern((*THREE_FLASHES, (False, 300)), repeat=False)
TWO_FLASHES_ONCE = LampPattern(((True, 700), (False, 300), (True, 700), (False, 1300)), repeat=False)
SIX_FLASHES_ONCE = LampPattern(((True, 250), (False, 250)) * 6, repeat=False)
THREE_FLASHES_EACH_TEN_SECONDS = LampPattern((*THREE_FLASHES, (False, 7300)))

LOW_PULSE = RepeatedPulse("low", first_ms=0, every_ms=60_000)
MISSING_PULSES = RepeatedPulse("missing", first_ms=0, every_ms=10_000)
CANNOT_RECORD_PULSES = RepeatedPulse("refused", first_ms=10_000, every_ms=60_000)

TABLE: dict[RowName, Row] = {
    #                    lamp (red, outward)             ready lamp  haptic, repeated
    "off":           Row(OFF,                            OFF,        None),
    "ready":         Row(OFF,                            STEADY,     None),
    "buffering":     Row(SHORT_FLASH,                    STEADY,     None),
    "blink":         Row(BLINK,                          OFF,        None),
    "recording":     Row(STEADY,                         OFF,        None),
    "low":           Row(STEADY_WITH_GAP,                OFF,        LOW_PULSE),
    "missing":       Row(DOUBLE_FLASH,                   OFF,        MISSING_PULSES),
    "refused":       Row(THREE_FLASHES_ONCE,             OFF,        None),
    "cannot_record": Row(THREE_FLASHES_EACH_TEN_SECONDS, OFF,        CANNOT_RECORD_PULSES),
    "check_passed":  Row(TWO_FLASHES_ONCE,               STEADY,     None),
    "check_failed":  Row(SIX_FLASHES_ONCE,               STEADY,     None),
}  # fmt: skip

TICK_MS, SHORT_MS, STRONG_MS, LONG_MS = 120, 350, 700, 1300
"""The four lengths of a pulse. Each differs from the next by more than 180 ms and is at least 1.8 times as long.

People tell vibrations of 1,000 ms apart from 160 ms on, and the threshold grows with the length (Jones, Poliakoff and Wells 2009, Q J Exp
Psychol 62(11), 2171): between neighbours here lie three such thresholds and more. That was measured on bare skin at rest; that three are
enough through a jacket or glove is assumed. A small motor needs up to 180 ms at its rated voltage to its full speed (Precision Microdrives,
305-000, step response); that a tick of 120 ms is felt is assumed, and a reason to drive the motor from 5 V.
"""
REST_MS = 250
"""Between the pulses of a train: pulses are felt apart from 80 to 90 ms on (Jurado et al. 2021, Timing & Time Perception), and the motor
runs on for about 100 ms (assumed)."""


def _train(*lengths_ms: int) -> LampPattern:
    steps = [step for milliseconds in lengths_ms for step in ((True, milliseconds), (False, REST_MS))]
    return LampPattern(tuple(steps[:-1]), repeat=False)


PULSES: dict[HapticName, LampPattern] = {
    "ready": _train(SHORT_MS, LONG_MS),
    "started": _train(SHORT_MS, SHORT_MS),
    "reminder": _train(SHORT_MS),
    "marker": _train(TICK_MS),
    "held": _train(STRONG_MS),
    "asked": _train(TICK_MS, TICK_MS, TICK_MS, TICK_MS),
    "continues": _train(LONG_MS, LONG_MS),
    "missing": _train(LONG_MS, LONG_MS, LONG_MS),
    "low": _train(SHORT_MS, SHORT_MS, LONG_MS),
    "saved": _train(LONG_MS),
    "refused": _train(SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS, SHORT_MS),
    "shift_begun": _train(LONG_MS, SHORT_MS, SHORT_MS),
    "shift_ended": _train(LONG_MS, SHORT_MS, LONG_MS),
    "check_passed": _train(LONG_MS, LONG_MS, SHORT_MS, SHORT_MS),
    "check_failed": _train(SHORT_MS, SHORT_MS, SHORT_MS, LONG_MS),
    "help_sent": _train(LONG_MS, SHORT_MS, SHORT_MS, SHORT_MS),
    "help_not_sent": _train(SHORT_MS, SHORT_MS, LONG_MS, LONG_MS),
    "help_answered": _train(LONG_MS, SHORT_MS, LONG_MS, SHORT_MS),
}
"""No two meanings share count and lengths."""


class Indication(Struct, frozen=True):
    """What is to be shown. A pattern starts anew when the indication differs from the one before (`episode_us` tells two refusals
    apart)."""

    name: RowName
    lamp: LampPattern
    ready_lamp: LampPattern
    haptic: RepeatedPulse | None
    episode_us: int = 0


def indicate(state: State, now_us: int) -> Indication:
    """The indication at `now_us`, which must not lie before the state's own time."""
    if state.name == "ended":
        return _row("off")
    if state.refused_us is not None and now_us < state.refused_us + SIGN_US:
        return replace(_row("refused"), episode_us=state.refused_us)
    if state.name == "warning" or (state.name == "starting" and state.latched_us is not None):
        return _row("blink")
    if state.recording is not None:
        return _row(_recording_row(state, state.recording, now_us))
    if state.name == "standby":
        if state.judged is not None and now_us < state.judged.at_us + SIGN_US:
            sign = _row("check_passed" if state.judged.passed else "check_failed")
            return replace(sign, ready_lamp=_standby(state, now_us).ready_lamp, episode_us=state.judged.at_us)
        return _standby(state, now_us)
    return _row("off")


def changes(state: State) -> list[int]:
    """The instants, past or future, at which time alone changes what `indicate` answers."""
    instants: list[int] = []
    if state.refused_us is not None:
        instants.append(state.refused_us + SIGN_US)
    if state.failing_until_us is not None:
        instants.append(state.failing_until_us)
    if state.judged is not None:
        instants.append(state.judged.at_us + SIGN_US)
    if state.recording is not None:
        durable_us = state.recording.durable_us
        instants.append(state.recording.began_us + FIRST_DURABLE_US if durable_us is None else durable_us + DURABLE_US)
    return instants


def _recording_row(state: State, recording: Recording, now_us: int) -> RowName:
    if state.disk_failing or state.failing(now_us) or (state.capture_stalled and recording.awaits_footage(now_us)):
        return "missing"
    if recording.durable_us is None:
        return "blink" if now_us < recording.began_us + FIRST_DURABLE_US else "missing"
    if now_us >= recording.durable_us + DURABLE_US:
        return "missing"
    return "low" if state.degraded else "recording"


def _standby(state: State, now_us: int) -> Indication:
    if state.unable or state.failing(now_us):
        return _row("cannot_record")
    indication = _row("buffering" if state.policy.pre_event_us > 0 and state.flowing else "ready")
    return replace(indication, haptic=LOW_PULSE) if state.degraded else indication


def _row(name: RowName) -> Indication:
    row = TABLE[name]
    return Indication(name, row.lamp, row.ready_lamp, row.haptic)
