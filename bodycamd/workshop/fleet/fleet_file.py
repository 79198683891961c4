"""The fleet file: what people write down of a municipality's cameras, teams and people. Strict YAML; every mistake at once, with its line.

It holds public halves only. What has happened since (cards made, cameras enrolled, lost, replaced) is in the record beside it (`record`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from bodycamd.camera.cards.codes import Code
from bodycamd.config.bounds import Settings
from bodycamd.config.load import MAX_PROBLEMS
from bodycamd.config.private_keys import line_of_private_key
from bodycamd.config.problems import Problem, in_order
from bodycamd.config.sections import allowed_in, judged
from bodycamd.config.strict_yaml import MAX_SHOWN, Value, Where, dotted, read_document
from bodycamd.evidence.pseudonyms import Pseudonym, Role
from bodycamd.evidence.roster import KeyName, KeyState, Municipality, Recipient, State, TeamId, Title
from bodycamd.evidence.statements import RawPublicKey
from bodycamd.foreign_text import shown

Section: TypeAlias = "dict[str, Value]"
"""A part of a camera's configuration, as the file has it."""
CAMERA = r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
_RANGE = re.compile(rf"({CAMERA}-)([0-9]{{1,4}})\.\.\1([0-9]{{1,4}})")
MAX_CAMERAS = 1000
PRIVATE = "a private key: only public halves belong here. Treat it as exposed, make a new pair"

Cameras = Annotated[str, Meta(pattern=rf"^{CAMERA}(?:\.\.{CAMERA})?\Z", max_length=80)]
SshKey = Annotated[str, Meta(pattern=r"^(sk-)?(ssh-ed25519|ecdsa-sha2-nistp256)(@openssh\.com)? [A-Za-z0-9+/]{60,200}={0,2}\Z")]


class NamedKey(Settings, frozen=True, kw_only=True):
    """A public Ed25519 key; the name is that of the file with its private half."""

    id: KeyName
    key: RawPublicKey


class FleetRoot(Settings, frozen=True, kw_only=True):
    """The root keys. Whoever changes anything in it writes a greater version, and both roots sign."""

    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    threshold: Annotated[int, Meta(ge=1, le=8)] = 1
    keys: Annotated[tuple[NamedKey, ...], Meta(min_length=1, max_length=8)]


class FleetTeam(Settings, frozen=True, kw_only=True):
    """A team and its cameras; `cameras` are names and ranges."""

    id: TeamId
    title: Title
    cameras: Annotated[tuple[Cameras, ...], Meta(max_length=200)] = ()


class FleetPerson(Settings, frozen=True, kw_only=True):
    """A person, by pseudonym. Without `teams` the roles are for every team. `ssh_key`: may log in at every camera's card, to repair it."""

    id: Pseudonym
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=5)]
    key: RawPublicKey
    recipient: Recipient | None = None
    teams: Annotated[tuple[TeamId, ...], Meta(max_length=64)] = ()
    state: State = "active"
    ssh_key: SshKey | None = None


class FleetOfficer(Settings, frozen=True, kw_only=True):
    """An officer's card, which begins the officer's shift at cameras with a reader; an officer may have several. `card` is its code, never
    its number. Without `teams` it does so at the cameras of every team.
    """

    id: Pseudonym
    card: Code
    teams: Annotated[tuple[TeamId, ...], Meta(max_length=64)] = ()


class FleetKeyHolder(NamedKey, frozen=True, kw_only=True):
    """A station, or a release key."""

    state: KeyState = "active"


class FleetCards(Settings, frozen=True, kw_only=True):
    """How cards are made. `enrol_within_days`: so long the token on a card is worth something."""

    enrol_within_days: Annotated[int, Meta(ge=1, le=60)] = 14


class Fleet(Settings, frozen=True, kw_only=True):
    """The whole file, but for what it says of configurations."""

    municipality: Municipality
    root: FleetRoot
    teams: Annotated[tuple[FleetTeam, ...], Meta(min_length=1, max_length=64)]
    people: Annotated[tuple[FleetPerson, ...], Meta(max_length=1000)] = ()
    officers: Annotated[tuple[FleetOfficer, ...], Meta(max_length=2000)] = ()
    stations: Annotated[tuple[FleetKeyHolder, ...], Meta(max_length=16)] = ()
    release_keys: Annotated[tuple[FleetKeyHolder, ...], Meta(max_length=16)] = ()
    cards: FleetCards = FleetCards()


