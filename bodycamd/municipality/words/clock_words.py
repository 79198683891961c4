"""Where the camera's wall clock had its time from, in Dutch and English."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bodycamd.foreign_text import shown
from bodycamd.municipality.words.language import Language, pick

SOURCES: Mapping[str, tuple[str, str]] = {
    "unsynchronised": ("niet gesynchroniseerd", "not synchronised"),
    "kernel-ntp": ("tijd van het netwerk", "network time"),
    "rtc": ("klok met batterij in de camera", "battery-backed clock in the camera"),
}
UNREADABLE = ("niet leesbaar ({error})", "unreadable ({error})")
MAX_SOURCE = 64


def clock_source(source: str, language: Language) -> str:
    """The source in words; one that is not known is shown as the camera named it."""
    if source in SOURCES:
        return pick(SOURCES[source], language)
    unreadable = re.fullmatch(r"unreadable \((\w{1,20})\)", source)
    return pick(UNREADABLE, language).format(error=unreadable[1]) if unreadable is not None else shown(source, MAX_SOURCE)
