"""What a drawing is made of, and the symbols of the parts. Units are those of the drawing; y grows downwards.

A symbol is drawn from the edge of its box inwards: `inward` is -1 for a box left of the header, whose terminals are at its right edge, and
+1 for one on the right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from bodycamd.workshop.wiring.parts import BASE_OHMS, LED_OHMS, Symbol


class Line(Struct, frozen=True):
    """A path through points; `closed` fills it."""

    points: tuple[tuple[float, float], ...]
    style: str
    closed: bool = False

    @property
    def path(self) -> str:
        """As SVG writes it."""
        return "M" + " L".join(f"{x:g} {y:g}" for x, y in self.points) + (" Z" if self.closed else "")


class Circle(Struct, frozen=True):
    """A circle."""

    x: float
    y: float
    radius: float
    style: str


class Label(Struct, frozen=True):
    """Words; `anchor` says which end of them is at `x`."""

    x: float
    y: float
    text: str
    style: str
    anchor: Literal["start", "middle", "end"] = "start"


Shape: TypeAlias = Line | Circle | Label

OFFSETS: dict[Symbol, tuple[float, ...]] = {
    "button": (0, 34),
    "led": (0, 46),
    "motor": (0, 80, 122),
    "motor_low": (0, 42, 122),
}
"""Where the terminals of a symbol are, from its first one."""
CHIP_PITCH = 26.0


def offsets(symbol: Symbol, terminals: int) -> tuple[float, ...]:
    """Where the terminals are, from the first one."""
    return OFFSETS.get(symbol) or tuple(CHIP_PITCH * place for place in range(terminals))


def rectangle(x: float, y: float, width: float, height: float, style: str) -> Line:
    """With its top left corner at `x`, `y`."""
    return Line(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), style, closed=True)


def ohms(value: int) -> str:
    """`330 Ω`, `1 kΩ`."""
    return f"{value // 1000} k\N{GREEK CAPITAL LETTER OMEGA}" if value >= 1000 else f"{value} \N{GREEK CAPITAL LETTER OMEGA}"


class _Pen(Struct, frozen=True):
    """Draws relative to the first terminal of a box."""

    edge: float
    top: float
    inward: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.edge + self.inward * x, self.top + y

    def line(self, *points: tuple[float, float], style: str = "symbol", closed: bool = False) -> Line:
        return Line(tuple(self.at(*point) for point in points), style, closed)

    def circle(self, x: float, y: float, radius: float, style: str = "symbol") -> Circle:
        return Circle(*self.at(x, y), radius, style)

    def label(self, x: float, y: float, text: str, style: str = "small", anchor: Literal["start", "middle", "end"] = "middle") -> Label:
        return Label(*self.at(x, y), text, style, anchor)

    def resistor(self, x: float, y: float, value: int) -> Iterator[Shape]:
        """Lying, 40 long, its outer end at `x`."""
        left, top = self.at(x if self.inward > 0 else x + 40, y - 7)
        yield rectangle(left, top, 40, 14, "resistor")
        yield self.label(x + 20, y - 12, ohms(value))

    def diode(self, x: float, y: float, style: str = "symbol", up: bool = False) -> Iterator[Shape]:
        """Standing, 18 high around `y`; the current goes down, or up."""
        tip, base = (y - 9, y + 9) if up else (y + 9, y - 9)
        yield self.line((x - 11, base), (x + 11, base), (x, tip), style=style, closed=True)
        yield self.line((x - 11, tip), (x + 11, tip))


def symbol(kind: Symbol, key: str, edge: float, top: float, inward: int) -> Iterator[Shape]:
    """The inside of a part's box."""
    pen = _Pen(edge, top, inward)
    if kind == "button":
        yield from _button(pen)
    elif kind == "led":
        yield from _led(pen, f"light {key}")
    elif kind == "motor":
        yield from _motor(pen)
    elif kind == "motor_low":
        yield from _motor_low(pen)


def _button(pen: _Pen) -> Iterator[Shape]:
    yield pen.line((0, 0), (70, 0))
    yield pen.line((0, 34), (70, 34))
    yield pen.line((70, 34), (88, 4))
    yield pen.line((82, 18), (104, 18))
    yield pen.line((104, 8), (104, 28))
    yield pen.circle(70, 0, 3.5, "joint")
    yield pen.circle(70, 34, 3.5, "joint")


def _led(pen: _Pen, light: str) -> Iterator[Shape]:
    yield pen.line((0, 0), (110, 0), (110, 46), (0, 46))
    yield from pen.resistor(30, 0, LED_OHMS)
    yield from pen.diode(110, 24, light)
    for y in (16, 26):
        yield pen.line((126, y), (138, y - 8))
        yield pen.line((138, y - 8), (132, y - 8), (136, y - 3), style="tip", closed=True)


def _motor(pen: _Pen) -> Iterator[Shape]:
    yield pen.line((0, 0), (150, 0), (150, 60), (132, 72))
    yield pen.line((150, 8), (190, 8), (190, 54), (150, 54))
    yield from pen.diode(190, 31, up=True)
    yield from _engine(pen, 31)
    yield pen.line((132, 64), (132, 96), style="bar")
    yield pen.line((0, 80), (132, 80))
    yield from pen.resistor(40, 80, BASE_OHMS)
    yield pen.line((132, 88), (150, 100), (150, 122), (0, 122))
    yield pen.line((150, 100), (140, 99), (145, 91.5), style="tip", closed=True)


def _motor_low(pen: _Pen) -> Iterator[Shape]:
    yield pen.line((0, 0), (150, 0), (150, 22), (132, 34))
    yield pen.line((133, 33), (143, 32), (138, 24.5), style="tip", closed=True)
    yield pen.line((132, 26), (132, 58), style="bar")
    yield pen.line((0, 42), (132, 42))
    yield from pen.resistor(40, 42, BASE_OHMS)
    yield pen.line((132, 50), (150, 62), (150, 122), (0, 122))
    yield pen.line((150, 68), (190, 68), (190, 114), (150, 114))
    yield from pen.diode(190, 91, up=True)
    yield from _engine(pen, 91)


def _engine(pen: _Pen, y: float) -> Iterator[Shape]:
    yield pen.circle(150, y, 16, "symbol fill")
    yield pen.label(150, y + 5, "M", "name")
