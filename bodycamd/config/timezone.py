"""The municipality's time zone, by its name in the IANA time zone database.

Everything that is signed is in UTC. The time zone decides only how people read it: in lists, reports, subtitles and pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DEFAULT_TIMEZONE = "Europe/Amsterdam"
ALLOWED = f"a name of the IANA time zone database, such as {DEFAULT_TIMEZONE}"


def find_timezone(name: str) -> ZoneInfo | None:
    """The time zone of this name; `None` where this machine's database has none of that name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # not for the daemon, which only imports the settings

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such name; a name that leads out of the database; a folder of it
        return None
