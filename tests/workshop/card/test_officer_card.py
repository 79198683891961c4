"""The officer's card says what this configuration does, draws what the camera plays, and is one A5."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import PULSES, TABLE, RowName
from bodycamd.camera.control.state import Condition, Policy, State
from bodycamd.cli.main import main
from bodycamd.config.load import load
from bodycamd.config.settings import Config
from bodycamd.errors import UnavailableError
from bodycamd.municipality.words.language import LANGUAGES, Language, pick
from bodycamd.workshop import chromium
from bodycamd.workshop.card import drawing
from bodycamd.workshop.card.card_words import LOW
from bodycamd.workshop.card.officer_card import card
from tests.kit.scale import only_in_full

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs/officer-card-nl.html"
SHIPPED = ROOT / "config/bodycamd.yaml"
Values = dict[str, object]
STILL: Values = {"board": {"gpio": {"haptic": None}}}
NO_GREEN: Values = {"board": {"gpio": {"ready_led": None}}}
HOLD: Values = {"gestures": {"stop": "hold"}}
BEFORE: Values = {"pre_event_seconds": 30, "record_warning": True}
AFTER: Values = {"post_event_seconds": 20}
VARIED: Values = BEFORE | {
    "reminder_seconds": 90,
    "post_event_seconds": 1,
    "gestures": {"hold_seconds": 2.5},
    "retention": {"days": 14},
}
DIALOGUE = {"held", "asked", "continues"}
CARD = {"shift_begun", "shift_ended"}
HELP_WORDS = {"help_sent", "help_not_sent", "help_answered"}
WITH_HELP: Values = {"help_call": True}
WITH_CARD: Values = {"board": {"card_reader": "pcsc"}}


def page(values: Values, language: Language = "nl") -> str:
    return card(msgspec.convert({"device_id": "camera-07", **values}, Config), language)


def text(html: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL).split())


def drawn(html: str, kind: str) -> dict[str, list[tuple[int, int]]]:
    """The bars (from, for: ms) of each drawing of a kind, read from the page."""
    found: dict[str, list[tuple[int, int]]] = {}
    for svg in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL):
        element = ElementTree.fromstring(svg)
        if (name := element.get(f"data-{kind}")) is not None:
            bars = [(int(bar.get("x", "0")), int(bar.get("width", "0"))) for bar in element if bar.get("class") == "on"]
            assert found.setdefault(name, bars) == bars
    return found


def levels(steps: tuple[tuple[bool, int], ...]) -> list[bool]:
    """One for each 10 ms."""
    return [on for on, milliseconds in steps for _ in range(milliseconds // 10)]


@pytest.mark.parametrize("name", get_args(RowName))
def test_the_lamp_is_drawn_as_it_is_shown(name: RowName) -> None:
    """A piece of the pattern, from somewhere in its round."""
    made = drawing.lamp(name)
    strip = [False] * (drawing.LAMP_MS // 10)
    for bar in made.bars:
        strip[bar.at_ms // 10 : (bar.at_ms + bar.for_ms) // 10] = [True] * (bar.for_ms // 10)
    pattern = TABLE[name].lamp
    line = levels(pattern.steps)
    if pattern.repeat:
        line *= 2 + len(strip) // len(line)
    assert any(line[start : start + len(strip)] == strip for start in range(len(line) - len(strip) + 1))
    assert {on for on, _ in pattern.steps} == set(strip), "both levels are to be seen"


@pytest.mark.parametrize("name", get_args(HapticName))
@pytest.mark.parametrize("alone", [False, True])
def test_the_motor_is_drawn_as_it_is_played(name: HapticName, alone: bool) -> None:
    made = drawing.motor(name, alone)
    line = levels(PULSES[name].steps)
    strip = [False] * (made.length_ms // 10)
    for bar in made.bars:
        strip[bar.at_ms // 10 : (bar.at_ms + bar.for_ms) // 10] = [True] * (bar.for_ms // 10)
    assert strip[: len(line)] == line
    assert not any(strip[len(line) :])


@pytest.mark.parametrize("values", [{}, HOLD, BEFORE, AFTER, STILL, WITH_CARD, WITH_HELP])
def test_the_page_draws_those_and_no_others(values: Values) -> None:
    html = page(values)
    lamps, words = drawn(html, "lamp"), drawn(html, "motor")
    shown = {"off", "blink", "recording", "low", "missing", "refused", "check_passed", "check_failed"}
    shown |= {"buffering" if values == BEFORE else "ready"}
    assert set(lamps) == shown
    for name, bars in lamps.items():
        assert bars == [(bar.at_ms, bar.for_ms) for bar in drawing.lamp(name).bars]  # type: ignore[arg-type]
    felt = set(get_args(HapticName)) - (DIALOGUE if values == HOLD else set()) - (set() if values == WITH_CARD else CARD)
    felt -= set() if values == WITH_HELP else HELP_WORDS
    assert set(words) == (set() if values == STILL else felt)
    for name, bars in words.items():
        assert bars == [(bar.at_ms, bar.for_ms) for bar in drawing.motor(name).bars]  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_fitted_is_not_spoken_of(language: Language) -> None:
    for word in ("trilling", "tril", "tik", "vibrat", "tick", "pulse"):
        assert word not in text(page(STILL, language)).lower().split(), word
    assert re.search("groen|green", text(page({}, language)).lower())
    assert not re.search("groen|green", text(page(NO_GREEN, language)).lower())
    assert "defect" in text(page(NO_GREEN)) or "niet werkt" in text(page(NO_GREEN)), "dark means dead, too"


def test_a_call_for_help_says_the_radio_first() -> None:
    words = text(page(WITH_HELP))
    assert words.index("Eerst de portofoon.") < words.index("tijdens de opname 10 tellen ingedrukt")
    assert "Niet verstuurd, dus portofoon:" in words
    assert "The radio first." in text(page(WITH_HELP, "en"))
    assert "portofoon" not in text(page({}))
    lines = re.findall(r'<span class="otherwise">([^<]*)<svg class="motor" data-motor="(help_[a-z_]+)"', page(WITH_HELP))
    assert [(said.strip(), felt) for said, felt in lines] == [
        ("Verstuurd:", "help_sent"),
        ("Beantwoord:", "help_answered"),
        ("Niet verstuurd, dus portofoon:", "help_not_sent"),
    ], "a label and what is felt stand on one line"


def test_lengths_are_those_of_the_configuration() -> None:
    words = text(page(VARIED))
    for length in ("2,5 tellen", "elke 90 tellen", "nog brandt (1 tel)", "30 tellen vóór de druk", "in de regel 14 dagen"):
        assert length in words, length
    assert "elke minuut" in text(page({"reminder_seconds": 60}))
    assert "2.5 seconds" in text(page(VARIED, "en"))
    assert re.findall(r"\{\w*\}", words) == []


@pytest.mark.parametrize("condition", get_args(Condition))
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_the_lamp_shows_as_low_is_named(condition: Condition, language: Language) -> None:
    changed: dict[str, Any] = {} if condition == "failing" else {condition: True}
    low = State(Policy(), **changed).degraded
    assert (condition in LOW) == low
    if low:
        assert pick(LOW[condition], language) in text(page({}, language)).lower()


@pytest.mark.parametrize("before", [{}, BEFORE])
@pytest.mark.parametrize("gpio", [{}, {"haptic": None}, {"ready_led": None}, {"haptic": None, "ready_led": None}])
def test_no_two_signs_look_and_feel_alike(before: Values, gpio: Values) -> None:
    html = page(before | {"board": {"gpio": gpio}})
    _, _, *rows = html[html.index('<table class="signs') : html.index("<h2>")].split("<tr")
    looks = [re.findall(r'class="(green[ a-z]*)"|data-(lamp|motor)="([a-z_]+)"', row.replace('lamp="ready"', 'lamp="off"')) for row in rows]
    assert len(looks) >= 6
    assert all(looks.count(look) == 1 for look in looks), looks


def test_after_a_stop_the_lamp_is_drawn_as_it_is_at_rest() -> None:
    """With a pre-event time it flashes again: it is not off."""
    for values, row in ((BEFORE, "buffering"), ({}, "ready")):
        html = page(values)
        saved = html[html.rindex("<tr", 0, html.index("Gestopt en opgeslagen")) : html.index("Gestopt en opgeslagen")]
        assert f'data-lamp="{row}"' in saved
    assert "Gestopt en opgeslagen" not in text(page(STILL))
    assert "opgeslagen, tenzij je drie lange flitsen ziet" in text(page(STILL))


@pytest.mark.parametrize("language", LANGUAGES)
def test_low_is_felt_at_rest_too(language: Language) -> None:
    words = {"nl": "terwijl hij niet opneemt", "en": "while not recording"}
    assert words[language] in text(page({}, language))
    assert words[language] not in text(page(STILL, language))


def test_how_to_stop_and_how_to_go_on() -> None:
    asks, hold = text(page({})), text(page(HOLD))
    assert "Laat los" in asks
    assert "één keer kort" in asks
    assert "Laat los" not in hold
    assert "Toch verder" not in asks, "the lamp is off by the time it could be tried"
    assert "Toch verder" in text(page(AFTER))
    assert "Toch verder Druk binnen 10 tellen na het stoppen" in hold
    assert "Toch verder Druk binnen 20 tellen na het stoppen" in text(page(HOLD | AFTER))


def test_where_nothing_is_recorded_without_a_warning_the_card_says_so() -> None:
    assert "er wordt niet opgenomen. Meld" in text(page({"on_warning_failure": "refuse"}))
    assert "er wordt opgenomen. Waarschuw zelf" in text(page({}))


def test_the_example_is_that_of_the_shipped_configuration() -> None:
    """Made by `bodycamd config card config/bodycamd.yaml --out docs/officer-card-nl.html`."""
    assert card(load(SHIPPED), "nl") == EXAMPLE.read_text(encoding="utf-8")


@only_in_full
def test_the_command_writes_a_page_and_replaces_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "card.html"
    command = ["config", "card", str(SHIPPED), "--out", str(out), "--language", "en"]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_text() == card(load(SHIPPED), "en")
    assert main(command) == 73
    assert main(["config", "card", str(SHIPPED), "--out", str(tmp_path / "card.doc")]) == 2
    assert main(["config", "card", str(tmp_path / "none.yaml"), "--out", str(tmp_path / "other.html")]) == 78
    assert [path.name for path in tmp_path.iterdir()] == ["card.html"]


@only_in_full
def test_without_a_browser_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["config", "card", str(SHIPPED), "--out", str(tmp_path / "card.pdf")]) == 69
    [line] = capsys.readouterr().err.splitlines()
    assert "sudo apt install chromium" in line
    assert "--out CARD.html" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("script", "said"), [("echo no display >&2; exit 1", "no display"), ("exit 3", "exit code 3")])
def test_a_browser_that_does_not_print_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    (tmp_path / "chromium").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UnavailableError, match=said):
        chromium.print_pdf("<p>")


LONG: Values = AFTER | {"reminder_seconds": 3599, "on_warning_failure": "refuse"}
CONFIGURATIONS = [
    (language, LONG | before | stop | missing)
    for language in LANGUAGES
    for before, stop, missing in [
        *itertools.product(({}, BEFORE), ({}, HOLD), ({},)),
        ({}, {}, STILL),
        ({}, {}, NO_GREEN),
        ({}, {}, WITH_CARD),
        (BEFORE, {}, WITH_CARD),
        ({}, {}, WITH_HELP),
        (BEFORE, {}, WITH_HELP),
    ]
]


@only_in_full
@pytest.mark.skipif(shutil.which("chromium") is None or shutil.which("pdfinfo") is None, reason="takes Chromium and poppler-utils")
@pytest.mark.parametrize(("language", "values"), CONFIGURATIONS)
def test_it_is_one_a5_whatever_is_configured(tmp_path: Path, language: Language, values: Values) -> None:
    printed = tmp_path / "card.pdf"
    printed.write_bytes(chromium.print_pdf(page(values, language)))
    told = subprocess.run(["pdfinfo", printed], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Pages: +1$", told, re.MULTILINE), told
    width, height = map(float, re.search(r"^Page size: +([\d.]+) x ([\d.]+) pts", told, re.MULTILINE).groups())  # type: ignore[union-attr]
    assert (round(width * 25.4 / 72), round(height * 25.4 / 72)) == (148, 210)
