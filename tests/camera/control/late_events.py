"""Which events belong, by their contents, to something that is over."""

from __future__ import annotations

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import State


def is_late(event: ev.Event, state: State) -> bool:
    """By their contents alone these belong to something that is over."""
    match event:
        case ev.FragmentDurable() | ev.RecordingSealed():
            return event.recording != f"000007-{state.number:04d}" or state.recording is None
        case ev.WarningEnded():
            return state.name != "warning" or event.outcome == "skipped" or state.spoken_us is None or event.at_us < state.spoken_us
        case ev.CaptureFlowing() | ev.ViewStated() | ev.CaptureClosed() | ev.AudioChanged() | ev.AudioSilent() | ev.CaptureStalled():
            return event.generation < state.generation
        case ev.Ready():
            return state.name != "starting"
        case ev.HelpSent():
            return state.help is None or event.number != state.help.number or state.help.outcome == "sent"
        case ev.HelpAnswered():
            return state.help is None or not state.help.answered < event.number <= state.help.number
        case _:
            return False
