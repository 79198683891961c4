"""No parser of foreign bytes does quadratic work: all parsers and all hostile shapes, each against an eighth of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.linear import growth
from tests.hostile.parsers import Around, parsers
from tests.hostile.shapes import SHAPES, Shape
from tests.kit.scale import one_in, only_in_full

NAMES = [
    "strict JSON", "a statement", "an entry", "a ledger file", "a checkpoint", "a segment", "a segment's members",
    "an age file", "an identity file", "an anchor", "a device key", "a script",
    "YAML", "brackets in YAML", "a value in YAML", "a configuration",
    "recipients", "boxes in pieces", "a fragment", "NAL units", "a warning",
    "a request", "an answer", "a worker's frames", "a packet of the voice",
]  # fmt: skip


SLOW = {
    "brackets in YAML",
    "YAML",
    "a value in YAML",
    "a configuration",
    "a segment's members",
    "NAL units",
    "a ledger file",
    "a checkpoint",
    "recipients",
}


@one_in(5)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=only_in_full) if name in SLOW or number % 3 else name for number, name in enumerate(NAMES)]
)
def test_the_work_grows_with_the_input(name: str, tmp_path: Path) -> None:
    parser = parsers(tmp_path)[name]
    shapes = {f"{shape} ({number})": put(around, SHAPES[shape]) for number, around in enumerate(parser.around) for shape in SHAPES}
    assert {shape: said for shape, made in {**shapes, **parser.own}.items() if (said := growth(parser.read, made, parser.size))} == {}


def put(around: Around, shape: Shape) -> Shape:
    return lambda size: around(shape(size))


def test_no_parser_is_left_out(tmp_path: Path) -> None:
    assert list(parsers(tmp_path)) == NAMES
