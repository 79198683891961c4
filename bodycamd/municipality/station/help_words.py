"""What a person who is called reads: short enough for one SMS, and nothing in it but what whoever comes needs."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from bodycamd.config.timezone import DEFAULT_TIMEZONE
from bodycamd.evidence.help_call import SignedCall
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.words.language import Language, pick
from bodycamd.municipality.words.times import LocalTime


class HelpMessage(Struct, frozen=True):
    """`text` is all that a person reads; `call` and `camera` are what an answer to it names. A test has neither."""

    text: str
    test: bool = False
    call: str | None = None
    camera: str | None = None


CALL: Final = ("HULPOPROEP {who} om {at}. Antwoord: {id}", "HELP CALL {who} at {at}. Answer: {id}")
UNDATED: Final = ("HULPOPROEP {who}, tijd onbekend. Antwoord: {id}", "HELP CALL {who}, time unknown. Answer: {id}")
WITH_OFFICER: Final = ("camera {camera}, dienst {officer}", "camera {camera}, shift {officer}")
CAMERA: Final = ("camera {camera}", "camera {camera}")
AGAIN: Final = ("NOG NIET BEANTWOORD: ", "NOT ANSWERED YET: ")
TEST: Final = ("Proef van de hulpoproep: geen actie nodig.", "Test of the help call: nothing to do.")


def message_of(signed: SignedCall, person: int, language: Language) -> HelpMessage:
    """For person number `person` (from 0) of the list."""
    return HelpMessage(text_of(signed, person, language), call=signed.id, camera=signed.call.camera)


def test_message(language: Language) -> HelpMessage:
    """Once a day."""
    return HelpMessage(pick(TEST, language), test=True)


def text_of(signed: SignedCall, person: int, language: Language) -> str:
    """For person number `person` (from 0) of the list."""
    call = signed.call
    who = pick(CAMERA if call.officer is None else WITH_OFFICER, language).format(camera=call.camera, officer=call.officer)
    at = LocalTime(ZoneInfo(DEFAULT_TIMEZONE)).at(wall_us(call.at, "at")).strftime("%H:%M")
    told = pick(CALL if call.clock_trusted else UNDATED, language).format(who=who, at=at, id=signed.id)
    return (pick(AGAIN, language) if person else "") + told
