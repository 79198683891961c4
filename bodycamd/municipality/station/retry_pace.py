"""When something that failed is tried again: after a minute, then after twice as long each time, up to a day.

Each try may read hours of footage at both ends, and what stands in the way at another controller's place may stand there for months. Kept
in memory alone: a new process tries everything once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeAlias

from msgspec import Struct

FIRST_SECONDS: Final = 60.0
LONGEST_SECONDS: Final = 86_400.0

Tried: TypeAlias = tuple[str, str, str]
"""Receiver, camera and recording."""


class _Failed(Struct, frozen=True):
    times: int
    until: float


class RetryPace:
    """Of one thread. `now_seconds` only ever grows."""

    def __init__(self, now_seconds: Callable[[], float]) -> None:
        self._now_seconds = now_seconds
        self._failed: dict[Tried, _Failed] = {}

    def is_due(self, what: Tried) -> bool:
        """Whether its time has come, or it has not failed yet."""
        failed = self._failed.get(what)
        return failed is None or self._now_seconds() >= failed.until

    def failed(self, what: Tried) -> float:
        """Once more: so many seconds nothing of it is tried."""
        times = self._failed[what].times + 1 if what in self._failed else 1
        seconds = pause_seconds(times)
        self._failed[what] = _Failed(times, self._now_seconds() + seconds)
        return seconds

    def keep(self, device: str, recordings: Collection[str]) -> None:
        """Forget of a camera what is of no recording that is still to go."""
        self._failed = {what: failed for what, failed in self._failed.items() if what[1] != device or what[2] in recordings}


def pause_seconds(times: int) -> float:
    """After so many failures in a row."""
    return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(times - 1, 32))
