"""Segments, and bundles, that did not go: set aside, each for a time of its own, so that the others go meanwhile. Kept in memory alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from bodycamd.camera.uplink.order import pause_seconds

REFUSED_SECONDS: Final = 3_600.0
"""Until one is tried again that the station refused or the recorder could not open: each try may cost all of its bytes."""
LONGEST_SECONDS: Final = 86_400.0


class _Tried(Struct):
    failures: int = 0
    until: float = 0.0
    reached: int = 0
    why: str = ""


class Aside:
    """By recording and file. Times are of a clock that never goes back."""

    def __init__(self, longest_pause_seconds: float) -> None:
        self._longest_pause_seconds = longest_pause_seconds
        self._tried: dict[tuple[str, str], _Tried] = {}

    def keep(self, recordings: Collection[str]) -> None:
        """Forget what is of no recording that still waits."""
        self._tried = {name: tried for name, tried in self._tried.items() if name[0] in recordings}

    def rests(self, recording: str, file: str, now: float) -> bool:
        """Whether its time has not come yet."""
        tried = self._tried.get((recording, file))
        return tried is not None and now < tried.until

    def reaches(self, recording: str, file: str, at: int) -> bool:
        """The station has so many bytes of it: whether those are more than ever before."""
        tried = self._tried.setdefault((recording, file), _Tried())
        further = at > tried.reached
        tried.reached = max(tried.reached, at)
        return further

    def failed(self, recording: str, file: str, why: str, now: float, *, refused: bool) -> bool:
        """Once more; twice as long each time. `refused`: it is this segment alone that does not go. Whether that is news."""
        tried = self._tried.setdefault((recording, file), _Tried())
        tried.failures += 1
        if refused:
            tried.until = now + min(LONGEST_SECONDS, REFUSED_SECONDS * 2.0 ** min(tried.failures - 1, 32))
        else:
            tried.until = now + pause_seconds(tried.failures, 0.0, self._longest_pause_seconds)
        news, tried.why = why != tried.why, why
        return news

    def why(self, recording: str, file: str) -> str:
        """Why it did not go, by the last try; empty where it was not tried."""
        tried = self._tried.get((recording, file))
        return tried.why if tried is not None else ""

    def went(self, recording: str, file: str) -> None:
        """It is at the station."""
        self._tried.pop((recording, file), None)

    def told(self) -> str:
        """How many rest, and why one of them does; empty: none."""
        found = [(*name, tried.why) for name, tried in self._tried.items() if tried.why]
        return f"{len(found)} set aside: {found[-1][0]}/{found[-1][1]}: {found[-1][2]}" if found else ""
