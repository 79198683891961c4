"""Nobody is recorded without a warning because of a stale flag: what is resumed after the machine began anew, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.control.events import AfterReset, BeginRecording, Note, OpenCapture, Ready, ResumeOffer, RetainFrom, StorageChanged
from bodycamd.camera.control.machine import initial, step
from bodycamd.camera.control.resume import declined
from bodycamd.camera.control.state import Policy
from tests.camera.control.camera import Camera, S
from tests.kit.scale import count

OFFERS = st.builds(
    AfterReset,
    cause=st.sampled_from(["recording", "reboot_asked"]),
    reset=st.sampled_from(["watchdog", "power", "unknown"]),
    dated=st.booleans(),
)
AGES_US = st.one_of(st.integers(-10 * S, 300 * S), st.sampled_from([-1, 0, 120 * S, 120 * S + 1]), st.integers(-(2**62), 2**62))


def offered(after: AfterReset, age_us: int, now_us: int) -> ResumeOffer:
    return ResumeOffer("000006-0003", now_us - age_us, 0, after)


@given(OFFERS, AGES_US, st.integers(0, 1000 * S), st.booleans())
@settings(max_examples=count(1000))
def test_it_is_resumed_only_for_a_reason_that_is_no_loss_of_power_and_while_provably_fresh(
    after: AfterReset, age_us: int, now_us: int, full: bool
) -> None:
    state = initial(Policy())
    if full:
        state, _ = step(state, StorageChanged("full", 0.0), now_us)
    state, actions = step(state, Ready(offered(after, age_us, now_us)), now_us)
    begun = [action for action in actions if isinstance(action, BeginRecording)]
    may = after.reset == "watchdog" or (after.cause == "reboot_asked" and after.reset == "unknown")
    fresh = after.dated and 0 <= age_us <= 120 * S
    assert bool(begun) is (may and fresh and not full)
    types = [action.type for action in actions if isinstance(action, Note)]
    assert types.count("resumed_after_reset") == len(begun)
    assert types.count("resume_declined") == 1 - len(begun), "what is not resumed is stated, with the reason"
    if begun:
        assert (begun[0].resumes, begun[0].warning, begun[0].keep_from_us) == ("000006-0003", "none", now_us)


@pytest.mark.parametrize(
    ("after", "age_s", "reason"),
    [
        (AfterReset("recording", "watchdog", True), 30, None),
        (AfterReset("recording", "watchdog", True), 120, None),
        (AfterReset("recording", "watchdog", True), 121, "too_old"),
        (AfterReset("recording", "watchdog", True), -1, "too_old"),
        (AfterReset("recording", "watchdog", False), 30, "clock_untrusted"),
        (AfterReset("recording", "power", True), 30, "power_loss"),
        (AfterReset("recording", "unknown", True), 30, "reset_unknown"),
        (AfterReset("reboot_asked", "unknown", True), 30, None),
        (AfterReset("reboot_asked", "power", True), 30, "power_loss"),
        (AfterReset("reboot_asked", "unknown", False), 30, "clock_untrusted"),
    ],
)
def test_the_reason_that_is_stated(after: AfterReset, age_s: int, reason: str | None) -> None:
    camera = Camera()
    offer = offered(after, age_s * S, camera.now_us)
    assert declined(camera.state, offer, camera.now_us) == reason
    actions = camera.handle(Ready(offer))
    age_us = age_s * S if after.dated else None
    if reason is None:
        stated = {"recording": "000006-0003", "cause": after.cause, "reset": after.reset, "age_us": age_us}
        assert camera.noted("resumed_after_reset") == [stated]
        assert actions[1:] == [OpenCapture(True), RetainFrom(camera.now_us), BeginRecording(1, None, camera.now_us, "none", "000006-0003")]
    else:
        assert camera.noted("resume_declined") == [{"recording": "000006-0003", "reason": reason, "age_us": age_us}]
        assert camera.name() == "standby"
