"""The languages of what people read, and how words are kept in both."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, TypeAlias

Language: TypeAlias = Literal["nl", "en"]
ReportLanguage: TypeAlias = Literal["nl", "en", "both"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")
"""In the order of the words."""


class Words(NamedTuple):
    """The same in Dutch and in English."""

    nl: str
    en: str


def pick(words: tuple[str, str], language: Language) -> str:
    """The one of this language."""
    return words[LANGUAGES.index(language)]


def first_language(language: ReportLanguage) -> Language:
    """The one that dates and numbers are in, and whatever has no room for both."""
    return "en" if language == "en" else "nl"


class Writing(Protocol):
    """How a language writes numbers, dates and things that are counted."""

    @property
    def language(self) -> Language:
        """Which one."""

    def decimal(self, value: float, digits: int) -> str:
        """With so many digits behind the decimal sign."""

    def counted(self, number: int, noun: str) -> str:
        """`1 day`, `2 days`; `noun` is one of `NOUNS`."""

    def date(self, day: str) -> str:
        """A day, YYYY-MM-DD; a text that names none stays as it is."""


NOUNS: dict[str, tuple[Words, Words]] = {
    "byte": (Words("byte", "byte"), Words("bytes", "bytes")),
    "day": (Words("dag", "day"), Words("dagen", "days")),
    "entry": (Words("regel", "entry"), Words("regels", "entries")),
    "file": (Words("bestand", "file"), Words("bestanden", "files")),
    "finding": (Words("bevinding", "finding"), Words("bevindingen", "findings")),
    "fragment": (Words("fragment", "fragment"), Words("fragmenten", "fragments")),
    "frame": (Words("beeld", "frame"), Words("beelden", "frames")),
    "line": (Words("ondertekende regel leidt", "signed line leads"), Words("ondertekende regels leiden", "signed lines lead")),
    "month": (Words("maand", "month"), Words("maanden", "months")),
    "more": (Words("andere", "more"), Words("andere", "more")),
    "packet": (Words("pakket", "packet"), Words("pakketten", "packets")),
    "recording": (Words("opname", "recording"), Words("opnamen", "recordings")),
    "segment": (Words("segment", "segment"), Words("segmenten", "segments")),
    "time": (Words("keer", "time"), Words("keer", "times")),
    "torn byte": (Words("afgebroken byte", "torn byte"), Words("afgebroken bytes", "torn bytes")),
}
"""What is counted: one of it, and any other number."""


class PlainEnglish:
    """What commands print: numbers and dates as programs write them, with nothing but Python, because a camera has no Babel."""

    language: Language = "en"

    def decimal(self, value: float, digits: int) -> str:
        """`1234.5`."""
        return f"{value:.{digits}f}"

    def counted(self, number: int, noun: str) -> str:
        """`1234 days`."""
        return f"{number} {NOUNS[noun][number != 1].en}"

    def date(self, day: str) -> str:
        """As it is."""
        return day


PLAIN_ENGLISH = PlainEnglish()
