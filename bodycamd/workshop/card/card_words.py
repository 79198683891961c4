"""The words of the officer's card, Dutch and English, side by side. In braces: lengths as `officer_card` writes them."""

from __future__ import annotations

from collections.abc import Mapping

from bodycamd.camera.control.state import Condition

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Bodycam: kaart voor de handhaver", "Body-worn camera: the officer's card"),
    "rules": (
        "Eén knop. Draag de camera zichtbaar. Filmen mag alleen als een situatie uit de hand loopt of dreigt te lopen: stop zodra dat "
        "voorbij is. Niet in woningen: stop voordat je naar binnen gaat.",
        "One button. Wear the camera in sight. You may film only when a situation gets out of hand, or threatens to: stop as soon as that "
        "is over. Not in homes: stop before you go in.",
    ),
    "legend": (
        "Gekleurd is aan. De lamp is {lamp_length} lang getekend, de trilling {motor_length}.",
        "Coloured is on. The lamp is drawn for {lamp_length}, the vibration for {motor_length}.",
    ),
    "legend_still": ("Gekleurd is aan. De lamp is {lamp_length} lang getekend.", "Coloured is on. The lamp is drawn for {lamp_length}."),
    "belongs": ("Hoort bij de instellingen van {device}.", "Goes with the configuration of {device}."),
    # what the hand does
    "shift": ("Dienst", "Shift"),
    "shift_begin": ("Begin: houd je pas tegen de camera.", "Begin: hold your card to the camera."),
    "shift_end": ("Eind: nog eens.", "End: once more."),
    "record": ("Opnemen", "Record"),
    "record_how": (
        "Druk één keer. Eerst klinkt de waarschuwing, daarna begint de opname.",
        "Press once. The warning is spoken, then the recording begins.",
    ),
    "record_with_before": (
        "Druk één keer. De waarschuwing klinkt. De opname begint {before} vóór de druk.",
        "Press once. The warning is spoken. Recording begins {before} before the press.",
    ),
    "record_with_warning": (
        "Druk één keer. De waarschuwing klinkt en hoort al bij de opname.",
        "Press once. The warning is spoken, and is part of the recording.",
    ),
    "now": ("Meteen opnemen", "Record at once"),
    "now_how": (
        "Wacht een tel en druk nog een keer terwijl de waarschuwing klinkt.",
        "Wait one second and press again while the warning is spoken.",
    ),
    "mark": ("Moment markeren", "Mark a moment"),
    "mark_how": ("Druk kort tijdens de opname.", "Press briefly while recording."),
    "stop": ("Stoppen", "Stop"),
    "stop_hold": ("Houd de knop {hold} ingedrukt.", "Hold the button for {hold}."),
    "ask_hold": ("Houd de knop {hold} ingedrukt.", "Hold the button for {hold}."),
    "ask_hold_felt": ("Houd de knop {hold} ingedrukt, tot hij stevig trilt.", "Hold the button for {hold}, until it vibrates strongly."),
    "ask_release": ("Laat los.", "Let go."),
    "ask_release_felt": ("Laat los: vier tikken.", "Let go: four ticks."),
    "ask_press": ("Druk binnen {confirm} één keer kort.", "Press once, briefly, within {confirm}."),
    "ask_otherwise": ("Druk je niet? Dan loopt de opname door.", "No press? Then the recording goes on."),
    "ask_again_felt": (
        "Trilt hij niet? Laat los, wacht {calm} en houd hem opnieuw ingedrukt.",
        "No vibration? Let go, wait {calm}, and hold it again.",
    ),
    "ask_again": ("Lukt het niet? Wacht {calm} en begin opnieuw.", "Still recording? Wait {calm} and begin again."),
    "go_on": ("Toch verder", "Go on after all"),
    "go_on_closing": (
        "Druk zolang de rode lamp na het stoppen nog brandt ({after}).",
        "Press while the red lamp is still on after the stop ({after}).",
    ),
    "go_on_within": (
        "Druk binnen {go_on} na het stoppen; er klinkt geen nieuwe waarschuwing.",
        "Press within {go_on} of the stop; there is no new warning.",
    ),
    "help": ("Hulp roepen", "Call for help"),
    "help_how": (
        "Eerst de portofoon. Houd de knop tijdens de opname {long} ingedrukt.",
        "The radio first. Hold the button for {long} while recording.",
    ),
    "help_sent": ("Verstuurd:", "Sent:"),
    "help_answered": ("Beantwoord:", "Answered:"),
    "help_not_sent": ("Niet verstuurd, dus portofoon:", "Not sent, so the radio:"),
    # what is seen and felt
    "head_meaning": ("Wat betekent het?", "What does it mean?"),
    "head_lamp": ("Rode lamp", "Red lamp"),
    "head_lamps": ("Groene en rode lamp", "Green and red lamp"),
    "head_motor": ("Trilling", "Vibration"),
    "ready": ("Klaar: een druk begint de opname.", "Ready: a press begins the recording."),
    "ready_or_dead": ("Er wordt niet opgenomen.", "It is not recording."),
    "ready_or_dead_more": ("Ook als de camera niet werkt is de lamp uit.", "The lamp is off when the camera does not work, too."),
    "buffering_more": ("De laatste {before} worden tijdelijk bewaard.", "The last {before} are kept for the moment."),
    "buffering_silent_more": (
        "De laatste {before} worden tijdelijk bewaard, zonder geluid.",
        "The last {before} are kept for the moment, without sound.",
    ),
    "dead": ("De camera staat uit of is defect.", "The camera is off or broken."),
    "dead_more": ("Meld het.", "Report it."),
    "blink": ("Waarschuwing, of de opname begint zo.", "Warning, or the recording is about to begin."),
    "recording": ("Opname. De beelden worden opgeslagen.", "Recording. The footage is stored."),
    "reminder": ("Je neemt nog op.", "You are still recording."),
    "saved": ("Gestopt en opgeslagen.", "Stopped and stored."),
    "low": ("Opname, maar er is iets.", "Recording, but something is wrong."),
    "low_more": ("{low}. Ga door; meld het daarna.", "{low}. Carry on; report it afterwards."),
    "or": ("of", "or"),
    "low_standby_more": (
        "Trilt hij zo terwijl hij niet opneemt, meld het dan ook.",
        "If it vibrates so while not recording, report that too.",
    ),
    "saved_still_more": (
        "Na het stoppen: opgeslagen, tenzij je drie lange flitsen ziet.",
        "After a stop: stored, unless you see three long flashes.",
    ),
    "missing": ("Er wordt niets opgeslagen.", "Nothing is being stored."),
    "missing_more": ("De camera probeert het te herstellen.", "The camera is trying to recover."),
    "refused": (
        "De camera kan niet opnemen, of niet alles is opgeslagen.",
        "The camera cannot record, or not all has been stored.",
    ),
    "check_passed": ("Getest: alles werkt.", "Tested: everything works."),
    "check_failed": ("Getest: defect. Neem een andere.", "Tested: broken. Take another."),
    "every": ("elke {length}", "each {length}"),
    "always": ("blijft aan", "stays on"),
    "out": ("uit", "off"),
    "fast": ("snel", "fast"),
    "when_switched_on": ("bij aanzetten", "when switched on"),
    "when_tested": ("na een test", "after a test"),
    "when_begun": ("bij het begin", "at the start"),
    # what if
    "what_if": ("Als …", "If …"),
    "by_accident": ("je per ongeluk drukt:", "you press by accident:"),
    "by_accident_then": (
        "druk niet nog een keer, want dan begint de opname meteen. Wacht tot de rode lamp blijft branden en stop zoals hierboven. Meld "
        "het na je dienst. Wissen kan niet, ook niet door jou.",
        "do not press again: the recording would begin at once. Wait until the red lamp stays on, and stop as above. Report it after your "
        "shift. Nobody can erase it, not even you.",
    ),
    "other_make": ("je een ander merk gewend bent:", "you are used to another make:"),
    "other_make_ask": (
        "lang drukken alleen stopt niet, ook niet twee keer. Zonder die laatste korte druk loopt de opname door, ook als je op de knop "
        "valt. Beginnen met lang of snel twee keer drukken werkt als één keer drukken.",
        "holding alone does not stop, not even twice. Without that last short press the recording goes on, also if you fall on the button. "
        "To begin with a hold or a quick double press works as one press does.",
    ),
    "other_make_hold": (
        "kort drukken stopt niet, maar markeert. Lang drukken stopt meteen, ook als je op de knop valt. Druk dan niet nog eens: de opname "
        "gaat verder. Beginnen met lang of snel twee keer drukken werkt als één keer drukken.",
        "a short press does not stop, it marks. Holding stops at once, also if you fall on the button. Then do not press again: the "
        "recording goes on. To begin with a hold or a quick double press works as one press does.",
    ),
    "no_warning": ("je geen waarschuwing hoort maar de rode lamp brandt:", "you hear no warning but the red lamp is on:"),
    "no_warning_then": (
        "er wordt opgenomen. Waarschuw zelf, hardop. Meld de camera daarna als defect.",
        "it is recording. Give the warning yourself, aloud. Report the camera as broken afterwards.",
    ),
    "no_warning_refused": (
        "je geen waarschuwing hoort en drie lange flitsen ziet:",
        "you hear no warning and see three long flashes:",
    ),
    "no_warning_refused_then": (
        "er wordt niet opgenomen. Meld de camera als defect.",
        "it is not recording. Report the camera as broken.",
    ),
    "nothing_stored": ("je twee flitsen per tel ziet:", "you see two flashes a second:"),
    "nothing_stored_felt": (
        "je drie lange trillingen voelt of twee flitsen per tel ziet:",
        "you feel three long pulses or see two flashes a second:",
    ),
    "nothing_stored_then": (
        "reken niet op de opname. Ga door met je werk en meld het.",
        "do not count on the recording. Carry on with your work and report it.",
    ),
    "asked_for": ("iemand vraagt om de beelden:", "somebody asks for the footage:"),
    "asked_for_then": (
        "verwijs naar de gemeente. Jij kunt niets afspelen. De gemeente bewaart ze in de regel {days}, en langer als ze zijn "
        "veiliggesteld voor een klacht, een inzageverzoek of een strafzaak.",
        "refer them to the municipality. You cannot play anything. The municipality keeps it for {days} as a rule, and longer where it is "
        "held for a complaint, a request for access or a criminal case.",
    ),
    "lost": ("je de camera kwijt bent:", "you have lost the camera:"),
    "lost_then": (
        "meld het meteen. De vinder kan de beelden niet bekijken.",
        "report it at once. Whoever finds it cannot watch the footage.",
    ),
}
LOW: Mapping[Condition, tuple[str, str]] = {
    "storage_low": ("geheugen bijna vol", "memory nearly full"),
    "disk_unusable": ("opslag hapert", "storage failing"),
    "worker_stuck": ("camera hapert", "camera failing"),
    "battery_low": ("accu bijna leeg", "battery nearly empty"),
    "gauge_silent": ("accustand onbekend", "charge unknown"),
    "sensors_silent": ("temperatuur onbekend", "temperature unknown"),
    "under_voltage": ("te weinig stroom", "too little power"),
    "hot": ("te warm", "too hot"),
    "throttled": ("te warm", "too hot"),
    "audio_lost": ("geen geluid", "no sound"),
    "audio_silent": ("geen geluid", "no sound"),
    "voice_failed": ("waarschuwing defect", "warning broken"),
}
"""What is shown as *low*."""
