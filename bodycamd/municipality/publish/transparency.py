"""What a municipality can publish of one month: counts, and nothing about a person, a place, an hour or a case.

From the ledger's entries; a recording counts in the month in which it was opened, everything else in the month of its entry, by the
camera's wall clock in local time.
"""

from __future__ import annotations

import csv
import io
import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError, UsageError
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, StartDetail
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased, RecordingDeleting
from bodycamd.evidence.statements import Entry, Stated
from bodycamd.municipality.verify.past import ledger_of
from bodycamd.municipality.words.times import LocalTime

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
    """The counts of one month, as far as the ledger covers it: from the day `since` until the day `until`.

    `deletions.late` is more than an hour after the day was over, with the camera switched on and its clock confirmed for so long;
    `after_hold` had been held. What a camera deleted to make room is in none of them: the station keeps it until its term is over.
    """

    month: str
    timezone: str = ""
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


def month_of(store: Path, month: str, local: LocalTime) -> Month:
    """The counts of `month`, YYYY-MM, in local time.

    Raises `UsageError` for what is no month, `NotFoundError` where the ledger does not cover it, `DataError` where it does not verify to
    its end, `StorageError`.
    """
    if not MONTH.fullmatch(month):
        raise UsageError(f"--month {month!r}: YYYY-MM, for example 2026-11")
    ledger = ledger_of(store)
    lines = list(ledger)
    if ledger.broken:
        raise DataError(f"{store}: the ledger is not whole, and numbers of it would be wrong: {ledger.broken}; run `bodycamd verify`")
    if not lines:
        raise NotFoundError(f"{store}: the ledger is empty")
    days = [local.day(line.entry.wall) for line in lines]
    first, last = min(days), max(days)
    if not first[:7] <= month <= last[:7]:
        raise NotFoundError(f"{month}: the ledger goes from {first} to {last}; it does not cover this month")
    found = count(((line.entry, line.detail) for line in lines), month, local)
    found.since = max(first, f"{month}-01")
    found.until = min(last, f"{month}-{days_in(month):02d}")
    return found


def days_in(month: str) -> int:
    """How many days this month has."""
    return monthrange(int(month[:4]), int(month[5:7]))[1]


def count(entries: Iterable[tuple[Entry, Stated | None]], month: str, local: LocalTime) -> Month:
    """The same from verified entries in order, each with its typed detail."""
    found = Month(month, str(local.zone))
    opened: dict[str, str] = {}
    held: set[tuple[str, str]] = set()
    ever_held: set[str] = set()
    began_ns = 0
    for entry, detail in entries:
        day = local.day(entry.wall)
        here = day.startswith(month)
        if day[:7] > month and not isinstance(detail, RecordingClosed):
            continue
        match detail:
            case StartDetail():
                began_ns = entry.boottime_ns
            case RecordingOpened() if here:
                opened[detail.recording] = _days(day)
                found.recordings += 1
                found.recordings_by_days[opened[detail.recording]] += 1
                found.warnings[WARNINGS[detail.warning]] += 1
            case RecordingClosed() if detail.recording in opened:
                minutes = detail.duration_us / 60e6
                found.minutes += minutes
                found.minutes_by_days[opened[detail.recording]] += minutes
                found.interrupted_recordings += detail.reason == "interrupted"
            case HoldAdded():
                held.add((detail.recording, detail.id))
                ever_held.add(detail.recording)
                found.holds_placed[detail.ground] += here
            case HoldReleased():
                held.discard((detail.recording, detail.id))
                found.holds_released += here
            case RecordingDeleting() if here and detail.proof != "receipt":  # to make room: the station has it until its term is over
                overdue = (detail.age_seconds or 0) - (detail.days or 0) * DAY_SECONDS
                running = (entry.boottime_ns - began_ns) // 10**9 - HALF_AN_HOUR_SECONDS
                late = min(overdue, running) > HOUR_SECONDS
                found.deletions["after_hold" if detail.recording in ever_held else "late" if late else "on_time"] += 1
        if here:
            found.presses_refused += entry.type == "press_refused"
            if entry.type in FAULTS:
                found.faults[FAULTS[entry.type]] += 1
    found.held_at_the_end = len({recording for recording, _ in held})
    found.minutes = round(found.minutes, 1)
    found.minutes_by_days = {days: round(minutes, 1) for days, minutes in found.minutes_by_days.items()}
    return found


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


def _days(day: str) -> str:
    return WEEKS[min(4, (int(day[8:10]) - 1) // 7)]
