"""Where everything of the drawing lies: header, boxes, lanes of the wires between them, and the rails of the supplies. Pure.

Wires join where a dot is, and only there. Each side has its lanes between the header and its boxes: next to the header the rails, then one
lane for each GPIO. The lanes are ordered so that few wires cross. A wire from the far column crosses the header between two
rows, half a row below its pin.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from msgspec import Struct

from bodycamd.workshop.wiring import header
from bodycamd.workshop.wiring.header import ROWS, Rail, Side
from bodycamd.workshop.wiring.parts import Part
from bodycamd.workshop.wiring.shapes import offsets

PITCH = 34.0
TOP = 130.0
"""Of the first row of pins."""
MIDDLE = 750.0
COLUMN = 18.0
"""From the middle to a column of pins."""
BOARD = 212.0
"""From the middle to an edge of the header as it is drawn, with its names."""
LANE = 15.0
FIRST_LANE = 22.0
BOX_WIDTH = 300.0
BOX_GAP = 16.0
HEAD, FOOT = 54.0, 22.0
"""Of a box: above its first terminal, and below its last."""
FAR = 435.0
"""From the middle to the near edge of the boxes, at least."""
LEAST_GAP = 4.0
NUDGES = tuple(sign * step for step in (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0) for sign in (-1, 1))
APART = (6.0, 3.0)
"""Wires that run side by side lie so far apart: the first where there is room, else the second."""


class Box(Struct, frozen=True):
    """A part at its place; `edge` is where its terminals are, `top` the height of the first one."""

    part: Part
    side: Side
    x: float
    y: float
    height: float
    edge: float
    terminals: tuple[float, ...]


class Net(Struct, frozen=True):
    """All that one wire joins on one side: where it leaves the header, and the heights of the terminals; `to` as in `Terminal`."""

    to: int | Rail
    key: str
    pin: int
    enters: float
    terminals: tuple[float, ...]

    @property
    def span(self) -> tuple[float, float]:
        """From its highest to its lowest point."""
        return min(self.enters, *self.terminals), max(self.enters, *self.terminals)


class Half(Struct, frozen=True):
    """One side: its boxes, and its nets with their lanes, from the header outwards."""

    side: Side
    boxes: tuple[Box, ...]
    nets: tuple[Net, ...]
    edge: float

    @property
    def outward(self) -> int:
        """The direction away from the header."""
        return -1 if self.side == "left" else 1

    def lane(self, place: int) -> float:
        """The middle of a lane."""
        return MIDDLE + self.outward * (BOARD + FIRST_LANE + LANE * place)


def row_height(pin: int) -> float:
    """The height of a pin."""
    return TOP + PITCH * header.row(pin)


def half(side: Side, parts: Iterable[Part]) -> Half:
    """Everything on one side."""
    here = [part for part in parts if header.side(header.number(part.gpios[0])) == side]
    count = len({terminal.to for part in here for terminal in part.terminals})
    outward = -1 if side == "left" else 1
    edge = MIDDLE + outward * max(FAR, BOARD + FIRST_LANE + LANE * count + 24)
    boxes = tuple(_stacked(here, side, edge))
    return Half(side, boxes, tuple(_ordered(_nets(boxes, side))), edge)


def _stacked(parts: Sequence[Part], side: Side, edge: float) -> list[Box]:
    """Each box as near to its pins as the others let it."""
    wished = sorted((_middle(part), place, part) for place, part in enumerate(parts))
    boxes: list[Box] = []
    below = TOP - HEAD
    for middle, _, part in wished:
        steps = offsets(part.symbol, len(part.terminals))
        height = HEAD + steps[-1] + FOOT
        y = max(below, middle - HEAD - steps[-1] / 2)
        boxes.append(_box(part, side, edge, y, height, steps))
        below = y + height + BOX_GAP
    lowest = max(TOP + PITCH * ROWS, TOP - HEAD + sum(box.height + BOX_GAP for box in boxes))
    for place in reversed(range(len(boxes))):  # and up again where the last ones went too low
        box = boxes[place]
        if box.y + box.height > lowest:
            boxes[place] = _box(box.part, side, edge, lowest - box.height, box.height, offsets(box.part.symbol, len(box.part.terminals)))
        lowest = boxes[place].y - BOX_GAP
    return _apart(boxes)


def _apart(boxes: list[Box]) -> list[Box]:
    """Moved a little where a terminal's wire would lie beside another one that leaves the header."""
    leaving = {net.to: net.enters for box in boxes[:1] for net in _nets(boxes, box.side)}
    for place, box in enumerate(boxes):
        above = boxes[place - 1].y + boxes[place - 1].height + LEAST_GAP if place else 0.0
        below = boxes[place + 1].y - LEAST_GAP if place + 1 < len(boxes) else float("inf")
        steps = offsets(box.part.symbol, len(box.part.terminals))
        for apart, step in itertools.product(APART, NUDGES):
            moved = _box(box.part, box.side, box.edge, box.y + step, box.height, steps)
            wires = list(zip(box.part.terminals, moved.terminals, strict=True))
            free = all(abs(y - enters) >= apart for terminal, y in wires for to, enters in leaving.items() if to != terminal.to)
            if free and moved.y >= above and moved.y + moved.height <= below:
                boxes[place] = moved
                break
    return boxes


