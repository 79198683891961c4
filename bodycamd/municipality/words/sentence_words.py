"""The words of the ledger's sentences, Dutch and English, side by side. `{name}` is a field of the entry, in words where there
are any."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "start": ("Start {start} van de camera begint ({software}{bundle}).", "Start {start} of the camera begins ({software}{bundle})."),
    "software_changed": (
        "Andere software op de camera: {version}, bundel {bundle}, is {outcome}{left}.{because}",
        "Other software on the camera: {version}, bundle {bundle}, was {outcome}{left}.{because}",
    ),
    "store_recovered": (
        "De opslag is gecontroleerd; hersteld van eerdere starts: {segments}.",
        "The store was checked; recovered from earlier starts: {segments}.",
    ),
    "key_changed": (
        "De camera ondertekent vanaf hier met een nieuwe sleutel.",
        "The camera signs with a new key from here on.",
    ),
    "shift_begin": ("De dienst van handhaver {officer} begint.", "The shift of officer {officer} begins."),
    "shift_end": ("De dienst van handhaver {officer} eindigt.", "The shift of officer {officer} ends."),
    "recording_opened": (
        "Opname {recording} begint; waarschuwing: {warning}.",
        "Recording {recording} begins; warning: {warning}.",
    ),
    "segment_sealed": (
        "Segment {segment} van {recording} is afgesloten: {fragments}, {size}.",
        "Segment {segment} of {recording} is sealed: {fragments}, {size}.",
    ),
    "segment_recovered": (
        "Segment {segment} van {recording} was afgebroken; heel gebleven: {fragments}.",
        "Segment {segment} of {recording} was cut off; still whole: {fragments}.",
    ),
    "recording_closed": (
        "Opname {recording} eindigt na {duration}: {reason}.",
        "Recording {recording} ends after {duration}: {reason}.",
    ),
    "warning": ("De gesproken waarschuwing {outcome}.", "The spoken warning {outcome}."),
    "marker": ("De handhaver plaatst een markering.", "The officer sets a marker."),
    "button_held": (
        "De knop was tijdens de opname langer dan tien tellen ingedrukt; de opname ging door.",
        "The button was down for more than ten seconds while recording; the recording went on.",
    ),
    "seal_forced": (
        "Opname {recording} is afgesloten zonder het laatste fragment, dat niet op tijd kwam.",
        "Recording {recording} is sealed without its last fragment, which did not arrive in time.",
    ),
    "left_unsealed": (
        "Opname {recording} kon niet worden afgesloten; de volgende start herstelt deze.",
        "Recording {recording} could not be sealed; the next start recovers it.",
    ),
    "resume_declined": (
        "Opname {recording} wordt niet hervat: {reason}.",
        "Recording {recording} is not resumed: {reason}.",
    ),
    "resumed_after_reset": (
        "De camera begon {cause} opnieuw; opname {recording} wordt hervat zonder nieuwe waarschuwing.",
        "The camera began anew {cause}; recording {recording} is resumed without another warning.",
    ),
    "failing": (
        "De camera hapert: {resumes} binnen een minuut moest de camera een opname hervatten.",
        "The camera fails: {resumes} within a minute it had to resume a recording.",
    ),
    "time": ("De tijd is vastgelegd; de klok is {confirmed}.", "The time is stated; the wall clock is {confirmed}."),
    "sweep_requested": ("Gevraagd om meteen te verwijderen wat aan de beurt is.", "A sweep was requested: what is due is deleted at once."),
    "retention_rules": (
        "Opnamen blijven {days} bewaard, het logboek {keep_months}.",
        "Recordings are kept for {days}, the ledger for {keep_months}.",
    ),
    "hold_added": (
        "Opname {recording} is veiliggesteld voor {ground} ({reference}) door {by}; opnieuw beoordelen op {review_on}.",
        "Recording {recording} is held for {ground} ({reference}) by {by}; to be reviewed on {review_on}.",
    ),
    "hold_released": (
        "Opname {recording} is niet langer veiliggesteld voor {ground}; besluit van {by}: {reason}.",
        "The hold on recording {recording} for {ground} is released by {by}: {reason}.",
    ),
    "hold_review_due": (
        "De veiligstelling van opname {recording} voor {ground} moest op {review_on} opnieuw worden beoordeeld.",
        "The hold on recording {recording} for {ground} was to be reviewed on {review_on}.",
    ),
    "deleting": (
        "Het verwijderen van opname {recording} begint: {reason}.",
        "The deletion of recording {recording} begins: {reason}.",
    ),
    "deleted": ("Opname {recording} is verwijderd.", "Recording {recording} is deleted."),
    "ledger_shortened": (
        "Regels van vóór start {first_kept} zijn vervallen; {file} sluit erop aan.",
        "Entries from before start {first_kept} are dropped; {file} takes their place in the chain.",
    ),
    "capture_stalled": (
        "Het opnameproces is uitgevallen of vastgelopen en wordt vervangen: {reason}.",
        "The capture process stopped or hung and is replaced: {reason}.",
    ),
    "capture_flowing": ("Het opnameproces levert beeld.", "The capture process delivers pictures."),
    "view": (
        "Cameramodule {module}: {seen_percent} van de sensor in beeld, {rotation} gedraaid, gespiegeld: {flip}, "
        "scherpstelling {focus}, {width} bij {height} met {frame_rate} beelden per seconde.{differs}",
        "Camera module {module}: {seen_percent} of the sensor in the picture, turned by {rotation}, mirrored: {flip}, "
        "focus {focus}, {width} by {height} at {frame_rate} frames per second.{differs}",
    ),
    "audio_changed": ("Het geluid is {audio}.", "Sound is {audio}."),
    "microphone_opened": ("Het geluid komt van {device}.", "Sound comes from {device}."),
    "audio_silent": ("De microfoon {silent}.", "The microphone {silent}."),
    "voice_failed": ("De waarschuwing kan niet worden afgespeeld: {detail}.", "The warning cannot be played: {detail}."),
    "voice_ready": ("De waarschuwing kan worden afgespeeld.", "The warning can be played."),
    "write_failed": ("De schijf faalde ({operation}): {reason}.", "The disk failed ({operation}): {reason}."),
    "disk_changed": ("De schijf is {usable}.", "The disk is {usable}."),
    "entries_lost": ("Niet in het logboek geschreven: {entries}.", "Not written to the ledger: {entries}."),
    "footage_not_written": (
        "Van {recording} niet geschreven: {fragments}.",
        "Not written of {recording}: {fragments}.",
    ),
    "fragment_refused": (
        "Een fragment van {recording} is geweigerd: {reason}.",
        "A fragment of {recording} was refused: {reason}.",
    ),
    "fault": ("Een onderdeel hapert: {part}: {reason}.", "A part fails: {part}: {reason}."),
    "press_latched": (
        "Een druk op de knop tijdens het opstarten is gehonoreerd.",
        "A press during start-up was honoured.",
    ),
    "press_refused": ("Een druk op de knop is geweigerd: {reason}.", "A press of the button was refused: {reason}."),
    "card_refused": ("Een getoonde pas is geweigerd: {reason}.", "A card that was shown was refused: {reason}."),
    "storage_changed": ("De ruimte voor beelden is {level}.", "Room for footage is {level}."),
    "clock_changed": ("De klok is veranderd: bron {source}.", "The wall clock changed: source {source}."),
    "parts_checked": (
        "Camera en microfoon zijn getest; er is niets bewaard.",
        "Camera and microphone were tested; nothing was kept.",
    ),
    "self_tested": ("Zelftest: {outcome}.", "Self test: {outcome}."),
    "board_changed": ("{condition} {change}.", "{condition} {change}."),
    "battery_changed": ("De accu is {level}.", "The battery is {level}."),
    "ring_overflowed": (
        "De geheugenkaart was te traag; verloren: {fragments}.",
        "The card was too slow; lost: {fragments}.",
    ),
    "swap_changed": ("Werkgeheugen op de geheugenkaart (swap): {state}; {because}.", "Memory on the card (swap): {state}; {because}."),
    "button_stuck": ("De knop zit vast.", "The button is stuck."),
    "button_freed": ("De knop is weer vrij.", "The button is free again."),
    "worker_stuck": (
        "Een vastgelopen opnameproces kan niet worden beëindigd en houdt misschien de camera bezet.",
        "A hung capture process cannot be ended and may hold the camera.",
    ),
    "worker_freed": ("Geen opnameproces zit meer vast.", "No capture process is stuck any more."),
    "offloaded": (
        "Naar {to} gekopieerd: {copied} van {recordings}; mislukt: {failed}.",
        "Copied to {to}: {copied} of {recordings}; failed: {failed}.",
    ),
    "roster_accepted": (
        "Vanaf hier geldt register {version} van {municipality}, tot {not_after}.",
        "From here on roster {version} of {municipality} is in force, until {not_after}.",
    ),
    "suspension_accepted": (
        "Een schorsing door {by} geldt vanaf hier.",
        "A suspension by {by} counts from here on.",
    ),
    "order": ("Opdracht van {by}: {kind} ({order}).", "Order of {by}: {kind} ({order})."),
    "order_done": ("Opdracht {order}: {outcome}.", "Order {order}: {outcome}."),
    "settings_next": (
        "De instellingen van opdracht {order} worden bij de volgende start geprobeerd.",
        "The settings of order {order} are to be tried at the next start.",
    ),
    "settings_in_force": ("{what}.", "{what}."),
    "order_refused": (
        "Een opdracht van {by} ({kind}, {order}) is geweigerd: {reason}.",
        "An order of {by} ({kind}, {order}) was refused: {reason}.",
    ),
    "copy_shown": (
        "Het station heeft aangetoond dat het segment {segment} van opname {recording} nog heeft: antwoord {answer}.",
        "The station has shown that it still has segment {segment} of recording {recording}: answer {answer}.",
    ),
    "uploaded": ("Een station heeft {stored} opgeslagen: ontvangstbewijs {receipt}.", "A station has stored {stored}: receipt {receipt}."),
    "help_call": ("{what}: {call}.", "{what}: {call}."),
    "help_sent": ("{what}: {call}.", "{what}: {call}."),
    "help_not_sent": (
        "Hulpoproep {number} van deze start is niet op tijd bevestigd: voelbaar als niet verzonden.",
        "Call for help {number} of this start was not confirmed in time: felt as not sent.",
    ),
    "orders_not_signed": (
        "Bezorgd, maar niet door iemand uit het register ondertekend: {documents}.",
        "Delivered, but not signed by anybody of the roster: {documents}.",
    ),
    "leaving": ("De camera stopt: {reason}.", "The camera stops: {reason}."),
}

STORED_SEGMENT = ("segment {segment}", "segment {segment}")
STORED_LEDGER = ("het logboek van de camera", "the camera's ledger")
"""What a receipt is for."""

CALL_FOR_HELP = {
    True: ("De camera beproeft een hulpoproep", "The camera tries a call for help"),
    False: ("De handhaver roept hulp", "The officer calls for help"),
}
"""What a `help_call` is; the key says whether it is a test."""

HELP_CONFIRMED = {
    True: (
        "Een station bevestigt dat de proef van een hulpoproep is aangekomen; niemand hoefde daarvoor gebeld te worden",
        "A station confirms that the test of a call for help came to it; nobody need be called for it",
    ),
    False: (
        "Een station bevestigt dat een hulpoproep aan iemand is verstuurd",
        "A station confirms that a call for help was sent to somebody",
    ),
}
"""What a `help_sent` is; the key says whether it is of a test."""

KINDS: Mapping[str, tuple[str, str]] = {
    "hold": ("veiligstellen", "hold"),
    "release": ("vrijgeven", "release"),
    "shift": ("dienst", "shift"),
    "configuration": ("instellingen", "configuration"),
    "update": ("bijwerken", "update"),
    "answer": ("antwoord op een hulpoproep", "answer to a call for help"),
    "forward": ("doorgeven", "forward"),
}
"""Kinds of orders."""

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
    ("audio_changed", "audio"): {"live": ("aan", "on"), "off": ("uit", "off"), "lost": ("weggevallen", "lost")},
    ("view", "flip"): {"horizontal": ("links-rechts", "left to right"), "vertical": ("boven-onder", "top to bottom")},
    ("view", "focus"): {"fixed": ("vast", "fixed"), "manual": ("op {dioptres}", "at {dioptres}"), "continuous": ("continu", "continuous")},
    ("self_tested", "outcome"): {"passed": ("alles werkt", "everything works"), "failed": ("er is iets defect", "a part is broken")},
    ("swap_changed", "state"): {"closed": ("uitgesloten", "ruled out"), "degraded": ("niet uitgesloten", "not ruled out")},
    ("resumed_after_reset", "cause"): {
        "recording": ("na een vastloper", "after it had hung"),
        "reboot_asked": ("op eigen verzoek", "at its own request"),
    },
    ("software_changed", "outcome"): {
        "installed": ("geïnstalleerd", "installed"),
        "updated": ("geïnstalleerd in plaats van de vorige versie", "installed in the place of the version before"),
        "rolled_back": ("teruggezet", "put back"),
    },
    ("order", "kind"): KINDS,
    ("order_refused", "kind"): KINDS,
    ("order_done", "outcome"): {
        "held": ("veiliggesteld", "held"),
        "released": ("niet langer veiliggesteld", "released"),
        "released_before": ("al eerder vrijgegeven", "released before it came"),
        "noted": ("genoteerd: de veiligstelling is hier nog niet", "noted: the hold is not here yet"),
        "shift_begun": ("dienst begonnen", "shift begun"),
        "shift_ended": ("dienst beëindigd", "shift ended"),
        "shift_open": ("er loopt al een dienst", "a shift is open already"),
        "no_shift": ("die dienst loopt niet", "that shift is not open"),
        "answered": ("hulpoproep beantwoord", "call for help answered"),
        "no_call": ("geen openstaande hulpoproep", "no open call for help"),
        "configured": ("de instellingen gelden", "its settings are in force"),
        "updated": ("die versie is in gebruik", "its version is in use"),
        "lapsed": ("vervallen voordat het werd geprobeerd", "lapsed before it was tried"),
        "not_installed": ("die versie past niet op deze camera", "its version does not fit this camera"),
        "ended": ("verlopen voordat iemand de versie bracht", "ended before anybody brought the version"),
        "went_back": ("geprobeerd en teruggezet", "tried, and put back"),
        "interrupted": ("onderbroken", "interrupted"),
    },
    ("storage_changed", "level"): {"ok": ("genoeg", "enough"), "low": ("krap", "low"), "full": ("op", "used up")},
    ("board_changed", "condition"): {
        "hot": ("Oververhitting", "Overheating"),
        "throttled": ("Afremmen van de processor", "Throttling of the processor"),
        "under_voltage": ("Te lage voedingsspanning", "Under-voltage"),
        "gauge_silent": ("Uitval van de accumeter", "Failure of the battery gauge"),
        "sensors_silent": ("Uitval van de sensoren", "Failure of the sensors"),
        "card_reader_silent": ("Uitval van de paslezer", "Failure of the card reader"),
        "worker_missing": ("Uitval van het opnameproces", "Failure of the capture process"),
    },
    ("board_changed", "change"): {"began": ("begint", "begins"), "ended": ("eindigt", "ends")},
    ("battery_changed", "level"): {"ok": ("in orde", "ok"), "low": ("bijna leeg", "low"), "critical": ("leeg", "critical")},
}
"""Values of one type's field in words."""

