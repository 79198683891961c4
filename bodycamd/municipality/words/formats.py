"""How a page writes dates, times, numbers and things that are counted, in Dutch or English, by the rules of the Unicode CLDR (Babel)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.words.language import NOUNS, Language, pick
from bodycamd.municipality.words.times import Digits, LocalTime, clock

LOCALES: dict[Language, Locale] = {"nl": Locale("nl", "NL"), "en": Locale("en", "GB")}
_SIZES = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class LocaleWriting:
    """What a reader of one language expects."""

    language: Language

    def decimal(self, value: float, digits: int) -> str:
        """`1.234,50` or `1,234.50`."""
        return str(format_decimal(value, format=f"#,##0.{'0' * digits}" if digits else "#,##0", locale=LOCALES[self.language]))

    def signed(self, value: float, digits: int) -> str:
        """The same with its sign: `+0,500`."""
        return f"{'-' if value < 0 else '+'}{self.decimal(abs(value), digits)}"

    def shortest(self, value: float) -> str:
        """With as many digits as say something, at most three: `0,02`, `5`."""
        return str(format_decimal(value, format="#,##0.###", locale=LOCALES[self.language]))

    def counted(self, number: int, noun: str) -> str:
        """`1 dag`, `2 dagen`."""
        one = LOCALES[self.language].plural_form(number) == "one"
        return f"{self.decimal(number, 0)} {pick(NOUNS[noun][not one], self.language)}"

    def date(self, day: str) -> str:
        """YYYY-MM-DD as people write it: `30 januari 2026`. A text that names no day stays as it is."""
        try:
            return str(format_date(date.fromisoformat(day), "d MMMM y", locale=LOCALES[self.language]))
        except ValueError:
            return day

    def seconds(self, microseconds: float) -> str:
        """`12,345 s`."""
        return f"{self.decimal(microseconds / 1e6, 3)} s"

    def length(self, microseconds: float) -> str:
        """`4 min 05 s`, in units that both languages share; under a minute `12 s`."""
        minutes, seconds = divmod(round(microseconds / 1e6), 60)
        return f"{self.decimal(minutes, 0)} min {seconds:02d} s" if minutes else f"{seconds} s"

    def uncertainty(self, error_ms: int | None) -> str:
        """How far a clock may have been off: `± 0,02 s`; `± ?` where nobody bounds the error."""
        return f"± {self.shortest(error_ms / 1000)} s" if error_ms is not None else "± ?"

    def size(self, count: int) -> str:
        """`1,2 MB`, in powers of ten."""
        value, unit = float(count), 0
        while value >= 1000 and unit < len(_SIZES) - 1:
            value, unit = value / 1000, unit + 1
        return f"{self.decimal(value, 1 if unit else 0)} {_SIZES[unit]}"

    def month(self, month: str) -> str:
        """YYYY-MM as people write it: `januari 2026`. Raises `ValueError` for what is no month."""
        return str(format_date(date.fromisoformat(f"{month}-01"), "MMMM y", locale=LOCALES[self.language]))


@dataclass(frozen=True, slots=True)
class Formats(LocaleWriting):
    """The same, and times by one local clock with UTC beside them."""

    local: LocalTime

    def moment(self, wall: str, digits: Digits = 0) -> str:
        """The `wall` of a statement: `30 januari 2026 14:05:09 (13:05:09 UTC)`. Raises `DataError` for what is no time."""
        return f"{self.date(self.local.day(wall))} {self.clock(wall, digits)}"

    def clock(self, wall: str, digits: Digits = 0) -> str:
        """The same without the day. Raises `DataError`."""
        local = self.local.at(wall_us(wall, "wall"))
        utc = local.astimezone(UTC)
        day = "" if utc.date() == local.date() else f"{self.date(utc.date().isoformat())} "
        text = f"{clock(local, digits)} ({day}{clock(utc, digits)} UTC)"
        return text.replace(".", self.decimal(0, 1)[1])
