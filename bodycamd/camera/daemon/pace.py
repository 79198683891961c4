"""How often somebody may ask."""

from __future__ import annotations

from collections import deque

from bodycamd.errors import UnavailableError


class Pace:
    """At most so many a second of `what`."""

    def __init__(self, most: int, what: str) -> None:
        self._most, self._what = most, what
        self._recent: deque[float] = deque(maxlen=most)

    def keep(self, at_seconds: float) -> None:
        """One more, now. Raises `UnavailableError` where it is one too many."""
        if len(self._recent) == self._most and at_seconds - self._recent[0] < 1.0:
            raise UnavailableError(f"at most {self._most} {self._what} a second are taken: wait a second")
        self._recent.append(at_seconds)

    def forget(self) -> None:
        """Nothing was asked of late."""
        self._recent.clear()
