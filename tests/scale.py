"""How many random cases a run takes, by BODYCAMD_TEST_SCALE: 0.1 for `make test`, 1 in CI, 10 in `make nightly`.

Cheap cases are run in full in CI (`count`); those that take minutes are run in full in the nightly run, and a tenth of them in CI
(`nightly_count`).
"""

from __future__ import annotations

import os

import pytest

SCALE = float(os.environ.get("BODYCAMD_TEST_SCALE", "0.1"))


def count(full: int) -> int:
    """The number of cases for this run, where `full` is the number for CI."""
    return max(1, round(full * min(SCALE, 1.0)))


def nightly_count(full: int) -> int:
    """The number of cases for this run, where `full` is the number for the nightly run."""
    return max(1, round(full * min(SCALE / 10, 1.0)))


only_in_full = pytest.mark.skipif(SCALE < 1, reason="takes long: with BODYCAMD_TEST_SCALE=1, see scripts/test-full and make nightly")
"""For tests that `make test` leaves out to stay under three minutes."""
