"""A reader that PC/SC knows: any contact or contactless one that pcscd has a driver for.

The card's number is asked for with GET DATA (`FF CA 00 00 00`), which the reader answers itself (PC/SC Workgroup, Interoperability
Specification, part 3, 3.2.2.1.3). pyscard is Debian's `python3-pyscard`, imported only here, and so only by the card reader's process. Of
several readers all are watched.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from bodycamd.camera.cards.reader import UNREADABLE, number
from bodycamd.errors import UnavailableError
from bodycamd.foreign_text import shown

log = logging.getLogger(__name__)

GET_UID = (0xFF, 0xCA, 0x00, 0x00, 0x00)
DONE = [0x90, 0x00]
MAX_READERS = 8
_INSTALL = "apt install pcscd python3-pyscard (the program's environment must see Debian's packages)"


class PcscReader:
    """See `reader.CardReader`."""

    def __init__(self) -> None:
        try:
            from smartcard import scard
        except ImportError as error:
            raise UnavailableError(f"pyscard is not installed ({error}): {_INSTALL}") from error
        self._scard = scard
        self._context: int | None = None
        self._states: dict[str, int] = {}
        self._cards: dict[str, bytes] = {}

    def look(self, seconds: float) -> bytes | None:
        """See `reader.CardReader`; the first reader with a card counts."""
        context, end = self._connected(), time.monotonic() + seconds
        self._find_readers(context)
        asked = [(name, state) for name, state in self._states.items()]
        result, found = self._scard.SCardGetStatusChange(context, round(max(0.0, end - time.monotonic()) * 1000), asked)
        if result == self._scard.SCARD_E_TIMEOUT:
            return self._card()
        if result == self._scard.SCARD_E_UNKNOWN_READER:  # pulled out since it was listed
            self._states = {}
            return None
        self._check(result, "the readers cannot be watched")
        for name, state, _ in found:
            self._states[name] = state & ~self._scard.SCARD_STATE_CHANGED
            if not state & self._scard.SCARD_STATE_CHANGED:
                continue
            self._cards.pop(name, None)
            if state & self._scard.SCARD_STATE_PRESENT:
                uid = self._uid(context, name)
                if uid is not None:
                    self._cards[name] = uid
        return self._card()

    def close(self) -> None:
        """See `reader.CardReader`."""
        if self._context is not None:
            self._scard.SCardReleaseContext(self._context)
        self._context, self._states, self._cards = None, {}, {}

    def _card(self) -> bytes | None:
        return next(iter(self._cards.values()), None)

    def _connected(self) -> int:
        if self._context is None:
            result, context = self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_SYSTEM)
            self._check(result, "pcscd does not answer; look at: systemctl status pcscd.socket, and the polkit rule of bodycamd-cards")
            self._context = context
        return self._context

    def _find_readers(self, context: int) -> None:
        """Those that came are watched too, those that left no more. Raises `UnavailableError` where there is none."""
        result, names = self._scard.SCardListReaders(context, [])
        if result == self._scard.SCARD_E_NO_READERS_AVAILABLE or (result == self._scard.SCARD_S_SUCCESS and not names):
            self._states, self._cards = {}, {}
            raise UnavailableError("no card reader is connected: check its cable, and `pcsc_scan` of Debian's pcsc-tools")
        self._check(result, "the readers cannot be listed")
        kept: Sequence[str] = names[:MAX_READERS]
        self._states = {name: self._states.get(name, self._scard.SCARD_STATE_UNAWARE) for name in kept}
        self._cards = {name: uid for name, uid in self._cards.items() if name in self._states}

    def _uid(self, context: int, name: str) -> bytes | None:
        """The number of the card that has just come; `None` where it left again."""
        scard = self._scard
        result, card, protocol = scard.SCardConnect(
            context, name, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        )
        if result in (scard.SCARD_W_REMOVED_CARD, scard.SCARD_E_NO_SMARTCARD):
            return None
        if result != scard.SCARD_S_SUCCESS:
            log.warning("the card tells nothing: %s", shown(scard.SCardGetErrorMessage(result), 200))
            return UNREADABLE
        try:
            header = scard.SCARD_PCI_T0 if protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1
            result, answer = scard.SCardTransmit(card, header, list(GET_UID))
        finally:
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
        if result in (scard.SCARD_W_REMOVED_CARD, scard.SCARD_E_NO_SMARTCARD):
            return None
        if result != scard.SCARD_S_SUCCESS or list(answer[-2:]) != DONE:
            log.warning("the card, or its reader, does not tell a number")
            return UNREADABLE
        return number(bytes(answer[:-2]))

    def _check(self, result: int, what: str) -> None:
        """Raises `UnavailableError`; the next look begins anew, as after a pcscd that was restarted."""
        if result != self._scard.SCARD_S_SUCCESS:
            self.close()
            raise UnavailableError(f"{what} ({shown(self._scard.SCardGetErrorMessage(result), 100)})"[:200])
