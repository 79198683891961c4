"""The local time of tests: that of the Netherlands."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bodycamd.municipality.words.times import LocalTime

AMSTERDAM = LocalTime(ZoneInfo("Europe/Amsterdam"))
