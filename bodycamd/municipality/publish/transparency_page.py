"""The numbers of a month as a page to publish: tiles, a plot, tables."""

from __future__ import annotations

from dataclasses import dataclass

from bodycamd.municipality.pages.environment import rendered
from bodycamd.municipality.publish.transparency import WEEKS, Month, days_in
from bodycamd.municipality.words.formats import Formats
from bodycamd.municipality.words.language import Language, pick
from bodycamd.municipality.words.month_words import WORDS
from bodycamd.municipality.words.sentence_words import GROUNDS
from bodycamd.municipality.words.times import LocalTime

FAULTS = ("camera", "voice", "disk", "button", "other")
WIDTH, BASE, TALLEST = 640.0, 170.0, 140.0


@dataclass(frozen=True, slots=True)
class _Bar:
    """The recordings of one week, in the units of the drawing."""

    x: str
    y: str
    width: str
    height: str
    middle: str
    number_y: str
    number: str
    days: str
    minutes: str


@dataclass(frozen=True, slots=True)
class _Plot:
    bars: list[_Bar]
    width: str = f"{WIDTH:g}"
    height: str = "220"
    base: str = f"{BASE:g}"
    days_y: str = f"{BASE + 18:g}"
    minutes_y: str = f"{BASE + 34:g}"


def page(month: Month, language: Language, local: LocalTime) -> str:
    """The whole page."""
    write = Formats(language, local)

    def word(name: str) -> str:
        return pick(WORDS[name] if name in WORDS else GROUNDS[name], language)

    whole = (month.since, month.until) == (f"{month.month}-01", f"{month.month}-{days_in(month.month):02d}")
    tiles = (
        (write.decimal(month.recordings, 0), word("recording" if month.recordings == 1 else "recordings")),
        (_minutes(month.minutes, write), word("minutes")),
        (write.decimal(month.held_at_the_end, 0), word("held_at_the_end" if whole else "held_by_now")),
        (write.decimal(sum(month.deletions.values()), 0), word("deleted")),
    )
    faults = {name: month.faults[name] for name in FAULTS}
    faults |= {"presses_refused": month.presses_refused, "interrupted_recordings": month.interrupted_recordings}
    tables = {
        "warnings": month.warnings,
        "holds_placed": {**month.holds_placed, "holds_released": month.holds_released},
        "deletions": month.deletions,
        "faults": faults,
    }
    return rendered(
        "month.html",
        lang=language,
        title=f"{word('title')}, {write.month(month.month)}",
        word=word,
        part="" if whole else word("part").format(since=write.date(month.since), until=write.date(month.until)),
        tiles=tiles,
        plot=_plot(month, write, word("to")),
        tables=[(name, [(row, write.decimal(value, 0)) for row, value in values.items()]) for name, values in tables.items()],
    )


def _minutes(minutes: float, write: Formats) -> str:
    return "< 1" if 0 < minutes < 0.5 else write.decimal(minutes, 0)


def _plot(month: Month, write: Formats, to: str) -> _Plot:
    """Bars: recordings by weeks of the month, minutes written below."""
    last = days_in(month.month)
    weeks = [days for days in WEEKS if int(days.partition("-")[0]) <= last]
    most = max(1, *month.recordings_by_days.values())
    step = WIDTH / len(weeks)
    bars = []
    for number, days in enumerate(weeks):
        begin, _, end = days.partition("-")
        end = str(min(int(end), last))
        recordings = month.recordings_by_days[days]
        x, tall = number * step, TALLEST * recordings / most
        bars.append(
            _Bar(
                x=f"{x + step * 0.15:.1f}",
                y=f"{BASE - tall:.1f}",
                width=f"{step * 0.7:.1f}",
                height=f"{tall:.1f}",
                middle=f"{x + step / 2:.1f}",
                number_y=f"{BASE - tall - 6:.1f}",
                number=write.decimal(recordings, 0),
                days=f"{begin} {to} {end}" if begin != end else begin,
                minutes=f"{_minutes(month.minutes_by_days[days], write)} min",
            )
        )
    return _Plot(bars)
