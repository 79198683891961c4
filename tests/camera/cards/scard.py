"""Stands in for pyscard's `smartcard.scard`: the calls that the reader makes, with the answers that pcscd has, readers and cards laid by
a test. The real one is tried in `make test-unit`."""

from __future__ import annotations

from dataclasses import dataclass, field

SCARD_S_SUCCESS, SCARD_E_TIMEOUT, SCARD_E_UNKNOWN_READER, SCARD_E_NO_READERS_AVAILABLE = 0, 0x8010000A, 0x80100009, 0x8010002E
SCARD_E_NO_SERVICE, SCARD_W_REMOVED_CARD, SCARD_E_NO_SMARTCARD, SCARD_W_UNRESPONSIVE_CARD = 0x8010001D, 0x80100069, 0x8010000C, 0x80100066
SCARD_STATE_UNAWARE, SCARD_STATE_CHANGED, SCARD_STATE_EMPTY, SCARD_STATE_PRESENT = 0, 0x02, 0x10, 0x20
SCARD_SCOPE_SYSTEM, SCARD_SHARE_SHARED, SCARD_LEAVE_CARD = 2, 2, 0
SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1, SCARD_PCI_T0, SCARD_PCI_T1 = 1, 2, 101, 102


@dataclass
class Slot:
    """A reader: the answer of its card to GET DATA with its status words, `None` where no card is there; `events` counts changes."""

    answer: bytes | None = None
    events: int = 0
    connects: int = SCARD_S_SUCCESS
    transmits: int = SCARD_S_SUCCESS
    asked: list[bytes] = field(default_factory=list)

    def lay(self, answer: bytes | None) -> None:
        self.answer, self.events = answer, self.events + 1


class Scard:
    """The module, with its constants as attributes."""

    def __init__(self, **slots: Slot) -> None:
        self.slots, self.serves, self.contexts = slots, True, 0

    def __getattr__(self, name: str) -> int:
        found = globals()[name]
        assert isinstance(found, int)
        return found

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        self.contexts += self.serves
        return (SCARD_S_SUCCESS, self.contexts) if self.serves else (SCARD_E_NO_SERVICE, 0)

    def SCardReleaseContext(self, context: int) -> int:
        return SCARD_S_SUCCESS

    def SCardListReaders(self, context: int, groups: list[str]) -> tuple[int, list[str]]:
        if not self.serves:
            return SCARD_E_NO_SERVICE, []
        return (SCARD_S_SUCCESS, list(self.slots)) if self.slots else (SCARD_E_NO_READERS_AVAILABLE, [])

    def SCardGetStatusChange(self, context: int, ms: int, asked: list[tuple[str, int]]) -> tuple[int, list[tuple[str, int, list[int]]]]:
        if not self.serves:
            return SCARD_E_NO_SERVICE, []
        if any(name not in self.slots for name, _ in asked):
            return SCARD_E_UNKNOWN_READER, []
        found, changed = [], False
        for name, before in asked:
            slot = self.slots[name]
            now = slot.events << 16 | (SCARD_STATE_EMPTY if slot.answer is None else SCARD_STATE_PRESENT)
            differs = now != before
            changed |= differs
            found.append((name, now | (SCARD_STATE_CHANGED if differs else 0), list[int]()))
        return (SCARD_S_SUCCESS if changed else SCARD_E_TIMEOUT), found

    def SCardConnect(self, context: int, name: str, share: int, protocols: int) -> tuple[int, str, int]:
        return self.slots[name].connects, name, SCARD_PROTOCOL_T1

    def SCardTransmit(self, card: str, header: int, command: list[int]) -> tuple[int, list[int]]:
        assert header == SCARD_PCI_T1
        slot = self.slots[card]
        slot.asked.append(bytes(command))
        return slot.transmits, list(slot.answer or b"")

    def SCardDisconnect(self, card: str, how: int) -> int:
        assert how == SCARD_LEAVE_CARD
        return SCARD_S_SUCCESS

    def SCardGetErrorMessage(self, result: int) -> str:
        return f"Error {result:#x}."
