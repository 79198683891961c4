"""Watches the disk for the writer: how much footage still fits, and whether the disk works at all.

The decisions are `room`'s; here they are kept up to date and told: `StorageChanged` when the level changes, `DiskChanged` when the disk is
gone, read-only, or does not take the ledger's entries, and when that is over. Used by one thread: the writer.

The last `reserve_bytes` of the disk belong to the ledger and the keys; footage never uses them. Levels have hysteresis, so that a disk that
hovers at a threshold does not flicker: `low` below `low_minutes`, left again 10 % above; `full` below 10 s of footage, left again at 60 s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from bodycamd.camera.control.events import DiskChanged, StorageChanged, StorageLevel
from bodycamd.linux.disk import FileOperations

ROOM_US = 5_000_000
LEDGER_RESERVE_BYTES = 64 * 1024 * 1024
FULL_MINUTES = 10 / 60
NOT_FULL_MINUTES = 1.0
LOW_HYSTERESIS = 1.1
RATE_WINDOW_SECONDS = 60.0
FRAGMENT_OVERHEAD_BYTES = 4096
"""Headers, statement, signature and padding of one fragment take about 3,600."""
SEGMENT_OVERHEAD_BYTES = 16384
"""The init segment with its statement, and the end of the archive."""


class Room(Struct, frozen=True):
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


def bytes_on_disk(sealed_bytes: Iterable[int]) -> int:
    """At most what a batch of fragments of these sizes takes, in a new segment."""
    return sum(size + FRAGMENT_OVERHEAD_BYTES for size in sealed_bytes) + SEGMENT_OVERHEAD_BYTES


class Space:
    """Room for footage in `folder`, above `reserve_bytes`."""

    def __init__(
        self,
        disk: FileOperations,
        folder: Path,
        *,
        reserve_bytes: int,
        low_minutes: float,
        now_us: Callable[[], int],
        tell: Callable[[StorageChanged | DiskChanged], None],
    ) -> None:
        self._disk, self._folder, self._now_us, self._tell = disk, folder, now_us, tell
        self._reserve_bytes, self._low_minutes = reserve_bytes, low_minutes
        self._due_us = 0
        self._error = ""
        self._told_error = ""
        self.room = Room(0, 0.0, "ok")
        """The newest report."""
        self.exhausted = False
        """The disk, or the reserve, refused footage, and no room has been found since."""

    def footage_bytes(self) -> int:
        """What footage may still take now; negative where even the reserve is used. Raises `OSError` where the disk cannot be used."""
        try:
            free_bytes = self._disk.free_bytes(self._folder)
        except OSError as error:
            self._error = f"look for room: {error.strerror or error}"
            raise
        self._error = ""
        return free_bytes - self._reserve_bytes

    def found(self, fits: bool, bytes_per_second: float) -> None:
        """Footage that was to be written now fits, or does not: told at once where that is new."""
        if fits == self.exhausted or not fits:
            self.exhausted = not fits
            self.report(bytes_per_second, at_once=True)

    def report(self, bytes_per_second: float, *, at_once: bool = False) -> None:
        """Look for room every few seconds; tell when the level changes."""
        now_us = self._now_us()
        if now_us < self._due_us and not at_once:
            return
        self._due_us = now_us + ROOM_US
        try:
            footage_bytes = self.footage_bytes()
        except OSError:
            return  # kept for `report_use`, which tells
        previous = self.room.level
        self.room = room(
            free_bytes=min(footage_bytes, 0) if at_once and self.exhausted else footage_bytes,
            reserve_bytes=0,
            bytes_per_second=bytes_per_second,
            low_minutes=self._low_minutes,
            previous=previous,
        )
        self.exhausted = self.exhausted and self.room.level == "full"
        if self.room.level != previous:
            self._tell(StorageChanged(self.room.level, self.room.minutes_left))

    def report_use(self, ledger_error: str) -> None:
        """Tell when the disk becomes unusable, and when it can be used again. `ledger_error`: why entries wait, or nothing."""
        found = self._error or ledger_error
        if bool(found) != bool(self._told_error):
            self._tell(DiskChanged(not found, found))
        self._told_error = found
