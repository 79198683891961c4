"""What a municipality can publish of one month: counts, and nothing that tells of a person, a place, an hour or a case.

From the ledger's entries; a recording counts in the month in which it was opened, everything else in the month of its entry, by the wall
clock as the camera had it (UTC).
"""

from __future__ import annotations

import csv
import io
import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bodycamd.casework.past import all_entries
from bodycamd.errors import NotFoundError, UsageError
from bodycamd.evidence.retention_entries import older_hold_id
from bodycamd.recorder.history import PastEntry

MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
HOUR_SECONDS = 3600
HALF_AN_HOUR_SECONDS = 1800
DAY_SECONDS = 86_400
WEEKS = ("1-7", "8-14", "15-21", "22-28", "29-31")
GROUNDS = ("complaint", "criminal-investigation", "access-request")
WARNINGS = {"played_to_device": "played", "skipped": "skipped", "failed": "failed", "none": "not_due"}
FAULTS = {
    "capture_stalled": "camera",
    "voice_failed": "voice",
    "write_failed": "disk",
    "ring_overflowed": "disk",
    "footage_not_written": "disk",
    "button_stuck": "button",
    "fault": "other",
    "failing": "other",
}


@dataclass(slots=True)
class Month:
    """The counts of one month, as far as the ledger tells of it: from the day `since` until the day `until`.

    `deletions.late` is more than an hour after the day was over, with the camera switched on and its clock confirmed for so long;
    `after_hold` had been held.
    """

    month: str
    since: str = ""
    until: str = ""
    recordings: int = 0
    minutes: float = 0.0
    recordings_by_days: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WEEKS, 0))
    minutes_by_days: dict[str, float] = field(default_factory=lambda: dict.fromkeys(WEEKS, 0.0))
    warnings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WARNINGS.values(), 0))
    holds_placed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUNDS, 0))
    holds_released: int = 0
    held_at_the_end: int = 0
    deletions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("on_time", "after_hold", "late"), 0))
    presses_refused: int = 0
    interrupted_recordings: int = 0
    faults: dict[str, int] = field(default_factory=lambda: dict.fromkeys(sorted(set(FAULTS.values())), 0))


def month_of(store: Path, month: str) -> Month:
    """The counts of `month`, YYYY-MM. Raises `UsageError` for what is no month, `NotFoundError` where the ledger tells nothing of it,
    `StorageError`."""
    if not MONTH.fullmatch(month):
        raise UsageError(f"--month {month!r}: YYYY-MM, for example 2026-11")
    entries = list(all_entries(store))
    if not entries:
        raise NotFoundError(f"{store}: the ledger is empty")
    days = [entry.wall[:10] for entry in entries]
    first, last = min(days), max(days)
    if not first[:7] <= month <= last[:7]:
        raise NotFoundError(f"{month}: the ledger goes from {first} to {last}; it tells nothing of this month")
    found = count(entries, month)
    found.since = max(first, f"{month}-01")
    found.until = min(last, f"{month}-{days_in(month):02d}")
    return found


def days_in(month: str) -> int:
    """How many days this month has."""
    return monthrange(int(month[:4]), int(month[5:7]))[1]


def count(entries: Iterable[PastEntry], month: str) -> Month:
    """The same from entries in order."""
    found = Month(month)
    opened: dict[str, str] = {}
    held: set[tuple[str, str]] = set()
    ever_held: set[str] = set()
    began_ns = 0
    for entry in entries:
        recording, here = entry.text("recording"), entry.wall.startswith(month)
        if entry.wall[:7] > month and entry.type not in ("recording_closed",):
            continue
        match entry.type:
            case "start":
                began_ns = entry.boottime_ns
            case "recording_opened":
                if here:
                    opened[recording] = _days(entry.wall)
                    found.recordings += 1
                    found.recordings_by_days[opened[recording]] += 1
                    found.warnings[WARNINGS.get(entry.text("warning"), "not_due")] += 1
            case "recording_closed":
                if recording in opened:
                    minutes = entry.number("duration_us") / 60e6
                    found.minutes += minutes
                    found.minutes_by_days[opened[recording]] += minutes
                    found.interrupted_recordings += entry.text("reason") == "interrupted"
            case "hold_added":
                held.add((recording, _hold_id(entry)))
                ever_held.add(recording)
                if here and entry.text("ground") in found.holds_placed:
                    found.holds_placed[entry.text("ground")] += 1
            case "hold_released":
                held.discard((recording, _hold_id(entry)))
                found.holds_released += here
            case "deleting" if here:
                overdue = entry.number("age_seconds") - entry.number("days") * DAY_SECONDS
                running = (entry.boottime_ns - began_ns) // 10**9 - HALF_AN_HOUR_SECONDS
                late = min(overdue, running) > HOUR_SECONDS
                found.deletions["after_hold" if recording in ever_held else "late" if late else "on_time"] += 1
            case "press_refused":
                found.presses_refused += here
            case kind if here and kind in FAULTS:
                found.faults[FAULTS[kind]] += 1
    found.held_at_the_end = len({recording for recording, _ in held})
    found.minutes = round(found.minutes, 1)
    found.minutes_by_days = {days: round(minutes, 1) for days, minutes in found.minutes_by_days.items()}
    return found


def _hold_id(entry: PastEntry) -> str:
    return entry.text("hold") or older_hold_id(entry.text("recording"), entry.text("ground"))


def as_csv(month: Month) -> str:
    """One line for each number: `what,value`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("what", "value"))
    for name, value in asdict(month).items():
        if isinstance(value, dict):
            writer.writerows((f"{name}.{part}", number) for part, number in value.items())
        else:
            writer.writerow((name, value))
    return out.getvalue()


def _days(wall: str) -> str:
    return WEEKS[min(4, (int(wall[8:10]) - 1) // 7)]
