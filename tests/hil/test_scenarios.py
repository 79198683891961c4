"""Every scenario on the board of `BODYCAMD_BOARD` (mock); what a board cannot run is said in docs/hil.md, and is not run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from tests.hil.runner import make_board, run
from tests.hil.scenario import BoardName, Scenario, boards, missing, scenarios
from tests.kit.scale import IN_FULL, SCALE

BOARD = cast(BoardName, os.environ.get("BODYCAMD_BOARD", "mock"))
QUICK = {"bounce"}
"""What `make test` runs; `make hil` and CI run all."""
RUN = [one for one in scenarios() if not missing(one, boards()[BOARD])]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", RUN, ids=lambda one: one.name)
def test_scenario(scenario: Scenario, tmp_path: Path) -> None:
    if SCALE < IN_FULL and scenario.name not in QUICK:
        pytest.skip("takes long: make hil, make test-full")
    with make_board(BOARD, scenario, tmp_path) as board:
        run(scenario, board)
