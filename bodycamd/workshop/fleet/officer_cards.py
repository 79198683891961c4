"""The code of an officer's card, made on the technician's computer: from the card at its reader, or from a number that another list has.

The number itself is not kept, printed or written: it may open the town hall too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bodycamd.camera.cards.codes import code_of
from bodycamd.camera.cards.reader import LONGEST, SHORTEST, UNREADABLE, CardReader, is_random, number
from bodycamd.camera.cards.registration import code_told
from bodycamd.camera.cards.watch import CardWatch
from bodycamd.errors import ConfigError, DataError, UnavailableError
from bodycamd.workshop.fleet.configurations import salt_of
from bodycamd.workshop.fleet.fleet_file import FleetReading

_HEX = re.compile(r"[0-9a-f]{2}(?:[: ]?[0-9a-f]{2})*")


def salt(reading: FleetReading) -> str:
    """The fleet's. Raises `ConfigError` with what to write where the file has none."""
    found = salt_of(reading)
    if found is None:
        raise ConfigError('configuration.shift.salt: missing; write shift: {salt: "…"} there, once, with what openssl rand -hex 16 prints')
    return found


def code_from_number(text: str, salt: str) -> str:
    """The code of the card with this number: hex digits, in the order in which readers tell the bytes. Raises `DataError`, which does not
    repeat it.
    """
    stripped = text.strip().lower()
    found = number(bytes.fromhex(re.sub("[: ]", "", stripped))) if _HEX.fullmatch(stripped) else UNREADABLE
    if found == UNREADABLE:
        raise DataError(f"not the number of a card: {SHORTEST} to {LONGEST} bytes in hex digits, such as 04:a1:b2:c3:d4:e5:f6")
    if is_random(found):
        raise DataError("a number that begins with 08 is another one each time: it cannot select anybody; use another card")
    return code_of(found, salt)


def code_at_reader(reader: CardReader, salt: str, seconds: float, now_us: Callable[[], int], listening: Callable[[], None]) -> str:
    """The code of the card that is laid on the reader next; `listening` is called when it would be noticed. Raises `UnavailableError` where
    the reader does not answer or no card comes, `DataError` for a card that cannot be told again.
    """
    watch = CardWatch(reader, salt, now_us)
    end_us = now_us() + round(seconds * 1e6)
    watching = False
    while now_us() < end_us:
        for told in watch.look():
            if (code := code_told(told)) is not None:
                return code
        if not watching:
            watching = True
            listening()
    raise UnavailableError(f"no card was shown within {seconds:g} s; one that lay there before must be taken away and laid down again")


def line(officer: str, code: str, teams: Sequence[str]) -> str:
    """For the list `officers` of the fleet file."""
    of_teams = f", teams: [{', '.join(teams)}]" if teams else ""
    return f"  - {{id: {officer}, card: {code}{of_teams}}}"
