"""One look after another at the reader: from cards that lie there to cards that are shown."""

from __future__ import annotations

from collections.abc import Callable

from bodycamd.camera.cards.codes import code_of
from bodycamd.camera.cards.messages import HEARTBEAT_SECONDS, LONGEST_FAULT, Told, Trouble
from bodycamd.camera.cards.reader import UNREADABLE, CardReader, is_random
from bodycamd.camera.control.shift_card import Showings
from bodycamd.errors import UnavailableError
from bodycamd.foreign_text import shown

LOOK_SECONDS = 0.5
"""How long a look lasts where nothing happens: how late the process hears that it is to end."""


class CardWatch:
    """Makes messages, numbered from 1. A reader that does not answer is a message too, with the reason."""

    def __init__(self, reader: CardReader, salt: str, now_us: Callable[[], int]) -> None:
        self._reader, self._salt, self._now_us = reader, salt, now_us
        self._showings = Showings()
        self._sequence = 0
        self._heartbeat_us: int | None = None
        self._lay_there = True
        self.fault: str | None = None
        """Why no card can be read now."""

    def look(self, seconds: float = LOOK_SECONDS) -> list[Told]:
        """What is to be told: that a card is shown, that the process lives, that the reader failed or answers again."""
        before = self.fault
        try:
            uid, self.fault = self._reader.look(seconds), None
        except UnavailableError as error:
            uid, self.fault = None, shown(str(error), LONGEST_FAULT)
        told = [] if uid is None else self._shown(uid)
        self._lay_there = self.fault is not None
        now_us = self._now_us()
        if self._heartbeat_us is None or self.fault != before or now_us - self._heartbeat_us >= HEARTBEAT_SECONDS * 1e6:
            self._heartbeat_us = now_us
            told.append(Told(sequence=self._next(), at_us=now_us, fault=self.fault))
        return told

    def _shown(self, uid: bytes) -> list[Told]:
        """A card that still lies there, or flickers, was shown once; one that lay there before the reader was first read was not shown now:
        else a process that is begun anew would end a shift."""
        at_us = self._now_us()
        self._showings, anew = self._showings.take(uid.hex(), at_us)
        if not anew or self._lay_there:
            return []
        trouble: Trouble | None = "unreadable" if uid == UNREADABLE else "random" if is_random(uid) else None
        card = None if trouble is not None else code_of(uid, self._salt)
        return [Told(sequence=self._next(), at_us=at_us, card=card, trouble=trouble)]

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence
