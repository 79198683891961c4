"""The numbers of a month as a page to publish: tiles, a plot, tables."""

from __future__ import annotations

from collections.abc import Mapping

from bodycamd.foreign_text import html_text
from bodycamd.municipality.publish.plain_page import Language, Words, day, document, pick
from bodycamd.municipality.publish.plain_page import month as month_in_words
from bodycamd.municipality.publish.transparency import WEEKS, Month, days_in

WORDS: dict[str, Words] = {
    "title": ("Bodycam", "Body-worn camera"),
    "source": (
        "Geteld uit het ondertekende logboek van de camera. Opnamen worden vanzelf verwijderd als hun bewaartermijn voorbij is, behalve "
        "wat wordt vastgehouden voor een klacht, een inzageverzoek of een strafrechtelijk onderzoek.",
        "Counted from the camera's signed ledger. Recordings are deleted by themselves when their days have passed, unless they are held "
        "for a complaint, an access request or a criminal investigation.",
    ),
    "part": ("Het logboek gaat over {since} tot en met {until}.", "The ledger tells of {since} until {until}."),
    "recordings": ("opnamen", "recordings"),
    "recording": ("opname", "recording"),
    "minutes": ("minuten opgenomen", "minutes recorded"),
    "held_at_the_end": ("vastgehouden aan het eind van de maand", "held at the end of the month"),
    "held_by_now": ("op dit moment vastgehouden", "held at this moment"),
    "deleted": ("verwijderd", "deleted"),
    "plot": ("Opnamen per dagen van de maand, en de minuten", "Recordings by days of the month, and the minutes"),
    "to": ("t/m", "to"),
    "warnings": ("Gesproken waarschuwing", "Spoken warning"),
    "played": ("afgespeeld", "played"),
    "skipped": ("overgeslagen: geen tijd voor", "skipped: no time for it"),
    "failed": ("mislukt", "failed"),
    "not_due": ("niet nodig: vervolg van een opname", "not due: a recording went on"),
    "holds_placed": ("Vastgehouden voor", "Held for"),
    "complaint": ("een klacht", "a complaint"),
    "criminal-investigation": ("een strafrechtelijk onderzoek", "a criminal investigation"),
    "access-request": ("een inzageverzoek", "an access request"),
    "holds_released": ("weer losgelaten", "released again"),
    "deletions": ("Verwijderd", "Deleted"),
    "on_time": ("op tijd (binnen een uur met de camera aan)", "on time (within an hour with the camera on)"),
    "after_hold": ("nadat ze waren vastgehouden", "after they had been held"),
    "late": ("te laat", "late"),
    "faults": ("Storingen", "Faults"),
    "camera": ("beeld", "picture"),
    "voice": ("gesproken waarschuwing", "spoken warning"),
    "disk": ("opslag", "storage"),
    "button": ("knop", "button"),
    "other": ("overig", "other"),
    "presses_refused": ("knopdruk geweigerd", "press of the button refused"),
    "interrupted_recordings": ("opname afgebroken en hersteld", "recording cut off and recovered"),
    "personal": (
        "Alleen aantallen: hier staat niets over een persoon, een plaats, een tijdstip of een zaak.",
        "Numbers only: nothing here tells of a person, a place, an hour or a case.",
    ),
}
STYLE = """
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1.2em; margin: 1.5em 0; }
.tiles b { display: block; font-size: 2em; line-height: 1.2; } .tiles span { color: #555; line-height: 1.3; display: block; }
.tables { margin-bottom: 2em; display: grid; grid-template-columns: repeat(2, 1fr); gap: 0 2em; }
figure { margin: 1.5em 0 0; } figcaption { color: #555; }
@media print { .tiles, figure { margin: .8em 0 0; } h2 { margin-top: 1em; } .tables { margin-bottom: 1em; } svg { max-height: 70mm; } }
@media (max-width: 40em) { .tiles { grid-template-columns: repeat(2, 1fr); } .tables { grid-template-columns: 1fr; } }
"""
FAULTS = ("camera", "voice", "disk", "button", "other")


def page(month: Month, language: Language = "nl") -> str:
    """The whole page."""
    word = {name: pick(words, language) for name, words in WORDS.items()}
    whole = (month.since, month.until) == (f"{month.month}-01", f"{month.month}-{days_in(month.month):02d}")
    part = "" if whole else word["part"].format(since=day(month.since, language), until=day(month.until, language))
    tiles = (
        (month.recordings, word["recording" if month.recordings == 1 else "recordings"]),
        (_minutes(month.minutes), word["minutes"]),
        (month.held_at_the_end, word["held_at_the_end" if whole else "held_by_now"]),
        (sum(month.deletions.values()), word["deleted"]),
    )
    faults = {name: month.faults[name] for name in FAULTS}
    faults |= {"presses_refused": month.presses_refused, "interrupted_recordings": month.interrupted_recordings}
    tables = (
        ("warnings", month.warnings),
        ("holds_placed", {**month.holds_placed, "holds_released": month.holds_released}),
        ("deletions", month.deletions),
        ("faults", faults),
    )
    return document(
        f"{word['title']}, {month_in_words(month.month, language)}",
        (
            f'<p class="note">{html_text(word["source"])}</p>',
            f"<p>{html_text(part)}</p>" if part else "",
            '<div class="tiles">' + "".join(f"<div><b>{value}</b><span>{html_text(name)}</span></div>" for value, name in tiles) + "</div>",
            _plot(month, word),
            '<div class="tables">' + "".join(_table(word[name], values, word) for name, values in tables) + "</div>",
            f'<p class="note">{html_text(word["personal"])}</p>',
        ),
        language,
        STYLE,
    )


def _table(title: str, values: Mapping[str, int], word: Mapping[str, str]) -> str:
    rows = "".join(f'<tr><td>{html_text(word[name])}</td><td class="number">{value}</td></tr>' for name, value in values.items())
    return f"<section><h2>{html_text(title)}</h2><table>{rows}</table></section>"


def _minutes(minutes: float) -> str:
    return "&lt; 1" if 0 < minutes < 0.5 else f"{minutes:.0f}"


def _plot(month: Month, word: Mapping[str, str]) -> str:
    """Bars: recordings by days of the month, minutes written below."""
    last = days_in(month.month)
    weeks = [days for days in WEEKS if int(days.partition("-")[0]) <= last]
    width, height, left, base = 640, 220, 0, 170
    most = max(1, *month.recordings_by_days.values())
    step = (width - 2 * left) / len(weeks)
    bars = []
    for number, days in enumerate(weeks):
        begin, _, end = days.partition("-")
        end = str(min(int(end), last))
        named = f"{begin} {word['to']} {end}" if begin != end else begin
        recordings, minutes = month.recordings_by_days[days], month.minutes_by_days[days]
        x, tall = left + number * step, 140 * recordings / most
        middle = x + step / 2
        bars.append(
            f'<rect x="{x + step * 0.15:.1f}" y="{base - tall:.1f}" width="{step * 0.7:.1f}" height="{tall:.1f}" fill="#2f6f9f"/>'
            f'<text x="{middle:.1f}" y="{base - tall - 6:.1f}" text-anchor="middle" font-weight="600">{recordings}</text>'
            f'<text x="{middle:.1f}" y="{base + 18}" text-anchor="middle">{named}</text>'
            f'<text x="{middle:.1f}" y="{base + 34}" text-anchor="middle" fill="#555" font-size="12">{_minutes(minutes)} min</text>'
        )
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="{html_text(word["plot"])}" font-size="13" '
        f'font-family="system-ui, DejaVu Sans, Noto Sans, sans-serif"><line x1="{left}" x2="{width - left}" y1="{base}" y2="{base}" '
        f'stroke="#888"/>{"".join(bars)}</svg><figcaption>{html_text(word["plot"])}.</figcaption></figure>'
    )
