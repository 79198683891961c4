"""The ledger's verified entries as sentences; a type that has no sentence is told with its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from bodycamd.errors import UsageError
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.statements import Entry
from bodycamd.foreign_text import shown
from bodycamd.municipality.words.report_words import WORDS as REPORT_WORDS
from bodycamd.municipality.words.sentence_words import (
    ASKED_BY,
    CONFIRMED,
    ENDED_BY_SIGNAL,
    GROUNDS,
    HOLD_ID,
    REASONS,
    SHIFT_OF,
    USABLE,
    VALUES,
    WORDS,
)
from bodycamd.municipality.words.times import LocalTime
from bodycamd.retention.ledger_index import day_us
from bodycamd.store.names import check_recording


@dataclass(frozen=True, slots=True)
class Sentence:
    """One entry in words."""

    wall: str
    start: int
    type: str
    recording: str
    text: str


Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")
"""In the order of the words."""

_ENDED_BY_SIGNAL = re.compile(r"ended by signal ([0-9]{1,2})")


class _Fields(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def sentences(ledger: Iterable[Line], local: LocalTime, *, recording: str | None = None, since: str = "") -> Iterator[Sentence]:
    """Every entry of a verified ledger in words, the oldest first, or those of one recording, or from one local day on.

    Raises `UsageError` for what is no recording's id or no day, `StorageError`.
    """
    if recording is not None:
        check_recording(recording)
    if since and day_us(since) is None:
        raise UsageError(f"--since {since!r} is not a date: YYYY-MM-DD")
    for line in ledger:
        entry = line.entry
        name = _text(entry.detail.get("recording"))
        if (recording is None or name == recording) and (not since or local.day(entry.wall) >= since):
            yield Sentence(entry.wall, entry.start, entry.type, name, in_words(entry))


def in_words(entry: Entry, language: Language = "en") -> str:
    """One sentence. Text that others wrote is shortened and made printable."""
    at = LANGUAGES.index(language)
    fields = _Fields({key: shown(str(value), 200) for key, value in entry.detail.items()}, start=entry.start)
    for key, value in entry.detail.items():
        if isinstance(value, str):
            fields[key] = _value(entry.type, key, value, fields[key], at)
    if entry.type == "recording_closed":
        fields["duration"] = f"{_number(entry.detail.get('duration_us')) / 1e6:.1f} s"
    if entry.type == "fault" and "part" not in fields:
        fields["part"] = fields["action"]
    fields["confirmed"] = CONFIRMED[entry.detail.get("confirmed") is True][at]
    fields["usable"] = USABLE[entry.detail.get("usable") is True][at].format_map(fields)
    if entry.type == "warning" and entry.detail.get("detail"):
        fields["outcome"] += f": {fields['detail']}"
    after = ""
    if entry.type == "recording_opened" and entry.detail.get("officer"):
        after = " " + SHIFT_OF[at].format_map(fields)
    after += _asked(entry.detail.get("caller"), at)
    if entry.detail.get("hold"):
        after += " " + HOLD_ID[at].format_map(fields)
    if entry.type in WORDS:
        return WORDS[entry.type][at].format_map(fields) + after
    told = ", ".join(f"{key} {fields[key]}" for key in entry.detail if key not in ("start", "caller"))
    return f"{entry.type.replace('_', ' ').capitalize()}{': ' + told if told else ''}.{after}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _value(type: str, key: str, value: str, shown: str, at: int) -> str:
    """A field's value in words; `shown` is the value made printable."""
    if value in VALUES.get((type, key), {}):
        return VALUES[type, key][value][at]
    if key == "ground" and value in GROUNDS:
        return GROUNDS[value][at]
    if key != "reason":
        return shown
    if type == "recording_closed" and f"reason_{value}" in REPORT_WORDS:
        return REPORT_WORDS[f"reason_{value}"][at]
    if value in REASONS:
        return REASONS[value][at]
    signal = _ENDED_BY_SIGNAL.fullmatch(value)
    return ENDED_BY_SIGNAL[at].format(number=signal[1]) if signal is not None else shown.replace("_", " ")


def _asked(caller: object, at: int) -> str:
    """On whose word, where that says more than the sentence: the button is the officer's."""
    uid = caller.get("uid") if isinstance(caller, dict) else None
    return " " + ASKED_BY[at].format(uid=uid) if isinstance(uid, int) else ""
