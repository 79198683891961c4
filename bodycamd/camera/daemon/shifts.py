"""Whose shift it is: begun and ended by a command or by a card, each time with entries in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from bodycamd.camera.recorder.shift import Shift
from bodycamd.errors import UsageError
from bodycamd.evidence.entries import detail_fields
from bodycamd.evidence.pseudonyms import pseudonym
from bodycamd.evidence.statements import Caller, JsonValue, ShiftCaller
from bodycamd.linux.clock import Clock

BY_CARD = ShiftCaller(via="card")


class Ledger(Protocol):
    """What is asked of the writer."""

    def note(self, type: str, fields: Mapping[str, JsonValue]) -> None:
        """Queue a ledger entry."""


class Shifts:
    """The shift that is open, once the store is: `attach` brings both. `wear` hears whose it is from now on."""

    def __init__(self, clock: Clock, wear: Callable[[str | None], None]) -> None:
        self._clock, self._wear = clock, wear
        self._ledger: Ledger | None = None
        self.open: Shift | None = None
        """The shift that is open."""

    def attach(self, ledger: Ledger, open: Shift | None) -> None:
        """From here on shifts begin and end; `open` is the one that was taken over."""
        self._ledger = ledger
        self._set(open)

    @property
    def officer(self) -> str | None:
        """Whose shift it is."""
        return None if self.open is None else self.open.officer

    def begin(self, named: str, caller: Caller | ShiftCaller) -> Shift:
        """Begin a shift. Raises `UsageError` for what is no pseudonym, and while a shift is open."""
        officer, ledger = pseudonym(named, "--officer"), self._open_ledger()
        if self.open is not None:
            raise UsageError(f"a shift of officer {self.open.officer} is open since {self.open.since}: end it first")
        ledger.note("shift_begin", {"officer": officer, "caller": detail_fields(caller)})
        begun = Shift(officer, datetime.fromtimestamp(self._clock.read().wall_us / 1e6, UTC).isoformat(timespec="seconds"))
        self._set(begun)
        return begun

    def end(self, caller: Caller | ShiftCaller) -> Shift:
        """End the shift. Raises `UsageError` where none is open."""
        ledger = self._open_ledger()
        if self.open is None:
            raise UsageError("no shift is open")
        ended = self.open
        ledger.note("shift_end", {"officer": ended.officer, "caller": detail_fields(caller)})
        self._set(None)
        return ended

    def become(self, officer: str | None) -> None:
        """By a card: the shift is that of this officer from now on, or nobody's."""
        if self.open is not None:
            self.end(BY_CARD)
        if officer is not None:
            self.begin(officer, BY_CARD)

    def _open_ledger(self) -> Ledger:
        if self._ledger is None:
            raise UsageError("the store is not open yet")
        return self._ledger

    def _set(self, shift: Shift | None) -> None:
        self.open = shift
        self._wear(self.officer)
