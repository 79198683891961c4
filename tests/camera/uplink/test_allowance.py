"""A day's data: what is counted before it is sent, and stays counted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodycamd.camera.uplink.allowance import AHEAD_BYTES, FILE, MEGABYTE, Allowance
from tests.kit.scale import count

DAY = 86_400.0


def test_without_one_nothing_is_kept(tmp_path: Path) -> None:
    free = Allowance(tmp_path, None)
    assert free.take(10**12, 0.0)
    assert free.left_bytes(0.0) is None
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.tuples(st.sampled_from(["send", "kill", "day", "back"]), st.integers(1, 3 * MEGABYTE)), max_size=60))
@settings(max_examples=count(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_more_than_that_whoever_is_killed(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]) -> None:
    folder = tmp_path_factory.mktemp("state")
    allowance, day, sent, killed = Allowance(folder, 20), 100, 0, 0
    for what, size in steps:
        if what == "kill":
            allowance, killed = Allowance(folder, 20), killed + 1
        elif what == "day":
            day, sent, killed = day + 1, 0, 0
        elif what == "back":
            assert allowance.left_bytes((day - 1) * DAY) == allowance.left_bytes(day * DAY) or sent == 0, "yesterday is no new day"
        else:
            left = allowance.left_bytes(day * DAY)
            assert left is not None
            taken = allowance.take(size, day * DAY)
            assert taken == (size <= left)
            sent += size if taken else 0
            assert sent <= 20 * MEGABYTE
            assert taken or sent + killed * AHEAD_BYTES + size > 20 * MEGABYTE


@pytest.mark.parametrize("content", [b"", b"{}x", b'{"day": -1}', b"\xff" * 5000, b'{"day": 1, "bytes": "1"}'])
def test_a_file_that_is_none_counts_as_used_up(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    broken = Allowance(tmp_path, 1)
    assert broken.left_bytes(time.time()) == 0
    assert not broken.take(1, time.time())
    assert broken.left_bytes(time.time() + DAY) == MEGABYTE
