"""When a worker counts as hung, to the microsecond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.capture.liveness import Facts, Phase, Timing, backoff_us, overdue, unkillable

T = Timing()
times = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("phase", "limit_us", "reason"),
    [
        ("preparing", T.prepare_us, "not prepared within 60 s"),
        ("open", T.open_us, "no first frame within 8 s"),
        ("closing", T.close_us, "not closed within 2 s"),
        ("leaving", T.leave_us, "not ended within 1 s"),
    ],
)
def test_each_phase_has_its_deadline(phase: Phase, limit_us: int, reason: str) -> None:
    facts = Facts(phase, since_us=5_000_000)
    assert overdue(facts, 5_000_000 + limit_us, T) is None
    assert overdue(facts, 5_000_000 + limit_us + 1, T) == reason


def test_an_open_worker_lives_by_its_frames_not_by_its_age() -> None:
    facts = Facts("open", since_us=0, last_frame_us=3_600_000_000)
    assert overdue(facts, 3_600_000_000 + T.stall_us, T) is None
    assert overdue(facts, 3_600_000_000 + T.stall_us + 1_000, T) == "no new frame for 801 ms"


@given(times, times)
def test_a_spare_may_wait_for_ever(since_us: int, now_us: int) -> None:
    assert overdue(Facts("prepared", since_us), now_us, T) is None


@given(times, st.none() | times, times)
def test_a_killed_worker_is_not_killed_again_but_counted(since_us: int, last_frame_us: int | None, now_us: int) -> None:
    facts = Facts("killed", since_us, last_frame_us)
    assert overdue(facts, now_us, T) is None
    assert unkillable(facts, now_us, T) is (now_us - since_us > T.kill_us)


@given(st.sampled_from(["preparing", "open", "closing", "leaving"]), times, st.none() | times, times, st.integers(0, 10**9))
def test_overdue_stays_overdue(phase: Phase, since_us: int, last_frame_us: int | None, now_us: int, more_us: int) -> None:
    facts = Facts(phase, since_us, last_frame_us)
    assert overdue(facts, now_us, T) is None or overdue(facts, now_us + more_us, T) is not None


def test_pauses_grow_to_their_limit() -> None:
    assert [backoff_us(failures, T, rare=False) for failures in range(1, 9)] == [
        100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000, 5_000_000, 5_000_000,
    ]  # fmt: skip
    assert backoff_us(10_000, T, rare=False) == 5_000_000
    assert backoff_us(1, T, rare=True) == 60_000_000
