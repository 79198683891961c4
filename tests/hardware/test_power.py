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
