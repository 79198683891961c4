"""The words of the ledger's sentences, Dutch and English, side by side. `{name}` is a field of the entry, in words where there
are any."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "start": ("Start {start} van de camera begint ({software}).", "Start {start} of the camera begins ({software})."),
    "store_recovered": (
        "De opslag is doorgezien; herstelde segmenten van eerdere starts: {segments}.",
        "The store was looked through; segments of earlier starts recovered: {segments}.",
    ),
    "key_changed": (
        "De camera ondertekent vanaf hier met een nieuwe sleutel.",
        "The camera signs with a new key from here on.",
    ),
    "shift_begin": ("De dienst van medewerker {officer} begint.", "The shift of officer {officer} begins."),
    "shift_end": ("De dienst van medewerker {officer} eindigt.", "The shift of officer {officer} ends."),
    "recording_opened": (
        "Opname {recording} begint; waarschuwing: {warning}.",
        "Recording {recording} begins; warning: {warning}.",
    ),
    "segment_sealed": (
        "Segment {segment} van {recording} is af: {fragments} fragmenten, {size} bytes.",
        "Segment {segment} of {recording} is finished: {fragments} fragments, {size} bytes.",
    ),
    "segment_recovered": (
        "Segment {segment} van {recording} was afgebroken; {fragments} fragmenten ervan zijn goed.",
        "Segment {segment} of {recording} was cut off; {fragments} fragments of it are good.",
    ),
    "recording_closed": (
        "Opname {recording} eindigt na {duration}: {reason}.",
        "Recording {recording} ends after {duration}: {reason}.",
    ),
    "warning": ("De gesproken waarschuwing {outcome}.", "The spoken warning {outcome}."),
    "marker": ("De medewerker zet een markering.", "The officer sets a marker."),
    "seal_forced": (
        "Opname {recording} is afgesloten zonder het laatste fragment: het kwam niet op tijd.",
        "Recording {recording} is sealed without its last fragment: it did not come in time.",
    ),
    "left_unsealed": (
        "Opname {recording} kon niet worden afgesloten; de volgende start herstelt haar.",
        "Recording {recording} could not be sealed; the next start recovers it.",
    ),
    "resume_declined": (
        "Met opname {recording} wordt niet verdergegaan: {reason}.",
        "Recording {recording} is not gone on with: {reason}.",
    ),
    "failing": (
        "De camera hapert: {resumes} keer binnen een minuut moest zij een opname hervatten.",
        "The camera fails: {resumes} times within a minute it had to go on with a recording.",
    ),
    "time": ("De tijd is vastgelegd; de klok is {confirmed}.", "The time is stated; the wall clock is {confirmed}."),
    "sweep_requested": ("Wat aan de beurt is, moet meteen worden verwijderd.", "What is due is to be deleted at once."),
    "retention_rules": (
        "Opnamen blijven {days} dagen bewaard, het logboek {keep_months} maanden.",
        "Recordings are kept for {days} days, the ledger for {keep_months} months.",
    ),
    "hold_added": (
        "Opname {recording} wordt vastgehouden voor {ground} ({reference}) door {by}; opnieuw bezien op {review_on}.",
        "Recording {recording} is held for {ground} ({reference}) by {by}; review on {review_on}.",
    ),
    "hold_released": (
        "Opname {recording} wordt niet meer vastgehouden voor {ground}; besluit van {by}: {reason}.",
        "The hold on recording {recording} for {ground} is released by {by}: {reason}.",
    ),
    "hold_review_due": (
        "Het vasthouden van opname {recording} voor {ground} moest op {review_on} opnieuw worden bezien.",
        "The hold on recording {recording} for {ground} was to be reviewed on {review_on}.",
    ),
    "deleting": (
        "Het verwijderen van opname {recording} begint: {reason}.",
        "The deletion of recording {recording} begins: {reason}.",
    ),
    "deleted": ("Opname {recording} is verwijderd.", "Recording {recording} is deleted."),
    "ledger_shortened": (
        "Regels van voor start {first_kept} vervallen; {file} leidt verder.",
        "Entries from before start {first_kept} are dropped; {file} leads on.",
    ),
    "capture_stalled": (
        "Het opnameproces is uitgevallen of vastgelopen en wordt vervangen: {reason}.",
        "The capture process stopped or hung and is replaced: {reason}.",
    ),
    "capture_flowing": ("Het opnameproces levert beeld.", "The capture process delivers pictures."),
    "audio_changed": ("Het geluid is {audio}.", "Sound is {audio}."),
    "voice_failed": ("De stem kan niet spreken: {detail}.", "The voice cannot speak: {detail}."),
    "voice_ready": ("De stem kan spreken.", "The voice can speak."),
    "write_failed": ("De schijf faalde ({operation}): {reason}.", "The disk failed ({operation}): {reason}."),
    "disk_changed": ("De schijf is {usable}.", "The disk is {usable}."),
    "entries_lost": ("{entries} regels van het logboek konden niet worden geschreven.", "{entries} entries could not be written."),
    "footage_not_written": (
        "{fragments} fragmenten van {recording} konden niet worden geschreven.",
        "{fragments} fragments of {recording} could not be written.",
    ),
    "fragment_refused": (
        "Een fragment van {recording} is geweigerd: {reason}.",
        "A fragment of {recording} was refused: {reason}.",
    ),
    "fault": ("Een onderdeel hapert: {part}: {reason}.", "A part fails: {part}: {reason}."),
    "press_latched": (
        "Een druk op de knop tijdens het opstarten is gehonoreerd.",
        "A press while the camera started is honoured.",
    ),
    "press_refused": ("Een druk op de knop is geweigerd: {reason}.", "A press of the button was refused: {reason}."),
    "storage_changed": ("De ruimte voor beelden is {level}.", "Room for footage is {level}."),
    "clock_changed": ("De klok is veranderd: bron {source}.", "The wall clock changed: source {source}."),
    "battery_changed": ("De accu is {level}.", "The battery is {level}."),
    "ring_overflowed": (
        "De kaart was te traag: {fragments} fragmenten zijn verloren.",
        "The card was too slow: {fragments} fragments are lost.",
    ),
    "swap_changed": ("Werkgeheugen op de kaart (swap): {state}; {because}.", "Memory on the card (swap): {state}; {because}."),
    "button_stuck": ("De knop zit vast.", "The button is stuck."),
    "button_freed": ("De knop is weer vrij.", "The button is free again."),
    "offloaded": (
        "{copied} bestanden van {recordings} opnamen zijn gekopieerd naar {to}; mislukt: {failed}.",
        "{copied} files of {recordings} recordings were copied to {to}; failed: {failed}.",
    ),
    "leaving": ("De camera stopt: {reason}.", "The camera stops: {reason}."),
}

VALUES: Mapping[tuple[str, str], Mapping[str, tuple[str, str]]] = {
    ("warning", "outcome"): {
        "played_to_device": ("is naar de luidspreker gestuurd", "was played to the device"),
        "skipped": ("is overgeslagen", "was skipped"),
        "failed": ("kon niet worden afgespeeld", "could not be played"),
    },
    ("recording_opened", "warning"): {
        "played_to_device": ("afgespeeld", "played to device"),
        "skipped": ("overgeslagen", "skipped"),
        "failed": ("mislukt", "failed"),
        "none": ("geen", "none"),
    },
    ("clock_changed", "source"): {
        "unsynchronised": ("geen, niet gesynchroniseerd", "none, not synchronised"),
        "kernel-ntp": ("tijd van het netwerk", "network time"),
    },
    ("audio_changed", "audio"): {"live": ("aan", "on"), "off": ("uit", "off"), "lost": ("weggevallen", "lost")},
    ("swap_changed", "state"): {"closed": ("uitgesloten", "ruled out"), "degraded": ("niet uitgesloten", "not ruled out")},
    ("storage_changed", "level"): {"ok": ("genoeg", "enough"), "low": ("krap", "low"), "full": ("op", "used up")},
    ("battery_changed", "level"): {"ok": ("in orde", "ok"), "low": ("bijna leeg", "low"), "critical": ("leeg", "critical")},
}
"""Values of one type's field in words."""

