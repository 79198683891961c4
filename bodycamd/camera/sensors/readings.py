"""What the sensors process tells the recorder: one JSON object a message, at most 1 KiB, every value within bounds.

The process serves and the recorder reads, because whoever serves needs no way into the other's folder: the sensors process cannot reach the
control socket, and the recorder takes a reading only when it looks. A message that does not decode, goes back in its sequence, comes from
the future or is older than `STALE_US` is no reading.

What is **not** guaranteed: that a reading is true. A process that lies within the bounds can make the camera close and shut down as if the
battery were empty, and can hide that it is; it can do nothing else.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bodycamd.linux.bounded_messages import BoundedMessages

MAX_BYTES = 1024
READ_SECONDS = 5.0
"""From reading to reading."""
STALE_US = 20_000_000
"""A reading older than this says nothing about now: four readings were missed."""
MAX_SEQUENCE = 2**53 - 1

Moment = Annotated[int, Meta(ge=0, le=MAX_SEQUENCE)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Minutes = Annotated[int, Meta(ge=0, le=100_000)]
Volts = Annotated[float, Meta(ge=0, le=60)]
Celsius = Annotated[float, Meta(ge=-60, le=150)]
Reason = Annotated[str, Meta(max_length=200)]


class Charge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gauge says. `estimated`: the percentage is read off the cell's curve. `charging` is `None` where the gauge cannot tell.
    `minutes_left` is `None` while it charges and while nothing is known; `minutes_from` says what it was worked out from."""

    percent: Percent
    estimated: bool
    charging: bool | None = None
    minutes_left: Minutes | None = None
    minutes_from: Literal["gauge", "current", "slope"] | None = None
    volts: Volts | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One look at everything, at CLOCK_BOOTTIME `at_us`. `charge` is `None` where no gauge is configured, or where it cannot be read, which
    `fault` then says. `None` elsewhere: this machine does not tell."""

    sequence: Annotated[int, Meta(ge=1, le=MAX_SEQUENCE)]
    at_us: Moment
    charge: Charge | None = None
    fault: Reason | None = None
    celsius: Celsius | None = None
    throttled: bool | None = None
    under_voltage: bool | Literal["not_measurable"] | None = None


_MESSAGES = BoundedMessages(Reading, MAX_BYTES)
encode, decode = _MESSAGES.encode, _MESSAGES.decode


def believed(reading: Reading, now_us: int, last_sequence: int) -> bool:
    """Whether it is news, and of now. `last_sequence`: of the newest one that was believed on this connection, 0 at its begin."""
    return reading.sequence > last_sequence and 0 <= now_us - reading.at_us < STALE_US
