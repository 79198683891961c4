"""A deletion certificate as a page to read and print. It says what the certificate's own signed lines say."""

from __future__ import annotations

from collections.abc import Iterator

from bodycamd.evidence.entries import RecordingClosed, RecordingOpened
from bodycamd.evidence.ledger_reader import Line, single_line
from bodycamd.evidence.retention_entries import HoldAdded, RecordingDeleting
from bodycamd.evidence.statements import Entry, wall_us
from bodycamd.foreign_text import html_text, shown
from bodycamd.municipality.publish.certificate import Certificate
from bodycamd.municipality.publish.plain_page import Language, Words, day, document, pick
from bodycamd.municipality.words.report_words import WORDS as REPORT_WORDS
from bodycamd.municipality.words.times import LocalTime

WORDS: dict[str, Words] = {
    "title": ("Bewijs van verwijdering", "Deletion certificate"),
    "note": (
        "Gemaakt uit het ondertekende logboek van de camera. Deze bladzijde is om te lezen; het JSON-bestand ernaast is wat nagegaan kan "
        "worden.",
        "Made from the signed ledger of the camera. This page is for reading; the JSON file beside it is what can be verified.",
    ),
    "recording": ("Opname", "Recording"),
    "camera": ("Camera", "Camera"),
    "recorded": ("Opgenomen", "Recorded"),
    "length": ("Lengte", "Length"),
    "footage": ("Verwijderd beeld", "Footage deleted"),
    "files": ("bestanden", "files"),
    "file": ("bestand", "file"),
    "of_recorded": ("van de {count} die de camera opnam", "of the {count} that the camera recorded"),
    "kept": ("Bewaartermijn", "Kept for"),
    "days": ("dagen", "days"),
    "proof_wall_clock": ("verstreken volgens de bevestigde klok", "passed by the confirmed clock"),
    "proof_running_time": ("verstreken als looptijd van de camera", "passed as running time of the camera"),
    "held": ("Vastgehouden", "Held"),
    "held_no": ("nee", "no"),
    "held_for": ("voor", "for"),
    "deleted": ("Verwijderd", "Deleted"),
    "unknown": ("niet vermeld", "not stated"),
    "signed": ("Wat de camera over deze opname ondertekende", "What the camera signed about this recording"),
    "more": ("Regels over segmenten en markeringen, alleen in het JSON:", "Lines about segments and markers, in the JSON file only:"),
    "verify": ("Zelf nagaan", "How to verify it"),
    "verify_text": (
        "Met openssl en jq, het JSON-bestand en de geregistreerde openbare sleutel van de camera:",
        "With openssl and jq, the JSON file and the camera's registered public key:",
    ),
    "lines": (
        "ondertekende regels leiden van de geregistreerde sleutel naar de regel die de verwijdering vermeldt.",
        "signed lines lead from the registered key to the entry that states the deletion.",
    ),
    "limits": (
        "Dit toont dat deze camera de verwijdering vermeldde, wanneer, en waarom die moest. Geen papier kan tonen dat er geen kopie was.",
        "It shows that this camera stated the deletion, when, and why it was due. No paper can show that there was no copy.",
    ),
    "complaint": ("een klacht", "a complaint"),
    "criminal-investigation": ("een strafrechtelijk onderzoek", "a criminal investigation"),
    "access-request": ("een inzageverzoek", "an access request"),
}
SENTENCES: dict[str, Words] = {
    "recording_opened": ("De opname begint. Gesproken waarschuwing: {warning}.", "The recording begins. Spoken warning: {warning}."),
    "recording_closed": ("De opname eindigt: {reason}.", "The recording ends: {reason}."),
    "hold_added": (
        "Vastgehouden voor {ground} ({reference}) door {by}; te herzien op {review_on}.",
        "Held for {ground} ({reference}) by {by}; to be reviewed on {review_on}.",
    ),
    "hold_review_due": (
        "Herinnering: het vasthouden voor {ground} was te herzien op {review_on}.",
        "Reminder: the hold for {ground} was to be reviewed on {review_on}.",
    ),
    "hold_released": ("Niet langer vastgehouden voor {ground}, door {by}: {reason}.", "No longer held for {ground}, by {by}: {reason}."),
    "deleting": ("De verwijdering begint: de {days} dagen zijn voorbij.", "The deletion begins: its {days} days have passed."),
    "deleted": ("De opname is verwijderd.", "The recording is deleted."),
}


