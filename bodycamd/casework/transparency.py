"""What a municipality can publish of one month: counts, and nothing that tells of a person, a place, an hour or a case.

From the ledger's entries; a recording counts in the month in which it was opened, everything else in the month of its entry, by the wall
clock as the camera had it (UTC).
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bodycamd.casework.past import all_entries
from bodycamd.errors import UsageError
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
    """The counts of one month. `deletions.late` is more than an hour after the day was over, with the camera switched on and its clock
    confirmed for so long; `after_hold` had been held."""

    month: str
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
    """The counts of `month`, YYYY-MM. Raises `UsageError` for what is no month, `NotFoundError`, `StorageError`."""
    if not MONTH.fullmatch(month):
        raise UsageError(f"--month {month!r}: YYYY-MM, for example 2026-11")
    return count(all_entries(store), month)


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
                held.add((recording, entry.text("ground")))
                ever_held.add(recording)
                if here and entry.text("ground") in found.holds_placed:
                    found.holds_placed[entry.text("ground")] += 1
            case "hold_released":
                held.discard((recording, entry.text("ground")))
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


def as_page(month: Month) -> str:
    """A small page with a plot, in one file, without scripts."""
    sections = (
        ("Warnings before recordings", month.warnings),
        ("Held for", month.holds_placed),
        ("Deleted", month.deletions),
        ("Faults", month.faults),
    )
    tables = "".join(_table(title, values) for title, values in sections)
    big = (
        (str(month.recordings), "recordings"),
        (f"{month.minutes:.0f}", "minutes recorded"),
        (str(month.held_at_the_end), "held at the end of the month"),
        (str(sum(month.deletions.values())), "deleted"),
    )
    tiles = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in big)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Body-worn camera, {month.month}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 46em; margin: 3em auto; padding: 0 1.5em; color: #1a1a1a; }}
h1 {{ font-size: 1.7em; margin: 0; }} h2 {{ font-size: 1em; margin: 0 0 .4em; }} p {{ color: #555; }}
.tiles, .tables {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(9em, 1fr)); gap: 1.2em; margin: 1.5em 0; }}
.tables {{ grid-template-columns: repeat(auto-fit, minmax(18em, 1fr)); gap: 2em; }}
.tiles b {{ display: block; font-size: 2em; line-height: 1.1; }} .tiles span {{ color: #555; }}
table {{ border-collapse: collapse; width: 100%; }} td {{ padding: .3em 0; border-bottom: 1px solid #ddd; }}
td:last-child {{ text-align: right; }}
svg {{ width: 100%; height: auto; }}
</style></head><body>
<h1>Body-worn camera, {month.month}</h1>
<p>Counted by the camera's own signed ledger. Recordings are deleted by themselves when their days have passed, unless they are held.</p>
<div class="tiles">{tiles}</div>
{_plot(month)}
<div class="tables">{tables}</div>
<p>{month.presses_refused} presses could not be followed; {month.interrupted_recordings} recordings were cut off and recovered.
Numbers only: nothing here tells of a person, a place, an hour or a case.</p>
</body></html>
"""


def _table(title: str, values: Mapping[str, int]) -> str:
    named = {html.escape(name.replace("_", " ").replace("-", " ")): value for name, value in values.items()}
    rows = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in named.items())
    return f"<section><h2>{html.escape(title)}</h2><table>{rows}</table></section>"


def _plot(month: Month) -> str:
    """Bars: recordings by days of the month, minutes written at the bar."""
    width, height, left, base = 640, 220, 20, 180
    most = max(1, *month.recordings_by_days.values())
    step = (width - 2 * left) / len(WEEKS)
    bars = []
    for number, days in enumerate(WEEKS):
        recordings, minutes = month.recordings_by_days[days], month.minutes_by_days[days]
        x, tall = left + number * step, 140 * recordings / most
        middle = x + step / 2
        bars.append(
            f'<rect x="{x + step * 0.15:.1f}" y="{base - tall:.1f}" width="{step * 0.7:.1f}" height="{tall:.1f}" fill="#2f6f9f"/>'
            f'<text x="{middle:.1f}" y="{base - tall - 6:.1f}" text-anchor="middle" font-weight="600">{recordings}</text>'
            f'<text x="{middle:.1f}" y="{base + 18}" text-anchor="middle">{days.replace("-", " to ")}</text>'
            f'<text x="{middle:.1f}" y="{base + 34}" text-anchor="middle" fill="#555" font-size="12">{minutes:.0f} min</text>'
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Recordings by days of the month" font-family="system-ui, sans-serif" '
        f'font-size="13"><line x1="{left}" x2="{width - left}" y1="{base}" y2="{base}" stroke="#888"/>{"".join(bars)}</svg>'
        "<p>Recordings by days of the month, and the minutes recorded.</p>"
    )


def _days(wall: str) -> str:
    return WEEKS[min(4, (int(wall[8:10]) - 1) // 7)]
