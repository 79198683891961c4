"""Every scenario on the board of `BODYCAMD_BOARD` (mock); what a board cannot run is said in docs/hil.md, and is not run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from tests.hil.board import Board
from tests.hil.mock_board import MockBoard
from tests.hil.pi_camera import PiCamera
from tests.hil.remote_board import RemoteBoard
from tests.hil.runner import run
from tests.hil.scenario import BoardName, Scenario, boards, missing, scenarios
from tests.hil.virtual_camera import VirtualCamera
from tests.kit.scale import IN_FULL, SCALE

BOARD = cast(BoardName, os.environ.get("BODYCAMD_BOARD", "mock"))
QUICK = {"bounce"}
"""What `make test` runs; `make hil` and CI run all."""
RUN = [one for one in scenarios() if not missing(one, boards()[BOARD])]
EMULATED = 4.0
"""So many times longer than a Pi may a virtual camera take, by its own clock."""
pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(3600)] if BOARD == "virtual" else [pytest.mark.timeout(300)]


@pytest.fixture
def board_of(request: pytest.FixtureRequest) -> Callable[[Scenario, Path], Board]:
    """The board of a scenario, not started."""
    match BOARD:
        case "mock":
            return lambda scenario, folder: MockBoard(folder, scenario.settings, whole_warning=scenario.whole_warning)
        case "virtual":
            camera: VirtualCamera = request.getfixturevalue("prepared")
            return lambda scenario, folder: RemoteBoard(camera, patience=EMULATED, newer=camera.newer, fresh=True)
        case "pi":
            pi: PiCamera = request.getfixturevalue("raspberry_pi")
            return lambda scenario, folder: RemoteBoard(pi)


@pytest.mark.parametrize("scenario", RUN, ids=lambda one: one.name)
def test_scenario(scenario: Scenario, board_of: Callable[[Scenario, Path], Board], tmp_path: Path) -> None:
    if SCALE < IN_FULL and scenario.name not in QUICK:
        pytest.skip("takes long: make hil, make test-full")
    if "kernel_driver" in scenario.needs and os.environ.get("FILM"):
        pytest.skip("a film has no kernel driver: without FILM")
    with board_of(scenario, tmp_path) as board:
        run(scenario, board)
