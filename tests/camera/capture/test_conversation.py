"""The order of a worker's messages, and what they may claim."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from bodycamd.camera.capture.order import FUTURE_US, Conversation, asked, heard, opened
from bodycamd.camera.capture.protocol import (
    AudioReport,
    Closed,
    Failed,
    Fragment,
    FromWorker,
    Init,
    LinkError,
    Pong,
    Prepared,
    Refused,
    Tick,
    View,
)
from tests.kit.scale import count
from tests.kit.views import VIEW as SEEN

NOW = 100_000_000
PREPARED = Prepared(pid=1, versions={}, sandbox="", unlocked=None)
INIT = Init(generation=3, recipients=("age1x",), encoder="e", width=320, height=240, frame_rate=30.0, audio_track=True)
VIEW = View(generation=3, **structs.asdict(SEEN))
CLOSED = Closed(generation=3)
FAILED = Failed(reason="x")
AUDIO = AudioReport(generation=3, audio="lost", reason="x")


def tick(last_frame_us: int | None = NOW - 10) -> Tick:
    return Tick(last_frame_us=last_frame_us, frames=1, dropped=0, audio="off")


def fragment(
    pts_us: int = NOW - 2_000_000,
    duration_us: int = 1_000_000,
    generation: int = 3,
    gap_us: int = 0,
    sound: tuple[int | None, int] = (None, 0),
) -> Fragment:
    return Fragment(
        generation=generation,
        pts_us=pts_us,
        duration_us=duration_us,
        frames=30,
        audio="off",
        audio_pts_us=sound[0],
        audio_samples=sound[1],
        gap_us=gap_us,
    )


def say(*messages: FromWorker, generation: int | None = 3) -> Conversation:
    so_far = heard(Conversation(), PREPARED, NOW)
    if generation is not None:
        so_far = opened(so_far, generation)
    for message in messages:
        so_far = heard(so_far, message, NOW)
    return so_far


def test_a_whole_life() -> None:
    last = say(
        tick(None),
        AUDIO,
        INIT,
        VIEW,
        tick(),
        fragment(sound=(NOW - 2_000_000, 48_000)),
        tick(NOW),
        fragment(NOW - 1_000_000),
        CLOSED,
        tick(),
    )
    assert last.ended
    assert last.last_pts_us == NOW - 1_000_000


@pytest.mark.parametrize("early", [tick(None), INIT, VIEW, fragment(), AUDIO, CLOSED])
def test_nothing_of_a_stream_before_open(early: FromWorker) -> None:
    with pytest.raises(LinkError, match="not opened"):
        say(early, generation=None)


@pytest.mark.parametrize("last", [CLOSED, FAILED])
@pytest.mark.parametrize("late", [INIT, fragment(), AUDIO, CLOSED, FAILED, PREPARED, Refused(reason="x")])
def test_nothing_after_the_last_message(last: FromWorker, late: FromWorker) -> None:
    with pytest.raises(LinkError, match="after the worker's last"):
        say(last, late)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([PREPARED], "prepared already"),
        ([Refused(reason="x")], "prepared already"),
        ([fragment()], "before Init"),
        ([INIT, INIT], "second Init"),
        ([INIT, VIEW, VIEW], "second View"),
        ([INIT, fragment(), VIEW], "after a Fragment"),
        ([structs.replace(VIEW, generation=2)], "generation 2"),
        ([INIT, fragment(generation=2)], "generation 2"),
        ([Closed(generation=4)], "generation 4"),
        ([INIT, fragment(), fragment()], "after the one at"),
        ([INIT, fragment(), fragment(NOW - 2_000_001)], "after the one at"),
        ([INIT, fragment(NOW, FUTURE_US + 1)], "in the future"),
        ([INIT, fragment(gap_us=1_000_001)], "with a gap"),
        ([INIT, fragment(sound=(None, 1))], "sound samples"),
        ([INIT, fragment(sound=(NOW, 0))], "sound samples"),
        ([tick(NOW + FUTURE_US + 1)], "in the future"),
        ([tick(NOW), tick(NOW - 1)], "before the last one"),
        ([tick(NOW), tick(None)], "without a frame"),
    ],
)
def test_broken_rules(messages: list[FromWorker], reason: str) -> None:
    with pytest.raises(LinkError, match=reason):
        say(*messages)


def test_refused_and_failed_may_come_instead_of_prepared() -> None:
    for message in (Refused(reason="x"), FAILED):
        assert heard(Conversation(), message, NOW).ended


anything = st.sampled_from(
    [PREPARED, Refused(reason="x"), tick(), tick(None), INIT, VIEW, fragment(), fragment(NOW), AUDIO, CLOSED, FAILED]
)


@settings(max_examples=count(2000))
@given(st.lists(anything, max_size=12), st.integers(0, 12))
def test_whatever_is_said_fragments_follow_their_init_in_order(said: list[FromWorker], opening: int) -> None:
    so_far = Conversation()
    taken: list[FromWorker] = []
    for number, message in enumerate(said):
        if number == opening:
            so_far = opened(so_far, 3)
        try:
            so_far = heard(so_far, message, NOW)
        except LinkError:
            break
        taken.append(message)
    footage = [message for message in taken if isinstance(message, Init | Fragment)]
    assert [message for message in footage if isinstance(message, Init)] == footage[:1]
    times = [message.pts_us for message in footage if isinstance(message, Fragment)]
    assert times == sorted(set(times))
    assert sum(isinstance(message, View) for message in taken) <= 1


def test_a_pong_answers_one_ping() -> None:
    """Also after the opening, which may have been on its way."""
    so_far = asked(say(generation=None))
    so_far = heard(opened(so_far, 3), Pong(), NOW)
    with pytest.raises(LinkError, match="Pong without a Ping"):
        heard(so_far, Pong(), NOW)
