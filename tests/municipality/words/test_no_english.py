"""`--language nl` leaves no English word: every page, subtitle and sentence, with every value that has Dutch words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs

from bodycamd.evidence.statements import ClockQuality, FragmentStatement, Video
from bodycamd.municipality.film.captions import cues
from bodycamd.municipality.film.packet_hashes import Bound
from bodycamd.municipality.film.source import Source
from bodycamd.municipality.publish import certificate_page, transparency_page
from bodycamd.municipality.publish.certificate import certify
from bodycamd.municipality.publish.transparency import month_of
from bodycamd.municipality.report.footage_facts import ClockPeriod, DamagedPart, FootageFacts, Gap, LostSound, SegmentFact
from bodycamd.municipality.report.report import Binding, FilmPart, Handover, Report, Step, Verification
from bodycamd.municipality.report.report_page import page
from bodycamd.municipality.report.story import Happening, Instant, Marker, SpokenWarning, StatedFile, Story
from bodycamd.municipality.verify.verdicts import Finding, Verdict
from bodycamd.municipality.words import certificate_words, clock_words, month_words, report_words, sentence_words
from bodycamd.municipality.words.formats import Formats
from bodycamd.municipality.words.language import NOUNS, Language, ReportLanguage
from bodycamd.municipality.words.sentences import in_words
from tests.evidence.making import entry
from tests.kit.local_time import AMSTERDAM
from tests.kit.scale import only_in_full
from tests.municipality.publish.test_retention_pages import kept
from tests.municipality.verify.test_years import AGE, COMMON

__all__ = ["kept"]

DUTCH = Formats("nl", AMSTERDAM)
WORD = re.compile(r"[^\W\d_]{2,}")
SAME = {"bytes", "recorder"}


def pairs() -> Iterator[tuple[str, str]]:
    """Everything that is worded in both languages."""
    for table in (report_words.WORDS, certificate_words.WORDS, certificate_words.SENTENCES, month_words.WORDS, sentence_words.WORDS):
        yield from table.values()
    for values in (
        *sentence_words.VALUES.values(),
        sentence_words.REASONS,
        sentence_words.GROUNDS,
        sentence_words.ROLES,
        clock_words.SOURCES,
    ):
        yield from values.values()
    yield from (*sentence_words.CONFIRMED.values(), *sentence_words.USABLE.values(), clock_words.UNREADABLE)
    yield from (sentence_words.SHIFT_OF, sentence_words.HOLD_ID, sentence_words.ASKED_BY, sentence_words.ENDED_BY_SIGNAL)
    for noun in NOUNS.values():
        yield from noun


def vocabulary(at: int) -> set[str]:
    return {word.lower() for pair in pairs() for word in WORD.findall(re.sub(r"{\w+}", "", pair[at]))}


ONLY = {"nl": vocabulary(0) - vocabulary(1) - SAME, "en": vocabulary(1) - vocabulary(0) - SAME}


class Told(HTMLParser):
    """What a page says in its own words: no commands, hashes or names of files, and no words that are marked as another language's."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: set[str] = set()
        self._quoting: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._quoting or tag in ("code", "pre", "style") or (tag == "span" and dict(attrs).get("lang")):
            self._quoting += [tag] if tag not in ("br", "img") else []

    def handle_endtag(self, tag: str) -> None:
        if self._quoting:
            self._quoting.pop()

    def handle_data(self, data: str) -> None:
        if not self._quoting:
            self.words |= {word.lower() for word in WORD.findall(data)}


AT = Instant("2026-10-25T00:30:00.000000Z", 1_000_000, "kernel-ntp", 20)
UNBOUNDED = Instant("2026-10-25T01:30:00.000000Z", 2_000_000, "unsynchronised")
VIDEO = Video(encoder="7", width=2, height=2, frame_rate=15.0)
NAMES = sorted(report_words.WORDS)


def named(prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in NAMES if name.startswith(prefix)]


