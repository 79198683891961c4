"""The stream with sources and microphones that misbehave. The muxer is real."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.worker import stream as stream_module
from bodycamd.camera.capture.worker.microphone import Microphone, SoundDevice
from bodycamd.camera.capture.worker.sound_track import to_us
from bodycamd.camera.capture.worker.stream import MAX_STILL_US
from bodycamd.linux.clock import boottime_us
from tests.camera.capture.films import FRAME_RATE, FRAME_US, burned_times, complaints, frames
from tests.camera.capture.streams import Captured, PacedDevice
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for


def paced(captured: Captured, seconds: int, while_at: Callable[[int], None] = lambda number: None) -> list[EncodedFrame]:
    """Frames in real time."""
    begun_us = boottime_us()
    film = list(frames(seconds, begun_us))
    spent_us = boottime_us() - begun_us
    film = [EncodedFrame(frame.data, frame.pts_us + spent_us, frame.keyframe) for frame in film]
    for number, frame in enumerate(film):
        time.sleep(max(0, frame.pts_us - boottime_us()) / 1e6)
        while_at(number)
        captured.stream.on_frame(frame)
    return film


def test_frames_wait_until_the_camera_is_open() -> None:
    captured = Captured()
    film = frames(2)
    for frame in film[3:]:
        captured.stream.on_frame(frame)
    time.sleep(0.1)
    assert (captured.stream.came()[0], captured.inits) == (None, [])
    captured.stream.camera_is_open()
    wait_for(lambda: captured.stream.came()[0] == film[-1].pts_us)
    assert captured.end() is None
    assert (captured.stream.came()[1], captured.stream.dropped) == (10, 7), "what comes before the first keyframe is of no use"
    assert [(fragment.facts.frames, audio) for fragment, audio in captured.fragments] == [(10, "off")]


def test_an_end_without_a_frame() -> None:
    captured = Captured()
    assert captured.end() is None
    assert (captured.inits, captured.fragments) == ([], [])


def test_a_failure_ends_after_the_footage_up_to_then() -> None:
    captured = Captured()
    captured.stream.camera_is_open()
    for frame in frames(2)[:17]:
        captured.stream.on_frame(frame)
    captured.stream.fail("the camera is gone")
    captured.stream.fail("a second reason")
    captured.stream.finish()
    wait_for(lambda: captured.ends)
    assert captured.ends == ["the camera is gone"]
    assert [fragment.facts.frames for fragment, _ in captured.fragments] == [10, 7]


def test_keyframes_that_stay_away_end_the_stream_with_all_footage_up_to_then() -> None:
    captured = Captured(max_group_frames=15)
    captured.stream.camera_is_open()
    for number, frame in enumerate(frames(4)):
        captured.stream.on_frame(frame if number <= 10 else replace(frame, keyframe=False))
    wait_for(lambda: captured.ends)
    assert captured.ends == ["no keyframe in 16 frames"]
    assert [fragment.facts.frames for fragment, _ in captured.fragments] == [10, 15]


def test_a_full_queue_drops_up_to_the_next_keyframe_and_states_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_WAITING_FRAMES", 15)
    captured = Captured()
    film = frames(4)
    begun = time.monotonic()
    for frame in film[:35]:
        captured.stream.on_frame(frame)
    assert time.monotonic() - begun < 0.1, "the camera's callback never waits"
    captured.stream.camera_is_open()
    wait_for(lambda: captured.stream.came()[1] == 15)
    for frame in film[35:]:
        captured.stream.on_frame(frame)
    captured.end()
    assert (captured.stream.came()[1], captured.stream.dropped) == (15, 25)
    assert complaints(captured.film(tmp_path / "film.mp4")) == ""


def test_a_gap_between_keyframes_is_in_the_fragment_before_it(tmp_path: Path) -> None:
    captured = Captured()
    captured.stream.camera_is_open()
    film = frames(4)
    kept = film[:15] + film[30:]
    for frame in kept:
        captured.stream.on_frame(frame)
    captured.end()
    assert [(fragment.facts.frames, fragment.facts.gap_us) for fragment, _ in captured.fragments] == [(10, 0), (5, 1_500_000), (10, 0)]
    assert [burned for _, burned in burned_times(captured.film(tmp_path / "film.mp4"))] == [frame.pts_us for frame in kept]


def test_a_camera_that_comes_back_after_seconds_is_for_the_next_generation() -> None:
    captured = Captured()
    captured.stream.camera_is_open()
    film = frames(2)
    for frame in film[:10]:
        captured.stream.on_frame(frame)
    captured.stream.on_frame(EncodedFrame(film[10].data, film[10].pts_us + MAX_STILL_US, True))
    wait_for(lambda: captured.ends)
    assert captured.ends == ["no frame for 4.1 s"]
    assert [(fragment.facts.frames, fragment.facts.duration_us) for fragment, _ in captured.fragments] == [(10, 1_000_000)]


def test_times_that_run_backwards_end_the_stream() -> None:
    captured = Captured()
    captured.stream.camera_is_open()
    film = frames(2)
    for frame in (*film[:12], film[3]):
        captured.stream.on_frame(frame)
    wait_for(lambda: captured.ends)
    assert captured.ends[0] is not None
    assert "µs after one of" in captured.ends[0]


def test_what_nobody_takes_is_counted() -> None:
    captured = Captured(taken=False)
    captured.stream.camera_is_open()
    for frame in frames(2):
        captured.stream.on_frame(frame)
    captured.end()
    assert captured.stream.dropped == 20


@only_in_full
def test_a_microphone_that_hangs_costs_its_sound_only(tmp_path: Path) -> None:
    device = PacedDevice()

    def at(number: int) -> None:
        if number == 15:
            device.flows.clear()
        if number == 35:
            device.flows.set()

    microphone = Microphone(device.opened)
    captured = Captured(microphone)
    captured.stream.camera_is_open()
    microphone.set_open(True)
    film = paced(captured, 5, at)
    assert captured.end() is None
    states = [audio for _, audio in captured.fragments]
    assert states[0] == "live"
    assert states[2] == "lost"
    assert states[4] == "live"
    assert [audio for audio, _ in captured.audio] == ["live", "lost", "live"]
    assert captured.audio[1][1] == "the microphone gives nothing for 1 s"
    assert [fragment.facts.frames for fragment, _ in captured.fragments] == [FRAME_RATE] * 5
    end_us = film[-1].pts_us + FRAME_US
    samples = sum(fragment.facts.audio_samples for fragment, _ in captured.fragments)
    assert abs(film[0].pts_us + to_us(samples - 1024) - end_us) < 150_000, "silence fills the hole: time does not close up"
    assert complaints(captured.film(tmp_path / "film.mp4")) == ""


@only_in_full
def test_a_closed_microphone_is_silence_stated_off(tmp_path: Path) -> None:
    device = PacedDevice()
    opened: list[int] = []

    def open_it() -> SoundDevice:
        opened.append(1)
        device.next_us = boottime_us()
        return device

    microphone = Microphone(open_it)
    captured = Captured(microphone)
    captured.stream.camera_is_open()
    paced(captured, 3, lambda number: microphone.set_open(True) if number == 13 else None)
    captured.end()
    assert [audio for _, audio in captured.fragments] == ["off", "live", "live"]
    assert len(opened) == 1
    assert all(fragment.facts.audio_samples for fragment, _ in captured.fragments)
    assert complaints(captured.film(tmp_path / "film.mp4")) == ""
