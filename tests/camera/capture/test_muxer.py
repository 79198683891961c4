"""Boxes and muxing. ffprobe and ffmpeg judge the stream, the test card's bar code the times."""

from __future__ import annotations

import io
import itertools
import math
import random
import struct
import subprocess
from array import array
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.worker.boxes import BoxError, StreamCutter, box_kinds, track_runs
from bodycamd.camera.capture.worker.muxer import Muxer, MuxError
from bodycamd.camera.capture.worker.sound_devices import read_wav
from bodycamd.camera.capture.worker.sound_track import RATE, Block, SoundTrack, to_samples, to_us
from bodycamd.footage import AudioState, FragmentFacts
from tests.camera.capture.films import BOOT_US, FRAME_RATE, FRAME_US, HEIGHT, WIDTH, burned_times, complaints, frames, start_times
from tests.kit.camera import WARNING
from tests.kit.fragments import ClearFragment
from tests.kit.scale import SCALE, count, only_in_full


class Muxed:
    """A muxer with what came out of it."""

    def __init__(self, audio: bool = True, frame_rate: float = FRAME_RATE, slowest: float | None = None) -> None:
        self.inits: list[bytes] = []
        self.fragments: list[ClearFragment] = []
        self.sounds: list[tuple[int | None, int]] = []
        """The sound of each fragment: its first sample, and how many."""
        self.muxer = Muxer(
            self,
            generation=1,
            width=WIDTH,
            height=HEIGHT,
            frame_rate=frame_rate,
            audio_bit_rate=96_000 if audio else None,
            sound_of=self._sound_of,
            slowest_frame_rate=slowest,
        )
        self.position = to_samples(BOOT_US)

    def put_init(self, data: bytes) -> None:
        self.inits.append(data)

    def put_fragment(self, facts: FragmentFacts, data: bytes) -> bool:
        self.fragments.append(ClearFragment(facts, data))
        return True

    def _sound_of(self, first: int | None, samples: int) -> AudioState:
        self.sounds.append((first, samples))
        return "live"

    def put(self, frame: EncodedFrame, sound: bool = True) -> None:
        self.muxer.put_frame(frame)
        if sound:
            samples = to_samples(frame.pts_us + FRAME_US) - self.position
            self.muxer.put_sound(hum(self.position, samples), self.position)
            self.position += samples

    def save(self, path: Path) -> Path:
        assert len(self.inits) == 1
        path.write_bytes(self.inits[0] + b"".join(fragment.data for fragment in self.fragments))
        return path


def hum(first: int, samples: int) -> bytes:
    return array("h", (round(3000 * math.sin(math.tau * 440 * (first + n) / RATE)) for n in range(samples))).tobytes()


def test_a_voice_is_stored_as_it_was() -> None:
    """Truer than 40 dB: without noise that the coder makes up, and without its search for temporal shaping (39.4 dB)."""
    voice = np.frombuffer(read_wav(WARNING), dtype="<i2").astype(float)
    muxed = Muxed()
    muxed.put(frames(1)[0], sound=False)
    muxed.muxer.put_sound(voice.astype("<i2").tobytes(), muxed.position)
    muxed.muxer.close()
    with av.open(io.BytesIO(muxed.inits[0] + muxed.fragments[0].data), "r") as film:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(audio=0)])[1024:][: len(voice)] * 32768.0
    errors = heard - voice[: len(heard)]
    assert len(heard) > len(voice) - RATE // 10
    assert 10 * math.log10((voice**2).sum() / (errors**2).sum()) > 40


