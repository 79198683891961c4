"""What happens at which moment: each limit a microsecond before, at it, and after. Random sequences stand in `test_properties`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bodycamd.camera.control.events import (
    Action,
    ButtonDown,
    Exit,
    Note,
    Ready,
    ResumeOffer,
    SealNow,
    ShutdownRequested,
    SilenceVoice,
    TimePassed,
    WarningEnded,
)
from bodycamd.camera.control.indicator import indicate
from bodycamd.camera.control.machine import initial, step
from bodycamd.camera.control.recording import mark, number_of
from bodycamd.camera.control.refusal import refuse
from bodycamd.camera.control.state import Policy
from tests.camera.control.camera import Camera, S, fragment, recording, standby, stopped, warning

REFUSING = Policy(on_warning_failure="refuse")


def waited(camera: Camera, us: int) -> list[Action]:
    """What the machine does when it is woken only then, so long after now."""
    camera.now_us += us
    return camera.handle(TimePassed())


def kinds(actions: list[Action]) -> list[str]:
    return [action.type if isinstance(action, Note) else type(action).__name__ for action in actions]


@pytest.mark.parametrize(
    ("make", "limit_us", "before", "then"),
    [  # what is done a microsecond before the limit, and at it
        (warning, 17 * S, [], ["SilenceVoice", "BeginRecording", "warning"]),
        (lambda: warning(REFUSING), 17 * S, [], ["SilenceVoice", "warning", "Refuse", "Pulse", "press_refused"]),
        (lambda: warning(Policy(warning_us=3 * S)), 5 * S, [], ["SilenceVoice", "BeginRecording", "warning"]),
        (recording, 119 * S, [], ["Pulse"]),
        (lambda: recording(Policy(reminder_us=30 * S)), 29 * S, [], ["Pulse"]),
        (stopped, 3 * S, [], ["SealNow", "seal_forced"]),
        (lambda: stopped(Policy(post_event_us=10 * S)), 13 * S, ["CloseCapture"], ["CloseCapture", "SealNow", "seal_forced"]),
    ],
)
def test_what_is_due(make: Callable[[], Camera], limit_us: int, before: list[str], then: list[str]) -> None:
    early, late = make(), make()
    assert kinds(waited(early, limit_us - 1))[: len(then)] == before
    assert kinds(waited(late, limit_us))[: len(then)] == then


def test_the_seal_is_tried_again_and_noted_once() -> None:
    camera = stopped()
    assert SealNow() in waited(camera, 3 * S)
    assert waited(camera, 10 * S - 1) == []
    assert waited(camera, 1) == [SealNow()]
    assert waited(camera, 10 * S - 1) == []
    assert waited(camera, 1) == [SealNow()]
    assert len(camera.noted("seal_forced")) == 1


def test_an_exit_waits_ten_seconds_for_the_seal() -> None:
    camera = recording()
    camera.handle(ShutdownRequested())
    waited(camera, 10 * S - 1)
    assert camera.name() == "closing"
    assert camera.of(Exit) == []
    assert kinds(waited(camera, 1))[-2:] == ["left_unsealed", "Exit"]
    assert camera.name() == "ended"


@pytest.mark.parametrize(
    ("age_us", "resumes", "resumed", "failing"),
    [
        (60 * S - 1, 0, True, False),
        (60 * S, 0, True, False),
        (60 * S + 1, 0, False, False),
        (0, 3, True, False),
        (0, 4, True, True),
        (0, 5, True, True),
        (60 * S + 1, 4, False, True),
    ],
)
def test_what_is_resumed(age_us: int, resumes: int, resumed: bool, failing: bool) -> None:
    now_us = 1000 * S
    state, actions = step(initial(Policy()), Ready(ResumeOffer("000006-0003", now_us - age_us, resumes)), now_us)
    assert (state.name == "recording", "failing" in kinds(actions)) == (resumed, failing)
    assert ("resume_declined" in kinds(actions)) == (not resumed)
    assert [state.failing(now_us + later_us) for later_us in (0, 60 * S - 1, 60 * S)] == ([True, True, False] if failing else [False] * 3)
    if failing:
        assert next(dict(a.fields) for a in actions if isinstance(a, Note) and a.type == "failing") == {"resumes": resumes + 1}


@pytest.mark.parametrize(
    ("later_us", "counts"), [(0, False), (299_999, False), (300_000, True), (300_001, True), (-299_999, False), (-300_000, True)]
)
def test_a_marker_or_a_refusal_soon_after_another_is_the_same(later_us: int, counts: bool) -> None:
    camera = recording()
    assert camera.state.recording is not None
    state, first = mark(camera.state, camera.state.recording, 500 * S, "tap")
    assert state.recording is not None
    assert kinds(first) == ["marker", "Pulse"]
    assert kinds(mark(state, state.recording, 500 * S + later_us, "tap")[1]) == (["marker", "Pulse"] if counts else [])
    if later_us >= 0:
        state, _ = refuse(standby().state, 500 * S, "storage_full", 0)
        assert kinds(refuse(state, 500 * S + later_us, "storage_full", 0)[1]) == (["Refuse", "Pulse", "press_refused"] if counts else [])


@pytest.mark.parametrize(
    ("make", "after_us", "row"),
    [
        (recording, 3 * S - 1, "recording"),
        (recording, 3 * S + 1, "missing"),
        (lambda: resumed(), 5 * S - 1, "blink"),
        (lambda: resumed(), 5 * S + 1, "missing"),
    ],
)
def test_what_the_lamp_says(make: Callable[[], Camera], after_us: int, row: str) -> None:
    camera = make()
    assert indicate(camera.state, camera.now_us + after_us).name == row


def resumed() -> Camera:
    """Recording since now, with nothing durable."""
    camera = Camera()
    camera.handle(Ready(ResumeOffer("000006-0003", camera.now_us, 0)))
    return camera


def test_a_fragment_is_durable_when_it_was_and_not_later() -> None:
    camera = recording()
    assert camera.state.recording is not None
    newest = camera.state.recording.durable_us
    assert newest == camera.now_us
    camera.now_us += 2 * S
    for at_us, expected in ((camera.now_us - 3 * S, newest), (camera.now_us - 1, camera.now_us - 1), (camera.now_us + 9, camera.now_us)):
        camera.handle(fragment(1, at_us))
        assert camera.state.recording is not None
        assert camera.state.recording.durable_us == expected


@pytest.mark.parametrize("at", [-1, 0, 1])
def test_only_an_end_of_this_very_warning_counts(at: int) -> None:
    camera = warning()
    spoken_us = camera.now_us
    camera.now_us += S
    camera.handle(WarningEnded(spoken_us + at, "played_to_device", "ab" * 32, ""))
    assert camera.name() == ("warning" if at < 0 else "recording")


def test_time_does_not_go_back() -> None:
    camera = warning()
    camera.later(1)
    camera.handle(TimePassed())
    state, actions = step(camera.state, ButtonDown(camera.now_us), camera.now_us - 50 * S)
    assert state.at_us == camera.now_us
    assert SilenceVoice() in actions
    assert state.recording is not None
    assert state.recording.began_us == camera.now_us
    ended = replace(camera.state, name="ended")
    assert step(ended, ButtonDown(camera.now_us), camera.now_us + S) == (ended, [])


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("000007-0001", 1),
        ("000007-0120", 120),
        ("7", 7),
        ("000007-", None),
        ("000007-x1", None),
        ("000007-²", None),
        ("a-" + "9" * 19, 10**19 - 1),
        ("a-" + "9" * 20, None),
    ],
)
def test_the_number_in_an_id(name: str, number: int | None) -> None:
    assert number_of(name) == number
