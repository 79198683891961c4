"""The parts in the case: `hardware/enclosure-parts.scad` from `enclosure.toml` and the bill of materials.

`python -m tests.hardware.enclosure` writes it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.hardware import bill

HARDWARE = Path(__file__).parents[2] / "hardware"
DATA = HARDWARE / "enclosure.toml"
SCAD = HARDWARE / "enclosure.scad"
PARTS = HARDWARE / "enclosure-parts.scad"
LENS_UP_MM = 2.5
"""From the middle of a camera module's board to its lens, upwards: estimated from pictures."""

Triple = tuple[float, float, float]


class Placed(Struct, frozen=True, forbid_unknown_fields=True):
    """A part: its nearest corner, and the axes of its length, width and height."""

    part: str
    at: Triple
    axes: str


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """Of a build: the room inside, the charging socket, the parts."""

    inner: Triple
    charge: dict[str, float]
    place: list[Placed]


class Block(Struct, frozen=True):
    """Where a part is."""

    part: str
    at: Triple
    size: Triple


def read(text: str) -> dict[str, Case]:
    """The data. Raises `msgspec.ValidationError`."""
    return msgspec.convert(tomllib.loads(text), dict[str, Case])


def blocks(case: Case, bought: bill.Bill) -> Iterator[Block]:
    """The parts, with the sizes that are bought."""
    for placed in case.place:
        size = bought.part[placed.part].size_mm
        assert size is not None, f"{placed.part}: no size_mm"
        assert sorted(placed.axes) == ["x", "y", "z"], placed
        along = dict(zip(placed.axes, size, strict=True))
        yield Block(placed.part, placed.at, (along["x"], along["y"], along["z"]))


def misfits(case: Case, bought: bill.Bill) -> Iterator[str]:
    """Which parts stick out, or lie in each other, one sentence each."""
    placed = list(blocks(case, bought))
    for block in placed:
        for axis, at, size, room in zip("xyz", block.at, block.size, case.inner, strict=True):
            if at < 0 or at + size > room:
                yield f"{block.part}: {axis} from {at:g} to {at + size:g}, the case has 0 to {room:g}"
    for one, other in combinations(placed, 2):
        apart = zip(one.at, one.size, other.at, other.size, strict=True)
        if all(a < b + b_size and b < a + a_size for a, a_size, b, b_size in apart):
            yield f"{one.part} and {other.part} lie in each other"


def scad(cases: dict[str, Case], bought: bill.Bill) -> str:
    """What `enclosure.scad` includes."""
    lines = ["// Made by `python -m tests.hardware.enclosure`: do not edit.", f"lens_up = {LENS_UP_MM:g};"]
    for name, case in cases.items():
        build = name.replace("-", "_")
        lines += ["", f"inner_{build} = {_vector(case.inner)};", f"charge_{build} = [{case.charge['y']:g}, {case.charge['z']:g}];"]
        rows = [f'  ["{block.part.replace("-", "_")}", {_vector(block.at)}, {_vector(block.size)}],' for block in blocks(case, bought)]
        lines += [f"places_{build} = [", *rows, "];"]
    return "\n".join(lines) + "\n"


def parameter(name: str, text: str) -> float:
    """A number that `enclosure.scad` sets."""
    [value] = re.findall(rf"^{name} = ([0-9.]+);", text, re.M)
    return float(value)


def _vector(values: Triple) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"


if __name__ == "__main__":
    PARTS.write_text(scad(read(DATA.read_text(encoding="utf-8")), bill.read(bill.DATA.read_text(encoding="utf-8"))), encoding="utf-8")
