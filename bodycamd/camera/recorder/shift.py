"""The shift that is open, by the ledger: what lets a restarted camera still know who wears it."""

from __future__ import annotations

import logging

from msgspec import Struct

from bodycamd.errors import UsageError
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.noted_entries import ShiftBegun, ShiftEnded
from bodycamd.evidence.pseudonyms import pseudonym

log = logging.getLogger(__name__)


class Shift(Struct, frozen=True):
    """A shift: the pseudonymous officer, and since when."""

    officer: str
    since: str


class ShiftSoFar:
    """The shift, gathered while the verified ledger is read. One of an earlier boot is over: who switches a camera on need not be who
    switched it off, and a wrong name in evidence is worse than none.
    """

    def __init__(self, boot_id: str) -> None:
        self._running: Shift | None = None
        self._boot_id = boot_id

    def take(self, line: Line) -> None:
        """One line more, oldest first."""
        if line.entry.boot_id != self._boot_id or isinstance(line.detail, ShiftEnded):
            self._running = None
        elif isinstance(line.detail, ShiftBegun):
            self._running = Shift(line.detail.officer, line.entry.wall)

    @property
    def running(self) -> Shift | None:
        """The last shift that was begun in this boot and not ended. An id that older software took and this ledger's format refuses must
        not keep a recording from being opened."""
        if self._running is None:
            return None
        try:
            return Shift(pseudonym(self._running.officer, "the officer's id"), self._running.since)
        except UsageError as error:
            log.error("the shift from before is not taken over; begin it anew: %s", error)
            return None
