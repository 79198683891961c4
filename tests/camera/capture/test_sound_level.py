"""The level of sound, and digital silence: shown after five seconds, never in a quiet room, not ended by a crackle."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.camera.capture.worker.microphone import BLOCK_SAMPLES
from bodycamd.camera.capture.worker.sound_devices import tone
from bodycamd.camera.capture.worker.sound_level import SOUNDING_SAMPLES, SilenceGate, level, unchanging
from bodycamd.camera.capture.worker.sound_track import RATE

ZEROS = bytes(BLOCK_SAMPLES * 2)
OFFSET = b"\x07\x00" * BLOCK_SAMPLES
"""A dead converter with an offset: no zeros, and no sound."""
BLOCKS_OF_5_S = -(-5 * RATE // BLOCK_SAMPLES)


def noise(rms: float, blocks: int, seed: int = 1) -> list[bytes]:
    """A microphone in a quiet room: its own noise, so many units of the last bit."""
    made = np.random.default_rng(seed).normal(0, rms, (blocks, BLOCK_SAMPLES))
    return [block.round().astype("<i2").tobytes() for block in made]


def shown(blocks: list[bytes], gate: SilenceGate | None = None) -> list[bool]:
    gate = gate or SilenceGate()
    return [gate.put(block) for block in blocks]


@pytest.mark.parametrize("dead", [ZEROS, OFFSET])
def test_silence_is_shown_after_five_seconds_and_sound_ends_it(dead: bytes) -> None:
    gate = SilenceGate()
    told = shown([dead] * (BLOCKS_OF_5_S + 10), gate)
    assert told.index(True) == BLOCKS_OF_5_S - 1
    assert all(told[BLOCKS_OF_5_S:])
    back = shown(noise(30, 60), gate)
    assert back.index(False) == -(-SOUNDING_SAMPLES // BLOCK_SAMPLES) - 1
    assert not any(back[30:])


@pytest.mark.parametrize("rms", [0.4, 1, 5, 300])
def test_a_quiet_room_is_never_silent(rms: float) -> None:
    assert not any(shown(noise(rms, 3000)))


def test_what_the_simulated_sources_give_is_not_silent() -> None:
    loop = tone() * 20
    assert not any(shown([loop[at : at + 4096] for at in range(0, len(loop), 4096)]))


def test_a_pause_below_five_seconds_is_a_pause() -> None:
    pause = [ZEROS] * (BLOCKS_OF_5_S - 1)
    assert not any(shown([*pause, *noise(30, 1), *pause]))


def test_a_crackle_does_not_end_it() -> None:
    gate = SilenceGate()
    shown([ZEROS] * BLOCKS_OF_5_S, gate)
    assert gate.silent
    for block in noise(3000, 20):
        assert all(shown([*[block] * 10, ZEROS], gate)), "ten blocks of sound are less than a second"


@given(st.lists(st.sampled_from(["zeros", "noise"]), max_size=600))
def test_it_changes_only_after_its_time_against_it(kinds: list[str]) -> None:
    sounding = noise(20, 1)[0]
    told = shown([ZEROS if kind == "zeros" else sounding for kind in kinds])
    for at, (before, now) in enumerate(pairwise([False, *told])):
        if now != before:
            needed = BLOCKS_OF_5_S if now else -(-SOUNDING_SAMPLES // BLOCK_SAMPLES)
            assert kinds[at - needed + 1 : at + 1] == (["zeros"] if now else ["noise"]) * needed


def test_levels_in_decibels_below_full_scale() -> None:
    square = np.tile(np.array([-32768, 32767], "<i2"), BLOCK_SAMPLES // 2)
    assert (level(square.tobytes()).peak_dbfs, level(square.tobytes()).rms_dbfs) == (0.0, 0.0)
    sine = np.sin(2 * np.pi * np.arange(BLOCK_SAMPLES) * 10 / BLOCK_SAMPLES) * 3276.8
    measured = level(sine.round().astype("<i2").tobytes())
    assert (measured.peak_dbfs, measured.rms_dbfs) == (-20.0, -23.0)
    for nothing in (ZEROS, b""):
        assert (level(nothing).peak_dbfs, level(nothing).rms_dbfs) == (-120.0, -120.0)


def test_one_sample_that_differs_is_a_change() -> None:
    assert unchanging(ZEROS)
    assert unchanging(OFFSET)
    assert not unchanging(ZEROS[:-2] + b"\1\0")
    assert not unchanging(b"\1\0" + ZEROS[2:])
