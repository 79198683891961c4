"""The sound track: drift, jitter, losses, states. Nothing is paced: hours pass in seconds."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture.worker.sound_conversion import SoundConversion
from bodycamd.camera.capture.worker.sound_track import RATE, SEAM_US, Block, SampleClock, SoundTrack, joined, to_samples, to_us
from tests.kit.scale import SCALE, count, only_in_full

BOOT_US = 5_000_000_123_457
BLOCK = 2048
PULSE_EVERY_US = 10_000_000


def card(ppm: float, seconds: float, *, jitter_us: int = 30_000, seed: int = 1, hertz: int = RATE) -> Iterator[tuple[bytes, int, float]]:
    """A sound card whose clock is off by `ppm`: blocks, the instant at which each came out, and the true instant of its first sample.

    A pulse of 2 ms sounds at every multiple of ten seconds of the true time. Blocks come late by 1 ms, every fourth by up to `jitter_us`.
    """
    chance = random.Random(seed)
    rate, block = hertz * (1 + ppm / 1e6), BLOCK * hertz // RATE
    silence = bytes(block * 2)
    for first in range(0, int(seconds * rate), block):
        begin = BOOT_US + first / rate * 1e6
        end = BOOT_US + (first + block) / rate * 1e6
        pulse = -(-begin // PULSE_EVERY_US) * PULSE_EVERY_US
        pcm = silence
        if pulse < end:
            samples = np.zeros(block, dtype="<i2")
            at = round((pulse - begin) / 1e6 * rate)
            samples[at : at + hertz // 500] = 20_000
            pcm = samples.tobytes()
        yield pcm, int(end) + 1000 + (chance.randrange(jitter_us) if chance.random() < 1 / 4 else 0), begin


class Pulses:
    """Finds the pulses in the track and how far each is from its place."""

    def __init__(self, start: int) -> None:
        self.position = start
        self.deviations_us: list[float] = []
        self._quiet = RATE

    def put(self, pcm: bytes) -> None:
        if pcm.count(0) != len(pcm):
            loud = np.flatnonzero(np.frombuffer(pcm, dtype="<i2") > 10_000)
            if len(loud) and self._quiet + loud[0] > RATE:
                at_us = (self.position + int(loud[0])) * 1e6 / RATE
                self.deviations_us.append(at_us - round(at_us / PULSE_EVERY_US) * PULSE_EVERY_US)
            if len(loud):
                self._quiet = -int(loud[-1])
        self._quiet += len(pcm) // 2
        self.position += len(pcm) // 2


@only_in_full
@pytest.mark.parametrize(("ppm", "together"), [(100.0, 1), (-100.0, 12), (100.0, 12)])
def test_sound_stays_in_its_place_for_eight_hours(ppm: float, together: int) -> None:
    """With blocks one by one, and as the stream takes them: those of half a second together."""
    seconds = 8 * 3600 * min(1.0, SCALE)
    track, clock = SoundTrack(BOOT_US), SampleClock()
    pulses = Pulses(track.position)
    worst_stamp = 0.0
    begins: deque[float] = deque()
    waiting: list[Block] = []
    for pcm, ended_us, begin in card(ppm, seconds):
        begins.append(begin)
        for block in clock.stamp(pcm, ended_us):
            worst_stamp = max(worst_stamp, abs(block.begin_us - begins.popleft()))
            waiting.append(block)
        if len(waiting) >= together:
            for block in joined(waiting):
                pulses.put(track.live(block))
            waiting.clear()
    for block in joined(waiting):
        pulses.put(track.live(block))
    pulses.put(track.silence(to_us(track.position), "live"))
    assert len(pulses.deviations_us) >= seconds / 10 - 2
    assert max(map(abs, pulses.deviations_us)) < 5_000, "the promise is 40 ms"
    assert worst_stamp < 20_000
    assert abs(to_us(track.position) - BOOT_US - seconds * 1e6) < 100_000
    assert track.state(to_samples(BOOT_US), track.position) == "live"
    print(f"{seconds / 3600:.1f} h at {ppm:+.0f} ppm: worst {max(map(abs, pulses.deviations_us)) / 1000:.2f} ms")


@only_in_full
@pytest.mark.parametrize("hertz", [44_100, 16_000])
@pytest.mark.parametrize("ppm", [100.0, -100.0])
def test_a_card_of_another_rate_stays_in_its_place_too(ppm: float, hertz: int) -> None:
    seconds = max(300, count(2 * 3600))
    track, clock, conversion = SoundTrack(BOOT_US), SampleClock(), SoundConversion("mix", 0)
    conversion.begin(hertz)
    pulses = Pulses(track.position)
    for captured, ended_us, _ in card(ppm, seconds, hertz=hertz):
        if pcm := conversion.put(captured):
            for block in clock.stamp(pcm, ended_us - conversion.held_us):
                pulses.put(track.live(block))
    assert len(pulses.deviations_us) >= seconds / 10 - 2
    assert max(map(abs, pulses.deviations_us)) < 5_000, "the promise is 40 ms"
    assert track.state(to_samples(BOOT_US), track.position) == "live"


def test_without_correction_it_would_not() -> None:
    """The judge can fail: the same card, taken at its word, is off by 100 ppm."""
    pulses = Pulses(to_samples(BOOT_US))
    for pcm, _, _ in card(-100.0, 600):
        pulses.put(pcm)
    assert max(map(abs, pulses.deviations_us)) > 50_000


def test_a_reported_loss_becomes_silence_of_its_length() -> None:
    track, clock = SoundTrack(BOOT_US), SampleClock()
    pulses = Pulses(track.position)
    for number, (pcm, ended_us, _) in enumerate(card(40.0, 60)):
        if 300 <= number < 350:
            clock = SampleClock()  # the driver said that it lost something
            continue
        position = track.position
        for block in clock.stamp(pcm, ended_us):
            pulses.put(track.live(block))
        if number == 353:
            assert track.state(position, track.position) == "lost"
            seconds = to_us(track.position - position) / 1e6
            assert abs(seconds - 54 * BLOCK / RATE) < 0.005
    assert max(map(abs, pulses.deviations_us)) < 5_000
    assert track.state(track.position - 4 * RATE, track.position) == "live"


@only_in_full
@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([0, 0, 0, -SEAM_US, SEAM_US, 2 * SEAM_US, 50_000])), max_size=20))
def test_joined_blocks_are_the_same_sound_at_the_same_times(steps: list[tuple[int, int]]) -> None:
    blocks, at_us = [], BOOT_US
    for samples, shift_us in steps:
        at_us += shift_us
        blocks.append(Block(random.Random(samples).randbytes(2 * samples), at_us))
        at_us += to_us(samples)
    wholes = joined(blocks)
    assert b"".join(whole.pcm for whole in wholes) == b"".join(block.pcm for block in blocks)
    assert len(wholes) == min(1, len(blocks)) + sum(abs(shift_us) > SEAM_US for _, shift_us in steps[1:])
    starts = [block.begin_us for block, (_, shift_us) in zip(blocks, steps, strict=True) if block is blocks[0] or abs(shift_us) > SEAM_US]
    assert [whole.begin_us for whole in wholes] == starts


@pytest.mark.parametrize("lost_blocks", [1, 2, 25])
def test_a_hidden_loss_is_found(lost_blocks: int) -> None:
    track, clock = SoundTrack(BOOT_US), SampleClock()
    pulses = Pulses(track.position)
    found = []
    for number, (pcm, ended_us, _) in enumerate(card(0.0, 60)):
        if 300 <= number < 300 + lost_blocks:
            continue
        position = track.position
        for block in clock.stamp(pcm, ended_us):
            pulses.put(track.live(block))
        if track.state(position, track.position) == "lost":
            found.append(number)
    assert len(found) == 1
    assert found[0] <= 300 + lost_blocks + 10
    assert max(map(abs, pulses.deviations_us)) < 5_000


def test_a_late_first_block_is_put_right() -> None:
    """The first block after opening comes 300 ms late; the next ones show it. What would move is cut, nothing is moved."""
    track, clock = SoundTrack(BOOT_US - 1_000_000), SampleClock()
    pulses = Pulses(track.position)
    for number, (pcm, ended_us, _) in enumerate(card(0.0, 60)):
        for block in clock.stamp(pcm, ended_us + (300_000 if number == 0 else 0)):
            pulses.put(track.live(block))
    assert max(map(abs, pulses.deviations_us)) < 5_000


def test_what_came_before_the_track_is_cut() -> None:
    track = SoundTrack(BOOT_US)
    assert track.live(Block(bytes(BLOCK * 2), BOOT_US - 1_000_000)) == b""
    start = track.position
    gained = b"".join(track.live(Block(bytes(BLOCK * 2), BOOT_US - 20_000 + to_us(n * BLOCK))) for n in range(20))
    gained += track.silence(BOOT_US, "off")
    assert track.position == start + len(gained) // 2
    assert abs(to_us(track.position) - (BOOT_US - 20_000 + to_us(20 * BLOCK))) < 2_000


block = st.tuples(st.just("live"), st.integers(1, 3000), st.integers(-200_000, 2_000_000))
silence = st.tuples(st.sampled_from(["off", "lost"]), st.integers(0, 0), st.integers(-200_000, 2_000_000))


@settings(max_examples=count(2000))
@given(st.lists(block | silence, max_size=25))
def test_any_order_of_blocks_and_silences_gives_a_track_without_a_seam(steps: list[tuple[str, int, int]]) -> None:
    track = SoundTrack(BOOT_US)
    start = track.position
    gained = 0
    for state, samples, ahead_us in steps:
        before = track.position
        at_us = to_us(track.position) + ahead_us
        if state == "live":
            gained += len(track.live(Block(bytes(samples * 2), at_us))) // 2
        else:
            gained += len(track.silence(at_us, "off" if state == "off" else "lost")) // 2
            assert track.position >= to_samples(at_us)
        assert track.position >= before
        assert track.position == start + gained
    assert track.state(start, track.position) in ("live", "off", "lost")


def test_states_are_kept_by_the_sample() -> None:
    track = SoundTrack(0)
    track.silence(1_000_000, "off")
    track.live(Block(bytes(RATE * 2), 1_000_000))
    track.silence(3_000_000, "lost")
    second = [to_samples(n * 1_000_000) for n in range(4)]
    assert track.state(second[0], second[1]) == "off"
    assert track.state(second[0], second[1] + 1) == "live", "off means that nothing is from the microphone"
    assert track.state(second[1] + 10, second[2] - 100) == "live"
    assert track.state(second[1] + 10, second[3]) == "lost"
    assert track.state(second[2] + 100, second[3]) == "lost"
