"""The words of the month page, Dutch and English, side by side."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Bodycam", "Body-worn camera"),
    "source": (
        "Geteld uit het ondertekende logboek van de camera. Opnamen worden automatisch verwijderd zodra hun bewaartermijn verstreken is, "
        "behalve wat is veiliggesteld voor een klacht, een inzageverzoek of een strafrechtelijk onderzoek.",
        "Counted from the camera's signed ledger. Recordings are deleted automatically once their days have passed, unless they are held "
        "for a complaint, an access request or a criminal investigation.",
    ),
    "part": ("Het logboek gaat over {since} tot en met {until}.", "The ledger covers {since} to {until}."),
    "recordings": ("opnamen", "recordings"),
    "recording": ("opname", "recording"),
    "minutes": ("minuten opgenomen", "minutes recorded"),
    "held_at_the_end": ("veiliggesteld aan het eind van de maand", "held at the end of the month"),
    "held_by_now": ("nu veiliggesteld", "held now"),
    "deleted": ("verwijderd", "deleted"),
    "plot": ("Aantal opnamen en minuten per week van de maand", "Recordings and minutes by week of the month"),
    "to": ("t/m", "to"),
    "warnings": ("Gesproken waarschuwing", "Spoken warning"),
    "played": ("afgespeeld", "played"),
    "skipped": ("overgeslagen: geen tijd", "skipped: no time for it"),
    "failed": ("mislukt", "failed"),
    "not_due": ("niet nodig: vervolg van een opname", "not due: a recording was continued"),
    "holds_placed": ("Veiliggesteld voor", "Held for"),
    "holds_released": ("weer vrijgegeven", "released again"),
    "deletions": ("Verwijderd", "Deleted"),
    "on_time": ("op tijd (binnen een uur dat de camera aanstond)", "on time (within an hour of the camera being on)"),
    "after_hold": ("na een veiligstelling", "after having been held"),
    "late": ("te laat", "late"),
    "faults": ("Storingen", "Faults"),
    "camera": ("beeld", "picture"),
    "voice": ("gesproken waarschuwing", "spoken warning"),
    "disk": ("opslag", "storage"),
    "button": ("knop", "button"),
    "other": ("overig", "other"),
    "presses_refused": ("knopdruk geweigerd", "press of the button refused"),
    "interrupted_recordings": ("opname afgebroken en hersteld", "recording cut off and recovered"),
    "personal": (
        "Alleen aantallen: niets hier gaat over een persoon, een plaats, een tijdstip of een zaak.",
        "Numbers only: nothing here is about a person, a place, an hour or a case.",
    ),
}
