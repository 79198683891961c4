"""What is said of a check that did not pass: Dutch, then English. Each says what was seen, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

SentenceName = Literal[
    "no_button",
    "button_stuck",
    "no_press",
    "not_released",
    "bounces",
    "no_output",
    "not_noticed",
    "nobody_asked",
    "nobody_presses",
    "not_fitted",
    "no_camera",
    "other_parts",
    "black",
    "undecodable",
    "slow",
    "frozen",
    "no_target",
    "turned",
    "mirrored",
    "blurred",
    "needs_target",
    "other_encoder",
    "not_opened",
    "open_to_all",
    "nothing_came",
    "no_voice",
    "unheard",
    "not_played",
    "no_sound",
    "microphone_lost",
    "digital_silence",
    "faint",
    "sound_is_off",
    "wrong_side",
    "halved",
    "both_sides_silent",
    "no_card",
    "no_sides",
    "tone_is_deaf",
    "held_by_the_daemon",
    "no_disk",
    "slow_disk",
    "late_disk",
    "little_space",
    "clock_untrusted",
    "clock_wrong",
    "no_rtc",
    "no_key",
    "no_recipients",
    "no_gauge",
    "battery_low",
    "hot",
    "throttled",
    "under_voltage",
    "no_sensors",
    "swap",
    "worker_not_confined",
    "daemon_not_confined",
    "exposed",
]

SENTENCES: Mapping[SentenceName, tuple[str, str]] = {
    "no_button": (
        "De knop kan niet worden gelezen ({fault}): controleer board.gpio.button en de draden.",
        "The button cannot be read ({fault}): check board.gpio.button and its wires.",
    ),
    "button_stuck": (
        "De knop is ingedrukt terwijl niemand drukt: maak hem los, of vervang hem.",
        "The button is down although nobody presses it: free it, or replace it.",
    ),
    "no_press": (
        "In {waited_seconds:.0f} s is er geen druk gezien: controleer knop, draden en board.gpio.button.",
        "No press was seen within {waited_seconds:.0f} s: check the button, its wires and board.gpio.button.",
    ),
    "not_released": (
        "De knop kwam niet terug: maak hem los, of vervang hem.",
        "The button did not come up again: free it, or replace it.",
    ),
    "bounces": (
        "De knop dendert {bounce_ms:.0f} ms, meer dan gestures.bounce_ms ({allowed_ms} ms): vervang de knop.",
        "The button bounces for {bounce_ms:.0f} ms, longer than gestures.bounce_ms ({allowed_ms} ms): replace the button.",
    ),
    "no_output": (
        "{part} kan niet worden geschakeld ({fault}): controleer board.gpio.{part}.",
        "{part} cannot be switched ({fault}): check board.gpio.{part}.",
    ),
    "not_noticed": (
        "{part} is niet gezien of gevoeld: controleer het onderdeel, de draden en board.gpio.{part}.",
        "{part} was not seen or felt: check the part, its wires and board.gpio.{part}.",
    ),
    "nobody_asked": (
        "Geschakeld, maar er is niemand om te vragen of het te zien of te voelen was: start de test in een terminal.",
        "Switched, but there is nobody to ask whether it was seen or felt: run the test on a terminal.",
    ),
    "nobody_presses": (
        "Er is niemand om de knop in te drukken: start de test in een terminal.",
        "There is nobody to press the button: run the test on a terminal.",
    ),
    "not_fitted": (
        "Niet aangesloten volgens de configuratie.",
        "Not fitted, says the configuration.",
    ),
    "no_camera": (
        "Er komt geen beeld ({fault}): controleer de kabel van de camera en video in de configuratie.",
        "No picture comes ({fault}): check the camera's cable, and video in the configuration.",
    ),
    "other_parts": (
        "De camera is een andere dan geconfigureerd: {differs}. Zet video.module en board.model goed, of vervang het onderdeel.",
        "The camera is not the configured one: {differs}. Correct video.module and board.model, or replace the part.",
    ),
    "black": (
        "Het beeld is zwart (helderheid {mean:.0f}): haal de lens vrij, maak licht, en test opnieuw.",
        "The picture is black (brightness {mean:.0f}): uncover the lens, make light, and test again.",
    ),
    "undecodable": (
        "De beelden kunnen niet worden gedecodeerd: vervang de camera, of installeer de software opnieuw.",
        "The pictures cannot be decoded: replace the camera, or install the software again.",
    ),
    "slow": (
        "Er komen {measured:.1f} beelden per seconde, gevraagd zijn er {asked:.0f}: verlaag video.frame_rate, of zoek "
        "wat de processor bezet.",
        "{measured:.1f} pictures come in a second, {asked:.0f} were asked for: lower video.frame_rate, or look for what "
        "keeps the processor busy.",
    ),
    "frozen": (
        "Het beeld staat stil: elk beeld is hetzelfde. Start de camera opnieuw; blijft het zo, vervang dan de module.",
        "The picture stands still: all pictures are the same. Restart the camera; if it stays so, replace the module.",
    ),
    "no_target": (
        "Het testblad is niet gevonden ({likeness:.2f}): houd het recht, op ongeveer 50 cm, in gelijkmatig licht.",
        "The printed target was not found ({likeness:.2f}): hold it straight, about 50 cm away, in even light.",
    ),
    "turned": (
        "Het beeld is {turned} graden gedraaid: zet video.rotation goed, of draai de module.",
        "The picture is turned by {turned} degrees: correct video.rotation, or turn the module.",
    ),
    "mirrored": (
        "Het beeld is gespiegeld: zet video.flip goed.",
        "The picture is mirrored: correct video.flip.",
    ),
    "blurred": (
        "Het testblad is onscherp (randen van {edge_pixels:.0f} beeldpunten): maak de lens schoon, of zet video.focus goed.",
        "The target is not sharp (edges of {edge_pixels:.0f} pixels): clean the lens, or correct video.focus.",
    ),
    "needs_target": (
        "Alleen met het testblad voor de camera (--with-target).",
        "Only with the printed target before the camera (--with-target).",
    ),
    "other_encoder": (
        "Er wordt niet gecodeerd: er kwam geen geldig begin van de film. Installeer de software opnieuw.",
        "Nothing is encoded: no valid beginning of a film came. Install the software again.",
    ),
    "not_opened": (
        "Van {encrypted} versleutelde stukken gaan er {opened} open met hun sleutel: neem deze camera niet in gebruik, en meld het.",
        "Of {encrypted} encrypted pieces {opened} open with their key: do not use this camera, and report it.",
    ),
    "open_to_all": (
        "Een vreemde sleutel opent beelden: neem deze camera niet in gebruik, en meld het.",
        "A stranger's key opens footage: do not use this camera, and report it.",
    ),
    "nothing_came": (
        "Er kwam geen beeld om dit aan te meten.",
        "No footage came to measure this by.",
    ),
    "no_voice": (
        "De waarschuwing kan niet worden afgespeeld ({detail}): controleer speaker.device en de versterker.",
        "The warning cannot be played ({detail}): check speaker.device and the amplifier.",
    ),
    "unheard": (
        "De microfoon hoort de luidspreker niet (gelijkenis {likeness:.2f}): controleer luidspreker, versterker en volume.",
        "The microphone does not hear the loudspeaker (likeness {likeness:.2f}): check loudspeaker, amplifier and volume.",
    ),
    "not_played": (
        "De waarschuwing is niet afgespeeld, dus is er niets te horen.",
        "The warning was not played, so that there is nothing to hear.",
    ),
    "no_sound": (
        "Zonder geluid van de microfoon is er niets te horen.",
        "Without sound from the microphone there is nothing to hear.",
    ),
    "microphone_lost": (
        "De microfoon geeft geen geluid: controleer microphone.device en de kabel.",
        "The microphone gives no sound: check microphone.device and its cable.",
    ),
    "digital_silence": (
        "De microfoon geeft digitale stilte: controleer microphone.channel en de draden van de microfoon.",
        "The microphone gives digital silence: check microphone.channel and the microphone's wires.",
    ),
    "faint": (
        "De microfoon is te zacht (hoogste piek {peak_dbfs:.0f} dBFS terwijl de waarschuwing klonk): maak de opening "
        "vrij, of verhoog microphone.gain_db.",
        "The microphone is too faint (highest peak {peak_dbfs:.0f} dBFS while the warning was spoken): free its opening, "
        "or raise microphone.gain_db.",
    ),
    "sound_is_off": (
        "Geluid staat uit (audio: false).",
        "Sound is switched off (audio: false).",
    ),
    "wrong_side": (
        "Het geluid zit aan de andere kant: zet microphone.channel op {better}.",
        "The sound is on the other side: set microphone.channel to {better}.",
    ),
    "halved": (
        "Eén kant van de microfoon is stil, en mix halveert het geluid: zet microphone.channel op {better}.",
        "One side of the microphone is silent, and mix halves the sound: set microphone.channel to {better}.",
    ),
    "both_sides_silent": (
        "Beide kanten van de microfoon zijn stil: controleer microphone.device en de draden.",
        "Both sides of the microphone are silent: check microphone.device and its wires.",
    ),
    "no_card": (
        "De geluidskaart kan niet worden geopend ({fault}): controleer microphone.device.",
        "The sound card cannot be opened ({fault}): check microphone.device.",
    ),
    "no_sides": (
        "Deze microfoon heeft geen kanten.",
        "This microphone has no sides.",
    ),
    "tone_is_deaf": (
        "De microfoon van de simulatie is een testtoon: die hoort geen luidspreker.",
        "The simulation's microphone is a test tone: it hears no loudspeaker.",
    ),
    "held_by_the_daemon": (
        "De bodycam-dienst houdt dit onderdeel: stop de dienst en start de hele test.",
        "The daemon holds this part: stop it and run the whole test.",
    ),
    "no_disk": (
        "Op de opslag kan niet worden geschreven ({fault}): controleer de kaart, of vervang haar.",
        "The storage cannot be written ({fault}): check the card, or replace it.",
    ),
    "slow_disk": (
        "De kaart schrijft {measured:.1f} MB/s, nodig is {needed:.1f} MB/s: vervang de kaart.",
        "The card writes {measured:.1f} MB/s, {needed:.1f} MB/s are needed: replace the card.",
    ),
    "late_disk": (
        "De kaart deed {worst_sync_ms:.0f} ms over één keer vastleggen: vervang de kaart.",
        "The card took {worst_sync_ms:.0f} ms to make one piece durable: replace the card.",
    ),
    "little_space": (
        "Er is nog plaats voor {minutes:.0f} minuten, minder dan {reserve_minutes}: haal de opnamen van de camera.",
        "There is room for {minutes:.0f} minutes, less than {reserve_minutes}: take the recordings off the camera.",
    ),
    "clock_untrusted": (
        "De klok is niet te vertrouwen ({source}): sluit de camera aan op een netwerk met tijdserver, en test opnieuw.",
        "The clock cannot be trusted ({source}): connect the camera to a network with a time server, and test again.",
    ),
    "clock_wrong": (
        "De klok staat op het jaar {year}: zet haar gelijk.",
        "The clock says that it is the year {year}: set it.",
    ),
    "no_rtc": (
        "De klok {rtc} met eigen batterij ontbreekt of loopt niet gelijk: controleer de batterij en dtoverlay=i2c-rtc.",
        "The battery-backed clock {rtc} is missing or does not agree: check its cell and dtoverlay=i2c-rtc.",
    ),
    "no_key": (
        "Er is geen leesbare sleutel om te ondertekenen ({fault}): richt de camera opnieuw in.",
        "There is no signing key that can be read ({fault}): set the camera up anew.",
    ),
    "no_recipients": (
        "De lijst van ontvangers is niet goed ({fault}): zet de lijst van de gemeente terug.",
        "The list of recipients is wrong ({fault}): put the municipality's list back.",
    ),
    "no_gauge": (
        "De batterijmeter antwoordt niet ({fault}): controleer board.battery en bodycamd-sensors.",
        "The battery gauge does not answer ({fault}): check board.battery and bodycamd-sensors.",
    ),
    "battery_low": (
        "De batterij is voor {percent:.0f} % geladen: laad haar op vóór de dienst.",
        "The battery holds {percent:.0f} %: charge it before the shift.",
    ),
    "hot": (
        "De camera is {celsius:.0f} °C: laat haar afkoelen, uit de zon.",
        "The camera has {celsius:.0f} °C: let it cool down, out of the sun.",
    ),
    "throttled": (
        "De processor wordt afgeremd: laat de camera afkoelen, en controleer de voeding.",
        "The processor is slowed down: let the camera cool down, and check its supply.",
    ),
    "under_voltage": (
        "De voeding geeft te weinig spanning: vervang kabel, batterij of voeding.",
        "The supply's voltage is too low: replace the cable, the battery or the supply.",
    ),
    "no_sensors": (
        "Dit apparaat meldt geen temperatuur: controleer bodycamd-sensors.",
        "This machine tells no temperature: check bodycamd-sensors.",
    ),
    "swap": (
        "Geheugen kan op de kaart terechtkomen ({because}). Te doen: {to_do}.",
        "Memory can reach the card ({because}). To do: {to_do}.",
    ),
    "worker_not_confined": (
        "Het opnameproces is niet afgeschermd ({missing}): gebruik de kernel van Raspberry Pi OS, en de dienst zoals geleverd.",
        "The capture worker is not confined ({missing}): use Raspberry Pi OS's kernel, and the unit as it is shipped.",
    ),
    "daemon_not_confined": (
        "De dienst is niet afgeschermd ({missing}): gebruik systemd/bodycamd.service zoals geleverd.",
        "The daemon is not confined ({missing}): use systemd/bodycamd.service as it is shipped.",
    ),
    "exposed": (
        "De dienst staat te ver open ({exposure:.1f}, hoogstens {allowed:.1f}): gebruik systemd/bodycamd.service zoals geleverd.",
        "The unit is too exposed ({exposure:.1f}, at most {allowed:.1f}): use systemd/bodycamd.service as it is shipped.",
    ),
}
