"""Waits for a card at a reader's process, so that a person can write down whose it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bodycamd.camera.cards.messages import MAX_BYTES, Told, decode
from bodycamd.errors import DataError, UnavailableError
from bodycamd.linux.hearing import Hearer
from bodycamd.linux.readable import readable

LOOK_SECONDS = 0.5


def wait_for_card(path: Path, seconds: float, now_us: Callable[[], int], listening: Callable[[], None]) -> str:
    """The code of the card that is shown next; `listening` is called as soon as it would be noticed.

    Raises `UnavailableError` where no process serves at `path`, where its reader does not answer, and where no card comes within `seconds`;
    `DataError` for a card that cannot be told again.
    """
    hearer = Hearer(path, MAX_BYTES)
    end_us, noticed = now_us() + round(seconds * 1e6), False
    try:
        while now_us() < end_us:
            for message in hearer.look():
                if message is None:
                    raise UnavailableError(
                        f"{path}: no card reader's process answers this user; look at: systemctl status bodycamd-cards; use sudo"
                    )
                if (told := decode(message)) is not None and (code := code_told(told)) is not None:
                    return code
                if not noticed:  # the first message says that the reader's process lets this one hear
                    noticed = True
                    listening()
            if (waiting := hearer.fileno()) is not None:
                readable(waiting, LOOK_SECONDS)
    finally:
        hearer.close()
    raise UnavailableError(f"no card was shown within {seconds:g} s")


def code_told(told: Told) -> str | None:
    """The code of the card that a message is about; `None` where it is about none. Raises as `wait_for_card` does."""
    if told.fault is not None:
        raise UnavailableError(told.fault)
    if told.trouble == "random":
        raise DataError("this card has another number each time, as telephones and passports do: it cannot select anybody; use another one")
    if told.trouble == "unreadable":
        raise DataError("this card tells no number: use another one, or another reader")
    return told.card