def _box(part: Part, side: Side, edge: float, y: float, height: float, steps: tuple[float, ...]) -> Box:
    x = edge - BOX_WIDTH if side == "left" else edge
    return Box(part, side, x, y, height, edge, tuple(y + HEAD + step for step in steps))


def _middle(part: Part) -> float:
    """The mean height of its pins."""
    heights = [row_height(header.number(gpio)) for gpio in part.gpios]
    return sum(heights) / len(heights)


def _nets(boxes: Iterable[Box], side: Side) -> list[Net]:
    terminals: dict[int | Rail, list[float]] = {}
    keys: dict[int | Rail, str] = {}
    for box in boxes:
        for terminal, y in zip(box.part.terminals, box.terminals, strict=True):
            terminals.setdefault(terminal.to, []).append(y)
            keys.setdefault(terminal.to, box.part.key if isinstance(terminal.to, int) else f"rail{terminal.to}")
    return [_net(to, keys[to], tuple(sorted(heights)), side) for to, heights in terminals.items()]


def _net(to: int | Rail, key: str, terminals: tuple[float, ...], side: Side) -> Net:
    pin = header.number(to) if isinstance(to, int) else _supply(to, sum(terminals) / len(terminals), side)
    enters = row_height(pin) + (0 if header.side(pin) == side else PITCH / 2)
    return Net(to, key, pin, enters, terminals)


def _supply(rail: Rail, middle: float, side: Side) -> int:
    """The nearest pin of this column. From the other one 5 V comes below pin 2 and 3.3 V below pin 17: never between the same two rows."""
    pins = header.numbers(rail)
    here = [pin for pin in pins if header.side(pin) == side]
    if here:
        return min(here, key=lambda pin: abs(row_height(pin) - middle))
    return pins[0] if side == "left" else pins[-1]


def _ordered(nets: Sequence[Net]) -> list[Net]:
    """The rails first, then an order from which no exchange of two neighbours saves a crossing."""
    rails = [net for net in nets if not isinstance(net.to, int)]
    wires = sorted((net for net in nets if isinstance(net.to, int)), key=lambda net: net.enters)
    changed = True
    while changed:
        changed = False
        for place in range(len(wires) - 1):
            near, far = wires[place : place + 2]
            if crossings(far, near) < crossings(near, far):
                wires[place : place + 2] = far, near
                changed = True
    return [*rails, *wires]


def crossings(near: Net, far: Net) -> int:
    """How often two wires cross, of which one has its lane nearer to the header."""
    (near_highest, near_lowest), (far_highest, far_lowest) = near.span, far.span
    return sum(far_highest < y < far_lowest for y in near.terminals) + (near_highest < far.enters < near_lowest)
