"""What is wrong with a fleet file beyond its single values: who is listed twice, who cannot do what is meant, what nobody could open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from bodycamd.camera.capture.worker.encrypt import parse_recipients
from bodycamd.camera.cards.codes import MAX_CARDS
from bodycamd.config.problems import Problem, in_order
from bodycamd.errors import ConfigError
from bodycamd.evidence.roster import LEAST_RECIPIENTS
from bodycamd.workshop.fleet import configurations
from bodycamd.workshop.fleet.fleet_file import MAX_CAMERAS, Fleet, FleetOfficer, FleetPerson, FleetReading, FleetTeam, NamedKey, expanded

EXAMPLES: Final = frozenset(
    {
        "age19ewnyqt5u8z3ta7ghk6yyv4c7wmwe4msul25lc66sy7unnjezqasadnzmf",
        "age1n9nsnswga5hqh0k9xpjpxdzxyvv3mtpkzj60g4rc3xq3cuz6sycsfer7lx",
        "age1zks46mq6wyzr7k9xn4eptu36zr5tnsafweakp49zgy6vaks78s8s5886af",
        "age1fjfpzsyxrjej2zm79nxzfj9qe2yche0ltj993k08gwl4ldrj3asq3gscqe",
    }
)
"""The recipients of the shipped examples. Nobody has their private keys."""


def check(reading: FleetReading) -> list[Problem]:
    """Every mistake, in the order of the lines. Between values only where each value is right by itself."""
    if reading.fleet is None:
        return reading.problems
    found = [*_between(reading.fleet), *configurations.problems(reading)]
    return sorted((_placed(problem, reading) for problem in found), key=in_order)


def doubts(fleet: Fleet) -> Iterator[Problem]:
    """What is allowed and may be meant, and should be known."""
    if len(fleet.root.keys) == fleet.root.threshold:
        yield Problem("root.keys", "every one of them must sign: if one is lost, no roster can be signed, and no root changed", "")
    if not any("privacy" in person.roles and person.state == "active" for person in fleet.people):
        yield Problem("people", "nobody has the role privacy: releases of holds need one", "")
    for number, person in enumerate(fleet.people):
        if person.recipient in EXAMPLES:
            yield Problem(f"people[{number}].recipient", "it is the example's: nobody can open what is encrypted to it", "")


def _placed(problem: Problem, reading: FleetReading) -> Problem:
    if problem.line is not None:
        return problem
    key = problem.key
    while key and key not in reading.lines and f"{key}.id" not in reading.lines:
        key = key.rpartition("[")[0] if key.endswith("]") else key.rpartition(".")[0]
    line = reading.lines.get(key, reading.lines.get(f"{key}.id"))
    return Problem(problem.key, problem.reason, problem.allowed, line, problem.meant, problem.others)


def _between(fleet: Fleet) -> Iterator[Problem]:
    if fleet.root.threshold > len(fleet.root.keys):
        yield Problem("root.threshold", f"{fleet.root.threshold}, of {len(fleet.root.keys)} keys", "at most as many as there are keys")
    teams: Members = {"teams": fleet.teams}
    for section, members in {**teams, **_holders(fleet)}.items():
        yield from _repeated(((f"{section}[{number}].id", member.id.lower()) for number, member in enumerate(members)), "the id")
    yield from _repeated(_keys(fleet), "the key")
    yield from _repeated(
        ((f"people[{number}].recipient", person.recipient) for number, person in enumerate(fleet.people) if person.recipient),
        "the recipient",
    )
    yield from _about_cameras(fleet)
    yield from _about_people(fleet)
    yield from _about_officers(fleet)


def _about_officers(fleet: Fleet) -> Iterator[Problem]:
    teams = {team.id for team in fleet.teams}
    for number, officer in enumerate(fleet.officers):
        for unlisted in sorted(set(officer.teams) - teams):
            yield Problem(f"officers[{number}].teams", f"team {unlisted} is not listed", "ids of teams of this file")
    yield from _repeated(((f"officers[{number}].card", officer.card) for number, officer in enumerate(fleet.officers)), "the card")
    for number, team in enumerate(fleet.teams):
        if (count := len(cards_of(fleet, team.id))) > MAX_CARDS:
            yield Problem(f"teams[{number}]", f"{count} officers' cards", f"at most {MAX_CARDS} for the cameras of a team")


def cards_of(fleet: Fleet, team: str) -> list[FleetOfficer]:
    """The officers' cards that begin shifts at the cameras of a team."""
    return [officer for officer in fleet.officers if not officer.teams or team in officer.teams]


