"""Hands that press without meaning it (`hands`): what they do to a recording, by both rules. The seeds are fixed, so are the counts."""

from __future__ import annotations

import math

import pytest

from tests.camera.control.button_traces import RULES, Counts, run, upper
from tests.camera.control.hands import MODELS, Model
from tests.kit.scale import nightly_count, only_in_full

MOST_STOPS = {"glove": 0.0, "fall": 0.005, "seat belt": 0.06, "struggle": 0.06, "mashing": 0.005}
"""The share of traces in which the default may stop what nobody stopped."""
TRACES = nightly_count(10_000)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_default_stops_little_that_nobody_stopped_and_loses_little(model: Model) -> None:
    counts = run(model, "hold_then_press", TRACES)
    assert counts.traces == TRACES
    most = MOST_STOPS[model.name] * TRACES
    assert counts.stops <= most + 2 * math.sqrt(most)
    assert counts.lost <= 0.06 * counts.gestures


@only_in_full
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_default_stops_less_than_a_hold_alone(model: Model) -> None:
    asks, alone = (run(model, rule, TRACES // 2) for rule in RULES)
    assert asks.stops < alone.stops or alone.stops == 0


def test_the_same_hand_does_the_same() -> None:
    assert run(MODELS[1], "hold", 3) == run(MODELS[1], "hold", 3) != Counts()


@pytest.mark.parametrize(("found", "of", "percent"), [(0, 10_000, 0.0369), (0, 1, 97.5), (10, 100, 17.437), (100, 100, 100.0)])
def test_the_upper_end_of_the_interval(found: int, of: int, percent: float) -> None:
    """Ten of a hundred: as in Wilson's table; none: the exact bound, 1 - 0.025^(1/n)."""
    assert 100 * upper(found, of) == pytest.approx(percent, abs=0.01)
