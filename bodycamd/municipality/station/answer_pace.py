"""How often a camera may ask whether a segment is still there: for each answer the whole of it is read, which a bucket charges for.

A camera that has a day's footage shown asks some hundred times, in as many minutes as it likes; who has stolen its uplink's key would ask
without end. So a few dozen answers come at once, and from then on one every ten seconds; and one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from bodycamd.errors import UnavailableError

AT_ONCE: Final = 30
SECONDS: Final = 10.0
"""After which there may be one answer more."""


class TooSoonError(UnavailableError):
    """Ask again after `after_seconds`."""

    def __init__(self, why: str, after_seconds: float) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class AnswerPace:
    """Of the cameras that ask one process of a station: so many answers at once, and then one more each so many seconds. May be used from
    any thread; `now_seconds` only ever grows."""

    def __init__(self, now_seconds: Callable[[], float], at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        self._now_seconds, self._at_once, self._seconds = now_seconds, at_once, seconds
        self._free_from: dict[str, float] = {}
        """When a camera would have all of its answers at once again."""
        self._answered: set[str] = set()
        self._table = threading.Lock()

    @contextmanager
    def one(self, device: str) -> Iterator[None]:
        """One answer, while it is made. Raises `TooSoonError` where it is one too many."""
        with self._table:
            now = self._now_seconds()
            if device in self._answered:
                raise TooSoonError(f"{device}: another answer of this camera's is being made", self._seconds)
            free_from = max(now, self._free_from.get(device, now)) + self._seconds
            left = free_from - now - self._at_once * self._seconds
            if left > 0:
                raise TooSoonError(f"{device}: it has had its answers for now", left)
            self._free_from[device] = free_from
            self._answered.add(device)
        try:
            yield
        finally:
            with self._table:
                self._answered.discard(device)
