"""The recording that the last run of the daemon left open: resumed where it is fresh, declined and noted where it is not."""

from __future__ import annotations

from dataclasses import replace

from bodycamd.camera.control.capture_demand import open_capture
from bodycamd.camera.control.events import Action, ResumeOffer, RetainFrom, note
from bodycamd.camera.control.recording import begin
from bodycamd.camera.control.state import FAILING_US, RESUME_US, RESUMES_FAILING, State, Step


def resume(state: State, offer: ResumeOffer, now_us: int) -> Step:
    """Resume what is offered, if it is fresh and there is room. Five of them within a minute are shown as failing."""
    age_us = now_us - offer.last_durable_us
    actions: list[Action] = []
    if offer.recent_resumes + 1 >= RESUMES_FAILING:
        state = replace(state, failing_until_us=now_us + FAILING_US)
        actions.append(note("failing", resumes=offer.recent_resumes + 1))
    if age_us > RESUME_US or state.storage_full:
        reason = "storage_full" if state.storage_full else "too_old"
        actions.append(note("resume_declined", recording=offer.recording, reason=reason, age_us=age_us))
        return state, actions
    state, camera = open_capture(state)
    state, opened = begin(state, now_us, now_us, "none", resumes=offer.recording)
    return state, [*actions, *camera, RetainFrom(now_us), *opened]
