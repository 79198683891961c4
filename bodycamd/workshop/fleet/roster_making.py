"""From the fleet file and its record to the next roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bodycamd.errors import BodycamError, ConfigError, DataError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.roster import DAY_US, MAX_DAYS, MAX_ROSTER_BYTES, Camera, KeyHolder, Person, Root, Roster, SignedRoster, Team
from bodycamd.evidence.roster_acceptance import Now, judge, removals
from bodycamd.evidence.statements import wall_text
from bodycamd.linux.foreign import read_file
from bodycamd.workshop.fleet.checks import EXAMPLES, check
from bodycamd.workshop.fleet.fleet_file import Fleet, FleetReading, expanded
from bodycamd.workshop.fleet.record import Record


class Place(Struct, frozen=True):
    """A camera's team: its number in the fleet file, and its id."""

    number: int
    team: str


def usable(reading: FleetReading, name: str) -> Fleet:
    """The fleet, where nothing is wrong with its file. Raises `ConfigError`, also for the shipped example."""
    problems = check(reading)
    if problems or reading.fleet is None:
        more = f" ({len(problems) - 1} more: bodycamd fleet check)" if len(problems) > 1 else ""
        raise ConfigError(f"{problems[0].text(name)}{more}")
    if any(person.recipient in EXAMPLES for person in reading.fleet.people):
        raise ConfigError(f"{name}: it has recipients of the shipped example, which nobody can open: put in those of your people")
    return reading.fleet


def places(fleet: Fleet, record: Record) -> Mapping[str, Place]:
    """Every camera with its team, in the order of the file; then those that replaced others and are not in it yet."""
    numbers = {team.id: number for number, team in enumerate(fleet.teams)}
    found = {name: Place(numbers[team.id], team.id) for team in fleet.teams for name in expanded(team.cameras)}
    for added in record.added.values():
        if added.team in numbers:
            found.setdefault(added.camera, Place(numbers[added.team], added.team))
    return found


def missing(fleet: Fleet, record: Record) -> list[str]:
    """Cameras that are enrolled and that neither the file nor the record gives a team: they would be in no roster."""
    found = places(fleet, record)
    return [name for name in record.enrolled if name not in found]


def next_roster(fleet: Fleet, record: Record, last: Roster | None, now_us: int, days: int = MAX_DAYS) -> Roster:
    """The roster that the file and the record make now. Cameras that are not enrolled are not in it: a camera is its keys."""
    return Roster(
        root=Root(version=fleet.root.version, threshold=fleet.root.threshold, keys=tuple(key.key for key in fleet.root.keys)),
        version=1 if last is None else last.version + 1,
        made_at=wall_text(now_us),
        not_after=wall_text(now_us + days * DAY_US),
        municipality=fleet.municipality,
        teams=tuple(Team(id=team.id, title=team.title) for team in fleet.teams),
        cameras=tuple(_cameras(fleet, record)),
        people=tuple(
            Person(id=one.id, roles=one.roles, key=one.key, state=one.state, teams=one.teams, recipient=one.recipient)
            for one in fleet.people
        ),
        stations=tuple(KeyHolder(id=one.id, key=one.key, state=one.state) for one in fleet.stations),
        release_keys=tuple(KeyHolder(id=one.id, key=one.key, state=one.state) for one in fleet.release_keys),
    )


def _cameras(fleet: Fleet, record: Record) -> list[Camera]:
    found = places(fleet, record)
    return [
        Camera(
            id=name,
            team=found[name].team,
            first_key=enrolled.first_key,
            uplink_key=enrolled.uplink_key,
            message_key=enrolled.message_key,
            since=enrolled.on,
            state=record.state(name),
            serial=enrolled.serial,
        )
        for name, enrolled in record.enrolled.items()
        if name in found
    ]


def last_roster(record: Record, folder: Path) -> SignedRoster | None:
    """The newest roster that was signed, read back. Raises `DataError` where it is not the one that was recorded, `NotFoundError`,
    `StorageError`.
    """
    if not record.rosters:
        return None
    newest = record.rosters[-1]
    path = folder / newest.file
    found = rosters.decode(read_file(path, 2 * MAX_ROSTER_BYTES), str(path))
    if found.document.sha256 != newest.sha256:
        raise DataError(f"{path}: not the roster that was signed as version {newest.version}")
    return found


def signed_by(unsigned: Roster, signers: Sequence[Signer], last: SignedRoster | None, now_us: int) -> SignedRoster:
    """The roster, signed, as every camera that has the last one will take it. Raises `ConfigError` where none would, with what to do."""
    known = {key for root in (unsigned.root, *([last.roster.root] if last else [])) for key in root.keys}
    if strangers := [signer.public for signer in signers if signer.public.raw.hex() not in known]:
        raise ConfigError(f"key {_brief(strangers[0])} is not a root key of the fleet file, nor of the roster before")
    try:
        signed = rosters.sign(unsigned, signers)
    except BodycamError as error:
        raise ConfigError(f"no roster can be made: {error}") from error
    check_acceptable(signed, last, now_us)
    return signed


def check_following(unsigned: Roster, last: Roster) -> None:
    """Raises `ConfigError` where no camera that has the last roster would take this one, whoever signed it: to be known before a root key
    is opened.
    """
    if unsigned.municipality != last.municipality:
        raise ConfigError(f"no camera would take this roster: it is of {unsigned.municipality}, not of {last.municipality}")
    for _, why in removals(unsigned, last):
        raise ConfigError(f"no camera would take this roster: {why} (bodycamd fleet check says all)")


def check_acceptable(signed: SignedRoster, last: SignedRoster | None, now_us: int) -> None:
    """Raises `ConfigError` where no camera that has the last roster would take this one; of the first, where its own root did not sign."""
    decision = judge(signed, last if last is not None else signed.roster.root, Now(now_us, trusted=True))
    if not decision.accepted:
        raise ConfigError(f"no camera would take this roster: {decision.why}")


def file_name(roster: Roster) -> str:
    """Of its file: sorted by name they are in order."""
    return f"{roster.root.version:04d}-{roster.version:06d}.roster"


def root_file(root: Root) -> bytes:
    """root.json: what cameras, stations and receivers believe rosters by."""
    return msgspec.json.encode(root, order="sorted") + b"\n"


def _brief(key: PublicKey) -> str:
    return key.raw.hex()[:16] + "…"
