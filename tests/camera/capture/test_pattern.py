"""The test card, its bar code, the pattern source and the pacing of everything that stands in for hardware."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture.sources import pacing
from bodycamd.camera.capture.sources.pacing import Pacer
from bodycamd.camera.capture.sources.pattern import Pattern
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.sources.testcard import BLACK, WHITE, TestCard, read_time_us
from bodycamd.config.settings import VideoSettings
from bodycamd.linux.clock import boottime_us
from tests.camera.capture.films import FRAME_US, HEIGHT, WIDTH
from tests.kit.scale import count
from tests.kit.waiting import wait_for

SIZES = [(160, 120), (320, 240), (640, 360), (854, 480), (1280, 720), (1920, 1080), (162, 1080), (1920, 122)]


def luma(picture: av.VideoFrame) -> tuple[bytes, int]:
    return bytes(picture.planes[0]), picture.planes[0].line_size


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_time_can_be_read_in_every_size(width: int, height: int) -> None:
    card = TestCard(width, height)
    for time_us in (1, 999_999, 4_123_456_789_012, 2**52 - 1):
        picture = card.frame(time_us)
        assert (picture.width, picture.height, picture.format.name) == (width, height, "yuv420p")
        assert read_time_us(*luma(picture), width, height) == time_us


CARD = TestCard(WIDTH, HEIGHT)


@settings(max_examples=count(500))
@given(st.integers(1, 2**52 - 1), st.integers(0, 63))
def test_a_bar_code_with_a_wrong_bit_is_not_read(time_us: int, bit: int) -> None:
    picture = CARD.frame(time_us)
    assert read_time_us(*luma(picture), WIDTH, HEIGHT) == time_us
    plane, stride = bytearray(picture.planes[0]), picture.planes[0].line_size
    width, height = WIDTH // 20, HEIGHT // 24
    left, top = bit % 16 * width, bit // 16 * height
    for row in range(top, top + height):
        for column in range(left, left + width):
            plane[row * stride + column] = BLACK + WHITE - plane[row * stride + column]
    assert read_time_us(plane, stride, WIDTH, HEIGHT) is None


def test_no_bar_code_no_time() -> None:
    for level in (0, 16, 128, 235, 255):
        assert read_time_us(bytes([level]) * WIDTH * HEIGHT, WIDTH, WIDTH, HEIGHT) is None


def test_clock_bar_and_flash_move() -> None:
    pictures = [luma(CARD.frame(t))[0] for t in (5_000_000, 5_000_000 + FRAME_US, 5_500_000)]
    assert len(set(pictures)) == 3
    stride = CARD.frame(1).planes[0].line_size

    def lit(picture: bytes, row: int) -> list[int]:
        return [column for column in range(WIDTH) if picture[row * stride + column] == WHITE]

    bar = HEIGHT * 3 // 4 + 1
    left_edges = [lit(picture, bar)[0] for picture in pictures]
    assert left_edges == [(WIDTH - 5) * share // 100 for share in (50, 55, 75)]
    flash = [picture[stride * 2 + WIDTH - 2] for picture in pictures]
    assert flash == [WHITE, BLACK, BLACK]


@dataclass
class Taken:
    """What a source gave, and when."""

    frames: list[EncodedFrame] = field(default_factory=list)
    at_us: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def on_frame(self, frame: EncodedFrame) -> None:
        self.at_us.append(boottime_us())
        self.frames.append(frame)


def test_the_source_is_a_camera_in_real_time() -> None:
    source = Pattern(VideoSettings(source="pattern", width=320, height=240, frame_rate=30, gop_seconds=0.5))
    taken = Taken()
    begun_us = boottime_us()
    source.open(taken.on_frame, taken.errors.append)
    wait_for(lambda: len(taken.frames) >= 40, 20)
    source.close()
    source.close()
    given = len(taken.frames)
    assert not taken.errors
    assert (source.encoder, source.width, source.height, source.frame_rate) == ("libx264", 320, 240, 30.0)
    assert taken.frames[0].keyframe
    assert taken.frames[0].pts_us > begun_us
    assert [number for number, frame in enumerate(taken.frames) if frame.keyframe] == list(range(0, given, 15))
    assert all(at_us >= frame.pts_us for at_us, frame in zip(taken.at_us, taken.frames, strict=True)), "no frame before its time"
    first_us = taken.frames[0].pts_us
    for frame in taken.frames:
        assert abs((frame.pts_us - first_us) * 30 / 1e6 - round((frame.pts_us - first_us) * 30 / 1e6)) < 1e-3
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    pictures = [picture for frame in taken.frames for picture in decoder.decode(av.Packet(frame.data))] + decoder.decode(None)
    assert [read_time_us(*luma(picture), 320, 240) for picture in pictures] == [frame.pts_us for frame in taken.frames]


def test_an_encoder_that_fails_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: TestCard, time_us: int) -> av.VideoFrame:
        raise MemoryError("no room")

    monkeypatch.setattr(TestCard, "frame", broken)
    taken = Taken()
    source = Pattern(VideoSettings(source="pattern", width=320, height=240))
    source.open(taken.on_frame, taken.errors.append)
    wait_for(lambda: taken.errors)
    source.close()
    assert taken.errors == ["the pattern source failed: MemoryError('no room')"]
    assert not taken.frames


class SimulatedTime:
    """A clock that moves when it is waited for, and by force."""

    def __init__(self) -> None:
        self.now_us = 1_000_000

    def wait(self, seconds: float) -> bool:
        self.now_us += max(1, round(seconds * 1e6))
        return False


@settings(max_examples=count(500))
@given(st.lists(st.integers(0, 500_000), min_size=2, max_size=30), st.sampled_from([16_667.0, 33_333.333, 100_000.0]))
def test_missed_instants_are_left_out_and_never_made_up_for(stalls: list[int], interval_us: float) -> None:
    time = SimulatedTime()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pacing, "boottime_us", lambda: time.now_us)
        stop = threading.Event()
        patch.setattr(stop, "wait", time.wait)
        pacer = Pacer(interval_us, stop)
        instants = []
        for stall_us in stalls:
            instant = pacer.wait()
            assert instant is not None
            assert 0 <= time.now_us - instant[1] <= interval_us + 1, "an instant is given when it has come, and not much later"
            instants.append(instant)
            time.now_us += stall_us
    assert all(due_us == pacer.start_us + round(number * interval_us) for number, due_us in instants)
    assert all(later[0] > earlier[0] for earlier, later in itertools.pairwise(instants))
    assert pacer.missed == instants[-1][0] - len(instants) + 1


def test_a_stopped_pacer_ends_its_wait() -> None:
    stop = threading.Event()
    pacer = Pacer(60_000_000, stop)
    assert pacer.wait() is not None
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(pacer.wait()))
    thread.start()
    stop.set()
    thread.join(5)
    assert results == [None]
