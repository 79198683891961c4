"""The figures of hardware/power.md follow from its data, and each that went in has its source."""

from __future__ import annotations

import copy
import json

from tests.hardware.power import DATA, PAGE, figures, page

DERIVED = json.loads(DATA.read_text())


def test_the_page_has_the_figures_that_follow_from_the_data() -> None:
    text = PAGE.read_text()
    assert page(text, DERIVED) == text, "write them anew: python -m tests.hardware.power"
    assert text.splitlines()[2].startswith("**Derived, not measured.**")


def test_another_battery_changes_the_page() -> None:
    other = copy.deepcopy(DERIVED)
    other["cell_mah"]["value"] = 6000
    assert figures(other)["recording_hours"] == 2 * figures(DERIVED)["recording_hours"]
    assert page(PAGE.read_text(), other) != PAGE.read_text()


def test_each_figure_that_went_in_has_a_source() -> None:
    assert all(len(entry["source"]) > 20 for name, entry in DERIVED.items() if name != "supply_volts")


def test_recording_takes_more_than_standby() -> None:
    found = figures(DERIVED)
    assert 0 < found["standby_watts"] < found["recording_watts"]
    assert found["recording_hours"] < found["standby_hours"]


def test_the_drawing_of_the_hold_up_has_the_reckoned_values() -> None:
    drawn = (PAGE.parent / "hold-up.svg").read_text(encoding="utf-8")
    text = (PAGE.parent / "README.md").read_text(encoding="utf-8")
    farads, seconds = f"{2 * figures(DERIVED)['hold_up_farads']:.1f} F", f"{DERIVED['hold_up_seconds']['value']} s"
    for told in (drawn, text):
        assert f"{farads} or more" in told
        assert seconds in told
        assert f"{DERIVED['hold_up_empty_volts']['value']} V" in told


def test_a_hold_up_of_twice_the_time_takes_twice_the_capacity() -> None:
    longer = copy.deepcopy(DERIVED)
    longer["hold_up_seconds"]["value"] *= 2
    assert figures(longer)["hold_up_farads"] == 2 * figures(DERIVED)["hold_up_farads"]
    joules = (
        (DERIVED["hold_up_full_volts"]["value"] ** 2 - DERIVED["hold_up_empty_volts"]["value"] ** 2)
        * figures(DERIVED)["hold_up_farads"]
        / 2
    )
    assert round(joules, 6) == round(figures(DERIVED)["hold_up_joules"], 6)
