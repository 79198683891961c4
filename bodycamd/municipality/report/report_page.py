"""`report.html`: one page without scripts, links or anything from elsewhere, for a screen and for A4.

Everything that comes from the store is escaped; control characters are made visible. The page forbids itself (by its content security
policy) to load or run anything, should a value get through all the same.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from bodycamd.evidence.statements import wall_us
from bodycamd.foreign_text import html_text as _safe
from bodycamd.municipality.report.report import Report
from bodycamd.municipality.report.report_style import STYLE
from bodycamd.municipality.report.story import Instant
from bodycamd.municipality.report.timeline_picture import timeline_picture
from bodycamd.municipality.words.report_words import WORDS
from bodycamd.municipality.words.times import LocalTime

Language = Literal["nl", "en", "both"]
_GOOD = ("intact", "deleted", "held")
_FAIR = ("incomplete", "open", "not_received")


def page(report: Report, language: Language, local: LocalTime, sheets: Mapping[str, bytes]) -> str:
    """The whole page. `sheets` are the contact sheets by name; they become part of it."""
    return _Page(report, language, local, sheets).html()


class _Page:
    def __init__(self, report: Report, language: Language, local: LocalTime, sheets: Mapping[str, bytes]) -> None:
        self._report = report
        self._language = language
        self._local = local
        self._sheets = sheets

    def html(self) -> str:
        report = self._report
        sections = (
            self._summary,
            self._authenticity,
            self._completeness,
            self._sound_and_clock,
            self._markers,
            self._films,
            self._happenings,
            self._holds,
            self._evidence,
            self._hashes,
            self._repeat,
        )
        body = "\n".join(section() for section in sections)
        title = f"{self._plain('title')} {_safe(report.recording)}"
        lang = "nl" if self._language == "both" else self._language
        return (
            f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
            '<meta name="viewport" content="width=device-width">\n'
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            f"<h1>{self._word('title')}</h1>\n{body}\n"
            f"<footer>{self._word('page_note')}<p>{_safe(report.made_with)}, {self._local.wall_beside_utc(report.made)}</p></footer>\n"
            "</body>\n</html>\n"
        )

    # --- words ----------------------------------------------------------------------------------------------------------------------------

    def _plain(self, key: str) -> str:
        dutch, english = WORDS[key]
        return english if self._language == "en" else dutch

    def _word(self, key: str, unknown: str = "") -> str:
        """The word in the languages asked for; what is not in the table is shown as it came."""
        if key not in WORDS:
            return _safe(unknown or key)
        return self._said(*WORDS[key])

    def _said(self, dutch: str, english: str) -> str:
        """The same in the languages asked for."""
        if self._language != "both" or dutch == english:
            return _safe(english if self._language == "en" else dutch)
        return f'<span class="nl">{_safe(dutch)}</span> <span class="en" lang="en">{_safe(english)}</span>'

    # --- pieces ---------------------------------------------------------------------------------------------------------------------------

    def _section(self, key: str, *content: str) -> str:
        return f"<section>\n<h2>{self._word(key)}</h2>\n" + "\n".join(content) + "\n</section>"

    def _facts(self, rows: Iterable[tuple[str, str]]) -> str:
        cells = (f"<tr><th>{self._word(key)}</th><td>{value}</td></tr>" for key, value in rows if value)
        return '<table class="facts">' + "".join(cells) + "</table>"

    def _table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
        head = "".join(f"<th>{self._word(key)}</th>" for key in heads)
        lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"

    def _note(self, key: str) -> str:
        return f"<p>{self._word(key)}</p>"

    def _moment(self, at: Instant | None) -> str:
        return f"{self._local.wall_beside_utc(at.wall, 3)}{_worth(at)}" if at is not None else ""

    def _clock_time(self, at: Instant) -> str:
        return self._local.clock_beside_utc(wall_us(at.wall, "wall"), 3)

    # --- sections -------------------------------------------------------------------------------------------------------------------------

    def _summary(self) -> str:
        report, story, facts = self._report, self._report.story, self._report.footage
        warning = story.warning
        said = self._word(f"warning_{warning.outcome}", warning.outcome) if warning is not None else self._word("none")
        if warning is not None and warning.ended is not None and warning.outcome == "played_to_device":
            said += f", {self._clock_time(warning.ended)}"
        if warning is not None and warning.detail:
            said += f" ({_safe(warning.detail)})"
        reason = self._word(f"reason_{story.reason}", story.reason) if story.reason else self._word("reason_open")
        if story.ended_by:
            reason += f"<br>{self._word(f'ended_{story.ended_by}')}"
        length = f"{_seconds(facts.length_us)} ({facts.frames} {self._word('frames')}, {facts.fragments} {self._word('fragments')})"
        if facts.gap_us:
            length += f"<br>{self._word('of_which_missing')}: <b>{_seconds(facts.gap_us)}</b>"
        rows = [
            ("recording", f"<b>{_safe(report.recording)}</b>"),
            ("device", _safe(story.device)),
            ("officer", _safe(story.officer) or self._word("no_officer")),
            ("shift_begun", self._moment(story.shift_begun)),
            ("pressed", self._moment(warning.pressed if warning is not None else None)),
            ("warning", said),
            ("begins", self._moment(facts.begins)),
            ("ends", self._moment(facts.ends)),
            ("length", length),
            ("pre_start", _seconds(facts.pre_start_us) if facts.pre_start_us else ""),
            ("reason", reason),
            ("resumes", _safe(story.resumes)),
        ]
        drawing = timeline_picture(report)
        legend = f"<figcaption>{self._word('timeline')}</figcaption>" if drawing else ""
        return self._section("summary", self._facts(rows), f"<figure>{drawing}{legend}</figure>")

    def _authenticity(self) -> str:
        found, damage = self._report.verification, self._report.footage.damage
        lines = [f'<p class="verdict bad">{self._word("verdict_altered")} {self._word("damage_met")}</p>'] if damage else []
        if found is None:
            return self._section("verification", *lines, f'<p class="verdict fair">{self._word("not_verified")}</p>')
        grade = "good" if found.verdict in _GOOD else "fair" if found.verdict in _FAIR else "bad"
        lines.append(f'<p class="verdict {grade}">{self._word(f"verdict_{found.verdict}")}</p>')
        listed = [*found.findings, *(f for f in found.store_findings if f.verdict not in _GOOD)]
        if listed:
            items = "".join(f"<li><b>{_safe(f.where)}</b>: {_safe(f.what)}</li>" for f in listed)
            lines.append(f"<ul>{items}</ul>")
        if found.findings_unlisted:
            lines.append(f"<p>{self._word('more')} {found.findings_unlisted}</p>")
        last = self._local.wall_beside_utc(found.ledger_until) if found.ledger_until else "-"
        until = f"{found.ledger_entries} {self._word('ledger_until')} {last}"
        rows = [
            (f"{found.scope}_verdict", self._word(f"verdict_{found.store_verdict}")),
            ("ledger", f"{until}<br><code>{_safe(found.ledger_head)}</code>"),
            ("anchor", self._word(f"anchor_{found.anchor}", found.anchor) if found.anchor else self._word("anchor_none")),
            ("device_key", f"<code>{_safe(found.device_key)}</code>"),
        ]
        return self._section("verification", *lines, self._facts(rows))

    def _completeness(self) -> str:
        report, facts = self._report, self._report.footage
        lines = []
        if report.missing:
            items = "".join(f"<li>{_safe(name)}</li>" for name in report.missing)
            lines.append(f'<div class="verdict bad">{self._word("complete_missing")}<ul>{items}</ul></div>')
        if facts.damage:
            items = "".join(f"<li>{_safe(d.file)}: {_safe(d.what)}{_left_out(d.members)}</li>" for d in facts.damage)
            more = f"<p>{self._word('more')} {facts.damage_unlisted}</p>" if facts.damage_unlisted else ""
            lines.append(f'<div class="verdict bad">{self._word("complete_damaged")}<ul>{items}</ul>{more}</div>')
        unsealed = [s for s in facts.segments if s.kind != "sealed"]
        if unsealed:
            items = "".join(
                f"<li>{_safe(s.file)}: {s.fragments} {self._word('fragments')}, {s.torn_bytes} {self._word('torn')}</li>" for s in unsealed
            )
            lines.append(f"{self._note('complete_cut')}<ul>{items}</ul>")
        if not lines:
            lines.append(self._note("complete_yes"))
        lines.append(f"<h3>{self._word('gaps')}</h3>")
        if not facts.gaps:
            lines.append(self._note("gaps_none"))
        else:
            rows = [
                (
                    self._moment(gap.at),
                    _seconds(gap.missing_us),
                    self._word(f"gap_{gap.cause}") + (f"<br><small>{_safe(gap.reason)}</small>" if gap.reason else ""),
                )
                for gap in facts.gaps
            ]
            lines.append(self._table(("gap_at", "missing", "cause"), rows))
            more = f" ({self._word('more')} {facts.gaps_unlisted})" if facts.gaps_unlisted else ""
            lines.append(f"<p>{self._word('gaps_sum')}: <b>{_seconds(facts.gap_us)}</b>{more}</p>")
        return self._section("complete", *lines)

    def _sound_and_clock(self) -> str:
        facts = self._report.footage
        if facts.lost_sound:
            silent = [(self._moment(s.at), _seconds(s.duration_us), self._word(f"audio_{s.audio}", s.audio)) for s in facts.lost_sound]
            sound = self._table(("gap_at", "missing", "cause"), silent)
        else:
            sound = self._note("sound_live")
        rows = [
            (
                self._moment(period.at),
                _safe(period.source),
                f"± {period.worst_error_ms / 1000:g} s" if period.worst_error_ms is not None else self._word("clock_unknown"),
                f"{period.step_us / 1e6:+.3f} s" if period.step_us else "",
            )
            for period in facts.clock
        ]
        clock = self._table(("gap_at", "clock_source", "clock_error", "clock_step"), rows)
        return self._section("sound", sound) + "\n" + self._section("clock", self._note("clock_text"), clock)

    def _markers(self) -> str:
        markers = self._report.story.markers
        if not markers:
            return self._section("markers", self._note("markers_none"))
        items = "".join(
            f"<li>{self._moment(m.at)}: {self._word(f'marker_{m.cause}', m.cause)}{', ' if m.officer else ''}{_safe(m.officer)}</li>"
            for m in markers
        )
        return self._section("markers", f"<ol>{items}</ol>")

    def _films(self) -> str:
        pieces = []
        for number, film in enumerate(self._report.films, 1):
            picture = base64.b64encode(self._sheets[film.contact_sheet]).decode("ascii")
            facts = f"{_seconds(film.duration_seconds * 1e6)}, {film.frames} {self._word('frames')}, {film.bytes / 1e6:.1f} MB"
            pieces.append(
                f'<div class="film"><h3>{self._word("film")} {number}: {_safe(film.file)}</h3>'
                f"<p>{self._moment(film.begins)}; {facts}<br>SHA-256 <code>{film.sha256}</code></p>"
                f'<figure><img alt="{_safe(self._plain("sheet"))}" src="data:image/png;base64,{picture}">'
                f"<figcaption>{self._word('sheet')}</figcaption></figure></div>"
            )
        return self._section("films", *pieces)

    def _happenings(self) -> str:
        story = self._report.story
        if not story.happenings:
            return ""
        rows = [(self._clock_time(h.at), self._said(h.nl, h.en)) for h in story.happenings]
        more = f"<p>{self._word('more')} {story.happenings_unlisted}</p>" if story.happenings_unlisted else ""
        return self._section("happenings", f'<div class="told">{self._table(("when", "what"), rows)}</div>', more)

    def _holds(self) -> str:
        holds = self._report.story.holds
        if holds is None:
            return ""
        if not holds:
            return self._section("holds", self._note("holds_none"))
        rows = [(self._moment(h.at), self._said(h.nl, h.en)) for h in holds]
        return self._section("holds", self._note("holds_text"), f'<div class="told">{self._table(("when", "what"), rows)}</div>')

    def _evidence(self) -> str:
        report, facts = self._report, self._report.footage
        agrees = {True: "agrees_yes", False: "agrees_no", None: "agrees_unknown"}
        rows = [
            (
                f"<b>{_safe(s.file)}</b> ({self._word(f'kind_{s.kind}')})<br>"
                + (f"{_safe(s.video.encoder)} {s.video.width}x{s.video.height} {s.video.frame_rate:g}/s, " if s.video is not None else "")
                + f"{s.fragments} {self._word('fragments')}, {s.bytes} bytes<br><code>{s.sha256}</code>"
                + (f"<br>{self._word('repeated')}: {_safe(', '.join(s.repeated))}" if s.repeated else ""),
                self._word(agrees[s.agrees]),
            )
            for s in facts.segments
        ]
        recipients = sorted({recipient for segment in facts.segments for recipient in segment.recipients})
        warning = report.story.warning
        others = [
            ("recipients", "<br>".join(f"<code>{_safe(recipient)}</code>" for recipient in recipients)),
            ("warning_file", f"<code>{_safe(warning.file_sha256)}</code>" if warning is not None and warning.file_sha256 else ""),
            ("software", _safe(report.story.software)),
        ]
        return self._section("evidence", self._table(("file", "agrees"), rows), self._facts(others))

    def _hashes(self) -> str:
        rows = []
        for kind, bound in self._report.binding.sealed.items():
            if bound.packets:
                count = f"{bound.packets} {self._word('packets')}, {bound.bytes} bytes"
                payload = f"{self._word('payload')}<br><code>{bound.payload_sha256}</code>"
                table = f"{self._word('table')}<br><code>{bound.table_sha256}</code>"
                rows.append((self._word(kind), f"{count}<br>{payload}<br>{table}"))
        lines = "".join(f"<tr><th>{head}</th><td>{value}</td></tr>" for head, value in rows)
        return self._section("hashes", self._note("hashes_text"), f'<table class="facts">{lines}</table>')

    def _repeat(self) -> str:
        pieces = [self._note("repeat_text")]
        for step in self._report.repeat:
            commands = _safe("\n".join(step.commands), keep_lines=True)
            expected = f"<p>{self._word('expected')}:</p><pre>{_safe(step.expected, keep_lines=True)}</pre>" if step.expected else ""
            pieces.append(f"<h3>{self._word(f'step_{step.title}')}</h3><pre>{commands}</pre>{expected}")
        return self._section("repeat", *pieces)


def _left_out(members: Sequence[str]) -> str:
    return f" ({_safe(', '.join(members))})" if members else ""


def _worth(at: Instant) -> str:
    return f" <small>± {at.error_ms / 1000:g} s</small>" if at.error_ms is not None else " <small>± ?</small>"


def _seconds(microseconds: float) -> str:
    return f"{microseconds / 1e6:.3f} s"
