"""Three simulated years, many times: never early, never while held, never an hour too long."""

from __future__ import annotations

import pytest

from tests.kit.scale import nightly_count, only_in_full
from tests.retention.world import DAY, World

pytestmark = only_in_full

RUNS = nightly_count(2000)
BATCHES = 4


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("honest", [True, False], ids=["honest", "lying"])
def test_three_years_in_memory(honest: bool, batch: int) -> None:
    """With a clock that is right when it is trusted, and with one that is sometimes trusted and wrong."""
    deleted = refused = 0
    for seed in range(batch, max(BATCHES, RUNS // 2), BATCHES):
        world = World(seed, honest=honest)
        try:
            world.live(3)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        deleted, refused = deleted + len(world.deleted), refused + world.refused
        assert not world.deleted or min(world.deleted.values()) >= world.rules.days * DAY
    assert deleted > 100
    assert refused > 100
