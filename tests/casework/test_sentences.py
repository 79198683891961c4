"""Every type of entry has its sentence."""

from __future__ import annotations

import re

import pytest

from bodycamd.casework.sentences import WORDS, in_words
from bodycamd.control import machine
from bodycamd.evidence.entries import TYPE_NAMES
from bodycamd.recorder.history import PastEntry

NOTED = re.findall(r"^([a-z_]+)  +\S.*?$", (machine.__doc__ or "").partition("type  ")[2], re.MULTILINE)


def test_no_entry_is_told_as_a_list_of_fields() -> None:
    assert {"warning", "marker", "left_unsealed"} <= set(NOTED)
    assert set(NOTED) | set(TYPE_NAMES.values()) <= set(WORDS)


@pytest.mark.parametrize(
    ("type", "detail", "words"),
    [
        ("warning", {"outcome": "skipped", "detail": "pressed again"}, "The spoken warning was skipped: pressed again."),
        ("warning", {"outcome": "played_to_device"}, "The spoken warning was played to the device."),
        ("audio_changed", {"audio": "lost"}, "Sound is lost."),
        ("recording_closed", {"recording": "1", "reason": "storage_full", "duration_us": 2_100_000}, "Recording 1 ends after 2.1 s: "),
        ("press_refused", {"reason": "battery_critical"}, "A press of the button was refused: battery critical."),
        ("disk_changed", {"usable": False, "reason": "read-only"}, "The disk is not usable: read-only."),
        ("disk_changed", {"usable": True, "reason": ""}, "The disk is usable again."),
        ("sweep_requested", {"caller": {"via": "command", "uid": 7}}, "What is due is to be deleted at once. Asked for by user 7."),
        ("new_thing", {"part": "x\ny", "number": 2}, "New thing: part 'x\\ny', number 2."),
    ],
)
def test_sentences(type: str, detail: dict[str, object], words: str) -> None:
    assert in_words(PastEntry(type, 1, "boot", 0, "2026-01-01T00:00:00Z", detail)).startswith(words)
