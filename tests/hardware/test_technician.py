"""The technician's pages: their tables are those that the camera plays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import PULSES, TABLE, RowName
from bodycamd.camera.control.state import Condition
from bodycamd.cli.remedies import REMEDIES
from tests.hardware.signs import FELT, MEANS, MODULE, NOTHING, TABLES, lamp, repeated, shown, word
from tests.kit.marked import written

ROOT = Path(__file__).parents[2]
PAGES = ["docs/technician.md", "docs/trouble.md", "hardware/README.md"]


@pytest.mark.parametrize(("page", "mark"), TABLES)
def test_the_tables_are_those_of_now(page: str, mark: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert written(text, mark, MODULE, TABLES[page, mark]()) == text, "write them anew: python -m tests.hardware.signs"


def test_every_sign_and_every_word_has_its_line() -> None:
    assert set(MEANS) == set(get_args(RowName)) == set(TABLE)
    assert set(FELT) == set(get_args(HapticName)) == set(PULSES)
    assert set(REMEDIES) >= set(get_args(Condition))


def test_no_two_lines_look_and_feel_alike() -> None:
    seen = [(lamp(row.lamp), lamp(row.ready_lamp), repeated(row.haptic)) for row in TABLE.values()]
    assert len(set(seen)) == len(seen)
    assert len({word(name) for name in PULSES}) == len(PULSES)


def test_patterns_are_told_as_they_are_played() -> None:
    told = {name: lamp(row.lamp) for name, row in TABLE.items()}
    assert told["recording"] == "on"
    assert told["blink"] == "blinks: 0.1 s on, 0.1 s off"
    assert told["low"] == "on, dark for 0.3 s every 10 s"
    assert told["missing"] == "two flashes of 0.12 s every 1 s"
    assert (word("low"), word("marker"), word("held")) == ("short, short, long", "tick", "strong")


def test_a_condition_is_shown_as_the_control_shows_it() -> None:
    assert (shown("storage_full", recording=False), shown("capture_stalled", recording=True)) == ("cannot record", "nothing is stored")
    assert (shown("battery_low", recording=False), shown("battery_low", recording=True)) == ("low, by the motor alone", "low")
    assert (shown("clock_untrusted", recording=False), shown("swap_degraded", recording=True)) == (NOTHING, NOTHING)


def test_links_to_headings_lead_to_headings() -> None:
    for page in [*PAGES, "hardware/bill-of-materials.md", "hardware/enclosure.md", "hardware/power.md"]:
        for target, heading in re.findall(r"\]\(([^)#:]*\.md)?#([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            there = (ROOT / page).parent / target if target else ROOT / page
            titles = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.M)
            assert heading in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, f"{page}: {target}#{heading}"
