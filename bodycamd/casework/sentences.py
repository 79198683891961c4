"""The ledger as sentences. Nothing is verified here (`bodycamd verify` does); a type that has no sentence is told with its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodycamd.casework.past import all_entries
from bodycamd.casework.report_words import WORDS as REPORT_WORDS
from bodycamd.errors import UsageError
from bodycamd.evidence.strict import shortened
from bodycamd.recorder.history import PastEntry
from bodycamd.recorder.names import recording_start
from bodycamd.retention.index import day_us


@dataclass(frozen=True, slots=True)
class Sentence:
    """One entry in words."""

    wall: str
    start: int
    type: str
    recording: str
    text: str


WORDS: Mapping[str, str] = {
    "start": "Start {start} of the camera begins ({software}).",
    "store_recovered": "The store was looked through: {segments} segments of earlier starts recovered.",
    "key_changed": "The camera signs with a new key from here on.",
    "shift_begin": "The shift of officer {officer} begins.",
    "shift_end": "The shift of officer {officer} ends.",
    "recording_opened": "Recording {recording} begins; warning: {warning}.",
    "segment_sealed": "Segment {segment} of {recording} is finished: {fragments} fragments, {size} bytes.",
    "segment_recovered": "Segment {segment} of {recording} was cut off; {fragments} fragments of it are good.",
    "recording_closed": "Recording {recording} ends after {duration}: {reason}.",
    "warning": "The spoken warning {outcome}.",
    "marker": "The officer sets a marker.",
    "seal_forced": "Recording {recording} is sealed without its last fragment: it did not come in time.",
    "left_unsealed": "Recording {recording} could not be sealed; the next start recovers it.",
    "resume_declined": "Recording {recording} is not gone on with: {reason}.",
    "failing": "The camera fails: {resumes} times within a minute it had to go on with a recording.",
    "time": "The time is stated; the wall clock is {confirmed}.",
    "sweep_requested": "What is due is to be deleted at once.",
    "retention_rules": "Recordings are kept for {days} days, the ledger for {keep_months} months.",
    "hold_added": "Recording {recording} is held for {ground} ({reference}) by {by}; review on {review_on}.",
    "hold_released": "The hold on recording {recording} for {ground} is released by {by}: {reason}.",
    "hold_review_due": "The hold on recording {recording} for {ground} was to be reviewed on {review_on}.",
    "deleting": "The deletion of recording {recording} begins: {reason}.",
    "deleted": "Recording {recording} is deleted.",
    "ledger_shortened": "Entries from before start {first_kept} are dropped; {file} leads on.",
    "capture_stalled": "The camera module was silent and is replaced: {reason}.",
    "capture_flowing": "The camera module delivers pictures.",
    "audio_changed": "Sound is {audio}.",
    "voice_failed": "The voice cannot speak: {detail}.",
    "voice_ready": "The voice can speak.",
    "write_failed": "The disk failed to {operation}: {reason}.",
    "disk_changed": "The disk is {usable}.",
    "footage_not_written": "{fragments} fragments of {recording} could not be written.",
    "fragment_refused": "A fragment of {recording} was refused: {reason}.",
    "fault": "A part fails: {part}: {reason}.",
    "press_latched": "A press while the camera started is honoured.",
    "press_refused": "A press of the button was refused: {reason}.",
    "storage_changed": "Room for footage is {level}.",
    "clock_changed": "The wall clock changed: source {source}.",
    "battery_changed": "The battery is {level}.",
    "ring_overflowed": "The card was too slow: {fragments} fragments are lost.",
    "button_stuck": "The button is stuck.",
    "button_freed": "The button is free again.",
    "leaving": "The camera stops: {reason}.",
}


VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("warning", "outcome"): {"played_to_device": "was played to the device", "skipped": "was skipped", "failed": "could not be played"},
    ("clock_changed", "source"): {"unsynchronised": "none, not synchronised", "kernel-ntp": "network time"},
}
"""Values of fields in words."""


class _Fields(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def sentences(store: Path, *, recording: str | None = None, since: str = "") -> Iterator[Sentence]:
    """Every entry in words, the oldest first, or those of one recording, or from one day on.

    Raises `UsageError` for what is no recording's id or no day, `NotFoundError`, `StorageError`.
    """
    if recording is not None and recording_start(recording) is None:
        raise UsageError(f"{recording!r} is not the id of a recording; one looks like 000042-0001")
    if since and day_us(since) is None:
        raise UsageError(f"--since {since!r} is no day: YYYY-MM-DD")
    for entry in all_entries(store):
        name = entry.text("recording")
        if (recording is None or name == recording) and entry.wall[:10] >= since:
            yield Sentence(entry.wall, entry.start, entry.type, name, in_words(entry))


def in_words(entry: PastEntry) -> str:
    """One sentence. Text that others wrote is shortened and made printable."""
    fields = _Fields({key: shortened(str(value), 200) for key, value in entry.detail.items()}, start=entry.start)
    for key, value in entry.detail.items():
        if isinstance(value, str) and value in VALUES.get((entry.type, key), {}):
            fields[key] = VALUES[entry.type, key][value]
        elif (entry.type, key) == ("recording_closed", "reason") and f"reason_{value}" in REPORT_WORDS:
            fields[key] = REPORT_WORDS[f"reason_{value}"][1]
        elif key in ("reason", "warning", "level"):
            fields[key] = fields[key].replace("_", " ")
    if entry.type == "recording_closed":
        fields["duration"] = f"{entry.number('duration_us') / 1e6:.1f} s"
    if entry.type == "time":
        fields["confirmed"] = "confirmed" if entry.detail.get("confirmed") is True else "not confirmed"
    if entry.type == "disk_changed":
        fields["usable"] = "usable again" if entry.detail.get("usable") is True else f"not usable: {fields['reason']}"
    if entry.type == "warning" and entry.text("detail"):
        fields["outcome"] += f": {fields['detail']}"
    asked = _asked(entry.detail.get("caller"))
    if entry.type == "recording_opened" and entry.text("officer"):
        asked = f" The shift is that of officer {fields['officer']}.{asked}"
    if entry.type in WORDS:
        return WORDS[entry.type].format_map(fields) + asked
    told = ", ".join(f"{key} {value}" for key, value in fields.items() if key not in ("start", "caller"))
    return f"{entry.type.replace('_', ' ').capitalize()}{': ' + told if told else ''}.{asked}"


def _asked(caller: object) -> str:
    """On whose word, where that says more than the sentence: the button is the officer's."""
    uid = caller.get("uid") if isinstance(caller, dict) else None
    return f" Asked for by user {uid}." if isinstance(uid, int) else ""
