"""Which tests run alone: `make test` runs two processes beside each other, and these measure how long something takes."""

from __future__ import annotations

import pytest

ALONE = ("tests/board/test_voice_faults.py", "test_a_new_press_stops_the_sound_within_150_ms_and_records_at_once")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them `timing`."""
    for item in items:
        if any(part in item.nodeid for part in ALONE):
            item.add_marker(pytest.mark.timing)
