"""The bill of materials is in step with its page and with what the software can drive, and a build's battery lasts as its page says."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from msgspec.structs import replace

from bodycamd.config.settings import Config
from tests.hardware import power
from tests.hardware.bill import DATA, PAGE, Bill, Part, battery_watt_hours, configuration, contradictions, known_usd, page, read

TEXT = DATA.read_text(encoding="utf-8")
BILL = read(TEXT)
CONFIGURATIONS: dict[str, Config] = {name: configuration(build) for name, build in BILL.build.items()}


def test_the_page_has_the_parts_and_sums_of_the_data() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, BILL) == text, "write it anew: python -m tests.hardware.bill"
    assert text.splitlines()[2].startswith("**Nobody has built one yet.**")


def test_every_part_fits_the_software_and_its_configuration() -> None:
    assert list(contradictions(BILL, CONFIGURATIONS)) == []
    assert {build.board.model for build in CONFIGURATIONS.values()} == {"pi-zero-2-w", "pi-4"}


@pytest.mark.parametrize(
    ("part", "settings", "said"),
    [
        ("gauge-max17048", {"board.battery.gauge": "max17055"}, "no adapter for board.battery.gauge: max17055; allowed: ina219, kernel"),
        ("gauge-max17048", {"board.battery.gauge": "ina219"}, "board.battery.gauge is max17048 in the configuration, not ina219"),
        ("gauge-max17048", {}, "board.battery.gauge is max17048, and no battery gauge is bought"),
        ("clock-rv3028", {"clock.rtc": "ds1307"}, "no adapter for clock.rtc: ds1307"),
        ("codec-zero", {"board.hat": "jam-hat"}, "no adapter for board.hat: jam-hat"),
        ("module-3-wide", {"video.module": "arducam"}, "no adapter for video.module: arducam"),
        ("cell-18650", {"board.battery.capacity_mah": 9900}, "capacity_mah is 3500 in the configuration, not 9900"),
        ("motor", {"board.hapitc": 4}, "no adapter for board.hapitc: 4"),
    ],
)
def test_a_part_that_the_software_cannot_drive_is_refused(part: str, settings: dict[str, str | int], said: str) -> None:
    changed = replace(BILL, part={**BILL.part, part: replace(BILL.part[part], settings=settings)})
    assert any(said in problem for problem in contradictions(changed, CONFIGURATIONS)), list(contradictions(changed, CONFIGURATIONS))


def test_a_part_that_no_build_has_or_that_is_missing_is_refused() -> None:
    without = msgspec.convert({**msgspec.to_builtins(BILL), "part": {}}, Bill)
    assert "zero-2-w: no part motor" in list(contradictions(without, CONFIGURATIONS))
    spare = replace(BILL, part={**BILL.part, "spare": Part(what="spare", maker="any", type="any")})
    assert list(contradictions(spare, CONFIGURATIONS)) == ["spare: of no build"]


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="price_eur"):
        read(TEXT.replace("price_usd = 55.00", "price_eur = 55.00"))


def test_a_price_comes_with_its_date_and_where_it_was_seen() -> None:
    for name, part in BILL.part.items():
        assert (part.price_usd is None) == (part.price_seen is None) == (part.price_quoted is None), name
        assert part.price_seen is None or part.price_seen == "undated" or re.fullmatch(r"20\d\d-\d\d-\d\d", part.price_seen), name
        assert part.price_seen is None or part.price_seen == "undated" or part.price_seen <= BILL.as_of, name
        assert (part.size_mm is None) == (part.size_from is None), name


def test_the_sum_counts_pieces_and_leaves_out_what_is_not_known() -> None:
    build = BILL.build["zero-2-w"]
    twice = replace(build, parts={"motor": 2, "clip": 1})
    assert known_usd(BILL, twice) == (3.9, 1)


def test_the_small_builds_battery_lasts_a_shift() -> None:
    shift = power.figures(json.loads(power.DATA.read_text()))["shift_watt_hours"]
    assert battery_watt_hours(BILL, BILL.build["zero-2-w"]) >= shift


def test_the_text_says_which_battery_does_not_last() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("**not enough for**") == 1
    assert "The large build takes more than its battery gives in a shift" in text
