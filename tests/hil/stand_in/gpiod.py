"""libgpiod 2's Python module without a chip, as far as hand and eyes use it: names, signatures and errors as it and the kernel have them.

`HELD` are lines of somebody else. What is done to a line is also written to the file of GPIOD_LINES, where there is one. `happens` is the
kernel's interrupt. `test_pi` holds it against the real module where that is installed.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

CHIPS = {4: "brcmvirt-gpio", 11: "pinctrl-rp1"}
HELD: set[int] = set()


class Value(Enum):
    INACTIVE = 0
    ACTIVE = 1


class Direction(Enum):
    AS_IS = 1
    INPUT = 2
    OUTPUT = 3


class Bias(Enum):
    AS_IS = 1
    DISABLED = 3
    PULL_UP = 4
    PULL_DOWN = 5


class Drive(Enum):
    PUSH_PULL = 1
    OPEN_DRAIN = 2
    OPEN_SOURCE = 3


class Edge(Enum):
    NONE = 1
    BOTH = 4


line = SimpleNamespace(Value=Value, Direction=Direction, Bias=Bias, Drive=Drive, Edge=Edge)


@dataclass
class LineSettings:
    """As there, but for what nobody here sets."""

    direction: Direction = Direction.AS_IS
    edge_detection: Edge = Edge.NONE
    bias: Bias = Bias.AS_IS
    drive: Drive = Drive.PUSH_PULL
    output_value: Value = Value.INACTIVE


@dataclass(frozen=True)
class EdgeEvent:
    class Type(Enum):
        RISING_EDGE = 1
        FALLING_EDGE = 2

    event_type: Type
    timestamp_ns: int
    line_offset: int


def _journal(*what: object) -> None:
    if (path := os.environ.get("GPIOD_LINES")) is not None:
        with open(path, "a") as journal:
            print(*what, file=journal)


@dataclass
class LineRequest:
    """Of one line."""

    offset: int
    settings: LineSettings
    ends: tuple[int, int] = field(default_factory=os.pipe)
    events: list[EdgeEvent] = field(default_factory=list)

    @property
    def fd(self) -> int:
        return self.ends[0]

    def set_value(self, line: int, value: Value) -> None:
        assert line == self.offset
        assert self.settings.direction is Direction.OUTPUT
        self.settings.output_value = value
        _journal("writes", line, value.value)

    def read_edge_events(self, max_events: int | None = None) -> list[EdgeEvent]:
        os.read(self.fd, len(self.events) or 1)
        events, self.events = self.events, []
        return events

    def release(self) -> None:
        del requests[self.offset]
        for end in self.ends:
            os.close(end)


requests: dict[int, LineRequest] = {}


class Chip:
    """Raises `OSError` where there is none of this number."""

    opened = 0

    def __init__(self, path: str) -> None:
        self._label = CHIPS.get(int(path.rpartition("gpiochip")[2]))
        if self._label is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        Chip.opened += 1

    def get_info(self) -> Any:
        return SimpleNamespace(label=self._label)

    def close(self) -> None:
        Chip.opened -= 1

    def request_lines(self, config: dict[int, LineSettings], consumer: str | None = None) -> LineRequest:
        [(offset, settings)] = config.items()
        if offset in HELD or offset in requests:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        requests[offset] = LineRequest(offset, settings)
        _journal("requests", offset, settings.output_value.value)
        return requests[offset]


def happen(edges: Iterable[tuple[int, int]]) -> None:
    """Edges at lines, now: the number of each, and its level from then."""
    for offset, level in edges:
        request = requests[offset]
        assert request.settings.edge_detection is Edge.BOTH
        kind = EdgeEvent.Type.RISING_EDGE if level else EdgeEvent.Type.FALLING_EDGE
        request.events.append(EdgeEvent(kind, time.monotonic_ns(), offset))
        os.write(request.ends[1], b".")


def button(offset: int, pull: int) -> int:
    """The level of the button's line, which has a pull of its own, with this hand on it."""
    settings = requests[offset].settings
    let_go = settings.output_value is (Value.ACTIVE if settings.drive is Drive.OPEN_DRAIN else Value.INACTIVE)
    assert settings.drive is not Drive.PUSH_PULL
    assert not let_go or settings.bias is Bias.DISABLED, "its pull is against the button's"
    return pull if let_go else settings.output_value.value
