"""The ledger's verified entries as sentences; a type that has no sentence is shown with its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bodycamd.errors import UsageError
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.statements import Entry, JsonValue
from bodycamd.foreign_text import shown
from bodycamd.municipality.words.clock_words import clock_source
from bodycamd.municipality.words.language import PLAIN_ENGLISH, Language, Writing, pick
from bodycamd.municipality.words.report_words import WORDS as REPORT_WORDS
from bodycamd.municipality.words.sentence_words import (
    ASKED_BY,
    BECAUSE,
    BUNDLE,
    BY_CARD,
    CALL_FOR_HELP,
    CONFIRMED,
    COUNTED,
    DIFFERS,
    DIOPTRES,
    ENDED_BY_SIGNAL,
    GROUNDS,
    HELP_CONFIRMED,
    HOLD_ID,
    LEFT,
    NO_BUNDLE,
    NO_SETTINGS_BY_ORDER,
    NOT_MIRRORED,
    READ_OTHERWISE,
    REASONS,
    ROLES,
    SEEN_UNKNOWN,
    SETTINGS_BY_ORDER,
    SHIFT_OF,
    SILENT,
    STORED_LEDGER,
    STORED_SEGMENT,
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


_ENDED_BY_SIGNAL = re.compile(r"ended by signal ([0-9]{1,2})")


class _Fields(dict[str, str]):
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


def in_words(entry: Entry, write: Writing = PLAIN_ENGLISH) -> str:
    """One sentence, in the language of `write`. Text that others wrote is shortened and made printable."""
    language, detail = write.language, entry.detail
    fields = _Fields({key: _field(entry.type, key, value, write) for key, value in detail.items()}, start=str(entry.start))
    if entry.type == "recording_closed":
        fields["duration"] = f"{write.decimal(_number(detail.get('duration_us')) / 1e6, 1)} s"
    if entry.type == "fault" and "part" not in fields:
        fields["part"] = fields["action"]
    fields["confirmed"] = pick(CONFIRMED[detail.get("confirmed") is True], language)
    fields["usable"] = pick(USABLE[detail.get("usable") is True], language).format_map(fields)
    fields["silent"] = pick(SILENT[detail.get("silent") is True], language)
    if entry.type == "uploaded":
        fields["stored"] = pick(STORED_SEGMENT if "segment" in detail else STORED_LEDGER, language).format_map(fields)
    if entry.type == "help_call":
        fields["what"] = pick(CALL_FOR_HELP[detail.get("test") is True], language)
    if entry.type == "help_sent":
        fields["what"] = pick(HELP_CONFIRMED[detail.get("test") is True], language)
    if entry.type == "settings_in_force":
        orders = detail.get("orders")
        fields["orders"] = _listed(orders)
        fields["what"] = pick(SETTINGS_BY_ORDER if orders else NO_SETTINGS_BY_ORDER, language).format_map(fields)
    if entry.type == "start":
        fields["bundle"] = _bundle(detail, language)
    if entry.type == "software_changed":
        left = detail.get("left_version")
        fields["left"] = pick(LEFT, language).format(version=shown(left, 200)) if left else ""
        fields["because"] = pick(BECAUSE, language).format_map(fields) if detail.get("reason") else ""
        fields["because"] += pick(READ_OTHERWISE, language).format_map(fields) if detail.get("configuration") else ""
    if entry.type == "view":
        fields.update(_view(detail, fields, write))
    if entry.type == "warning" and detail.get("detail"):
        fields["outcome"] += f": {fields['detail']}"
    after = ""
    if entry.type == "recording_opened" and detail.get("officer"):
        after = " " + pick(SHIFT_OF, language).format_map(fields)
    after += _asked(detail.get("caller"), write)
    if detail.get("hold"):
        after += " " + pick(HOLD_ID, language).format_map(fields)
    if entry.type in WORDS:
        return pick(WORDS[entry.type], language).format_map(fields) + after
    told = ", ".join(f"{key} {shown(value, 200)}" for key, value in detail.items() if key not in ("start", "caller"))
    return f"{entry.type.replace('_', ' ').capitalize()}{': ' + told if told else ''}.{after}"


def _listed(ids: JsonValue) -> str:
    """The ids of orders, each as far as it takes to tell them apart."""
    return ", ".join(f"{_text(one)[:16]}…" for one in ids) if isinstance(ids, list) else ""


def _bundle(detail: Mapping[str, JsonValue], language: Language) -> str:
    """Which bundle runs. Starts of before bundles say nothing."""
    if (name := _text(detail.get("bundle"))) or detail.get("format") == "bodycam-ledger/1":
        return pick(BUNDLE, language).format(bundle=shown(name, 64)) if name else ""
    return pick(NO_BUNDLE, language)


def _view(detail: Mapping[str, JsonValue], fields: Mapping[str, str], write: Writing) -> dict[str, str]:
    """The fields of a `view` that have units, or words where they are absent."""
    language = write.language
    percent, dioptres, rate = (_decimal(detail.get(name)) for name in ("seen_percent", "dioptres", "frame_rate"))
    focus = VALUES["view", "focus"].get(_text(detail.get("focus")))
    lens = pick(DIOPTRES, language).format(dioptres="?" if dioptres is None else write.decimal(dioptres, 2))
    return {
        "seen_percent": pick(SEEN_UNKNOWN, language) if percent is None else f"{write.decimal(percent, 1)} %",
        "rotation": f"{fields['rotation']}°",
        "flip": fields["flip"] if "flip" in detail else pick(NOT_MIRRORED, language),
        "focus": fields["focus"] if focus is None else pick(focus, language).format(dioptres=lens),
        "frame_rate": "?" if rate is None else write.decimal(rate, 1),
        "differs": pick(DIFFERS, language).format(differs=fields["differs"]) if detail.get("differs") else "",
    }


def _decimal(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _field(type: str, key: str, value: object, write: Writing) -> str:
    """A field in words, where there are any."""
    if isinstance(value, str):
        return _value(type, key, value, write)
    if type in WORDS and key in COUNTED and isinstance(value, int) and not isinstance(value, bool):
        return write.counted(value, COUNTED[key])
    return shown(value, 200)


def _value(type: str, key: str, value: str, write: Writing) -> str:
    language = write.language
    if value in VALUES.get((type, key), {}):
        return pick(VALUES[type, key][value], language)
    if (type, key) == ("clock_changed", "source"):
        return clock_source(value, language)
    if key == "by" and value in ROLES:
        return pick(ROLES[value], language)
    if key == "review_on":
        return write.date(shown(value, 200))
    if key == "ground" and value in GROUNDS:
        return pick(GROUNDS[value], language)
    return reason_in_words(type, value, write) if key == "reason" else shown(value, 200)


def reason_in_words(type: str, value: str, write: Writing) -> str:
    """The `reason` of an entry of this type; the text of a fault stays as the part worded it."""
    language = write.language
    if type == "recording_closed" and f"reason_{value}" in REPORT_WORDS:
        return pick(REPORT_WORDS[f"reason_{value}"], language)
    if value in REASONS:
        return pick(REASONS[value], language)
    signal = _ENDED_BY_SIGNAL.fullmatch(value)
    return pick(ENDED_BY_SIGNAL, language).format(number=signal[1]) if signal is not None else shown(value, 200).replace("_", " ")


def _asked(caller: object, write: Writing) -> str:
    """On whose word, where that says more than the sentence: the button is the officer's."""
    if isinstance(caller, dict) and caller.get("via") == "card":
        return " " + pick(BY_CARD, write.language)
    uid = caller.get("uid") if isinstance(caller, dict) else None
    return " " + pick(ASKED_BY, write.language).format(uid=uid) if isinstance(uid, int) else ""
