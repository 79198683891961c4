"""What a scenario may say: read strictly, once, for every board. Times in it are seconds, but for the milliseconds of edges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import RowName
from bodycamd.camera.control.state import Condition, StateName
from bodycamd.config import strict_yaml

FOLDER = Path(__file__).parent / "scenarios"
BOARDS = Path(__file__).parent / "boards.yaml"
Seconds = Annotated[float, Meta(gt=0, le=120)]
Need = Literal["edges", "worker", "kernel_driver", "power", "disk", "battery", "loudspeaker", "unit", "no_unit", "update"]
"""What a board must be able to do beside the button, lamps and motor, which every board has."""
Fault = Literal["worker_hangs", "worker_dies", "camera_unbound", "camera_bound", "power_cut", "disk_full", "disk_freed", "battery_low"]
BoardName = Literal["mock", "virtual", "pi"]


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing is passed over."""


class Reached(Strict, frozen=True, kw_only=True):
    state: StateName
    within: Seconds


class Flagged(Strict, frozen=True, kw_only=True):
    condition: Condition
    within: Seconds


class Shown(Strict, frozen=True, kw_only=True):
    row: RowName
    within: Seconds


class Felt(Strict, frozen=True, kw_only=True):
    word: HapticName
    within: Seconds


class Entered(Strict, frozen=True, kw_only=True):
    type: str
    within: Seconds
    count: Annotated[int, Meta(ge=1)] = 1
    fields: dict[str, str | int | bool] = {}


class Step(Strict, frozen=True, kw_only=True):
    """One thing to do, or to see: exactly one of these."""

    press: Seconds | None = None
    """Down for so long, and up."""
    edges: list[tuple[float, Literal["down", "up"]]] | None = None
    """Milliseconds after the first, and which way the contact moves."""
    rest: Seconds | None = None
    fault: Fault | None = None
    state: Reached | None = None
    condition: Flagged | None = None
    lamp: Shown | None = None
    motor: Felt | None = None
    entry: Entered | None = None
    never: list[str] | None = None
    """Types of entries that the ledger does not have."""
    warning_likeness: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Of what the loudspeaker played to the warning's file."""
    stop: bool | None = None
    """Hold, release, press: as the officer's card says."""
    selftest: Literal["works", "fails", "busy"] | None = None
    update: Literal["done", "busy"] | None = None

    @property
    def kind(self) -> str:
        """Which one it is."""
        [named] = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        return named


class Scenario(Strict, frozen=True, kw_only=True):
    """`needs`: what a board that runs it can do. `settings` are merged over the board's configuration."""

    title: Annotated[str, Meta(min_length=10, max_length=120)]
    needs: list[Need] = []
    settings: dict[str, Any] = {}
    whole_warning: bool = False
    steps: Annotated[list[Step], Meta(min_length=1)]
    name: str = ""


class BoardNotes(Strict, frozen=True, kw_only=True):
    """`about`: what it is. `cannot`: each need that it does not meet, and why. `runner`: empty where this repository runs it. `seen`: the
    scenarios that passed on it so far, where these are not all."""

    about: str
    cannot: dict[Need, str]
    runner: str = ""
    seen: list[str] | None = None


def _values(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = strict_yaml.read_strictly(path.read_bytes(), path.name)
    return values


def read(path: Path) -> Scenario:
    """Raises `ConfigError`, `msgspec.ValidationError` or `AssertionError` for what no scenario may say."""
    made = msgspec.convert({**_values(path), "name": path.stem}, Scenario)
    for number, step in enumerate(made.steps):
        named = [name for name in step.__struct_fields__ if getattr(step, name) is not None]
        assert len(named) == 1, f"{path.name}: step {number} says {named or 'nothing'}: a step is one thing"
    return made


def scenarios() -> list[Scenario]:
    """All of them, by name."""
    return [read(path) for path in sorted(FOLDER.glob("*.yaml"))]


def boards() -> dict[BoardName, BoardNotes]:
    """What each board is, and cannot."""
    return msgspec.convert(_values(BOARDS), dict[BoardName, BoardNotes])


def missing(scenario: Scenario, board: BoardNotes) -> list[str]:
    """Why this board cannot run it; nothing where it can."""
    return [board.cannot[need] for need in scenario.needs if need in board.cannot]
