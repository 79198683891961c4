"""`report.html`: one page without scripts, links or anything from elsewhere, for a screen and for A4. What it shows is in the template;
here is how it is worded: in one language, or in both beside each other, then with dates and numbers as the Dutch write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.pages.environment import png_address, rendered
from bodycamd.municipality.report.footage_facts import SegmentFact
from bodycamd.municipality.report.report import FilmPart, Handover, Report
from bodycamd.municipality.report.story import Happening, Instant, Story
from bodycamd.municipality.report.timeline_picture import timeline_picture
from bodycamd.municipality.words.clock_words import clock_source
from bodycamd.municipality.words.formats import Formats
from bodycamd.municipality.words.language import ReportLanguage, Words, first_language, pick
from bodycamd.municipality.words.report_words import WORDS
from bodycamd.municipality.words.sentence_words import GROUNDS, ROLES
from bodycamd.municipality.words.sentences import reason_in_words
from bodycamd.municipality.words.times import LocalTime

_GOOD = ("intact", "deleted", "held")
_FAIR = ("incomplete", "open", "not_received")
_AGREES = {True: "agrees_yes", False: "agrees_no", None: "agrees_unknown"}


@dataclass(frozen=True, slots=True)
class _ShownFilm:
    part: FilmPart
    picture: Markup
    times: list[str]


def page(report: Report, language: ReportLanguage, local: LocalTime, sheets: Mapping[str, bytes]) -> str:
    """The whole page. `sheets` are the contact sheets by name; they become part of it."""
    story, footage, verified = report.story, report.footage, report.verification
    said = _Wording(language, local)
    findings = [*verified.findings, *(f for f in verified.store_findings if f.verdict not in _GOOD)] if verified is not None else []
    return rendered(
        "report.html",
        lang=said.main.language,
        title=f"{said.plain('title')} {report.recording}",
        on_each_page=f"{said.plain('recording')} {report.recording}",
        report=report,
        story=story,
        footage=footage,
        verified=verified,
        findings=findings,
        grade=_grade(report),
        pressed=story.warning.pressed if story.warning is not None else None,
        unsealed=[segment for segment in footage.segments if segment.kind != "sealed"],
        recipients=sorted({recipient for segment in footage.segments for recipient in segment.recipients}),
        bindings=[(kind, bound) for kind, bound in report.binding.sealed.items() if bound.packets],
        films=[_ShownFilm(film, png_address(sheets[film.contact_sheet]), said.times(film)) for film in report.films],
        timeline=timeline_picture(report, said.main.seconds(footage.length_us)),
        handover=said.handover(report.handover),
        agrees=_agrees,
        word=said.word,
        plain=said.plain,
        said=said.happening,
        counted=said.counted,
        missing=lambda text: said.missing(text, story),
        stalled=said.stalled,
        time=said.time,
        clock=said.clock,
        worth=said.worth,
        wall=said.main.moment,
        seconds=said.main.seconds,
        size=said.main.size,
        rate=said.main.shortest,
        bound=said.main.uncertainty,
        source=said.source,
        step=said.step,
    )


class _Wording:
    """The report's words in the languages asked for."""

    def __init__(self, language: ReportLanguage, local: LocalTime) -> None:
        self._both = language == "both"
        self.main = Formats(first_language(language), local)
        self._dutch, self._english = Formats("nl", local), Formats("en", local)

    def plain(self, key: str) -> str:
        """Where only text may stand."""
        return pick(WORDS[key], self.main.language)

    def word(self, key: str, came: str | None = None) -> str | Words:
        """What is not in the table is shown as it came, also where nothing came."""
        if key not in WORDS:
            return key if came is None else came
        return Words(*WORDS[key]) if self._both else self.plain(key)

    def happening(self, happening: Happening) -> str | Words:
        """A ledger entry's sentence."""
        return Words(happening.nl, happening.en) if self._both else pick((happening.nl, happening.en), self.main.language)

    def counted(self, number: int, noun: str) -> str | Words:
        """`2 beelden`."""
        text = self.main.counted(number, noun)
        return Words(text, self._english.counted(number, noun)) if self._both else text

    def missing(self, text: str, story: Story) -> str | Words:
        """A segment that ought to be there, and what the ledger states of it."""
        file = text.partition(",")[0]
        stated = next((stated for stated in story.files if stated.file == file), None)
        if stated is None:
            return file
        how = WORDS["kind_sealed" if stated.how == "sealed" else "kind_cut"]
        both = Words(*(f"{file}: {pick(how, w.language)}, {w.counted(stated.fragments, 'fragment')}" for w in (self._dutch, self._english)))
        return both if self._both else pick(both, self.main.language)

    def stalled(self, reason: str) -> str | Words:
        """Why a capture worker was replaced."""
        both = Words(*(reason_in_words("capture_stalled", reason, write) for write in (self._dutch, self._english)))
        return both if self._both else pick(both, self.main.language)

    def time(self, at: Instant) -> str:
        """Local time with UTC beside it, to the millisecond."""
        return self.main.moment(at.wall, 3)

    def clock(self, at: Instant) -> str:
        """The same without the day."""
        return self.main.clock(at.wall, 3)

    def times(self, film: FilmPart) -> list[str]:
        """What stands below the pictures of the contact sheet: local time and UTC, to the second; UTC's day where it is another one."""
        return [self.main.local.clock_beside_utc(wall_us(at.wall, "wall")) for at in film.pictures]

    def handover(self, handover: Handover | None) -> list[tuple[str, str | Words]]:
        """What who exported said of it."""
        if handover is None:
            return []
        rows = (
            ("case", handover.case),
            ("exported_by", self._from(ROLES, handover.exported_by)),
            ("purpose", self._from(GROUNDS, handover.purpose)),
        )
        return [(name, value) for name, value in rows if value]

    def _from(self, table: Mapping[str, tuple[str, str]], value: str) -> str | Words:
        if value not in table:
            return value
        return Words(*table[value]) if self._both else pick(table[value], self.main.language)

    def worth(self, at: Instant) -> str:
        """How far the clock may have been off; `?` where nobody says."""
        return self.main.uncertainty(at.error_ms)

    def source(self, source: str) -> str | Words:
        """Where the clock had its time from."""
        words = Words(clock_source(source, "nl"), clock_source(source, "en"))
        return words if self._both else pick(words, self.main.language)

    def step(self, step_us: int) -> str:
        """By how much the clock was adjusted: `+1,500 s`."""
        return f"{self.main.signed(step_us / 1e6, 3)} s"


def _grade(report: Report) -> str:
    verdict = report.verification.verdict if report.verification is not None else None
    return "good" if verdict in _GOOD else "fair" if verdict in _FAIR else "bad"


def _agrees(segment: SegmentFact) -> str:
    return _AGREES[segment.agrees]
