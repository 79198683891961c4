"""A recording continues as a new one: that which the last run of the daemon left open, where it is fresh, else it is declined and noted; or
the one that a hold has just stopped, by a press (`go_on`).

People who were warned once are recorded on without a second warning only if it is certain that this is the same event. Within a boot the
kernel's clock says so. After the machine began anew it takes all of:

- a flag, written durably while that recording was open, that serves once (`recorder.resume_flag`);
- a reason that is no loss of power: the recorder itself had asked for the reboot, or the machine says that its watchdog caused the reset.
  Who pulls the battery, or changes it after the event, gets a camera that waits for a press;
- an age of at most 120 s by a wall clock that was trusted before and is now. Without one, a flag might be of last week: a machine that was
  reset may have stood switched on for hours, unable to start the daemon.

Where one is missing the officer has to press again, and hears the warning: declined, with the reason in the ledger.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from bodycamd.camera.control.capture_demand import open_capture
from bodycamd.camera.control.events import Action, ResumeOffer, RetainFrom, note
from bodycamd.camera.control.recording import begin
from bodycamd.camera.control.state import FAILING_US, RESET_RESUME_US, RESUME_US, RESUMES_FAILING, State, Step, Stopped

Declined = Literal["storage_full", "too_old", "power_loss", "reset_unknown", "clock_untrusted"]


def resume(state: State, offer: ResumeOffer, now_us: int) -> Step:
    """Resume what is offered, if it is fresh and there is room. Five of them within a minute are shown as failing."""
    actions: list[Action] = []
    if offer.recent_resumes + 1 >= RESUMES_FAILING:
        state = replace(state, failing_until_us=now_us + FAILING_US)
        actions.append(note("failing", resumes=offer.recent_resumes + 1))
    after = offer.after_reset
    age_us = now_us - offer.last_durable_us if after is None or after.dated else None
    reason = declined(state, offer, now_us)
    if reason is not None:
        actions.append(note("resume_declined", recording=offer.recording, reason=reason, age_us=age_us))
        return state, actions
    if after is not None:
        actions.append(note("resumed_after_reset", recording=offer.recording, cause=after.cause, reset=after.reset, age_us=age_us))
    state, camera = open_capture(state)
    state, opened = begin(state, now_us, now_us, "none", resumes=offer.recording)
    return state, [*actions, *camera, RetainFrom(now_us), *opened]


def declined(state: State, offer: ResumeOffer, now_us: int) -> Declined | None:
    """Why the offer is not taken, if it is not."""
    if state.storage_full:
        return "storage_full"
    age_us, after = now_us - offer.last_durable_us, offer.after_reset
    if after is None:
        return "too_old" if age_us > RESUME_US else None
    if after.reset == "power":
        return "power_loss"
    if after.reset == "unknown" and after.cause == "recording":
        return "reset_unknown"
    if not after.dated:
        return "clock_untrusted"
    return None if 0 <= age_us <= RESET_RESUME_US else "too_old"


def go_on(state: State, stopped: Stopped, now_us: int, at_us: int) -> Step:
    """A press soon after a stop by `hold`: recorded on without a warning, from the press or, with a pre-event time, from what the ring has
    since that stop."""
    keep_from_us = max(stopped.at_us, at_us - state.policy.pre_event_us)
    state, camera = open_capture(replace(state, pressed_us=at_us))
    state, opened = begin(state, now_us, keep_from_us, "none", resumes=stopped.recording)
    return state, [*camera, RetainFrom(keep_from_us), *opened]
