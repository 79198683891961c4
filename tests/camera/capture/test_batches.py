"""When the stream muxes what has come: in batches, at a keyframe, and not before the sound is there that a fragment waits for."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.worker import stream as stream_module
from bodycamd.camera.capture.worker.microphone import Microphone
from bodycamd.camera.capture.worker.muxer import Muxer
from bodycamd.camera.capture.worker.sound_track import Block
from bodycamd.linux.clock import boottime_us
from tests.camera.capture.films import frames
from tests.camera.capture.streams import Captured, PacedDevice
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for


def test_frames_wait_for_each_other_and_a_keyframe_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_TURN_SECONDS", 3600.0)
    captured = Captured()
    captured.stream.camera_is_open()
    film = frames(4)
    for end in (10, 20, 30):
        for frame in film[end - 10 : end]:
            captured.stream.on_frame(frame)
        assert captured.stream.came()[0] == film[end - 1].pts_us, "it has come, wherever it waits"
        assert captured.stream.came()[1] == end
        wait_for(lambda: len(captured.fragments) * 10 + 10 >= captured.stream.came()[1])
    assert captured.end() is None
    assert [fragment.facts.frames for fragment, _ in captured.fragments] == [10, 10, 10]


def test_a_fragment_does_not_wait_for_the_next_turn_until_its_sound_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_TURN_SECONDS", 3600.0)
    microphone = Microphone(PacedDevice().opened)
    captured = Captured(microphone)
    captured.stream.camera_is_open()
    microphone.set_open(True)
    for frame in frames(2, boottime_us() - 1_000_000)[:11]:
        captured.stream.on_frame(frame)
    wait_for(lambda: captured.fragments)
    assert captured.end() is None


def test_frames_that_come_while_the_muxer_hangs_are_no_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_HANGS_US", 0)
    held, hangs = threading.Event(), threading.Event()

    def put_frame(muxer: Muxer, frame: EncodedFrame) -> None:
        hangs.set()
        assert held.wait(30)
        plain(muxer, frame)

    plain = Muxer.put_frame
    monkeypatch.setattr(Muxer, "put_frame", put_frame)
    captured = Captured()
    captured.stream.camera_is_open()
    film = frames(2)
    captured.stream.on_frame(film[0])
    assert hangs.wait(30)
    told = captured.stream.came()
    for frame in film[1:]:
        captured.stream.on_frame(frame)
    assert captured.stream.came() == told
    held.set()
    wait_for(lambda: captured.stream.came()[0] == film[-1].pts_us)
    assert captured.end() is None
    assert captured.stream.came()[1] == 20


@only_in_full
def test_frames_and_sound_wait_for_their_batch_and_a_keyframe_takes_them_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_BATCH_US", 1 << 62)
    monkeypatch.setattr(stream_module, "_TURN_SECONDS", 0.01)
    muxed: list[EncodedFrame] = []

    def put_frame(muxer: Muxer, frame: EncodedFrame) -> None:
        muxed.append(frame)
        plain(muxer, frame)

    plain = Muxer.put_frame
    monkeypatch.setattr(Muxer, "put_frame", put_frame)
    polls: list[int] = []

    class Polled(Microphone):
        def poll(self, now_us: int) -> list[Block]:
            polls.append(now_us)
            return super().poll(now_us)

    microphone = Polled(PacedDevice().opened)
    captured = Captured(microphone)
    captured.stream.camera_is_open()
    microphone.set_open(True)
    film = frames(2, boottime_us() - 1_000_000)
    captured.stream.on_frame(film[0])
    wait_for(lambda: captured.stream.audio == "live")
    for frame in film[1:10]:
        captured.stream.on_frame(frame)
    seen = len(polls)
    wait_for(lambda: len(polls) > seen + 3)
    assert muxed == list(film[:1]), "the microphone is looked at, and nothing is muxed"
    captured.stream.on_frame(film[10])
    wait_for(lambda: captured.fragments)
    assert muxed == list(film[:11])
    assert captured.end() is None


def test_a_keyframe_waits_for_its_sound_so_that_both_are_muxed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_BATCH_US", 1 << 62)
    muxed: list[tuple[int, int]] = []

    def put_sound(muxer: Muxer, pcm: bytes, position: int) -> None:
        muxed.append((position + len(pcm) // 2, muxer.sound_until(now_us)))
        plain(muxer, pcm, position)

    plain = Muxer.put_sound
    microphone = Microphone(PacedDevice().opened)
    captured = Captured(microphone)
    captured.stream.camera_is_open()
    microphone.set_open(True)
    film = frames(2, boottime_us())
    captured.stream.on_frame(film[0])
    wait_for(lambda: captured.stream.audio == "live")
    monkeypatch.setattr(Muxer, "put_sound", put_sound)
    now_us = boottime_us()
    for number, frame in enumerate(film[1:11], 1):
        captured.stream.on_frame(replace(frame, pts_us=now_us - 1000 * (10 - number)))
    wait_for(lambda: captured.fragments)
    assert len(muxed) == 1, "not with each block that comes meanwhile"
    assert muxed[0][0] >= muxed[0][1]
    assert captured.end() is None


def test_a_keyframe_does_not_wait_for_ever_for_its_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_BATCH_US", 1 << 62)
    muxed: list[EncodedFrame] = []

    def put_frame(muxer: Muxer, frame: EncodedFrame) -> None:
        muxed.append(frame)
        plain(muxer, frame)

    plain = Muxer.put_frame
    monkeypatch.setattr(Muxer, "put_frame", put_frame)
    microphone = Microphone(PacedDevice().opened)
    captured = Captured(microphone)
    captured.stream.camera_is_open()
    microphone.set_open(True)
    film = frames(2, boottime_us() + 3600_000_000)
    captured.stream.on_frame(film[0])
    wait_for(lambda: captured.stream.audio == "live")
    for frame in film[1:11]:
        captured.stream.on_frame(frame)
    wait_for(lambda: muxed == list(film[:11]))
    assert captured.end() is None