def page(certificate: Certificate, language: Language, local: LocalTime) -> str:
    """The whole page."""
    lines = [single_line(line.encode(), "certificate") for line in certificate.lines]
    about = [line for line in lines if line.entry.detail.get("recording") == certificate.recording]
    title = f"{pick(WORDS['title'], language)} {certificate.recording}"
    facts = "".join(
        f"<tr><th>{html_text(pick(WORDS[name], language))}</th><td>{html_text(value)}</td></tr>"
        for name, value in _facts(certificate, about, language, local)
    )
    told = [line.entry for line in about if line.entry.type in SENTENCES]
    rows = ((html_text(local.wall_beside_utc(entry.wall)), html_text(_sentence(entry, language))) for entry in told)
    said = "".join(f'<tr><td class="when">{when}</td><td>{words}</td></tr>' for when, words in rows)
    others = len(about) - len(told)
    word = {name: html_text(pick(words, language)) for name, words in WORDS.items()}
    return document(
        title,
        (
            f'<p class="note">{word["note"]}</p>',
            f"<table>{facts}</table>",
            f"<h2>{word['signed']}</h2><table>{said}</table>",
            f'<p class="note">{word["more"]} {others}</p>' if others else "",
            f"<h2>{word['verify']}</h2>",
            f"<p>{word['verify_text']}<br><code>scripts/verify-certificate.sh CERTIFICATE.json device.pem</code></p>",
            f'<p class="note">{len(certificate.lines)} {word["lines"]}</p>',
            f'<p class="note">{word["limits"]}</p>',
        ),
        language,
    )


def _facts(certificate: Certificate, about: list[Line], language: Language, local: LocalTime) -> Iterator[tuple[str, str]]:
    unknown = pick(WORDS["unknown"], language)
    opened = next((line.entry for line in about if isinstance(line.detail, RecordingOpened)), None)
    closed = next((line.detail for line in about if isinstance(line.detail, RecordingClosed)), None)
    deleting = next((line.detail for line in about if isinstance(line.detail, RecordingDeleting)), None)
    yield "recording", certificate.recording
    yield "camera", certificate.device
    yield "recorded", _moment(opened.wall, language, local) if opened is not None else unknown
    yield "length", _length(closed.duration_us / 1e6) if closed is not None else unknown
    if deleting is not None:
        files, recorded = deleting.segments or 0, certificate.segments_recorded
        some = f" {_word('of_recorded', language).format(count=recorded)}" if files != recorded else ""
        yield "footage", f"{files} {_word('file' if files == 1 else 'files', language)}{some}, {_size(deleting.bytes or 0, language)}"
    proof = pick(WORDS.get(f"proof_{certificate.proof.replace(' ', '_')}", WORDS["unknown"]), language)
    yield "kept", f"{certificate.days} {pick(WORDS['days'], language)}, {proof}" if certificate.days else unknown
    if certificate.holds:
        yield "held", _held(about, language)
    yield "deleted", _moment(certificate.deleted, language, local)


def _held(about: list[Line], language: Language) -> str:
    grounds = dict.fromkeys(line.detail.ground for line in about if isinstance(line.detail, HoldAdded))
    held = ", ".join(_word(ground, language) for ground in grounds)
    return f"{_word('held_for', language)} {held}" if held else _word("held_no", language)


def _sentence(entry: Entry, language: Language) -> str:
    fields = {name: shown(str(value), 200) for name, value in entry.detail.items()}
    fields["ground"] = _word(fields.get("ground", ""), language)
    if entry.type in ("recording_opened", "recording_closed"):
        for name in ("warning", "reason"):
            words = REPORT_WORDS.get(f"{name}_{fields.get(name, '')}")
            fields[name] = pick(words, language) if words is not None else fields.get(name, "?")
    if "review_on" in fields and len(fields["review_on"]) == 10:
        fields["review_on"] = day(fields["review_on"], language)
    return pick(SENTENCES[entry.type], language).format_map({**dict.fromkeys(("by", "reference", "review_on", "days"), "?"), **fields})


def _word(name: str, language: Language) -> str:
    return pick(WORDS.get(name, (name, name)), language)


def _moment(wall: str, language: Language, local: LocalTime) -> str:
    return f"{day(local.day(wall), language)}, {local.clock_beside_utc(wall_us(wall, 'wall'))}"


def _length(seconds: float) -> str:
    """Minutes and seconds, in words that both languages share."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _size(count: int, language: Language) -> str:
    text = f"{count / 1e6:.1f} MB"
    return text.replace(".", ",") if language == "nl" else text
