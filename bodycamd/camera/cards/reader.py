"""What the process needs of a card reader; `pcsc`, `pn532` and `simulated` are the shipped ones, and configuration chooses."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bodycamd.config.settings import Config

UNREADABLE = b""
"""In place of a number: a card lies there and tells none."""
SHORTEST, LONGEST = 4, 10
"""Bytes of a number (ISO/IEC 14443-3: 4, 7 or 10; type B and FeliCa 4 and 8)."""
RANDOM_FIRST = 0x08
"""A number of 4 bytes that begins so is made anew for each field (ISO/IEC 14443-3, table of uid0)."""


class CardReader(Protocol):
    """A reader that somebody waits at. Not for threads."""

    def look(self, seconds: float) -> bytes | None:
        """The number of the card that lies there, `UNREADABLE` where it tells none, `None` where there is no card.

        Returns after about `seconds`, and sooner where a card comes or goes. Raises `UnavailableError` with what to do where the reader is
        not there or does not answer; the next call tries anew.
        """

    def close(self) -> None:
        """Let go of it; a field of its own is switched off."""


def is_random(uid: bytes) -> bool:
    """Whether a card's number is a new one each time."""
    return len(uid) == SHORTEST and uid[0] == RANDOM_FIRST


def number(found: bytes) -> bytes:
    """What a reader told of a card, as its number; `UNREADABLE` where it cannot be one."""
    return found if SHORTEST <= len(found) <= LONGEST and any(found) else UNREADABLE


def build_reader(config: Config) -> CardReader | None:
    """The reader that the configuration names; `None` where it names none. Nothing is opened yet."""
    match config.board.card_reader:
        case "none":
            return None
        case "pcsc":
            from bodycamd.camera.cards.pcsc import PcscReader

            return PcscReader()
        case "pn532":
            from bodycamd.camera.cards.pn532 import Pn532Reader

            return Pn532Reader(Path(config.board.card_port))
        case "simulated":
            from bodycamd.camera.cards.simulated import SimulatedReader

            assert config.simulation_directory is not None, "the configuration check asks for simulation_directory"
            return SimulatedReader(Path(config.simulation_directory))
