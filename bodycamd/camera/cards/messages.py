"""What the card reader's process tells the recorder: one JSON object a message, at most 512 bytes, every value within bounds.

A message with `card` or `trouble` says that a card was laid on the reader at `at_us`, once for each time. One without says that the process
lives, every `HEARTBEAT_SECONDS`, and in `fault` why no card could be read now.

What is **not** guaranteed: that there was a card. A process that lies can begin and end the shift of any pseudonym whose code it knows, as
anybody can who copies a card; it can do nothing else.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bodycamd.camera.cards.codes import Code
from bodycamd.linux.bounded_messages import BoundedMessages

MAX_BYTES = 512
HEARTBEAT_SECONDS = 5.0
SHOWN_US = 3_000_000
"""A showing that is older when it is read is over: the recorder was not there when it happened."""
STALE_US = 20_000_000
"""Without a message of so long the reader is silent: four were missed."""
MAX_SEQUENCE = 2**53 - 1
LONGEST_FAULT = 200
Trouble = Literal["unreadable", "random"]
"""`unreadable`: it told no number. `random`: its number is a new one each time, as that of a telephone or a passport (ISO/IEC 14443-3)."""


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message, of CLOCK_BOOTTIME `at_us`."""

    sequence: Annotated[int, Meta(ge=1, le=MAX_SEQUENCE)]
    at_us: Annotated[int, Meta(ge=0, le=MAX_SEQUENCE)]
    card: Code | None = None
    trouble: Trouble | None = None
    fault: Annotated[str, Meta(max_length=LONGEST_FAULT)] | None = None

    @property
    def is_showing(self) -> bool:
        """Whether a card was shown."""
        return self.card is not None or self.trouble is not None


_MESSAGES = BoundedMessages(Told, MAX_BYTES)
encode, decode = _MESSAGES.encode, _MESSAGES.decode


def believed(told: Told, now_us: int, last_sequence: int) -> bool:
    """Whether it is news, and of now. `last_sequence`: of the newest one that was believed on this connection, 0 at its begin."""
    return told.sequence > last_sequence and 0 <= now_us - told.at_us < (SHOWN_US if told.is_showing else STALE_US)
