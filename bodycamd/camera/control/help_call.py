"""The officer's call for help: a button that is held beyond `HELD_LONG_US` while it records, where `help_call` is on.

What is felt of it is true: *sent* only where the station has signed that it reached somebody, *answered* only where a person of the roster
has signed that; what nobody has signed within `HELP_SENT_US` is *not sent*. Each is felt once. A call that is sent after all is felt as
sent then. While one is on its way no second one is made; afterwards each hold makes a new one. The recording is as it was, whatever comes
of a call.
"""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.camera.control.events import Action, CallHelp, HelpAnswered, HelpSent, Pulse, note
from bodycamd.camera.control.state import HELP_SENT_US, Help, Recording, State, Step


def call(state: State, recording: Recording, down_us: int, now_us: int) -> Step:
    """The button was held for so long: a new call, unless one is on its way."""
    before = state.help
    if not state.policy.help_call or (before is not None and before.outcome == "calling"):
        return state, []
    number, answered = (1, 0) if before is None else (before.number + 1, before.answered)
    return replace(state, help=Help(number, now_us, answered=answered)), [CallHelp(number, recording.number, down_us)]


def sent(state: State, event: HelpSent) -> Step:
    """The station's word. That of an earlier call, or a second one, changes nothing; after the answer it is not felt any more."""
    before = state.help
    if before is None or event.number != before.number or before.outcome == "sent":
        return state, []
    felt: list[Action] = [] if before.answered == before.number else [Pulse("help_sent")]
    return replace(state, help=replace(before, outcome="sent")), felt


def answered(state: State, event: HelpAnswered) -> Step:
    """A person's word, for this call or an earlier one that nobody had answered."""
    before = state.help
    if before is None or not before.answered < event.number <= before.number:
        return state, []
    outcome = "sent" if event.number == before.number else before.outcome
    return replace(state, help=replace(before, outcome=outcome, answered=event.number)), [Pulse("help_answered")]


def due_us(state: State) -> int | None:
    """When a call that is on its way counts as not sent."""
    help = state.help
    return None if help is None or help.outcome != "calling" else help.called_us + HELP_SENT_US


def not_sent(state: State, help: Help) -> Step:
    """Nobody has signed in time that somebody was reached."""
    told = note("help_not_sent", number=help.number, called_us=help.called_us)
    return replace(state, help=replace(help, outcome="not_sent")), [Pulse("help_not_sent"), told]
