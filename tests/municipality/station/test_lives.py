"""Five weeks of a municipality: nothing is deleted early or late, at either place; no held one is lost; the index can always be made
anew."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.kit.scale import nightly_count, only_in_full
from tests.municipality.station.town import Town

DAYS = 36


@only_in_full
@pytest.mark.timeout(3600)
def test_five_weeks_of_a_municipality(tmp_path: Path) -> None:
    """A hundred cameras in the nightly run."""
    cameras = max(6, nightly_count(100))
    town, began = Town(tmp_path, cameras, seed=cameras), time.monotonic()
    for _ in range(DAYS):
        town.day()
    town.restore()
    done = {"cameras": cameras, "days": DAYS, **dict(sorted(town.did.items())), "seconds": round(time.monotonic() - began)}
    print(json.dumps(done))
    if figures := os.environ.get("BODYCAMD_LIVES_FIGURES"):
        Path(figures).write_text(json.dumps(done) + "\n")
    town.close()
    for what in ("recordings", "segments sent", "holds", "releases", "restores", "deleted on a camera", "deleted at the station"):
        assert town.did[what] > 0, f"no {what}: nothing was tried"