REASONS: Mapping[str, tuple[str, str]] = {
    "storage_full": ("opslag vol", "storage full"),
    "battery_critical": ("accu leeg", "battery critical"),
    "warning_failed": ("de waarschuwing mislukte", "warning failed"),
    "shutdown": ("camera wordt uitgeschakeld", "shutdown"),
    "too_old": ("te lang geleden", "too old"),
    "settled": ("afgehandeld", "settled"),
    "withdrawn": ("ingetrokken", "withdrawn"),
    "handed-over": ("overgedragen", "handed over"),
    "not-needed": ("niet meer nodig", "no longer needed"),
    "mistake": ("vergissing", "mistake"),
}
"""Values of `reason` in words, in any type. The text of a fault stays as the part gave it."""

GROUNDS: Mapping[str, tuple[str, str]] = {
    "complaint": ("een klacht", "complaint"),
    "criminal-investigation": ("een strafrechtelijk onderzoek", "criminal-investigation"),
    "access-request": ("een inzageverzoek", "access-request"),
}

CONFIRMED: Mapping[bool, tuple[str, str]] = {True: ("bevestigd", "confirmed"), False: ("niet bevestigd", "not confirmed")}
USABLE: Mapping[bool, tuple[str, str]] = {
    True: ("weer bruikbaar", "usable again"),
    False: ("niet bruikbaar: {reason}", "not usable: {reason}"),
}
SHIFT_OF = ("De dienst is die van medewerker {officer}.", "The shift is that of officer {officer}.")
HOLD_ID = ("Bewaring {hold}.", "Hold {hold}.")
ASKED_BY = ("Op verzoek van gebruiker {uid}.", "Asked for by user {uid}.")
ENDED_BY_SIGNAL = ("beëindigd door signaal {number}", "ended by signal {number}")