def report(number: int, verdict: Verdict) -> Report:
    """A report in which as much as possible is there; of each kind of value the `number`th."""

    def of(prefix: str) -> str:
        values = named(prefix)
        return values[number % len(values)]

    bound = {kind: Bound(2, 3, "a", "b") for kind in ("video", "audio")}
    story = Story(
        "000001-0001",
        device="7",
        software="7",
        officer="H-7" if number % 2 else "",
        shift_begun=AT,
        opened=AT,
        warning=SpokenWarning(of("warning_"), "7", AT, AT, "a fault in words of its own") if number % 3 else None,
        resumes="000001-0000" if number % 2 else "",
        reason=of("reason_"),
        ended_by=of("ended_"),
        files=[StatedFile(0, "0.tar", "sealed", "7", 1, 0, 2)],
        markers=[Marker(UNBOUNDED, of("marker_"), "H-7")] if number % 2 else [],
        happenings=[Happening(AT, "fault", "", "nul", "not this one")],
        happenings_unlisted=2,
        holds=[Happening(AT, "hold_added", "", "nul", "not this one")] if number % 2 else [],
    )
    facts = FootageFacts(
        segments=[SegmentFact("0.tar", kind, 1, "7", 2, 1, 1, VIDEO, True, ["7"], ["7"]) for kind in named("kind_")] if number % 2 else [],
        begins=AT,
        ends=UNBOUNDED,
        length_us=1_000_000,
        pre_start_us=1,
        gaps=[Gap(AT, 1_500_000, of("gap_").replace("at", "damaged"), "ended by signal 9", 0, 1)] if number % 2 else [],
        gaps_unlisted=2,
        gap_us=1_500_000 if number % 2 else 0,
        damage=[DamagedPart("0.tar", "in words of its own", ["7"])] if number % 3 == 1 else [],
        damage_unlisted=1,
        lost_sound=[LostSound(AT, of("audio_"), 5)] if number % 2 else [],
        clock=[ClockPeriod(AT, source, 20, 5) for source in clock_words.SOURCES] + [ClockPeriod(AT, "unreadable (EPERM)", None, -5)],
    )
    verification = Verification(
        "7", verdict, [Finding(verdict, "0.tar", "in words of its own")], 3, "store" if number % 2 else "recording", verdict, [], "7", 2,
        AT.wall if number % 2 else "", of("anchor_") if number % 4 else "",
    )  # fmt: skip
    return Report(
        format="bodycam-report/1",
        made=AT.wall,
        made_with="bodycamd 1",
        timezone="Europe/Amsterdam",
        recording=story.recording,
        source=Source("7", story.recording),
        story=story,
        footage=facts,
        missing=["0.tar, sealed with 2 fragments", "000001.tar"] if number % 2 else [],
        films=[FilmPart("7.mp4", "7.png", [AT, UNBOUNDED], AT, 1.5, 1, 1, "7", {}, {}, {})],
        binding=Binding(bound, bound, True),
        verification=verification if number % 5 else None,
        repeat=[Step(title, ["x"], "y") for title in named("step_")],
        verdict=verdict,
        handover=Handover("Z-1", "E-03", list(sentence_words.GROUNDS)[number % 3]) if number % 2 else None,
    )


REPORTS = [report(number, get_args(Verdict)[number % len(get_args(Verdict))]) for number in range(2 * len(get_args(Verdict)))]


@only_in_full
@pytest.mark.parametrize(("language", "other"), [("nl", "en"), ("en", "nl")])
def test_a_report_is_in_its_language_alone(language: ReportLanguage, other: str) -> None:
    for number, made in enumerate(REPORTS):
        told = Told(page(made, language, AMSTERDAM, {"7.png": b""}).replace("nul", ""))
        assert told.words & ONLY[other] == set(), number
        assert told.words & ONLY[language]


def test_the_test_would_see_a_word_of_the_other_language() -> None:
    told = Told(page(REPORTS[1], "both", AMSTERDAM, {"7.png": b""}).replace(' lang="en"', ""))
    assert len(told.words & ONLY["en"]) > 50


