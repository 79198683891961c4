"""How much footage still fits, as pure functions.

The last `reserve_bytes` of the disk belong to the ledger and the keys; footage never uses them. Levels have hysteresis, so that a disk that
hovers at a threshold does not flicker: `low` below `low_minutes`, left again 10 % above; `full` below 10 s of footage, left again at 60 s.
"""

from __future__ import annotations

from dataclasses import dataclass

from bodycamd.camera.control.events import StorageLevel

LEDGER_RESERVE_BYTES = 64 * 1024 * 1024
FULL_MINUTES = 10 / 60
NOT_FULL_MINUTES = 1.0
LOW_HYSTERESIS = 1.1
RATE_WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Room:
    """One report: bytes free for footage (without the reserve), minutes of footage that fit, level."""

    footage_bytes: int
    minutes_left: float
    level: StorageLevel


def room(*, free_bytes: int, reserve_bytes: int, bytes_per_second: float, low_minutes: float, previous: StorageLevel) -> Room:
    """The report for `free_bytes`, coming from the level `previous`."""
    footage_bytes = max(0, free_bytes - reserve_bytes)
    minutes = footage_bytes / max(1.0, bytes_per_second) / 60
    full_below = NOT_FULL_MINUTES if previous == "full" else FULL_MINUTES
    low_below = low_minutes if previous == "ok" else low_minutes * LOW_HYSTERESIS
    level: StorageLevel = "full" if minutes < full_below else "low" if minutes < low_below else "ok"
    return Room(footage_bytes, minutes, level)


def smoothed_rate(bytes_per_second: float, *, size_bytes: int, duration_us: int) -> float:
    """The measured rate after `size_bytes` more for `duration_us` of footage: an average over about the last minute of footage."""
    seconds = duration_us / 1e6
    if seconds <= 0:
        return bytes_per_second
    return bytes_per_second + (size_bytes / seconds - bytes_per_second) * min(1.0, seconds / RATE_WINDOW_SECONDS)
