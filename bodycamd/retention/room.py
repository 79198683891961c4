"""What may go before its days have passed, to make room: only what the station has. A decision about what the ledger states.

A recording may go for room when all of this is true:

- it is closed, and nothing holds it;
- each of its segments has a receipt, and so has the ledger up to the entry that closed it; each by the key of a station that is active in
  the roster in force, which has not ended;
- each receipt's `kept_until` is no earlier than the camera's own due time would be: the latest possible end by the wall clock, and the
  days. A minute less is the same time: two clocks that differ by less agree, and a store's lock is of whole seconds. What no clock dates
  stays;
- for each segment the station has shown within the last 24 hours, less two minutes, in this boot, that its bytes are still there.

Whoever takes it looks also that its folder holds exactly the files that the ledger states (`as_stated`). Nothing here goes by itself: what
goes, and how much, follows from how much room there is (`Need`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from bodycamd.retention.elapsed import TOLERANCE_US, Age, Now, Timeline
from bodycamd.retention.policy import DAY_US, MARGIN_US, Hold, Rules, StatedRecording

SHOWN_US: Final = DAY_US
"""So long an answer of the station counts, for whoever judges a deletion afterwards."""
Lacking: TypeAlias = Literal["", "held", "not_closed", "not_sent", "not_dated", "kept_too_short", "not_shown"]
"""Why a recording may not go for room; empty: it may. The last two an answer of the station may change, which brings a newer receipt where
it keeps a segment longer than the last one says."""


class SentSegment(Struct):
    """One segment's file: `sha256` is empty where a cut left something behind the good bytes. `key` is of who signed the newest receipt,
    `shown_key` of who signed the newest answer; `shown` is the boot of that, and CLOCK_BOOTTIME in it."""

    size_bytes: int
    sha256: str
    kept_until_us: int | None = None
    key: str = ""
    shown: tuple[str, int] | None = None
    shown_key: str = ""


class SentRecording(Struct):
    """A recording's segments, by their numbers. `closed` is the place of the line that closed it."""

    segments: dict[int, SentSegment] = {}
    closed: int | None = None


class Standing(Struct, frozen=True):
    """One recording: what it lacks. `ask` are the segments that the station is to be asked for."""

    recording: str
    lacking: Lacking
    size_bytes: int = 0
    age: Age | None = None
    ask: tuple[int, ...] = ()


class Need(Struct, frozen=True):
    """Of room for footage. Below `least_bytes` recordings go; what goes next is shown by the station in time while there is less than
    `ahead_bytes`, of which what was shown is a part."""

    least_bytes: int
    ahead_bytes: int


def standings(
    recordings: Sequence[StatedRecording],
    present: Collection[str],
    holds: Mapping[str, Sequence[Hold]],
    timeline: Timeline,
    now: Now,
    boot_id: str,
    rules: Rules,
    sent: Mapping[str, SentRecording],
    covered: int,
    keys: Collection[str],
) -> list[Standing]:
    """Of every ended recording that is there and not on its way, the oldest first. `keys` are the ids of the keys of the stations that are
    active in the roster in force; `covered` is the place of the newest line that a receipt by one of these says the station has."""
    ended = [(one, one.end) for one in recordings if one.end is not None and not one.deleting and one.id in present]
    ages = timeline.ages([end for _, end in ended], now)
    found = []
    for (one, _), age in sorted(zip(ended, ages, strict=True), key=lambda pair: pair[0][0].id):
        of = sent.get(one.id, SentRecording())
        ask: list[int] = []
        lacking = _lacking(of, bool(holds.get(one.id)), age, rules, covered, keys)
        if lacking in ("", "kept_too_short"):
            since_us = now.moment.at_us - SHOWN_US + MARGIN_US  # its entry is made after this, and nobody gives it more than a day
            ask = [number for number, segment in sorted(of.segments.items()) if not _is_shown(segment, boot_id, since_us, keys)]
            lacking = lacking or ("not_shown" if ask else "")
        size = sum(segment.size_bytes for segment in of.segments.values())
        found.append(Standing(one.id, lacking, size, age, tuple(ask)))
    return found


def to_take(found: Iterable[Standing], room_bytes: int, need: Need) -> Standing | None:
    """What goes now: the oldest one that may, while there is too little room."""
    return next((one for one in found if one.lacking == ""), None) if room_bytes < need.least_bytes else None


def to_ask(found: Iterable[Standing], room_bytes: int, need: Need) -> list[tuple[str, int]]:
    """The segments that the station is to be asked for, in their order: so many of the oldest recordings that, with them gone, there would
    be `ahead_bytes`."""
    asked: list[tuple[str, int]] = []
    for one in found:
        if room_bytes >= need.ahead_bytes:
            break
        if one.lacking in ("", "not_shown", "kept_too_short"):
            room_bytes += one.size_bytes
            asked += [(one.recording, number) for number in one.ask]
    return asked


def as_stated(sent: Mapping[str, SentRecording], recording: str, files: Mapping[int, int]) -> bool:
    """Whether a recording's folder holds exactly what the ledger states of it: sizes in bytes, by the number of the segment."""
    stated = sent.get(recording)
    return stated is not None and {number: segment.size_bytes for number, segment in stated.segments.items()} == dict(files)


def due_us(age: Age, rules: Rules) -> int | None:
    """When the days have passed since the latest possible end, by the wall clock; `None` where nothing says."""
    return None if age.was_before_us is None else age.was_before_us + rules.days * DAY_US


def _lacking(of: SentRecording, held: bool, age: Age, rules: Rules, covered: int, keys: Collection[str]) -> Lacking:
    if held:
        return "held"
    if of.closed is None or not of.segments:
        return "not_closed"
    if of.closed > covered or any(one.kept_until_us is None or one.key not in keys for one in of.segments.values()):
        return "not_sent"
    if due_us(age, rules) is None:
        return "not_dated"
    return "kept_too_short" if any(_short(one, age, rules) for one in of.segments.values()) else ""


def _short(segment: SentSegment, age: Age, rules: Rules) -> bool:
    until_us, wanted_us = segment.kept_until_us, due_us(age, rules)
    return until_us is None or wanted_us is None or until_us < wanted_us - TOLERANCE_US


def _is_shown(segment: SentSegment, boot_id: str, since_us: int, keys: Collection[str]) -> bool:
    shown = segment.shown
    return shown is not None and shown[0] == boot_id and shown[1] >= since_us and segment.shown_key in keys
