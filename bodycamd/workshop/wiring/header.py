"""The 40 pins of a Raspberry Pi's header, alike on every model that this camera runs on.

Read in: Raspberry Pi documentation, "GPIO and the 40-pin header".
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Rail: TypeAlias = Literal["ground", "3v3", "5v"]
Side: TypeAlias = Literal["left", "right"]
RAIL_NAMES: dict[Rail, str] = {"ground": "ground", "3v3": "3.3 V", "5v": "5 V"}
ROWS = 20

HEADER: tuple[Rail | int, ...] = (
    # left   right
    "3v3",    "5v",
    2,        "5v",
    3,        "ground",
    4,        14,
    "ground", 15,
    17,       18,
    27,       "ground",
    22,       23,
    "3v3",    24,
    10,       "ground",
    9,        25,
    11,       8,
    "ground", 7,
    0,        1,
    5,        "ground",
    6,        12,
    13,       "ground",
    19,       16,
    26,       20,
    "ground", 21,
)  # fmt: skip
"""What each pin is, from pin 1 on: a supply, or its GPIO number."""


def number(gpio: int) -> int:
    """The header's pin of a GPIO number, 0 to 27."""
    return HEADER.index(gpio) + 1


def numbers(rail: Rail) -> list[int]:
    """The header's pins of a supply."""
    return [place + 1 for place, what in enumerate(HEADER) if what == rail]


def side(pin: int) -> Side:
    """The column of a pin, seen from above with pin 1 at the top left."""
    return "left" if pin % 2 else "right"


def row(pin: int) -> int:
    """The row of a pin, 0 to 19."""
    return (pin - 1) // 2
