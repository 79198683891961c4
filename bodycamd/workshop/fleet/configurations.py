"""The configuration of each camera, from what the fleet file says of all cameras and of its team: the team's settings win, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from msgspec.structs import replace

from bodycamd.config import load
from bodycamd.config.checks import unknown_timezone
from bodycamd.config.problems import Problem
from bodycamd.config.strict_yaml import Where, dotted
from bodycamd.errors import ConfigError
from bodycamd.workshop.fleet.fleet_file import FleetReading, Section

ON_CAMERA = Path("/etc/bodycamd/bodycamd.yaml")
CARDS = Path("/etc/bodycamd/cards.txt")
"""Where the officers' cards are on a camera that has a reader for them."""
OWN = {
    "device_id": "it is the camera's name",
    "keys": "they are where a card puts them",
    "simulation_directory": "a camera is not simulated",
}
"""What the fleet file leaves to the card, and why."""
KEYS: Section = {"keys": {"root": "/etc/bodycamd/root.json", "roster": "/etc/bodycamd/roster.txt"}}
"""Where the first boot puts them: by the roster it is known whose orders count, and to whom footage is encrypted."""
_HEAD = "# Made from the fleet file of {municipality}, for {camera}. Every setting is explained in bodycamd.yaml of the program.\n"


def configuration(reading: FleetReading, municipality: str, team: int, camera: str) -> bytes:
    """The configuration file of a camera of the team with this number, in the order of the fleet file. Raises `ConfigError` where the
    settings do not make one.
    """
    raw = _file(reading, team, camera, municipality)
    if load.parse(raw, ON_CAMERA).board.card_reader == "none":  # a salt is for who makes codes
        raw = _file(reading, team, camera, municipality, without=("shift",))
    return raw


def problems(reading: FleetReading) -> Iterator[Problem]:
    """Every mistake in the settings, at its place in the fleet file. One that is of all teams is told once.

    Of the files that settings name only the time zone is looked up: the others are on the camera.
    """
    assert reading.fleet is not None
    told: set[tuple[str, str]] = set()
    for place, settings in reading.configurations.items():
        for key in OWN.keys() & settings.keys():
            yield Problem(dotted((*place, key)), f"not set here: {OWN[key]}", "", reading.lines.get(dotted((*place, key))))
    yield from _about_cards(reading)
    for number, team in enumerate(reading.fleet.teams):
        name = team.cameras[0].partition("..")[0] if team.cameras else "camera"
        try:
            raw = _file(reading, number, name, reading.fleet.municipality)
        except ConfigError as error:
            yield Problem(dotted(_place(number)), str(error), "")
            continue
        found = load.judge(raw, ON_CAMERA).problems
        zone = _values(reading, number).get("timezone")
        if isinstance(zone, str) and all(problem.key != "timezone" for problem in found):
            found = [*found, *unknown_timezone(zone)]
        for problem in found:
            placed = _placed(problem, number, reading)
            if (placed.key, placed.reason) not in told:
                told.add((placed.key, placed.reason))
                yield placed


def salt_of(reading: FleetReading) -> str | None:
    """What the codes of officers' cards are made with; `None` where the fleet file has none."""
    shift = reading.configurations.get(("configuration",), {}).get("shift")
    salt = shift.get("salt") if isinstance(shift, dict) else None
    return salt if isinstance(salt, str) else None


def _about_cards(reading: FleetReading) -> Iterator[Problem]:
    for place, settings in reading.configurations.items():
        shift = settings.get("shift")
        for key in ("cards", *(("salt",) if len(place) > 1 else ())):
            if isinstance(shift, dict) and key in shift:
                where = dotted((*place, "shift", key))
                why = "it is where a card puts it" if key == "cards" else "every team's codes are made with that of configuration.shift"
                yield Problem(where, f"not set here: {why}", "", reading.lines.get(where))
    if reading.fleet is not None and reading.fleet.officers and salt_of(reading) is None:
        yield Problem("officers", "the codes of their cards need the salt that they were made with", "configuration.shift.salt")


def _place(team: int) -> Where:
    return "teams", f"[{team}]", "configuration"


def _placed(problem: Problem, team: int, reading: FleetReading) -> Problem:
    """The same where the fleet file says it: in the team's settings, else in those of all cameras."""
    for place in (_place(team), ("configuration",)):
        for key in (problem.key, *problem.others):
            if (line := reading.lines.get(f"{dotted(place)}.{key}")) is not None:
                return replace(problem, key=f"{dotted(place)}.{problem.key}", line=line)
    return replace(problem, key=f"configuration.{problem.key}", line=reading.lines.get("configuration"))


def _file(reading: FleetReading, team: int, camera: str, municipality: str, without: Sequence[str] = ()) -> bytes:
    given = {key: value for key, value in _values(reading, team).items() if key not in (*OWN, *without)}
    values: Section = {"device_id": camera, **given, **KEYS}
    board, shift = values.get("board"), values.get("shift", {})
    if isinstance(board, dict) and board.get("card_reader", "none") != "none" and isinstance(shift, dict):
        values["shift"] = {**shift, "cards": str(CARDS)}
    try:
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)
    except yaml.YAMLError as error:
        raise ConfigError("the settings hold a value that was refused") from error
    return (_HEAD.format(municipality=municipality, camera=camera) + text).encode()


def _values(reading: FleetReading, team: int) -> Section:
    return _merged(reading.configurations.get(("configuration",), {}), reading.configurations.get(_place(team), {}))


def _merged(common: Section, own: Section) -> Section:
    merged = dict(common)
    for key, value in own.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged
