"""The other half of the attacks, for another worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.casework.attacks.attack import Attack
from tests.casework.attacks.scene import Scene, make
from tests.casework.attacks.second_verifier import CHOSEN, agree


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


@pytest.mark.parametrize("attack", CHOSEN[1::2], ids=lambda attack: attack.title.replace(" ", "-"))
def test_they_agree(attack: Attack, scene: Scene, tmp_path: Path) -> None:
    agree(attack, scene, tmp_path)