def _about_cameras(fleet: Fleet) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for number, team in enumerate(fleet.teams):
        where = f"teams[{number}].cameras"
        for place, span in enumerate(team.cameras):
            try:
                names = expanded([span])
            except ValueError as error:
                yield Problem(f"{where}[{place}]", str(error), "the same letters, as many digits, the lower number first: HV-01..HV-26")
                continue
            for name in names:
                if len(name) > 63:
                    yield Problem(f"{where}[{place}]", f"{name[:20]}… is longer than 63 characters", "a name that a computer can have")
                if before := seen.get(name.lower()):
                    yield Problem(
                        f"{where}[{place}]", f"{name} is in {before} already", "each camera once; capitals do not tell names apart"
                    )
                    break
                seen[name.lower()] = f"{where}[{place}]"
    if len(seen) > MAX_CAMERAS:
        yield Problem("teams", f"{len(seen)} cameras", f"at most {MAX_CAMERAS}")


def _about_people(fleet: Fleet) -> Iterator[Problem]:
    teams = {team.id for team in fleet.teams}
    for number, person in enumerate(fleet.people):
        for unlisted in sorted(set(person.teams) - teams):
            yield Problem(f"people[{number}].teams", f"team {unlisted} is not listed", "ids of teams of this file")
        if len(set(person.roles)) < len(person.roles) or len(set(person.teams)) < len(person.teams):
            yield Problem(f"people[{number}]", "a role or a team is listed twice", "each once")
        if "evidence" in person.roles and person.recipient is None:
            yield Problem(
                f"people[{number}]", "the role evidence needs a recipient", "the line that `bodycamd keys person for-fleet` printed"
            )
        if person.recipient is not None:
            try:
                parse_recipients(person.recipient)
            except ConfigError:
                yield Problem(f"people[{number}].recipient", "not an age recipient: a character is wrong", "the line that was printed")
    for number, team in enumerate(fleet.teams):
        found = [person for person in fleet.people if opens_footage_of(person, team.id)]
        if len(found) < LEAST_RECIPIENTS:
            yield Problem(
                f"teams[{number}]",
                f"{len(found)} footage recipients: what is recorded could be lost with one key",
                f"at least {LEAST_RECIPIENTS} active people with the role evidence and a recipient, of this team or of every team: "
                "`bodycamd keys person for-fleet E-01 --out DIR` makes a person's keys and prints the lines for people",
            )


def opens_footage_of(person: FleetPerson, team: str) -> bool:
    """Whether footage of the team is encrypted to the person."""
    return bool(person.recipient) and person.state == "active" and "evidence" in person.roles and (not person.teams or team in person.teams)


Members: TypeAlias = Mapping[str, tuple[NamedKey | FleetPerson | FleetTeam, ...]]
Holders: TypeAlias = Mapping[str, tuple[NamedKey | FleetPerson, ...]]


def _holders(fleet: Fleet) -> Holders:
    return {"root.keys": fleet.root.keys, "people": fleet.people, "stations": fleet.stations, "release_keys": fleet.release_keys}


def _keys(fleet: Fleet) -> Iterator[tuple[str, str]]:
    for section, members in _holders(fleet).items():
        for number, member in enumerate(members):
            yield f"{section}[{number}].key", member.key


def _repeated(values: Iterable[tuple[str, str]], what: str) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for where, value in values:
        if value in seen:
            yield Problem(where, f"{what} is that of {seen[value].rpartition('.')[0]}", "each once: whose word would it be?")
        else:
            seen[value] = where
