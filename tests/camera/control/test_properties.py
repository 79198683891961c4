"""Properties of the whole control under random and adversarial sequences of events."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.control.state import Policy
from tests.camera.control.moves import KINDS, LATER, Move, random_moves, random_settings
from tests.camera.control.sequences import play
from tests.kit.scale import count

SEED = 20_260_101
CASES = count(20_000)
EACH = min(CASES, 1_000)
"""All in one test took longer than the 120 s that a test may take, on a slow machine, and nothing was wrong."""

moves = st.lists(
    st.tuples(st.integers(0, KINDS - 1), st.sampled_from(sorted(set(LATER))), st.integers(0, 7), st.integers(0, 7)),
    max_size=40,
)
policies = st.builds(random_settings, st.randoms(use_true_random=False))

MUST_COME_UP = {
    "begin played_to_device ",
    "begin skipped ",
    "begin failed ",
    "begin none resumes",
    "end officer",
    "end storage_full",
    "end battery_critical",
    "end shutdown",
    "continue",
    "seal now",
    "pulse started",
    "pulse saved",
    "pulse ready",
    "pulse reminder",
    "refuse storage_full",
    "refuse warning_failed",
    "refuse shutdown",
    "refuse battery_critical",
    "marker",
    "press_latched",
    "resume_declined",
    "failing",
    "left_unsealed",
    "seal_forced",
    "asked and answered",
    "goes on after a hold",
    "skip",
    "burst",
    "pulse marker",
    "pulse held",
    "pulse asked",
    "pulse continues",
    "button_held",
    "call for help",
    "pulse help_sent",
    "pulse help_not_sent",
    "pulse help_answered",
    "help_not_sent",
    "button_stuck",
    "button_freed",
    "worker_stuck",
    "worker_freed",
}


@pytest.mark.parametrize("first", range(0, CASES, EACH))
def test_random_sequences_keep_every_promise(first: int) -> None:
    seen: set[str] = set()
    for case in range(first, first + EACH):
        chance = random.Random(SEED + case)
        policy = random_settings(chance)
        sequence = [(4, 0, 0, 0), *random_moves(chance, 40)] if chance.random() < 0.8 else random_moves(chance, 40)
        try:
            seen |= play(policy, sequence, obedient=chance.random() < 0.8).seen
        except AssertionError as error:
            raise AssertionError(f"case {case}: {error}; {policy}; {sequence}") from error
    if EACH == 1_000:
        assert seen >= MUST_COME_UP


@settings(max_examples=count(2_000))
@given(policies, moves, st.booleans())
def test_sequences_that_hypothesis_shrinks(policy: Policy, sequence: list[Move], obedient: bool) -> None:
    play(policy, sequence, obedient)
