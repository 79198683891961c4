"""Every type of entry has its sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec import structs

from bodycamd.camera.control.noted import NOTED
from bodycamd.evidence.entries import TYPE_NAMES
from bodycamd.municipality.report.story import _DURING
from bodycamd.municipality.words.formats import LocaleWriting
from bodycamd.municipality.words.sentence_words import WORDS
from bodycamd.municipality.words.sentences import in_words
from tests.evidence.making import entry
from tests.kit.views import VIEW as SEEN

VIEW = {name: value for name, value in structs.asdict(SEEN).items() if value is not None}


def test_no_entry_is_told_as_a_list_of_fields() -> None:
    assert {"warning", "marker", "left_unsealed"} <= set(NOTED)
    assert set(NOTED) | set(TYPE_NAMES.values()) | _DURING <= set(WORDS)


@pytest.mark.parametrize("type", WORDS)
def test_both_languages_tell_the_same_fields(type: str) -> None:
    dutch, english = (sorted(re.findall(r"{(\w+)}", text)) for text in WORDS[type])
    assert dutch == english


@pytest.mark.parametrize(
    ("type", "detail", "words"),
    [
        ("warning", {"outcome": "skipped", "detail": "pressed again"}, "The spoken warning was skipped: pressed again."),
        ("warning", {"outcome": "played_to_device"}, "The spoken warning was played to the device."),
        ("audio_changed", {"audio": "lost"}, "Sound is lost."),
        ("audio_silent", {"silent": True}, "The microphone has given complete digital silence for 5 s."),
        ("microphone_opened", {"device": "Device (USB)"}, "Sound comes from Device (USB)."),
        ("recording_closed", {"recording": "1", "reason": "storage_full", "duration_us": 2_100_000}, "Recording 1 ends after 2.1 s: "),
        ("press_refused", {"reason": "battery_critical"}, "A press of the button was refused: battery critical."),
        ("disk_changed", {"usable": False, "reason": "read-only"}, "The disk is not usable: read-only."),
        ("disk_changed", {"usable": True, "reason": ""}, "The disk is usable again."),
        ("help_sent", {"call": "ab", "document": ""}, "A station confirms that a call for help was sent to somebody: ab."),
        (
            "help_sent",
            {"call": "ab", "document": "", "test": True},
            "A station confirms that the test of a call for help came to it; nobody",
        ),
        (
            "sweep_requested",
            {"caller": {"via": "command", "uid": 7}},
            "A sweep was requested: what is due is deleted at once. Requested by",
        ),
        (
            "capture_stalled",
            {"generation": 1, "reason": "ended by signal 9", "last_frame_us": 16266665742},
            "The capture process stopped or hung and is replaced: ended by signal 9.",
        ),
        ("fault", {"action": "Speak", "reason": "OSError: none"}, "A part fails: Speak: OSError: none."),
        (
            "view",
            {**VIEW, "seen_percent": 74.9, "rotation": 180, "flip": "vertical", "dioptres": 1.25},
            "Camera module imx708: 74.9 % of the sensor in the picture, turned by 180°, mirrored: top to bottom, focus at 1.25 dioptres, "
            "1920 by 1080 at 30.0 frames per second.",
        ),
        (
            "view",
            {**VIEW, "differs": "x is y"},
            "Camera module imx708: an unknown part of the sensor in the picture, turned by 0°, mirrored: no",
        ),
        ("new_thing", {"part": "x\ny", "number": 2}, "New thing: part x\\u000ay, number 2."),
    ],
)
def test_sentences(type: str, detail: dict[str, Any], words: str) -> None:
    assert in_words(entry(type, detail)).startswith(words)


@pytest.mark.parametrize(
    ("type", "detail", "words"),
    [
        (
            "capture_stalled",
            {"generation": 1, "reason": "ended by signal 9", "last_frame_us": 16266665742},
            "Het opnameproces is uitgevallen of vastgelopen en wordt vervangen: beëindigd door signaal 9.",
        ),
        ("audio_changed", {"audio": "lost", "generation": 1}, "Het geluid is weggevallen."),
        ("audio_silent", {"silent": True, "generation": 1}, "De microfoon geeft al 5 s volledige digitale stilte."),
        ("audio_silent", {"silent": False, "generation": 1}, "De microfoon geeft weer geluid."),
        ("microphone_opened", {"device": "Device (USB)", "generation": 1}, "Het geluid komt van Device (USB)."),
        (
            "view",
            {**VIEW, "focus": "fixed", "differs": "x is y"},
            "Cameramodule imx708: een onbekend deel van de sensor in beeld, 0° gedraaid, gespiegeld: nee, scherpstelling vast, "
            "1920 bij 1080 met 30,0 beelden per seconde. Anders dan ingesteld: x is y.",
        ),
        ("disk_changed", {"usable": False, "reason": "read-only"}, "De schijf is niet bruikbaar: read-only."),
        ("press_refused", {"reason": "storage_full", "at_us": 1}, "Een druk op de knop is geweigerd: opslag vol."),
        ("recording_closed", {"recording": "1", "reason": "officer"}, "Opname 1 eindigt na 0,0 s: door de handhaver gestopt."),
        ("shift_begin", {"officer": "H-1", "caller": {"uid": 7}}, "De dienst van handhaver H-1 begint. Op verzoek van gebruiker 7."),
        (
            "shift_end",
            {"officer": "H-1", "caller": {"via": "card"}},
            "De dienst van handhaver H-1 eindigt. Met een pas; die bewijst niet wie hem toonde.",
        ),
        ("card_refused", {"reason": "recording"}, "Een getoonde pas is geweigerd: tijdens een opname."),
    ],
)
def test_sentences_in_dutch(type: str, detail: dict[str, Any], words: str) -> None:
    assert in_words(entry(type, detail), LocaleWriting("nl")) == words
