"""Judges what a hand presses, and an eye or a hand notices: button, lamps, motor. Pure."""

from __future__ import annotations

from typing import Literal

from bodycamd.camera.selftest.measured import ButtonFacts, OutputFacts
from bodycamd.camera.selftest.verdict import Verdict, failed, not_checked, passed

Part = Literal["led", "ready_led", "haptic"]


def button(facts: ButtonFacts | None, bounce_ms: int) -> Verdict:
    """It rests up, goes down and up again, and bounces no longer than is looked away. `None`: there was nobody to press it."""
    if facts is None:
        return not_checked("button", "nobody_presses")
    if facts.fault is not None:
        return failed("button", "no_button", fault=facts.fault)
    if facts.down_at_rest:
        return failed("button", "button_stuck")
    if not facts.presses:
        return failed("button", "no_press", waited_seconds=facts.waited_seconds)
    if not facts.released:
        return failed("button", "not_released")
    if facts.bounce_ms > bounce_ms:
        return failed("button", "bounces", bounce_ms=facts.bounce_ms, allowed_ms=bounce_ms)
    return passed("button", presses=facts.presses, bounce_ms=round(facts.bounce_ms, 1))


def at_rest(down: bool) -> Verdict:
    """It is up while nobody presses it: all that can be said of it where nobody is asked to press."""
    return failed("button", "button_stuck") if down else passed("button")


def output(part: Part, facts: OutputFacts | None) -> Verdict:
    """It was switched, and noticed. `None`: not fitted."""
    if facts is None:
        return not_checked(part, "not_fitted")
    if facts.fault is not None:
        return failed(part, "no_output", part=part, fault=facts.fault)
    if facts.noticed is None:
        return not_checked(part, "nobody_asked")
    return passed(part) if facts.noticed else failed(part, "not_noticed", part=part)
