"""The recorder's end of the card reader's process: what is shown, and whether the reader answers.

It connects to `board.cards` and takes what has come, without ever waiting. A process that is not there, says nothing, or says what cannot
be costs shifts by card and nothing else. One that talks more than any reader is hung up on until the next `begin_round`.
"""

from __future__ import annotations

from pathlib import Path

from bodycamd.camera.cards.messages import MAX_BYTES, STALE_US, Told, believed, decode
from bodycamd.linux.clock import Clock
from bodycamd.linux.hearing import Hearer

MESSAGES_A_ROUND = 50
"""A reader tells a heartbeat, and a card or two."""


class CardsLink:
    """Reads `path` from the control loop. Never raises and never waits."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._hearer = Hearer(path, MAX_BYTES)
        self._sequence, self._left = 0, MESSAGES_A_ROUND
        self._latest: Told | None = None

    def fileno(self) -> int | None:
        """To be waited for; `None` while there is no process."""
        return self._hearer.fileno()

    def begin_round(self) -> None:
        """From here on it may talk again."""
        self._left = MESSAGES_A_ROUND

    def look(self) -> list[Told]:
        """The cards that were shown since the last look, oldest first."""
        shown: list[Told] = []
        if self._left <= 0:
            return shown
        for message in self._hearer.look():
            if message is None:  # a process that begins anew numbers from 1
                self._sequence = 0
                continue
            told = decode(message)
            if told is not None and believed(told, self._clock.now_us(), self._sequence):
                self._sequence = told.sequence
                if told.is_showing:
                    shown.append(told)
                else:
                    self._latest = told
            self._left -= 1
            if self._left <= 0:
                self.close()
                break
        return shown

    def fault(self) -> str | None:
        """Why no card can be read now; `None` while the reader answers."""
        if self._latest is None or self._clock.now_us() - self._latest.at_us >= STALE_US:
            seconds = STALE_US // 1_000_000
            return f"no word of the card reader for {seconds} s; look at: systemctl status bodycamd-cards, and {self._path}"
        return self._latest.fault

    def close(self) -> None:
        """Hang up."""
        self._hearer.close()
        self._sequence = 0
