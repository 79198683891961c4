"""When a worker counts as hung, to the microsecond."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.camera.capture.liveness import (
    Attempts,
    Facts,
    Grace,
    Phase,
    Timing,
    backoff_us,
    due_us,
    overdue,
    pause_us,
    to_be_asked,
    unkillable,
)
from bodycamd.camera.capture.sources.source import Group
from bodycamd.config.settings import VideoSettings
from tests.kit.scale import count, only_in_full

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
    """More than one group of pictures, and the time to seal it."""
    facts = Facts("open", since_us=0, last_frame_us=10_000_000, footage_us=5_000_000, flowing=True, waiting_frames=80)
    assert overdue(facts, 7_500_000, T) is None
    assert overdue(facts, 7_501_000, T) == "frames, but no fragment for 2501 ms"


def test_a_slow_encoder_has_its_own_time_for_a_group() -> None:
    """Half of the pace: its group lasts 3 s, and while that is sealed frames of the next one come."""
    facts = Facts("open", since_us=0, last_frame_us=10_000_000, footage_us=5_000_000, flowing=True, waiting_frames=60)
    assert overdue(facts, 9_000_000, T) is None
    later = replace(facts, waiting_frames=63)
    assert overdue(later, 9_200_000, T) == "frames, but no fragment for 4200 ms"


def test_the_first_fragment_of_an_opening_may_take_longer() -> None:
    facts = Facts("open", since_us=0, last_frame_us=10_000_000, footage_us=5_000_000, waiting_frames=1_000)
    assert overdue(facts, 5_000_000 + T.first_fragment_us, T) is None
    assert overdue(facts, 5_001_000 + T.first_fragment_us, T) == "frames, but no fragment for 5001 ms"


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (VideoSettings(), 2.5),
        (VideoSettings(gop_seconds=0.5), 1.75),
        (VideoSettings(gop_seconds=2.0), 4.0),
        (VideoSettings(source="file", file="film.h264"), 5.0),
    ],
)
def test_how_long_footage_may_stay_away_follows_from_the_length_of_a_group(settings: VideoSettings, seconds: float) -> None:
    facts = Facts("open", 0, last_frame_us=10**9, footage_us=10**9, flowing=True, waiting_frames=10_000, group=Group.of(settings))
    facts = replace(facts, last_frame_us=10**9 + round(seconds * 1e6))
    assert overdue(facts, 10**9 + round(seconds * 1e6), T) is None
    assert overdue(facts, 10**9 + round(seconds * 1e6) + 1_000, T) is not None


@only_in_full
@given(
    st.sampled_from([0.5, 1.0, 2.0]),
    st.integers(5, 60),
    st.floats(0.25, 1.0),
    st.lists(st.tuples(st.floats(0.0, 0.5), st.floats(0.0, 0.3)), min_size=3, max_size=6),
    st.integers(0, 199),
)
@example(0.5, 14, 0.40625, [(0.0, 0.0), (0.0, 0.0), (0.5, 0.25)], 0)
def test_a_healthy_worker_is_never_overdue_however_slow_its_encoder(
    gop_seconds: float, rate: int, pace: float, delays: list[tuple[float, float]], phase_ms: int
) -> None:
    """Frames may come at a quarter of their rate, the sound up to 0.5 s late, sealing and sending take up to 0.3 s each time anew."""
    video = VideoSettings(gop_seconds=gop_seconds, frame_rate=rate)
    group = max(1, round(gop_seconds * rate))
    frame_us = 1_000_000 / (rate * pace)
    heard = [round((number + 1) * group * frame_us + (sound + seal) * 1e6) for number, (sound, seal) in enumerate(delays)]
    facts = Facts("open", 0, last_frame_us=0, footage_us=0, flowing=True, group=Group.of(video))
    frames = at_footage = 0
    for now_us in range(phase_ms * 1000, heard[-1], 100_000):
        arrived = [at_us for at_us in heard if at_us <= now_us]
        if arrived and arrived[-1] != facts.footage_us:
            at_footage = frames
            facts = replace(facts, footage_us=arrived[-1], waiting_frames=0)
        if now_us // 100_000 % 2 == 0:
            frames = int(now_us / frame_us)
            facts = replace(facts, last_frame_us=now_us, waiting_frames=frames - at_footage)
        assert overdue(facts, now_us, T) is None


def test_an_opening_is_answered_at_once() -> None:
    facts = Facts("open", since_us=5_000_000, asked_us=5_000_000)
    assert overdue(facts, 5_000_000 + T.answer_us, T) is None
    assert overdue(facts, 5_000_001 + T.answer_us, T) == "no answer to its opening within 1 s"


def test_a_spare_is_asked_now_and_then_and_must_answer() -> None:
    facts = Facts("prepared", since_us=5_000_000)
    assert not to_be_asked(facts, 5_000_000 + T.ask_every_us, T)
    assert to_be_asked(facts, 5_000_001 + T.ask_every_us, T)
    asked = replace(facts, asked_us=20_000_000)
    assert not to_be_asked(asked, 22_000_000, T), "one question at a time"
    assert overdue(asked, 20_000_000 + T.spare_answer_us, T) is None
    assert overdue(asked, 20_000_001 + T.spare_answer_us, T) == "the spare has not answered for 3 s"


@only_in_full
@settings(max_examples=count(2000))
@given(data=st.data())
def test_there_is_nothing_to_do_before_it_is_due(data: st.DataObject) -> None:
    """Of a spare, and of a worker whose frames become footage; of any other it is always due."""
    instants = st.integers(0, 20_000_000)
    asked_us = data.draw(st.none() | instants)
    if data.draw(st.booleans()):
        facts = Facts("prepared", data.draw(instants), asked_us=asked_us)
    else:
        facts = Facts("open", data.draw(instants), last_frame_us=data.draw(st.none() | instants), asked_us=asked_us, flowing=True)
    due = due_us(facts, T)
    now_us = due + data.draw(st.integers(-2_000_000, 2_000_000))
    busy = overdue(facts, now_us, T) is not None or to_be_asked(facts, now_us, T)
    if due:
        assert busy == (now_us > due)
    else:
        assert facts.phase == "open"


@pytest.mark.parametrize("phase", ["preparing", "open", "closing", "leaving", "killed"])
def test_a_worker_that_changes_is_always_due(phase: Phase) -> None:
    assert due_us(Facts(phase, 5), T) == 0


@only_in_full
@settings(max_examples=count(2000))
@given(st.integers(0, 6_000_000), st.integers(0, 6_000_000), st.integers(0, 120), st.integers(0, 120), st.integers(0, 200_000))
def test_a_worker_that_gives_footage_is_judged_in_time_however_seldom_it_is_looked_at(
    frame_us: int, footage_us: int, waiting: int, more: int, tick_us: int
) -> None:
    """It is looked at in a while, and again when its frames have stopped or come on: never later than the old five times a second did."""
    spare, asked_us = Facts("prepared", 9_000_000), 10_000_000
    before = Facts("open", 0, last_frame_us=4_000_000 + frame_us, footage_us=4_000_000 + footage_us, flowing=True, waiting_frames=waiting)
    if overdue(before, asked_us, T) is not None:
        return
    pause = pause_us(before, spare, asked_us, T, wanted=True)
    stopped = [at_us for at_us in range(asked_us, asked_us + pause, 1000) if overdue(before, at_us, T) is not None]
    assert not stopped or asked_us + pause - stopped[0] <= 200_000
    assert pause >= T.look_us // 4
    goes_on = replace(before, last_frame_us=asked_us + pause - tick_us, waiting_frames=waiting + more)
    barren = [at_us for at_us in range(asked_us, asked_us + pause, 1000) if overdue(goes_on, at_us, T) is not None]
    assert not barren or asked_us + pause - barren[0] <= 200_000


@given(st.integers(0, 900_000))
def test_who_is_held_up_until_a_worker_is_overdue_knows_that_it_was_held_up(age_us: int) -> None:
    now_us = 10_000_000
    current = Facts("open", 0, last_frame_us=now_us - age_us, footage_us=9_500_000, flowing=True)
    pause = pause_us(current, Facts("prepared", 9_000_000), now_us, T, wanted=True)
    assert pause <= T.look_us or overdue(current, now_us + pause + T.late_us, T) is None


def test_footage_that_comes_is_looked_at_before_its_frames_might_have_stopped() -> None:
    current = Facts("open", 0, last_frame_us=9_900_000, footage_us=9_500_000, flowing=True)
    assert pause_us(current, Facts("prepared", 9_000_000), 10_000_000, T, wanted=True) == 450_000


def test_who_meant_to_look_seldom_was_not_held_up() -> None:
    grace = Grace(T, 10_000_000)
    for second in range(11, 15):
        assert grace.looked(second * 1_000_000, 1_000_000)
    assert not grace.looked(15_200_001, 1_000_000)


def test_grace_is_seldom() -> None:
    """Whoever was held up reads first; whoever is always held up judges all the same."""
    grace = Grace(T, 10_000_000)
    assert grace.looked(10_100_000, 100_000)
    assert not grace.looked(11_000_000, 100_000), "0.9 s since the last look"
    assert not grace.looked(11_300_000, 100_000)
    assert grace.looked(11_400_000, 100_000)
    assert not grace.give(12_000_000), "it had some 1 s before"
    assert grace.give(13_100_000)
    assert not grace.looked(13_200_000, 100_000)


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


def test_spares_that_ended_while_nobody_waited_do_not_delay_an_opening() -> None:
    """In weeks of standby a few are lost to a busy card; the camera has not failed by that."""
    attempts = Attempts(T)
    for _ in range(T.many + 1):
        attempts.failed(1_000, was_open=False, rare=False)
    attempts.failed(2_000, was_open=True, rare=False)
    assert attempts.next_open_us == 0, "the next spare is opened at once"


def test_a_spare_that_answers_ends_the_row_of_those_that_did_not() -> None:
    attempts = Attempts(T)
    for _ in range(5):
        attempts.failed(1_000, was_open=False, rare=False)
        attempts.answered()
    assert attempts.next_start_us == 1_000 + T.first_backoff_us


def test_where_an_attempt_costs_memory_for_good_it_is_rare() -> None:
    attempts = Attempts(T)
    attempts.failed(1_000, was_open=True, rare=True)
    attempts.failed(2_000, was_open=True, rare=True)
    assert attempts.next_open_us == attempts.next_start_us == 2_000 + T.rare_backoff_us