@pytest.mark.parametrize("late", [0, 1, 700, 1024, 2500])
def test_a_fragment_comes_out_with_the_sample_that_it_waits_for(late: int) -> None:
    muxed = Muxed()
    film = frames(2)[:11]
    muxed.put(film[0], sound=False)
    position = to_samples(BOOT_US) + late
    muxed.muxer.put_sound(hum(position, RATE // 2), position)
    position += RATE // 2
    for frame in film[1:]:
        muxed.put(frame, sound=False)
    needed = muxed.muxer.sound_until(film[10].pts_us)
    muxed.muxer.put_sound(hum(position, needed - 1 - position), position)
    assert not muxed.fragments
    muxed.muxer.put_sound(hum(needed - 1, 1), needed - 1)
    assert [fragment.facts.frames for fragment in muxed.fragments] == [10]


@only_in_full
@pytest.mark.parametrize("audio", [True, False])
def test_init_and_fragments_are_a_film(tmp_path: Path, audio: bool) -> None:
    muxed = Muxed(audio)
    film = frames(5)[:-3]
    for number, frame in enumerate(film):
        muxed.put(frame, audio)
        assert muxed.inits, "the init segment is there with the first frame"
        assert len(muxed.fragments) <= number // FRAME_RATE
    muxed.muxer.close()
    muxed.muxer.close()
    path = muxed.save(tmp_path / "film.mp4")
    assert complaints(path) == ""
    assert [box_kinds(fragment.data) for fragment in muxed.fragments] == [(b"moof", b"mdat")] * 5
    assert [fragment.facts.pts_us for fragment in muxed.fragments] == [BOOT_US + n * 1_000_000 for n in range(5)]
    assert [fragment.facts.frames for fragment in muxed.fragments] == [10, 10, 10, 10, 7]
    assert [fragment.facts.duration_us for fragment in muxed.fragments] == [1_000_000] * 4 + [700_000]
    assert not any(fragment.facts.gap_us for fragment in muxed.fragments)
    times = burned_times(path)
    assert [burned for _, burned in times] == [frame.pts_us for frame in film]
    assert all(burned is not None and abs(said * 1e6 - burned) < 1 for said, burned in times)
    if audio:
        starts = start_times(path)
        assert abs(starts["h264"] - starts["aac"]) < 0.040
        sound = muxed.sounds
        assert sound[0][0] == to_samples(BOOT_US) - 1024
        for (begin, samples), (next_begin, _) in itertools.pairwise(sound):
            assert begin is not None
            assert begin + samples == next_begin, "the sound has no seam"
        assert muxed.fragments[0].facts.audio_pts_us == to_us(to_samples(BOOT_US) - 1024)
    else:
        assert all(fragment.facts.audio_pts_us is None and fragment.facts.audio_samples == 0 for fragment in muxed.fragments)


@only_in_full
def test_every_fragment_opens_alone_with_the_init_segment(tmp_path: Path) -> None:
    muxed = Muxed()
    for frame in frames(3):
        muxed.put(frame)
    muxed.muxer.close()
    for number, fragment in enumerate(muxed.fragments):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(muxed.inits[0] + fragment.data)
        assert complaints(path) == ""
        assert [burned for _, burned in burned_times(path)] == [BOOT_US + number * 1_000_000 + n * FRAME_US for n in range(10)]


@only_in_full
def test_a_silent_microphone_holds_no_fragment_back(tmp_path: Path) -> None:
    muxed = Muxed()
    for number, frame in enumerate(frames(5)):
        muxed.put(frame, sound=number < 15)
        complete, waiting = divmod(number, FRAME_RATE)
        assert len(muxed.fragments) >= complete - (1 if waiting <= 5 else 0), "0.5 s, then the picture goes on alone"
    muxed.muxer.close()
    assert [fragment.facts.frames for fragment in muxed.fragments] == [10] * 5
    assert muxed.fragments[3].facts.audio_samples == 0
    assert muxed.fragments[3].facts.audio_pts_us is None
    assert complaints(muxed.save(tmp_path / "film.mp4")) == ""


@only_in_full
def test_dropped_frames_are_a_stated_gap_and_time_does_not_close_up(tmp_path: Path) -> None:
    muxed = Muxed()
    film = frames(5)
    kept = [frame for number, frame in enumerate(film) if not (15 <= number < 18 or 25 <= number < 30)]
    for frame in kept:
        muxed.put(frame)
    muxed.muxer.close()
    assert [fragment.facts.gap_us for fragment in muxed.fragments] == [0, 300_000, 500_000, 0, 0]
    assert [fragment.facts.frames for fragment in muxed.fragments] == [10, 7, 5, 10, 10]
    assert [fragment.facts.pts_us for fragment in muxed.fragments] == [BOOT_US + n * 1_000_000 for n in range(5)]
    times = burned_times(muxed.save(tmp_path / "film.mp4"))
    assert [round(said * 1e6) for said, _ in times] == [frame.pts_us for frame in kept]


def test_a_jittery_camera_is_not_a_gap() -> None:
    chance = random.Random(1)
    muxed = Muxed(audio=False)
    for frame in frames(5):
        muxed.put(EncodedFrame(frame.data, frame.pts_us + chance.randrange(FRAME_US // 5), frame.keyframe), sound=False)
    muxed.muxer.close()
    assert sum(fragment.facts.gap_us for fragment in muxed.fragments) == 0


def test_a_camera_that_may_slow_down_in_the_dark_loses_nothing_by_it() -> None:
    """Every other picture of the film: half the rate. What is missing beyond that is missing."""
    halves = [frame for number, frame in enumerate(frames(5)) if number % 2 == 0]
    for slowest, kept, gaps_us in (
        (FRAME_RATE / 2, halves, 0),
        (None, halves, 25 * FRAME_US),
        (FRAME_RATE / 2, halves[:7] + halves[8:], 2 * FRAME_US),
    ):
        muxed = Muxed(audio=False, slowest=slowest)
        for frame in kept:
            muxed.put(frame, sound=False)
        muxed.muxer.close()
        stated_us = sum(fragment.facts.gap_us for fragment in muxed.fragments)
        assert abs(stated_us - gaps_us) <= FRAME_US


def test_a_broken_order_is_refused() -> None:
    film = frames(2)
    muxed = Muxed()
    with pytest.raises(MuxError, match="first frame is not a keyframe"):
        muxed.put(film[1])
    with pytest.raises(MuxError, match="sound before the first frame"):
        muxed.muxer.put_sound(b"\0\0", 0)
    muxed.put(film[0])
    muxed.put(film[1])
    for wrong in (film[1], film[0]):
        with pytest.raises(MuxError, match="µs after one of"):
            muxed.muxer.put_frame(wrong)
    muxed.muxer.close()
    with pytest.raises(MuxError, match="no sound track"):
        Muxed(audio=False).muxer.put_sound(b"\0\0", 0)


def test_closing_without_a_frame_gives_nothing() -> None:
    muxed = Muxed()
    muxed.muxer.close()
    assert (muxed.inits, muxed.fragments) == ([], [])


@only_in_full
def test_ten_minutes_of_sound_stay_in_their_place_through_aac_and_muxer(tmp_path: Path) -> None:
    """A sound card 100 ppm too slow, with beeps at whole tens of seconds: decoded again, every beep is where the picture is."""
    seconds = max(60, int(600 * min(1.0, SCALE)))
    muxed = Muxed(frame_rate=1)
    track = SoundTrack(BOOT_US)
    keyframe = frames(2)[0]
    rate = RATE * (1 - 100e-6)
    block, captured = 2048, 0
    for second in range(seconds):
        frame = EncodedFrame(keyframe.data, BOOT_US + second * 1_000_000, True)
        muxed.muxer.put_frame(frame)
        while (begin := BOOT_US + captured / rate * 1e6) < frame.pts_us + 1_000_000:
            pulse = math.ceil(begin / 1e7) * 1e7
            samples = np.zeros(block, dtype="<i2")
            at = round((pulse - begin) * rate / 1e6)
            if at < block:
                samples[at:] = 20_000 * np.sin(math.tau * 1000 * np.arange(block - at) / RATE)
            position = track.position
            muxed.muxer.put_sound(track.live(Block(samples.tobytes(), round(begin))), position)
            captured += block
    muxed.muxer.close()
    path = muxed.save(tmp_path / "film.mp4")
    with av.open(str(path)) as film:
        decoded = [(picture.pts or 0, picture.to_ndarray()[0]) for picture in film.decode(film.streams.audio[0])]
    sound = np.concatenate([samples for _, samples in decoded])
    loud = np.flatnonzero(np.abs(sound) > 0.2)
    beeps = loud[np.insert(np.diff(loud) > RATE, 0, True)]
    deviations = [(at_us - round(at_us / 1e7) * 1e7) / 1000 for at_us in ((decoded[0][0] + int(beep)) * 1e6 / RATE for beep in beeps)]
    assert len(beeps) >= seconds / 10 - 1
    assert max(map(abs, deviations)) < 5, "the promise is 40 ms"
    assert abs(track.position - to_samples(BOOT_US + seconds * 1_000_000)) < RATE / 10
    print(f"{seconds} s through AAC and muxer: worst {max(map(abs, deviations)):.2f} ms")


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


kinds = st.sampled_from([b"moov", b"mdat", b"moof", b"free", b"ftyp"])


@only_in_full
@settings(max_examples=count(1000))
@given(st.lists(st.tuples(kinds, st.binary(max_size=60)), max_size=12), st.lists(st.integers(0, 200), max_size=20))
def test_a_stream_is_cut_the_same_whatever_its_pieces(boxes: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(box(*each) for each in boxes)
    whole = StreamCutter()
    expected = whole.feed(stream)
    cutter = StreamCutter()
    given_back: list[bytes] = []
    at = 0
    for length in cuts:
        given_back += cutter.feed(stream[at : at + length])
        at += length
    given_back += cutter.feed(stream[at:])
    assert given_back == expected
    assert b"".join(expected) + stream[len(stream) - cutter.waiting_bytes :] == stream
    assert all(box_kinds(cut)[-1] in (b"moov", b"mdat") for cut in expected)


def test_a_piece_that_is_a_fragment_is_not_copied() -> None:
    fragment = box(b"moof", b"x") + box(b"mdat", bytes(1000))
    assert StreamCutter().feed(fragment)[0] is fragment


@pytest.mark.parametrize("bad", [b"\0\0\0\x07moof", b"\xff\xff\xff\xffmdat", struct.pack(">I4sQ", 1, b"mdat", 15)])
def test_impossible_boxes_are_refused(bad: bytes) -> None:
    with pytest.raises(BoxError):
        StreamCutter().feed(bad)


@only_in_full
@settings(max_examples=count(2000))
@given(st.data())
def test_a_damaged_fragment_is_read_or_refused(data: st.DataObject) -> None:
    fragment = bytearray(reference_fragment())
    moof = int.from_bytes(fragment[:4], "big")
    for _ in range(data.draw(st.integers(1, 4))):
        fragment[data.draw(st.integers(0, moof - 1))] = data.draw(st.integers(0, 255))
    try:
        track_runs(bytes(fragment[: data.draw(st.integers(0, len(fragment)))]))
    except BoxError:
        return


def reference_fragment() -> bytes:
    if not _reference:
        muxed = Muxed()
        for frame in frames(2):
            muxed.put(frame)
        muxed.muxer.close()
        _reference.append(muxed.fragments[0].data)
    return _reference[0]


_reference: list[bytes] = []


@only_in_full
def test_what_is_stated_is_what_ffprobe_finds(tmp_path: Path) -> None:
    muxed = Muxed()
    for number, frame in enumerate(frames(3)):
        if number != 13:
            muxed.put(frame)
    muxed.muxer.close()
    path = muxed.save(tmp_path / "film.mp4")
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,flags", "-of", "csv=p=0", str(path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    packets = [(int(line.split(",")[0]), "K" in line) for line in printed]
    assert [pts for pts, keyframe in packets if keyframe] == [fragment.facts.pts_us for fragment in muxed.fragments]
    for fragment in muxed.fragments:
        inside = [pts for pts, _ in packets if fragment.facts.pts_us <= pts < fragment.facts.pts_us + fragment.facts.duration_us]
        assert len(inside) == fragment.facts.frames
    assert sum(fragment.facts.frames for fragment in muxed.fragments) == len(packets)
    for fragment, following in itertools.pairwise(muxed.fragments):
        assert fragment.facts.pts_us + fragment.facts.duration_us == following.facts.pts_us
