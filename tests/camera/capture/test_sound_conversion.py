"""From the card's samples to the track's: the right side, the right pitch, the right moment, and no clipping."""

from __future__ import annotations

import numpy as np
import pytest

from bodycamd.camera.capture.worker.sound_conversion import RATES, SoundConversion
from bodycamd.camera.capture.worker.sound_track import RATE

OTHER_RATES = [rate for rate in RATES if rate != RATE]


def converted(conversion: SoundConversion, samples: np.ndarray, rate: int) -> tuple[np.ndarray, list[int]]:
    """In blocks as a device reads them; and after each, how many µs of what went in have not come out."""
    conversion.begin(rate)
    block = 2048 * rate // RATE
    parts, held = [], []
    for at in range(0, len(samples) - block + 1, block):
        parts.append(np.frombuffer(conversion.put(samples[at : at + block].astype("<i2").tobytes()), "<i2"))
        held.append(conversion.held_us)
    return np.concatenate(parts), held


def sine(rate: int, seconds: float, hertz: float, amplitude: float) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).round()


def test_a_card_of_48_khz_passes_as_it_is() -> None:
    samples = np.random.default_rng(1).integers(-32768, 32767, RATE)
    out, held = converted(SoundConversion("mix", 0), samples, RATE)
    assert (out == samples[: len(out)]).all()
    assert set(held) == {0}


@pytest.mark.parametrize(("channel", "side"), [("left", 0), ("right", 1)])
def test_one_side_of_a_stereo_card(channel: str, side: int) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32767, (RATE, 2))
    conversion = SoundConversion("left" if channel == "left" else "right", 0)
    assert conversion.channels == 2
    out, _ = converted(conversion, samples, RATE)
    assert (out == samples[: len(out), side]).all()


@pytest.mark.parametrize("rate", OTHER_RATES)
def test_every_rate_becomes_48_khz_of_the_same_pitch_and_loudness(rate: int) -> None:
    out, _ = converted(SoundConversion("mix", 0), sine(rate, 2, 1000, 10_000), rate)
    middle = out[RATE // 2 : RATE // 2 + RATE].astype(float)
    spectrum = np.abs(np.fft.rfft(middle)) / (RATE / 2)
    assert int(np.argmax(spectrum)) == 1000
    assert 9_700 < spectrum[1000] < 10_300
    spectrum[990:1011] = 0
    assert 20 * np.log10(np.max(spectrum) / 10_000) < -60, "no image, no alias"


@pytest.mark.parametrize("gain_db", [0.0, 12.0])
@pytest.mark.parametrize("rate", RATES)
def test_what_is_held_back_is_known_so_that_every_sample_keeps_its_time(rate: int, gain_db: float) -> None:
    """A click at a known moment comes out at that moment, counted from the end of what has come out."""
    samples = np.zeros(rate * 2)
    samples[rate] = 8000
    conversion = SoundConversion("mix", gain_db)
    out, held = converted(conversion, samples, rate)
    captured_us = len(samples) // (2048 * rate // RATE) * (2048 * rate // RATE) * 1e6 / rate
    ended_us = captured_us - held[-1]
    click_us = ended_us - (len(out) - int(np.argmax(np.abs(out)))) * 1e6 / RATE
    assert abs(click_us - 1e6) < 500
    assert 0 <= max(held) < 25_000


@pytest.mark.parametrize("gain_db", [6.0, 30.0])
def test_a_gain_is_loud_and_never_clips(gain_db: float) -> None:
    quiet, _ = converted(SoundConversion("mix", gain_db), sine(RATE, 1, 1000, 200), RATE)
    assert np.abs(quiet[4800:]).max() == pytest.approx(200 * 10 ** (gain_db / 20), rel=0.03)
    loud, _ = converted(SoundConversion("mix", gain_db), sine(RATE, 1, 1000, 30_000), RATE)
    assert 25_000 < np.abs(loud[4800:].astype(int)).max() < 32_000
    assert (np.diff(np.flatnonzero(np.abs(loud.astype(int)) >= 31_900)) > 1).all(), "no flat tops"


def test_a_gain_below_zero_is_quieter() -> None:
    out, _ = converted(SoundConversion("mix", -20.0), sine(RATE, 1, 1000, 10_000), RATE)
    assert np.abs(out[4800:]).max() == pytest.approx(1000, rel=0.01)


def test_digital_silence_stays_digital_silence() -> None:
    for rate in RATES:
        out, _ = converted(SoundConversion("right", 30.0), np.zeros((rate, 2)), rate)
        assert not out.any()
