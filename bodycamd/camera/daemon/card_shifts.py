"""Shifts by card: takes what the card reader's process tells to the decision of `control.shift_card`, and that to ledger, lamp and motor.

The process is read at each of the daemon's looks, and at once when it says something. Nothing here waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from bodycamd.camera.board.cards_link import CardsLink
from bodycamd.camera.board.machine_health import MachineHealth
from bodycamd.camera.cards.messages import Told
from bodycamd.camera.control import events as ev
from bodycamd.camera.control import shift_card
from bodycamd.camera.control.shift_card import Answers, Showings
from bodycamd.camera.control.state import State
from bodycamd.camera.daemon.shifts import Shifts
from bodycamd.linux.clock import Clock

log = logging.getLogger(__name__)

_UNKNOWN: Mapping[str | None, ev.CardRefusal] = {None: "unknown_card", "unreadable": "unreadable_card", "random": "random_card"}


class Cards(Struct, frozen=True):
    """What the configuration brings: the reader's process, and whose card is whose, by code."""

    link: CardsLink
    officers: Mapping[str, str]


class Control(Protocol):
    """What is asked of the control loop."""

    @property
    def state(self) -> State:
        """The machine's state now."""

    def handle(self, event: ev.Event) -> None:
        """Carry out an event."""


class CardShifts:
    """In the loop's thread, from the first `look` to `close`."""

    def __init__(self, cards: Cards, shifts: Shifts, control: Control, clock: Clock) -> None:
        self._link, self._officers = cards.link, cards.officers
        self._shifts, self._control, self._clock = shifts, control, clock
        self._loop = asyncio.get_running_loop()
        self._showings, self._answers = Showings(), Answers()
        self._health = MachineHealth()
        self._followed: int | None = None
        self._crowded = False

    def look(self) -> None:
        """Take what has come, and judge whether the reader answers. Every few seconds."""
        self._link.begin_round()
        self._hear()
        fault = self._link.fault()
        for changed in self._health.card_reader(fault, self._clock.now_us()):
            log.log(logging.ERROR if changed.present else logging.INFO, "%s", fault or "the card reader answers again")
            self._control.handle(changed)

    def fault(self) -> str | None:
        """Why no card can be read now."""
        return self._link.fault()

    @property
    def known(self) -> int:
        """How many cards begin a shift."""
        return len(self._officers)

    def close(self) -> None:
        """Take no more cards."""
        self._link.close()
        self._follow()

    def _hear(self) -> None:
        try:
            for told in self._link.look():
                self._shown(told)
        finally:
            self._follow()

    def _follow(self) -> None:
        """Wait for what the process says next, where there is one."""
        descriptor = self._link.fileno()
        if descriptor == self._followed:
            return
        if self._followed is not None:
            self._loop.remove_reader(self._followed)
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._hear)
        self._followed = descriptor

    def _shown(self, told: Told) -> None:
        now_us = self._clock.now_us()
        self._showings, anew = self._showings.take(told.card or told.trouble or "", now_us)
        if not anew:
            return
        self._answers, answered = self._answers.take(now_us)
        if not answered and not self._crowded:
            log.error("%d cards within an hour: for now no more are answered", shift_card.MOST_ANSWERS)
        self._crowded = not answered
        if not answered:
            return
        officer = None if told.card is None else self._officers.get(told.card)
        verdict = shift_card.judge(officer, self._shifts.officer, self._control.state, _UNKNOWN[told.trouble])
        if verdict.reason is None:
            self._shifts.become(verdict.officer)
        self._control.handle(ev.CardAnswered(verdict.outcome, verdict.reason))
