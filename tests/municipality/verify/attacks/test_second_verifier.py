"""The second verifier, a shell script of stock tools, says of every attack what `bodycamd verify` says: exit code and every verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.scale import IN_FULL, SCALE, only_in_full
from tests.municipality.verify.attacks.attack import Attack
from tests.municipality.verify.attacks.scene import Scene, make
from tests.municipality.verify.attacks.second_verifier import CHOSEN, agree, said, second_opinion
from tests.municipality.verify.attacks.test_attacks import check

pytestmark = [only_in_full, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


@pytest.mark.parametrize("anchor", ["", "at_rest", "earlier", "running"] if SCALE >= IN_FULL else ["running"])
def test_they_agree_on_the_scene(scene: Scene, anchor: str) -> None:
    assert second_opinion(scene, anchor) == said(check(scene, anchor))


@pytest.mark.parametrize("attack", CHOSEN[::2], ids=lambda attack: attack.title.replace(" ", "-"))
def test_they_agree(attack: Attack, scene: Scene, tmp_path: Path) -> None:
    agree(attack, scene, tmp_path)
