"""Verification against `sha256sum` over the same files, and whether it stays linear."""

from __future__ import annotations

import sys

import pytest

from tests.bench.figures import Table
from tests.bench.long_store import ROUNDS, TIMEOUT_SECONDS, Cost, LongStore, cost

pytestmark = [pytest.mark.bench, pytest.mark.timeout(TIMEOUT_SECONDS)]


def measure(made: LongStore) -> tuple[float, Cost, Cost]:
    """Gigabytes, and what verify and sha256sum cost over them."""
    verify = (sys.executable, "-m", "bodycamd.cli.main", "verify", "--store", made.store, "--device-key", made.device_key)
    mine: Cost | None = None
    peer: Cost | None = None
    for _ in range(ROUNDS):
        peer = cost("sha256sum", *made.files).better(peer)
        mine = cost(*verify).better(mine)
    assert mine is not None
    assert peer is not None
    return made.gigabytes, mine, peer


def test_verify(table: Table, long_stores: tuple[LongStore, LongStore]) -> None:
    small, large = map(measure, long_stores)
    for gigabytes, mine, peer in (small, large):
        table.add(
            f"verify: {gigabytes * 1000:.0f} MB, CPU",
            mine.processor / peer.processor,
            f"{mine.processor / gigabytes:.2f} s/GB ({mine.wall / gigabytes:.2f} by the clock), {mine.megabytes:.0f} MB of memory",
            peer=f"sha256sum {peer.processor / gigabytes:.2f} s/GB ({peer.wall / gigabytes:.2f} by the clock)",
            ratio=f"{mine.processor / peer.processor:.2f}x",
            at_most=2 if gigabytes is large[0] else None,
            target="<= 2x" if gigabytes is large[0] else "",
        )
    growth = (large[1].processor / large[0]) / (small[1].processor / small[0])
    more = large[1].megabytes - small[1].megabytes
    name = f"{large[0] * 1000:.0f} MB against {small[0] * 1000:.0f} MB"
    table.add(f"verify: linear, CPU per GB of {name}", growth, f"{growth:.2f}x, start included", at_most=1.2, target="<= 1.2x")
    table.add(f"verify: memory of {name}", more, f"{more:+.1f} MB", at_most=5, target="<= 5 MB")