SETTINGS_BY_ORDER = (
    "Instellingen die door een opdracht zijn gewijzigd, gaan vóór het configuratiebestand: {orders}",
    "Settings that orders changed count before the configuration file: {orders}",
)
NO_SETTINGS_BY_ORDER = (
    "Geen instelling is meer door een opdracht gewijzigd: alleen het configuratiebestand geldt",
    "No setting is changed by an order any more: the configuration file counts alone",
)
REASONS: Mapping[str, tuple[str, str]] = {
    "storage_full": ("opslag vol", "storage full"),
    "room": (
        "om ruimte te maken; het station heeft aangetoond dat het alles heeft",
        "to make room; the station has shown that it has all of it",
    ),
    "unknown_card": ("onbekende pas", "unknown card"),
    "unreadable_card": ("pas zonder leesbaar nummer", "card without a readable number"),
    "random_card": ("pas met een wisselend nummer", "card whose number changes"),
    "recording": ("tijdens een opname", "during a recording"),
    "starting": ("de camera start nog", "the camera is still starting"),
    "leaving": ("de camera gaat uit", "the camera is shutting down"),
    "battery_critical": ("accu leeg", "battery critical"),
    "warning_failed": ("de waarschuwing mislukte", "warning failed"),
    "shutdown": ("camera wordt uitgeschakeld", "shutdown"),
    "worker_stuck": ("opnieuw beginnen, want een opnameproces zit vast", "to begin anew, since a capture process is stuck"),
    "too_old": ("te lang geleden", "too old"),
    "power_loss": ("de stroom was weg", "the power was lost"),
    "reset_unknown": ("onbekend waarom de camera opnieuw begon", "it is not known why the camera began anew"),
    "clock_untrusted": ("zonder betrouwbare klok is niet zeker hoe lang geleden", "without a trusted clock it is not certain how long ago"),
    "not_ready": ("de nieuwe versie kwam niet in bedrijf", "the new version did not become ready"),
    "interrupted": ("het bijwerken werd onderbroken", "the update was interrupted"),
    "asked": ("op verzoek van de technicus", "at the technician's request"),
    "settled": ("afgehandeld", "settled"),
    "withdrawn": ("ingetrokken", "withdrawn"),
    "handed-over": ("overgedragen", "handed over"),
    "not-needed": ("niet meer nodig", "no longer needed"),
    "mistake": ("vergissing", "mistake"),
    "other_municipality": ("van een andere gemeente", "of another municipality"),
    "not_this_camera": ("niet voor deze camera", "not for this camera"),
    "not_active": ("de ondertekenaar is niet (meer) actief", "who signed it is not active"),
    "newer_roster": ("volgens een nieuwer register dan hier geldt", "by a newer roster than is in force here"),
    "roster_ended": ("het register is verlopen", "the roster has ended"),
    "not_allowed": ("de ondertekenaar heeft die rol niet", "who signed it does not have the role"),
    "other_team": ("van een ander team", "of another team"),
    "camera_not_active": ("de camera is niet actief in het register", "the camera is not active in the roster"),
    "order_ended": ("de opdracht is verlopen", "the order has ended"),
    "not_yet": ("de opdracht is van later", "the order is of a later time"),
    "not_changeable": ("dat verandert geen opdracht", "no order changes that"),
    "unknown_recording": ("deze opname is hier niet", "the recording is not here"),
    "no_recording": ("geen opname in die tijd", "no recording in that time"),
    "deleting": ("het verwijderen is al begonnen", "its deletion has begun"),
    "other_configuration": ("voor een andere configuratie dan hier geldt", "for another configuration than is in force here"),
    "not_valid": ("daarmee klopt de configuratie niet", "the configuration would be wrong with it"),
    "in_use": ("die versie is al in gebruik", "that version is in use already"),
    "updates_wait": ("te veel opdrachten wachten nog", "too many orders wait still"),
    "settings_wait": ("een eerdere opdracht wacht nog", "an earlier order waits still"),
    "not_carried_out": ("deze camera voert zulke opdrachten niet uit", "this camera carries out no such orders"),
}
"""Values of `reason` in words, in any type. The text of a fault stays as the part worded it."""

