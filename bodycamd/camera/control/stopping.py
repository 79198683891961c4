"""What the officer's hand does while it records: marks, asks to stop, stops.

With `hold_then_press` a contact that was held, and released before `HELD_LONG_US`, asks; a press within `CONFIRM_US` stops, if it stands
alone: it comes `SAME_PRESS_US` or more after the release (sooner is the bounce of the release, or a grip that is changed) and no other down
follows within `BURST_US`. A hold of `HELD_LONG_US` asks nothing; where `help_call` is on it calls for help. So one contact, however long,
stops nothing, and neither does mashing. While the question is open no time passes unrecorded: the recording ends where the press was, but
it is told to end only when the press has stood alone.
"""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control import help_call
from bodycamd.camera.control.ending import stop
from bodycamd.camera.control.events import Action, ButtonHeld, ButtonReleased, Pulse, note
from bodycamd.camera.control.recording import mark
from bodycamd.camera.control.state import (
    ALONE_US,
    CONFIRM_US,
    HELD_LONG_US,
    HELD_PULSE_US,
    SAME_PRESS_US,
    Hold,
    Question,
    Recording,
    State,
    Step,
)


def down(state: State, at_us: int, calm: bool) -> Step:
    """A down in `recording`: it may say yes to an open question, ends it where it cannot, and else may mark or, after a calm, ask."""
    question, actions = state.question, list[Action]()
    if question is not None:
        answer = _answer(question, at_us)
        if answer is not None:
            return replace(state, question=answer), []
        state, actions = _goes_on(state)
    return replace(state, down_us=at_us, calm=calm, hold=None), actions


def _answer(question: Question, at_us: int) -> Question | None:
    """The question after one more down, or `None` where that is no answer to it."""
    if question.pressed_us is None:
        if at_us >= question.asked_us + CONFIRM_US:
            return None
        return question if at_us < question.asked_us + SAME_PRESS_US else replace(question, pressed_us=at_us)
    if question.twice or question.released_us is None or at_us >= question.released_us + SAME_PRESS_US:
        return None
    return replace(question, released_us=None, twice=True)


def tapped(state: State, recording: Recording, at_us: int) -> Step:
    """Released before the hold time: a marker, or the press that answers."""
    question, down_us, state = state.question, state.down_us, replace(state, down_us=None, calm=False)
    if down_us is not None:
        return mark(state, recording, down_us, "tap")
    if question is None:
        return state, []
    if question.pressed_us is None:
        short = at_us < (state.last_down_us or 0) + SAME_PRESS_US
        return (replace(state, question=replace(question, asked_us=at_us)), []) if short else _goes_on(state)
    if question.released_us is not None:
        return state, []
    return replace(state, question=replace(question, released_us=at_us)), [] if question.twice else [Pulse("marker")]


def held(state: State, recording: Recording, event: ButtonHeld, now_us: int) -> Step:
    """The hold time is over: stops where the hold alone does, else a pulse each second says that a release will ask."""
    down_us, calm, actions = state.down_us, state.calm, list[Action]()
    if state.question is not None:  # no press but a hold
        if state.policy.help_call and state.question.pressed_us is not None and state.question.released_us is None:
            down_us, calm = state.last_down_us, False
        state, actions = _goes_on(state)
    state = replace(state, down_us=None, calm=False)
    if down_us is None:
        return state, actions
    if state.policy.stop == "hold":
        return stop(state, recording, now_us, event.at_us, "officer")
    if not calm:
        return (replace(state, hold=Hold(down_us, now_us, asks=False)) if state.policy.help_call else state), actions
    return replace(state, hold=Hold(down_us, now_us + HELD_PULSE_US)), [*actions, Pulse("held")]


def released(state: State, recording: Recording, event: ButtonReleased, now_us: int) -> Step:
    """A hold is over: it asks, unless it was too long for a hand that wants to stop."""
    hold, at_us = state.hold, min(event.at_us, now_us)
    if hold is None:
        return state, []
    if at_us >= hold.down_us + HELD_LONG_US:
        return _held_long(state, recording, hold, now_us)
    if not hold.asks:
        return replace(state, hold=None), []
    return replace(state, hold=None, question=Question(at_us)), [Pulse("asked")]


def deadlines(state: State) -> list[int]:
    """When `due` has something to do."""
    hold, question = state.hold, state.question
    if hold is not None:
        long_us = hold.down_us + HELD_LONG_US
        return [min(hold.pulse_us, long_us) if hold.asks else long_us]
    if question is None:
        return []
    if question.pressed_us is None:
        return [question.asked_us + CONFIRM_US]
    return [question.pressed_us + ALONE_US if question.released_us is None else question.released_us + ALONE_US]


def due(state: State, recording: Recording, now_us: int) -> Step:
    """The pulses of a hold, its end, and the answer to the question."""
    hold, question = state.hold, state.question
    if hold is not None:
        if now_us >= hold.down_us + HELD_LONG_US:
            return _held_long(state, recording, hold, now_us)
        if now_us < hold.pulse_us or not hold.asks:
            return state, []
        missed = (now_us - hold.pulse_us) // HELD_PULSE_US
        return replace(state, hold=replace(hold, pulse_us=hold.pulse_us + (missed + 1) * HELD_PULSE_US)), [Pulse("held")]
    if question is None:
        return state, []
    if now_us < deadlines(state)[0]:
        return state, []
    if question.pressed_us is None:
        return _goes_on(state)
    if question.released_us is None:  # no press but a hold, which may become a call for help
        held = replace(state, down_us=state.last_down_us, calm=False) if state.policy.help_call else state
        return _goes_on(held)
    return stop(state, recording, now_us, question.pressed_us, "officer")


def _held_long(state: State, recording: Recording, hold: Hold, now_us: int) -> Step:
    state, called = help_call.call(replace(state, hold=None), recording, hold.down_us, now_us)
    return state, [note("button_held", recording=recording.number, at_us=hold.down_us), *called]


def _goes_on(state: State) -> Step:
    return replace(state, question=None), [Pulse("continues")]
