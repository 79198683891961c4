"""The words of the deletion certificate, Dutch and English, side by side."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Verklaring van verwijdering (vernietiging)", "Deletion certificate"),
    "note": (
        "Gemaakt uit het ondertekende logboek van de camera. Deze pagina is om te lezen; controleren gaat met het JSON-bestand ernaast.",
        "Made from the camera's signed ledger. This page is for reading; the JSON file beside it is what can be verified.",
    ),
    "recording": ("Opname", "Recording"),
    "camera": ("Camera", "Camera"),
    "recorded": ("Opgenomen", "Recorded"),
    "length": ("Lengte", "Length"),
    "footage": ("Verwijderde beelden", "Footage deleted"),
    "of_recorded": ("van de {count} die de camera opnam", "of the {count} that the camera recorded"),
    "kept": ("Bewaartermijn", "Kept for"),
    "proof_wall_clock": ("aantoonbaar verstreken (volgens de bevestigde klok)", "provably passed (by the confirmed clock)"),
    "proof_running_time": ("aantoonbaar verstreken (draaitijd van de camera)", "provably passed (running time of the camera)"),
    "proof_receipt": (
        "nog niet verstreken: de camera maakte ruimte, en het station van de gemeente bewaart de opname tot het einde van die termijn",
        "not passed yet: the camera made room, and the municipality's station keeps the recording until that time is over",
    ),
    "held": ("Veiliggesteld", "Held"),
    "held_no": ("nee", "no"),
    "held_for": ("voor", "for"),
    "deleted": ("Verwijderd", "Deleted"),
    "unknown": ("niet vermeld", "not stated"),
    "signed": ("Wat de camera over deze opname ondertekende", "What the camera signed about this recording"),
    "more": ("Regels over segmenten en markeringen, alleen in het JSON:", "Lines about segments and markers, in the JSON file only:"),
    "verify": ("Zelf controleren", "How to verify it"),
    "verify_text": (
        "Met openssl en jq, het JSON-bestand en de geregistreerde openbare sleutel van de camera:",
        "With openssl and jq, the JSON file and the camera's registered public key:",
    ),
    "lines": (
        "van de geregistreerde sleutel naar de regel die de verwijdering vermeldt.",
        "from the registered key to the entry that states the deletion.",
    ),
    "limits": (
        "Hieruit blijkt dat deze camera de verwijdering heeft vastgelegd, wanneer, en waarom dat moest. Dat er geen kopie was, kan geen "
        "papier aantonen.",
        "This shows that this camera stated the deletion, when, and why it was due. No paper can show that there was no copy.",
    ),
}
SENTENCES: Mapping[str, tuple[str, str]] = {
    "recording_opened": ("De opname begint. Gesproken waarschuwing: {warning}.", "The recording begins. Spoken warning: {warning}."),
    "recording_closed": ("De opname eindigt: {reason}.", "The recording ends: {reason}."),
    "hold_added": (
        "Veiliggesteld voor {ground} ({reference}) door {by}; opnieuw beoordelen op {review_on}.",
        "Held for {ground} ({reference}) by {by}; to be reviewed on {review_on}.",
    ),
    "hold_review_due": (
        "Herinnering: de veiligstelling voor {ground} moest op {review_on} opnieuw worden beoordeeld.",
        "Reminder: the hold for {ground} was to be reviewed on {review_on}.",
    ),
    "hold_released": (
        "Niet langer veiliggesteld voor {ground}; besluit van {by}: {reason}.",
        "No longer held for {ground}; decided by {by}: {reason}.",
    ),
    "deleting": ("De verwijdering begint: {days} zijn verstreken.", "The deletion begins: {days} have passed."),
    "deleting_for_room": (
        "De verwijdering begint om ruimte te maken: het station heeft aangetoond dat het alles heeft, en bewaart het tot {days} zijn "
        "verstreken.",
        "The deletion begins to make room: the station has shown that it has all of it, and keeps it until {days} have passed.",
    ),
    "deleted": ("De opname is verwijderd.", "The recording is deleted."),
}
