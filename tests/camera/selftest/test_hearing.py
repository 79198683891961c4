"""The warning is found in what the microphone took, however faint, late or upside down; other sounds are not taken for it."""

from __future__ import annotations

import random

import pytest

from bodycamd.camera.selftest.hearing import RATE, at_rate, likeness
from bodycamd.camera.selftest.judge_capture import HEARD
from bodycamd.config.pcm_wav import SAMPLE_RATE
from bodycamd.config.warning_sound import load
from tests.kit.camera import WARNING


def spoken(language: str = "nl") -> list[float]:
    return list(at_rate(load(WARNING.with_name(f"{language}.wav")).samples, SAMPLE_RATE))


def noise(length: int, loudness: float) -> list[float]:
    chance = random.Random(1)
    return [chance.gauss(0, loudness) for _ in range(length)]


def loudness(samples: list[float]) -> float:
    return float((sum(sample * sample for sample in samples) / len(samples)) ** 0.5)


@pytest.mark.parametrize(("late_seconds", "gain"), [(0.0, 1.0), (0.37, 0.02), (0.9, -0.3)])
def test_the_warning_is_heard_wherever_it_lies_and_however_loud(late_seconds: float, gain: float) -> None:
    quiet = [0.0] * round(late_seconds * RATE)
    heard = [*quiet, *(gain * sample for sample in spoken()), *[0.0] * 1000]
    assert likeness(heard, spoken()) >= 0.999


def test_it_is_heard_in_noise_of_its_own_loudness() -> None:
    warning = spoken()
    heard = [sample + other for sample, other in zip(warning, noise(len(warning), 2 * loudness(warning)), strict=True)]
    assert HEARD < likeness(heard, warning) < 0.6


def test_nothing_else_is_taken_for_it() -> None:
    warning = spoken()
    room = [0.0] * RATE
    assert likeness([*room, *spoken("en"), *room], warning) < HEARD
    assert likeness(noise(len(warning) + RATE, 0.1), warning) < HEARD
    assert likeness([*warning[len(warning) // 2 :], *room, *room, *room, *room], warning) < 0.9, "a half is not the whole"


def test_silence_and_too_little_are_nothing() -> None:
    warning = spoken()
    assert likeness([0.0] * len(warning), warning) == 0.0
    assert likeness(warning[:-1], warning) == 0.0
    assert likeness(warning, []) == 0.0


def test_stereo_is_heard_as_both_sides() -> None:
    mono = load(WARNING).samples
    both = b"".join(mono[at : at + 2] * 2 for at in range(0, len(mono), 2))
    assert likeness(at_rate(both, SAMPLE_RATE, 2), spoken()) >= 0.999
