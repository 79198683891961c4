"""Keyframes by time: a fragment is no longer in the dark than in the light."""

from __future__ import annotations

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture.sources.keyframes import KeyframeRule
from tests.kit.scale import count


def keyframes(times_us: list[int], gop_us: int, period: int) -> list[int]:
    """Where an encoder has its keyframes that counts `period` frames and follows the rule."""
    rule, found, since = KeyframeRule(gop_us, period), [], 0
    for number, at_us in enumerate(times_us):
        must = rule.must(at_us)
        if number == 0 or must or since + 1 >= period:
            found.append(number)
            since = 0
        else:
            since += 1
    return found


gops = st.sampled_from([500_000, 1_000_000, 2_000_000])
steps = st.one_of(
    st.lists(st.integers(1_000, 2_000_000), min_size=1, max_size=200),
    st.lists(st.integers(15_000, 250_000), min_size=1, max_size=200),
    st.builds(lambda step, n: [step] * n, st.integers(15_000, 1_500_000), st.integers(1, 300)),
)


@settings(max_examples=count(500))
@given(steps, gops, st.integers(5, 60))
def test_no_group_is_longer_than_can_be_foreseen(steps_us: list[int], gop_us: int, frame_rate: int) -> None:
    period = max(1, round(frame_rate * gop_us / 1e6))
    times_us = [7_000_000, *itertools.accumulate(steps_us, initial=7_000_000)][1:]
    marks = keyframes(times_us, gop_us, period)
    for first, following in itertools.pairwise([*marks, len(times_us) - 1]):
        if following - first < 2:
            continue  # one step, however long it is
        last_step_us, step_before_us = (times_us[following - n] - times_us[following - n - 1] for n in (0, 1))
        grown_us = max(0, last_step_us - step_before_us)
        assert times_us[following] - times_us[first] <= 1.2 * gop_us + grown_us


@pytest.mark.parametrize("gop_us", [500_000, 1_000_000, 2_000_000])
@pytest.mark.parametrize("frame_rate", [5, 7.5, 10, 12, 15, 24, 25, 29.97, 30, 50, 60])
def test_every_steady_rate_keeps_the_length_of_a_fragment(frame_rate: float, gop_us: int) -> None:
    times_us = [round(number * 1e6 / frame_rate) for number in range(400)]
    marks = keyframes(times_us, gop_us, period=round(60 * gop_us / 1e6))
    lengths_us = [times_us[b] - times_us[a] for a, b in itertools.pairwise(marks)]
    assert lengths_us
    assert max(lengths_us) <= 1.2 * gop_us
    assert min(lengths_us) >= 0.8 * gop_us


def test_at_the_set_rate_the_encoders_own_count_is_left_alone_though_frames_come_unevenly() -> None:
    rule = KeyframeRule(1_000_000, 30)
    times_us = [number * 33_333 + (number * 7_919) % 9_000 for number in range(3_000)]
    assert [at_us for at_us in times_us if rule.must(at_us)] == []


def test_the_real_encoder_makes_a_keyframe_where_it_must_and_counts_anew() -> None:
    """As picamera2's software encoder is set up; `pict_type = "I"`, which it sets itself, is refused by this PyAV."""
    from bodycamd.camera.capture.sources.picamera import ForcedKeyframes

    times_us = [number * 33_333 for number in range(45)] + [45 * 33_333 + number * 100_000 for number in range(40)]
    rule, keys = KeyframeRule(1_000_000, 30), []
    with av.open("/dev/null", "w", format="null") as container:
        stream = container.add_stream("h264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.gop_size = 30
        stream.codec_context.thread_type = av.codec.context.ThreadType.FRAME
        stream.codec_context.options = {"preset": "ultrafast", "tune": "zerolatency"}
        stream.codec_context.time_base = Fraction(1, 1_000_000)
        forced = ForcedKeyframes(stream, lambda: rule.must(times_us[len(taken)]))
        taken: list[int] = []
        packets = []
        for at_us in times_us:
            frame = av.VideoFrame.from_numpy_buffer(np.zeros((360, 320), np.uint8), format="yuv420p")
            frame.pts = at_us
            packets += forced.encode(frame)
            taken.append(at_us)
        packets += forced.encode()
    keys = [packet.pts for packet in packets if packet.is_keyframe]
    assert keys == [times_us[number] for number in keyframes(times_us, 1_000_000, 30)]
    assert max(b - a for a, b in itertools.pairwise(keys)) <= 1_200_000
