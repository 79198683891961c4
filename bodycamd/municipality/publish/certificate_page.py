"""A deletion certificate as a page to read and print. It says what the certificate's own signed lines say."""

from __future__ import annotations

from collections.abc import Iterator

from bodycamd.evidence.entries import RecordingClosed, RecordingOpened
from bodycamd.evidence.ledger_reader import Line, single_line
from bodycamd.evidence.retention_entries import HoldAdded, RecordingDeleting
from bodycamd.evidence.statements import Entry
from bodycamd.foreign_text import shown
from bodycamd.municipality.pages.environment import rendered
from bodycamd.municipality.publish.certificate import Certificate
from bodycamd.municipality.words.certificate_words import SENTENCES, WORDS
from bodycamd.municipality.words.formats import Formats
from bodycamd.municipality.words.language import Language, pick
from bodycamd.municipality.words.report_words import WORDS as REPORT_WORDS
from bodycamd.municipality.words.sentence_words import GROUNDS, REASONS, ROLES
from bodycamd.municipality.words.times import LocalTime

UNKNOWN = "?"


def page(certificate: Certificate, language: Language, local: LocalTime) -> str:
    """The whole page."""
    lines = [single_line(line.encode(), "certificate") for line in certificate.lines]
    about = [line for line in lines if line.entry.detail.get("recording") == certificate.recording]
    told = [line.entry for line in about if line.entry.type in SENTENCES]
    said = _Wording(Formats(language, local))
    return rendered(
        "certificate.html",
        lang=language,
        title=f"{said.word('title')} {certificate.recording}",
        word=said.word,
        facts=list(said.facts(certificate, about)),
        told=[(local.wall_beside_utc(entry.wall), said.sentence(entry)) for entry in told],
        others=len(about) - len(told),
        lines=said.write.counted(len(certificate.lines), "line"),
    )


class _Wording:
    """The certificate in one language."""

    def __init__(self, write: Formats) -> None:
        self.write = write

    def word(self, name: str) -> str:
        """A word of the certificate's table."""
        return pick(WORDS[name], self.write.language)

    def facts(self, certificate: Certificate, about: list[Line]) -> Iterator[tuple[str, str]]:
        """The rows of the table at the top: the name of a word, and what is known."""
        write, unknown = self.write, self.word("unknown")
        opened = next((line.entry for line in about if isinstance(line.detail, RecordingOpened)), None)
        closed = next((line.detail for line in about if isinstance(line.detail, RecordingClosed)), None)
        deleting = next((line.detail for line in about if isinstance(line.detail, RecordingDeleting)), None)
        yield "recording", certificate.recording
        yield "camera", certificate.device
        yield "recorded", write.moment(opened.wall) if opened is not None else unknown
        yield "length", write.length(closed.duration_us) if closed is not None else unknown
        if deleting is not None:
            files, recorded = deleting.segments or 0, certificate.segments_recorded
            some = f" {self.word('of_recorded').format(count=recorded)}" if recorded not in (files, None) else ""
            yield "footage", f"{write.counted(files, 'file')}{some}, {write.size(deleting.bytes or 0)}"
        proof = f"proof_{certificate.proof.replace(' ', '_')}"
        passed = self.word(proof) if proof in WORDS else unknown
        yield "kept", f"{write.counted(certificate.days, 'day')}, {passed}" if certificate.days else unknown
        if certificate.holds:
            yield "held", self._held(about)
        yield "deleted", write.moment(certificate.deleted)

    def sentence(self, entry: Entry) -> str:
        """One of the camera's entries."""
        fields = dict.fromkeys(("warning", "reason", "ground", "reference", "by", "review_on", "days"), UNKNOWN)
        fields |= {name: shown(str(value), 200) for name, value in entry.detail.items()}
        fields["ground"] = self._ground(fields["ground"])
        if fields["by"] in ROLES:
            fields["by"] = pick(ROLES[fields["by"]], self.write.language)
        fields["review_on"] = self.write.date(fields["review_on"])
        fields["reason"] = self._reason(entry.type, fields["reason"])
        if f"warning_{fields['warning']}" in REPORT_WORDS:
            fields["warning"] = pick(REPORT_WORDS[f"warning_{fields['warning']}"], self.write.language)
        if isinstance(days := entry.detail.get("days"), int):
            fields["days"] = self.write.counted(days, "day")
        room = entry.type == "deleting" and entry.detail.get("proof") == "receipt"
        return pick(SENTENCES["deleting_for_room" if room else entry.type], self.write.language).format_map(fields)

    def _reason(self, type: str, reason: str) -> str:
        if type == "recording_closed" and f"reason_{reason}" in REPORT_WORDS:
            return pick(REPORT_WORDS[f"reason_{reason}"], self.write.language)
        return pick(REASONS[reason], self.write.language) if reason in REASONS else reason

    def _ground(self, ground: str) -> str:
        return pick(GROUNDS[ground], self.write.language) if ground in GROUNDS else ground

    def _held(self, about: list[Line]) -> str:
        grounds = dict.fromkeys(line.detail.ground for line in about if isinstance(line.detail, HoldAdded))
        held = ", ".join(self._ground(ground) for ground in grounds)
        return f"{self.word('held_for')} {held}" if held else self.word("held_no")
