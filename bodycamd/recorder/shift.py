"""The shift that is open, by the ledger: what lets a restarted camera still know who wears it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import BodycamError, UsageError
from bodycamd.evidence.ledger_reader import starts
from bodycamd.evidence.pseudonyms import pseudonym
from bodycamd.recorder.history import past_entries

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift: the pseudonymous officer, and since when."""

    officer: str
    since: str


def running_shift(ledger_folder: Path, boot_id: str) -> Shift | None:
    """The last shift that was begun in this boot and not ended. One of an earlier boot is over: who switches a camera on need not be who
    switched it off, and a wrong name in evidence is worse than none.

    Never raises: where the ledger cannot be read no shift is open, which the journal says.
    """
    try:
        for start in reversed(starts(ledger_folder)):
            entries = past_entries(ledger_folder, start)
            if entries and entries[0].boot_id != boot_id:
                return None
            for entry in reversed(entries):
                if entry.type == "shift_end":
                    return None
                if entry.type == "shift_begin":
                    return _taken_over(entry.text("officer"), entry.wall)
    except (OSError, BodycamError) as error:
        log.error("no shift is taken over from before: the ledger cannot be read: %s", error)
    return None


def _taken_over(officer: str, since: str) -> Shift | None:
    """An id that older software took and this ledger's format refuses must not keep a recording from being opened."""
    try:
        return Shift(pseudonym(officer, "the officer's id"), since)
    except UsageError as error:
        log.error("the shift from before is not taken over; begin it anew: %s", error)
        return None
