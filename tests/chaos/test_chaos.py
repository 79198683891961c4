"""Whatever is killed, and whenever: each segment is at the station once, equal in every byte, and no receipt says what is not so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.fleet import Fleet
from tests.chaos.stores import BucketAndPostgres, FolderAndSqlite, Stores

pytestmark = pytest.mark.chaos

SHARE = float(os.environ.get("BODYCAMD_CHAOS", "0.03"))
"""Of 1,000 segments of 256 kB and 20 of 8 MB from 28 cameras, and 200 kills; `make nightly` takes all."""


def share(of: int, least: int) -> int:
    return max(least, round(of * SHARE))


def bucket_and_postgres(root: Path) -> Stores:
    os.environ.update(AWS_ACCESS_KEY_ID="STATION", AWS_SECRET_ACCESS_KEY="stationsecret")
    (root / "rgw").mkdir()
    return BucketAndPostgres(root / "rgw")


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "opened",
    [
        pytest.param(lambda _: FolderAndSqlite(), id="folder and SQLite"),
        pytest.param(bucket_and_postgres, id="bucket and PostgreSQL", marks=[pytest.mark.rgw, pytest.mark.postgres]),
    ],
)
def test_every_segment_comes_once_whatever_is_killed(tmp_path: Path, opened: Callable[[Path], Stores]) -> None:
    cameras, small, large, kills = min(28, share(28, 6)), share(1000, 24), share(20, 1), share(200, 12)
    began = time.monotonic()
    with (
        closing(opened(tmp_path)) as stores,
        closing(Fleet(tmp_path, stores, cameras, (small, 256_000), (large, 8_000_000), seed=cameras)) as fleet,
    ):
        fleet.blackout_seconds = 60.0 if SHARE > 0.1 else 10.0
        while fleet.kills < kills:
            time.sleep(fleet.random.uniform(0.05, 0.8))
            fleet.disturb()
        fleet.come_to_rest(3600)
        segments = fleet.check()
        print(fleet.told(segments=segments, seconds=round(time.monotonic() - began)))
        assert segments == small + large + 2 * cameras
