"""Pages that a municipality hands out or publishes: one file, no scripts, nothing fetched, Dutch or English, for screen and A4 paper."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from bodycamd.foreign_text import html_text

Language = Literal["nl", "en"]
Words = tuple[str, str]
"""Dutch and English."""

MONTHS: tuple[Words, ...] = (
    ("januari", "January"),
    ("februari", "February"),
    ("maart", "March"),
    ("april", "April"),
    ("mei", "May"),
    ("juni", "June"),
    ("juli", "July"),
    ("augustus", "August"),
    ("september", "September"),
    ("oktober", "October"),
    ("november", "November"),
    ("december", "December"),
)

STYLE = """
@page { size: A4; margin: 18mm 16mm; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", "Noto Sans", Arial, sans-serif; color: #1a1a1a; }
body { max-width: 46em; margin: 3em auto; padding: 0 1.5em; }
h1 { font-size: 1.7em; line-height: 1.2; margin: 0 0 .2em; }
h2 { font-size: 1.05em; margin: 2em 0 .4em; break-after: avoid; }
p { margin: .6em 0; }
.note { color: #555; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35em .8em .35em 0; border-bottom: 1px solid #ddd; }
th { width: 11em; font-weight: 600; }
tr, section { break-inside: avoid; }
.when { width: 11em; white-space: nowrap; color: #555; }
.number { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; }
code { font-size: .9em; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; display: block; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 10.5pt; } }
"""


def pick(words: Words, language: Language) -> str:
    """The word in this language."""
    return words[0] if language == "nl" else words[1]


def day(text: str, language: Language) -> str:
    """YYYY-MM-DD… as people write it: 30 januari 2026. A text that names no such month or day stays as it is."""
    if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}", text[:10]) is None:
        return text
    return f"{int(text[8:10])} {pick(MONTHS[int(text[5:7]) - 1], language)} {text[:4]}"


def month(text: str, language: Language) -> str:
    """YYYY-MM as people write it: januari 2026."""
    return f"{pick(MONTHS[int(text[5:7]) - 1], language)} {text[:4]}"


def document(title: str, body: Iterable[str], language: Language, style: str = "") -> str:
    """The whole page; `body` is HTML, `title` is not."""
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{html_text(title)}</title>\n<style>{STYLE}{style}</style></head><body>\n<h1>{html_text(title)}</h1>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )
