"""How many random cases a run takes: a tenth by default, all in CI and the nightly run."""

from __future__ import annotations

import os

SCALE = float(os.environ.get("BODYCAMD_TEST_SCALE", "0.1"))


def count(full: int) -> int:
    """The number of cases for this run, where `full` is the number for a full one."""
    return max(1, round(full * SCALE))