def test_a_text_that_an_entry_leaves_out_is_left_out() -> None:
    """Entries allow a marker without a cause, and a warning without an outcome; the name of a word is no word."""
    nothing = SpokenWarning("", "", AT, AT, "")
    bare = structs.replace(REPORTS[1].story, markers=[Marker(AT, "", ""), Marker(AT, "", "H-7")], warning=nothing)
    html = page(structs.replace(REPORTS[1], story=bare), "en", AMSTERDAM, {"7.png": b""})
    assert re.findall(r"\b(?:marker|warning)_\w*", html) == []
    markers = html.partition("Markers by the officer")[2].partition("</ol>")[0]
    assert [line.partition("</small>")[2] for line in markers.splitlines() if line.startswith("<li>")] == ["</li>", ", H-7</li>"]


@pytest.mark.parametrize(("language", "other"), [("nl", "en"), ("en", "nl")])
def test_certificate_and_month_are_in_their_language_alone(kept: tuple[Path, str], language: Language, other: str) -> None:
    store, name = kept
    pages = [certificate_page.page(certify(store, name, with_holds=holds), language, AMSTERDAM) for holds in (True, False)]
    pages += [transparency_page.page(month_of(store, month, AMSTERDAM), language, AMSTERDAM) for month in ("2026-01", "2026-03")]
    for made in pages:
        assert Told(made.replace("desk &amp; co", "")).words & ONLY[other] == set()


@pytest.mark.parametrize("type", sentence_words.WORDS)
def test_every_sentence_is_dutch(type: str) -> None:
    details = [
        {"hold": "7", "caller": {"uid": 7}, "officer": "H-7", "confirmed": True, "usable": True, **dict.fromkeys(sentence_words.COUNTED, 1)}
    ]
    details += [{"usable": False, "reason": "ended by signal 9", **dict.fromkeys(sentence_words.COUNTED, 2)}]
    details += [{key: value} for (of, key), values in sentence_words.VALUES.items() if of == type for value in values]
    details += [{"reason": reason} for reason in (*sentence_words.REASONS, *named("reason_"))]
    details += [{"by": role} for role in sentence_words.ROLES]
    details += [{"ground": ground} for ground in sentence_words.GROUNDS]
    details += [{"source": source} for source in (*clock_words.SOURCES, "unreadable (EPERM)")]
    for detail in details:
        told = {word.lower() for word in WORD.findall(in_words(entry(type, detail), DUTCH))}
        if type != "recording_closed" and detail.get("reason") in set(named("reason_")) - set(sentence_words.REASONS):
            continue  # no reason of this type
        assert told & ONLY["en"] == set(), detail


@pytest.mark.parametrize("source", [*clock_words.SOURCES, "unreadable (EPERM)"])
def test_subtitles_are_dutch(source: str) -> None:
    place = {"recording": "000001-0001", "segment": 0, "index": 1, "boottime_ns": 0, "wall": AT.wall, "pts_us": 0, "duration_us": 10}
    for error_ms, worth in ((20, "± 0,02 s"), (None, "± ?")):
        stated = {**COMMON, **AGE, **place, "device": "7", "clock": ClockQuality(source=source, error_ms=error_ms)}
        ((_, _, text),) = cues(FragmentStatement(**stated), DUTCH)  # type: ignore[arg-type]
        assert text.startswith(f"2026-10-25 02:30:00 (00:30:00 UTC)\n{worth} (")
        assert {word.lower() for word in WORD.findall(text)} & ONLY["en"] == set()


def test_one_day_and_two() -> None:
    assert [DUTCH.counted(number, "day") for number in (0, 1, 2, 1000)] == ["0 dagen", "1 dag", "2 dagen", "1.000 dagen"]
    assert [Formats("en", AMSTERDAM).counted(number, "day") for number in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
    assert DUTCH.moment("2026-10-25T00:30:09.250000Z", 3) == "25 oktober 2026 02:30:09,250 (00:30:09,250 UTC)"
    assert DUTCH.moment("2026-06-30T22:30:09Z") == "1 juli 2026 00:30:09 (30 juni 2026 22:30:09 UTC)"


@only_in_full
def test_the_cameras_log_needs_no_babel() -> None:
    """A camera has none of the municipality's packages, and its technician reads the log there."""
    code = "import sys, bodycamd.municipality.words.sentences; assert not {'babel', 'jinja2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
