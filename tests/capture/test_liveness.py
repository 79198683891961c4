"""When a worker counts as hung, to the microsecond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.capture.liveness import Attempts, Facts, Phase, Timing, backoff_us, overdue, unkillable

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


def test_frames_that_become_no_footage_do_not_count() -> None:
    facts = Facts("open", since_us=0, last_frame_us=10_000_000, footage_us=5_000_000)
    assert overdue(facts, 5_000_000 + T.fragment_us, T) is None
    assert overdue(facts, 5_001_000 + T.fragment_us, T) == "frames, but no fragment for 5001 ms"


def test_pauses_grow_to_their_limit() -> None:
    assert [backoff_us(failures, T, rare=False) for failures in range(1, 7)] == [
        100_000, 200_000, 400_000, 800_000, 1_000_000, 1_000_000,
    ]  # fmt: skip
    assert backoff_us(T.many, T, rare=False) == 1_000_000
    assert backoff_us(T.many + 1, T, rare=False) == 5_000_000
    assert backoff_us(1, T, rare=True) == 60_000_000


def test_an_absent_camera_spaces_the_openings_and_the_spare_waits_prepared() -> None:
    attempts = Attempts(T)
    attempts.failed(1_000, was_open=True, rare=False)
    assert (attempts.next_open_us, attempts.next_start_us) == (0, 0), "the spare is opened at once"
    attempts.failed(2_000, was_open=True, rare=False)
    assert (attempts.next_open_us, attempts.next_start_us) == (102_000, 0)


def test_workers_that_fail_before_they_are_opened_space_the_starts() -> None:
    attempts = Attempts(T)
    attempts.failed(1_000, was_open=False, rare=False)
    attempts.failed(2_000, was_open=False, rare=False)
    assert (attempts.next_open_us, attempts.next_start_us) == (0, 202_000)


def test_where_an_attempt_costs_memory_for_good_it_is_rare() -> None:
    attempts = Attempts(T)
    attempts.failed(1_000, was_open=True, rare=True)
    attempts.failed(2_000, was_open=True, rare=True)
    assert attempts.next_open_us == attempts.next_start_us == 2_000 + T.rare_backoff_us