class FleetReading(Struct, frozen=True):
    """What was read. `fleet` is `None` where there are problems; `configurations` are the settings of all cameras and of each team's, where
    the file has any, by their place in it; `lines` those of the keys, by dotted path.
    """

    fleet: Fleet | None
    problems: list[Problem]
    configurations: Mapping[Where, Section]
    lines: Mapping[str, int]


ALLOWED: Mapping[str, str] = {
    "municipality": "small letters, digits and -, such as alphen-aan-den-rijn",
    "root.version": "a whole number from 1; a greater one after each change of the root",
    "root.threshold": "how many root keys must sign: a whole number from 1 to 8",
    "root.keys": "1 to 8 of {id: root-1, key: 64 hex digits}, as `bodycamd fleet init` makes them",
    "key": "64 hex digits: a raw Ed25519 public key",
    "teams": "1 to 64 teams",
    "teams.id": "small letters, digits and -, such as handhaving",
    "teams.title": "text of 1 to 100 characters",
    "teams.cameras": "a list of names and ranges, such as [HV-01..HV-26, HV-31]: letters, digits and single dashes",
    "people.id": "a pseudonym with a digit, such as E-03; never a name",
    "people.roles": "1 to 5 of coordinator, evidence, privacy, technician, administrator",
    "people.recipient": "an age recipient (age1 and 58 characters)",
    "people.teams": "ids of teams; left out: every team",
    "people.state": "active, suspended, lost, retired",
    "people.ssh_key": "ssh-ed25519, sk-ssh-ed25519@openssh.com or ecdsa-sha2-nistp256 and the key, without a comment: that is often a name",
    "officers.id": "a pseudonym with a digit, such as H-12; never a name",
    "officers.card": "64 hex digits: the code that `bodycamd fleet officer-card` prints; never the card's number",
    "officers.teams": "ids of teams; left out: every team",
    "stations.id": "small letters, digits and -, such as station-1",
    "release_keys.id": "small letters, digits and -, such as release-1",
    "state": "active, retired",
    "cards.enrol_within_days": "a whole number from 1 to 60",
}
"""What is allowed, for people."""


def read_fleet(raw: bytes) -> FleetReading:
    """The fleet that the bytes of a file hold, with every mistake of a key or a value. What lies between them `checks` finds."""
    if (secret := line_of_private_key(raw)) is not None:
        return FleetReading(None, [Problem("", PRIVATE, "", secret)], {}, {})
    document = read_document(raw)
    values = dict(document.values)
    configurations = _take_configurations(values)
    problems = [*document.problems]
    if values or not problems:
        for problem in judged(Fleet, (), values, document, allowed_in(ALLOWED), _beside):
            problems.append(problem)
            if len(problems) >= MAX_PROBLEMS:
                break
    lines = {dotted(where): line for where, line in document.lines.items()}
    fleet = msgspec.convert(values, Fleet) if not problems else None
    return FleetReading(fleet, sorted(problems, key=in_order), configurations, lines)


def _take_configurations(values: Section) -> dict[Where, Section]:
    """The settings of cameras, taken out of the values: they are judged as a configuration is."""
    found: dict[Where, Section] = {}
    if isinstance(common := values.get("configuration"), dict):
        del values["configuration"]
        found[("configuration",)] = common
    teams = values.get("teams")
    if isinstance(teams, list):
        own_teams: list[Value] = [dict(team) if isinstance(team, dict) else team for team in teams]
        values["teams"] = own_teams
        for number, team in enumerate(own_teams):
            if isinstance(team, dict) and isinstance(own := team.get("configuration"), dict):
                del team["configuration"]
                found[("teams", f"[{number}]", "configuration")] = own
    return found


def expanded(spans: Iterable[str]) -> list[str]:
    """The names that names and ranges stand for, in order. Raises `ValueError`, with the reason, for a range that is none."""
    names: list[str] = []
    for span in spans:
        match = _RANGE.fullmatch(span)
        if match is None:
            if ".." in span:
                raise ValueError(f"{shown(span, MAX_SHOWN)} is not a range")
            names.append(span)
            continue
        first, last = int(match[2]), int(match[3])
        if first > last or len(match[2]) != len(match[3]) or last - first >= MAX_CAMERAS:
            raise ValueError(f"{shown(span, MAX_SHOWN)} is not a range")
        names += [f"{match[1]}{number:0{len(match[2])}d}" for number in range(first, last + 1)]
    return names


def _beside(kind: type[Struct]) -> list[str]:
    return ["configuration"] if kind in (Fleet, FleetTeam) else []
