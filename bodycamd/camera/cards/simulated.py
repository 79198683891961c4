"""A card reader without hardware: `card.txt` in the simulation's folder is the card that lies there, as its number in hex; an empty file or
none: no card. `broken` in its place is a reader that does not answer."""

from __future__ import annotations

import time
from pathlib import Path

from bodycamd.camera.cards.reader import number
from bodycamd.errors import UnavailableError

NAME = "card.txt"
MAX_BYTES = 256
LOOK_SECONDS = 0.05


class SimulatedReader:
    """See `reader.CardReader`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME
        self._before: bytes | None = None

    def look(self, seconds: float) -> bytes | None:
        """What the file says."""
        left = seconds
        while (found := self._card()) == self._before and left > 0:
            time.sleep(min(LOOK_SECONDS, left))
            left -= LOOK_SECONDS
        self._before = found
        return found

    def close(self) -> None:
        """There is nothing to let go of."""

    def _card(self) -> bytes | None:
        try:
            with self._file.open("rb") as opened:
                said = opened.read(MAX_BYTES).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnavailableError(f"{self._file}: {error.strerror}") from error
        if not said:
            return None
        try:
            return number(bytes.fromhex(said))
        except ValueError as error:
            raise UnavailableError(f"{self._file}: {said[:40]!r} is no card's number in hex") from error
