"""The wiring of a camera as one picture (SVG): the header with each pin in use, the parts, their resistors, ground and supply.

It is drawn from the configuration alone, so that picture and camera cannot disagree; what a drawing cannot tell stands below it in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bodycamd.config.modules import parts as known_parts
from bodycamd.config.settings import Config
from bodycamd.errors import UsageError
from bodycamd.municipality.pages.environment import rendered
from bodycamd.workshop.wiring import header
from bodycamd.workshop.wiring.header import HEADER, RAIL_NAMES, ROWS
from bodycamd.workshop.wiring.layout import BOARD, BOX_WIDTH, COLUMN, MIDDLE, PITCH, TOP, Half, Net, half, row_height
from bodycamd.workshop.wiring.parts import notes, parts, reserved, used
from bodycamd.workshop.wiring.shapes import Circle, Label, Line, Shape, rectangle, symbol

MARGIN = 40.0
COLOURS = {
    "button": "#1f5fbf",
    "led": "#c2187a",
    "ready": "#2e8b3d",
    "haptic": "#7b3fb5",
    "i2c": "#00807a",
    "i2s": "#8b5a2b",
    "serial": "#6b6b00",
    "railground": "#222222",
    "rail3v3": "#d98200",
    "rail5v": "#d62828",
    "hat": "#8a8f98",
    "free": "#c9ced6",
}
"""By the `key` of a part, or the name of a supply."""
NOTE_PITCH = 22.0
RULES = (
    "Seen from above, pin 1 at the top left. In the circles: the header's pins; GPIO numbers are those of the configuration.",
    "Wires join where there is a dot, and only there. Nothing of this has been tried on a Raspberry Pi yet.",
)


def picture(config: Config) -> tuple[str, tuple[int, int]]:
    """The picture, and its width and height in pixels. Raises `UsageError` for a simulated board, which has no pins."""
    if config.board.adapter != "pi":
        raise UsageError("board.adapter: simulated: a simulated board has no pins to draw; make it pi")
    halves = [half("left", parts(config)), half("right", parts(config))]
    bottom = max([TOP + PITCH * ROWS, *(box.y + box.height for side in halves for box in side.boxes)])
    bare = {side.side for side in halves if not side.boxes}
    left = MIDDLE - BOARD - 2 * MARGIN if "left" in bare else 0
    right = MIDDLE + BOARD + 2 * MARGIN if "right" in bare else 2 * MIDDLE
    words = [*notes(config), *RULES]
    height = bottom + 40 + NOTE_PITCH * len(words) + 20
    shapes = [*_board(config), *(shape for side in halves for shape in _side(side))]
    model = known_parts().board(config.board.model)
    title = "Raspberry Pi" if model is None else model.title
    svg = rendered(
        "wiring.svg",
        left=f"{left:g}",
        width=f"{right - left:g}",
        height=f"{height:g}",
        title=f"Wiring of {config.device_id}: {title}",
        margin=f"{left + MARGIN:g}",
        colours=COLOURS,
        lines=[shape for shape in shapes if isinstance(shape, Line)],
        circles=[shape for shape in shapes if isinstance(shape, Circle)],
        labels=[shape for shape in shapes if isinstance(shape, Label)],
        notes=[Label(left + MARGIN, bottom + 50 + NOTE_PITCH * place, text, "note") for place, text in enumerate(words)],
    )
    return svg, (int(right - left), int(height) + 1)


def _board(config: Config) -> Iterator[Shape]:
    """The header: a strip for each pin, with its name, and what hangs on it."""
    yield rectangle(MIDDLE - BOARD, TOP - PITCH, 2 * BOARD, PITCH * (ROWS + 1), "board")
    taken, wired = reserved(config), used(config)
    for pin, what in enumerate(HEADER, start=1):
        y, left = row_height(pin), header.side(pin) == "left"
        key, name, more = "free", f"GPIO {what}", ""
        if not isinstance(what, int):
            key, name = f"rail{what}", RAIL_NAMES[what]
        elif pin in wired:
            key, more = wired[pin].key, wired[pin].short
        elif what in taken:
            key, more = "hat", taken[what]
        if key != "free":
            yield rectangle(MIDDLE - BOARD if left else MIDDLE + COLUMN, y - 12, BOARD - COLUMN, 24, f"strip {key}")
        x = MIDDLE - COLUMN if left else MIDDLE + COLUMN
        yield Circle(x, y, 11, f"pin {key}")
        yield Label(x, y + 4, f"{pin}", "number", "middle")
        text = x - 18 if left else x + 18
        shown = " \N{MIDDLE DOT} ".join(([more, name] if left else [name, more]) if more else [name])
        yield Label(text, y + 4.5, shown, "pin-name" if key != "free" else "pin-name free", "end" if left else "start")


def _side(side: Half) -> Iterator[Shape]:
    pins = {net.to: net.pin for net in side.nets}
    for box in side.boxes:
        yield rectangle(box.x, box.y, BOX_WIDTH, box.height, "box")
        inner: Literal["start", "end"] = "end" if side.side == "left" else "start"
        outer: Literal["start", "end"] = "start" if side.side == "left" else "end"
        yield from _words(box.x + 14 if side.side == "left" else box.x + BOX_WIDTH - 14, box.y, outer, box.part.title, box.part.lines)
        yield from symbol(box.part.symbol, box.part.key, box.edge, box.terminals[0], side.outward)
        for terminal, y in zip(box.part.terminals, box.terminals, strict=True):
            yield Label(box.edge + side.outward * 10, y + 4.5, terminal.name, "name", inner)
            supply = f"{RAIL_NAMES[terminal.to]}, " if not isinstance(terminal.to, int) else ""
            where = f"{supply}pin {pins[terminal.to]}"
            yield Label(box.edge - side.outward * 5, y - 5, where, "where", outer)
    for place, net in enumerate(side.nets):
        yield from wire(side, place, net)


def _words(x: float, y: float, end: Literal["start", "end"], title: str, lines: tuple[str, ...]) -> Iterator[Shape]:
    yield Label(x, y + 22, title, "title", end)
    for place, line in enumerate(lines):
        yield Label(x, y + 40 + 16 * place, line, "small", end)


def wire(side: Half, place: int, net: Net) -> Iterator[Shape]:
    """From the header to its lane, along it, and to each terminal; dots where more than two ways meet."""
    style, lane, header_edge = f"wire {net.key}", side.lane(place), MIDDLE + side.outward * BOARD
    if header.side(net.pin) != side.side:
        far = MIDDLE - side.outward * BOARD
        beyond = far - side.outward * 9
        y = row_height(net.pin)
        yield Line(((far, y), (beyond, y), (beyond, net.enters), (lane, net.enters)), style)
    else:
        yield Line(((header_edge, net.enters), (lane, net.enters)), style)
    highest, lowest = net.span
    if highest != lowest:
        yield Line(((lane, highest), (lane, lowest)), style)
    for y in net.terminals:
        yield Line(((lane, y), (side.edge, y)), style)
    meeting = [*net.terminals, net.enters]
    for y in meeting:
        if highest < y < lowest:
            yield Circle(lane, y, 4.5, f"dot {net.key}")