COUNTED: Mapping[str, str] = {
    "copied": "file",
    "days": "day",
    "entries": "entry",
    "fragments": "fragment",
    "keep_months": "month",
    "recordings": "recording",
    "resumes": "time",
    "segments": "segment",
    "size": "byte",
}
"""Fields that count something, and the noun."""

GROUNDS: Mapping[str, tuple[str, str]] = {
    "complaint": ("een klacht", "a complaint"),
    "criminal-investigation": ("een strafrechtelijk onderzoek", "a criminal investigation"),
    "access-request": ("een inzageverzoek", "an access request"),
}

ROLES: Mapping[str, tuple[str, str]] = {
    "coordinator": ("teamcoördinator", "coordinator"),
    "evidence": ("beheerder van de beelden", "evidence officer"),
    "privacy": ("functionaris gegevensbescherming (FG)", "privacy officer"),
    "technician": ("technicus", "technician"),
    "administrator": ("systeembeheerder", "administrator"),
}
"""Who decides, where it is a role and no pseudonym."""

CONFIRMED: Mapping[bool, tuple[str, str]] = {True: ("bevestigd", "confirmed"), False: ("niet bevestigd", "not confirmed")}
USABLE: Mapping[bool, tuple[str, str]] = {
    True: ("weer bruikbaar", "usable again"),
    False: ("niet bruikbaar: {reason}", "not usable: {reason}"),
}
SILENT: Mapping[bool, tuple[str, str]] = {
    True: ("geeft al 5 s volledige digitale stilte", "has given complete digital silence for 5 s"),
    False: ("geeft weer geluid", "gives sound again"),
}
BUNDLE = (", bundel {bundle}", ", bundle {bundle}")
NO_BUNDLE = (", ontwikkelversie: niet uit een ondertekende bundel", ", a development checkout: not from a signed bundle")
BECAUSE = (" Reden: {reason}.", " Reason: {reason}.")
READ_OTHERWISE = (
    " Van de instellingen is omgezet naar de nieuwe vorm: {configuration}.",
    " Of its configuration this was brought to the new form: {configuration}.",
)
LEFT = (" (daarvóór {version})", " (before it {version})")
DIFFERS = (" Anders dan ingesteld: {differs}.", " Other than configured: {differs}.")
NOT_MIRRORED = ("nee", "no")
SEEN_UNKNOWN = ("een onbekend deel", "an unknown part")
DIOPTRES = ("{dioptres} dioptrie", "{dioptres} dioptres")
SHIFT_OF = ("De dienst is die van handhaver {officer}.", "The shift is that of officer {officer}.")
HOLD_ID = ("Veiligstelling {hold}.", "Hold {hold}.")
BY_CARD = ("Met een pas; die bewijst niet wie hem toonde.", "By a card, which does not prove who showed it.")
ASKED_BY = ("Op verzoek van gebruiker {uid}.", "Requested by user {uid}.")
ENDED_BY_SIGNAL = ("beëindigd door signaal {number}", "ended by signal {number}")
