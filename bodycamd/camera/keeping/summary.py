"""The result of the last retention sweep, as `status` shows it."""

from __future__ import annotations

from msgspec import Struct


class Summary(Struct, frozen=True):
    """Of the last sweep. Lists hold at most twenty; times are text of the wall clock, empty where there is none."""

    swept_at: str = ""
    clock_confirmed: bool = False
    recordings: int = 0
    held: tuple[str, ...] = ()
    reviews_due: tuple[str, ...] = ()
    next_recording: str = ""
    next_deletes_on: str = ""
    problems: tuple[str, ...] = ()
    held_recordings: int = 0
    """All that are held, listed or not."""
