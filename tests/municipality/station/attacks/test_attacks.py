"""Every attack on the way between camera and station ends as the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.scale import sample
from tests.municipality.station.attacks import table
from tests.municipality.station.attacks.attack import Attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.attacks.table import ATTACKS

PAGE = Path(__file__).parents[4] / "docs" / "attacks-on-the-station.md"


@pytest.mark.parametrize("attack", sample(ATTACKS, 12), ids=lambda attack: attack.title.replace(" ", "-"))
def test_attack(attack: Attack, tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        assert attack.carried(ground) == attack.outcome


def test_there_are_at_least_sixty_and_no_two_are_the_same() -> None:
    assert len({(attack.group, attack.title) for attack in ATTACKS}) == len(ATTACKS) >= 60


def test_the_page_is_generated_from_these_tests() -> None:
    assert PAGE.read_text() == table.page(), (
        "write it anew: python -m tests.municipality.station.attacks.table > docs/attacks-on-the-station.md"
    )
