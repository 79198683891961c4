"""Local time with UTC beside it: `2026-10-25 02:30:00 (00:30:00 UTC)`.

The time stays clear in the hour that comes twice when summer time ends, because UTC is beside it. Where the day is another one in UTC,
the day is there too. Pure: the time zone is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from bodycamd.evidence.statements import wall_text, wall_us

Digits = Literal[0, 3]


@dataclass(frozen=True, slots=True)
class LocalTime:
    """The clock on the wall of the town hall."""

    zone: tzinfo

    def at(self, at_us: int) -> datetime:
        """Microseconds since 1970 (UTC) on this clock. What lies before 1970 or after 2299 becomes the nearest instant that does not."""
        return datetime.fromisoformat(wall_text(at_us)).astimezone(self.zone)

    def day(self, wall: str) -> str:
        """The local day, YYYY-MM-DD, of a `wall` that was verified. Raises `DataError` for what is no time."""
        return self.at(wall_us(wall, "wall")).date().isoformat()

    def beside_utc(self, at_us: int, digits: Digits = 0) -> str:
        """`2026-06-01 14:00:00 (12:00:00 UTC)`; `digits` of the second are kept, the rest is cut off."""
        local = self.at(at_us)
        return f"{local.date().isoformat()} {clock(local, digits)} ({in_utc(local, digits)})"

    def wall_beside_utc(self, wall: str, digits: Digits = 0) -> str:
        """The same for the `wall` of a statement. Raises `DataError` for what is no time."""
        return self.beside_utc(wall_us(wall, "wall"), digits)

    def clock_beside_utc(self, at_us: int, digits: Digits = 0) -> str:
        """The same without the local day: `14:00:00 (12:00:00 UTC)`."""
        local = self.at(at_us)
        return f"{clock(local, digits)} ({in_utc(local, digits)})"


def clock(local: datetime, digits: Digits = 0) -> str:
    """`14:05:09`, or `14:05:09.250`."""
    return local.strftime("%H:%M:%S") + (f".{local.microsecond // 1000:03d}" if digits else "")


def in_utc(local: datetime, digits: Digits = 0) -> str:
    """`12:05:09 UTC`, with the day where it is another one in UTC."""
    utc = local.astimezone(UTC)
    day = "" if utc.date() == local.date() else f"{utc.date().isoformat()} "
    return f"{day}{clock(utc, digits)} UTC"
