"""The case is drawn with the sizes of the parts that are bought; they fit, and nothing of the case is in the lens's view."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.config.modules import parts as known_parts
from tests.hardware import bill
from tests.hardware.enclosure import DATA, HARDWARE, LENS_UP_MM, PARTS, SCAD, Block, blocks, misfits, parameter, read, scad
from tests.kit.scale import only_in_full

BILL = bill.read(bill.DATA.read_text(encoding="utf-8"))
CASES = read(DATA.read_text(encoding="utf-8"))
TEXT = SCAD.read_text(encoding="utf-8")
LENS_RADIUS_MM = 3.0
"""Of the front glass of a module 3: estimated from pictures."""
NOT_PLACED = {"cell-18650"}
"""It lies in its holder."""


def values(*names: str) -> list[float]:
    return [parameter(name, TEXT) for name in names]


def block(name: str, part: str) -> Block:
    [found] = [found for found in blocks(CASES[name], BILL) if found.part == part]
    return found


def middle(found: Block) -> tuple[float, float]:
    return found.at[0] + found.size[0] / 2, found.at[1] + found.size[1] / 2


def lens(name: str) -> tuple[float, float]:
    x, y = middle(block(name, "module-3-wide"))
    return x, y + LENS_UP_MM


def test_the_drawing_has_the_sizes_and_places_of_the_data() -> None:
    assert PARTS.read_text(encoding="utf-8") == scad(CASES, BILL), "write it anew: python -m tests.hardware.enclosure"
    assert "include <enclosure-parts.scad>" in TEXT
    assert set(CASES) == set(BILL.build)


@pytest.mark.parametrize("name", CASES)
def test_every_part_has_its_place_and_nothing_lies_in_another_part(name: str) -> None:
    sized = {part for part in BILL.build[name].parts if BILL.part[part].size_mm is not None}
    assert {placed.part for placed in CASES[name].place} == sized - NOT_PLACED
    assert list(misfits(CASES[name], BILL)) == []


def test_a_part_that_is_larger_or_elsewhere_is_found() -> None:
    case = CASES["zero-2-w"]
    larger = replace(BILL, part={**BILL.part, "speaker": replace(BILL.part["speaker"], size_mm=(50, 50, 12))})
    assert "button and speaker lie in each other" in misfits(case, larger)
    assert "holder-18650: y from 6 to 93.6, the case has 0 to 90" in misfits(replace(case, inner=(76, 90, 37)), BILL)
    moved = [replace(placed, at=(45, 30, 5)) if placed.part == "button" else placed for placed in case.place]
    assert "zero-2-w and button lie in each other" in misfits(replace(case, place=moved), BILL)


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_the_case_is_in_the_picture(name: str) -> None:
    """From the rim of the front glass to the corners of the picture: window, ring of the button, and lamp stay out of it."""
    module = known_parts().module("module-3-wide")
    assert module is not None
    assert module.degrees is not None
    across, down = (math.tan(math.radians(degrees / 2)) for degrees in module.degrees)
    slope = math.hypot(across, down)
    camera = block(name, "module-3-wide")
    gap = CASES[name].inner[2] - camera.at[2] - camera.size[2]
    wall, recess, radius, outside = values("front_wall", "window_recess", "window_radius", "window_outside")
    assert LENS_RADIUS_MM + slope * (gap + recess) <= radius
    assert LENS_RADIUS_MM + slope * (gap + wall) <= outside
    guard, thickness, height, lamp = values("guard_radius", "guard_thickness", "guard_height", "lamp")
    for part, reach, stands in (("button", guard + thickness, height), ("led-red", lamp / 2, lamp / 2)):
        distance = math.dist(lens(name), middle(block(name, part)))
        assert LENS_RADIUS_MM + slope * (gap + wall + stands) < distance - reach, part


@pytest.mark.parametrize("name", CASES)
def test_what_is_in_the_front_does_not_meet(name: str) -> None:
    guard, thickness, outside, lamp, grille, wall = values(
        "guard_radius", "guard_thickness", "window_outside", "lamp", "grille_radius", "wall"
    )
    circles = {
        "window": (lens(name), outside),
        "button": (middle(block(name, "button")), guard + thickness),
        "lamp": (middle(block(name, "led-red")), lamp / 2),
        "grille": (middle(block(name, "speaker")), grille),
    }
    width, height, _ = CASES[name].inner
    names = sorted(circles)
    for place, one in enumerate(names):
        (x, y), radius = circles[one]
        assert -wall <= x - radius, one
        assert x + radius <= width + wall, one
        assert -wall <= y - radius, one
        assert y + radius <= height + wall, one
        for other in names[place + 1 :]:
            assert math.dist((x, y), circles[other][0]) >= radius + circles[other][1], (one, other)


def test_a_thumb_in_a_glove_goes_into_the_ring_and_the_button_through_its_hole() -> None:
    """25 mm is a large thumb with a glove; the button's name says its hole."""
    guard, hole = values("guard_radius", "button_hole")
    assert 2 * guard >= 25 + 4
    assert hole >= 16
    assert "16 mm" in BILL.part["button"].what


def test_the_cord_is_pressed_and_has_walls_on_both_sides() -> None:
    flange, cord, width, depth = values("flange", "cord", "groove_width", "groove_depth")
    assert 0.7 * cord <= depth <= 0.85 * cord
    assert math.pi / 4 * cord**2 <= width * depth  # silicone does not become less
    assert flange - 1 - width >= 1
    assert f"{cord:g} mm" in BILL.part["seal"].type


@only_in_full
@pytest.mark.skipif(shutil.which("openscad") is None, reason="no openscad on this machine")
@pytest.mark.parametrize("name", CASES)
def test_openscad_makes_a_body_of_it(name: str, tmp_path: Path) -> None:
    body = tmp_path / "lid.stl"
    command = ["openscad", "--hardwarnings", "-q", "-D", f'build="{name}"', "-D", 'show="lid"', "-D", "$fn=12", "-o", str(body)]
    made = subprocess.run([*command, str(HARDWARE / "enclosure.scad")], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert body.read_text().startswith("solid")
