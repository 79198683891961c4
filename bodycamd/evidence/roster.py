"""The roster: whose word counts. Which cameras, people and stations a municipality has, and what each may. Format `bodycam-roster/1`.

It is a signed document (`signed_document`), signed by the municipality's root keys: as many of them as `root.threshold` says. Nobody is
removed from it; states change, so that what somebody once signed can be attributed for as long as it is kept.

This module reads a roster and holds it to what can be said of it alone. Whether a camera may take it in place of the one it has is decided
by `roster_acceptance`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.pseudonyms import Pseudonym, Role
from bodycamd.evidence.retention_entries import Day
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import DeviceId, Positive, RawPublicKey, Stated, Wall, wall_us

ROSTER_TYPE: Final = "bodycam-roster/1"
MAX_ROSTER_BYTES: Final = 1024 * 1024
MAX_DAYS: Final = 90
"""Between `made_at` and `not_after`: so long at most somebody who was shut out is believed by a camera that no newer roster reaches."""
LEAST_RECIPIENTS: Final = 2
"""Of each team's footage: with one, its loss would lose the footage."""
DAY_US: Final = 86_400_000_000

State: TypeAlias = Literal["active", "suspended", "lost", "retired"]
KeyState: TypeAlias = Literal["active", "retired"]
Municipality = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,62}\Z")]
TeamId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")]
Title = Annotated[str, Meta(min_length=1, max_length=100)]
Serial = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{1,64}\Z")]
Recipient = Annotated[str, Meta(pattern=r"^age1[02-9ac-hj-np-z]{58}\Z")]
"""An age X25519 recipient, in form; whether its checksum is right, age says."""
KeyName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")]


class Root(Stated, frozen=True, kw_only=True):
    """The municipality's root: `threshold` of these Ed25519 keys must sign. A change of it has a greater `version`."""

    version: Positive
    keys: Annotated[tuple[RawPublicKey, ...], Meta(min_length=1, max_length=8)]
    threshold: Annotated[int, Meta(ge=1, le=8)]


class Team(Stated, frozen=True, kw_only=True):
    """A team; `title` is what people read."""

    id: TeamId
    title: Title


class Camera(Stated, frozen=True, kw_only=True):
    """A camera is its keys. `first_key` is the registered key that its ledger begins with, `uplink_key` signs what it sends, `message_key`
    key files, calls, its application and acknowledgements, never evidence. `serial` is the computer's, as it says of itself.
    """

    id: DeviceId
    team: TeamId
    first_key: RawPublicKey
    uplink_key: RawPublicKey
    message_key: RawPublicKey
    since: Day
    state: State
    serial: Serial | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What makes it this camera and no other."""
        return self.first_key, self.uplink_key, self.message_key


class Person(Stated, frozen=True, kw_only=True):
    """A person, by pseudonym. Without `teams` the roles are for every team. `key` signs orders, footage is encrypted to `recipient`."""

    id: Pseudonym
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=5)]
    key: RawPublicKey
    state: State
    teams: Annotated[tuple[TeamId, ...], Meta(max_length=64)] = ()
    recipient: Recipient | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What makes it this person's word. A recipient may be added, and is then kept."""
        return (self.key, self.recipient) if self.recipient else (self.key,)


class KeyHolder(Stated, frozen=True, kw_only=True):
    """A station whose receipts count, or a key whose signature on a release does."""

    id: KeyName
    key: RawPublicKey
    state: KeyState

    @property
    def keys(self) -> tuple[str, ...]:
        """Its only one."""
        return (self.key,)


class Roster(Stated, frozen=True, kw_only=True):
    """All of it. `version` grows by each roster that is signed; `not_after` is when this one ends."""

    root: Root
    version: Positive
    made_at: Wall
    not_after: Wall
    municipality: Municipality
    teams: Annotated[tuple[Team, ...], Meta(min_length=1, max_length=64)]
    cameras: Annotated[tuple[Camera, ...], Meta(max_length=1000)]
    people: Annotated[tuple[Person, ...], Meta(max_length=1000)]
    stations: Annotated[tuple[KeyHolder, ...], Meta(max_length=16)] = ()
    release_keys: Annotated[tuple[KeyHolder, ...], Meta(max_length=16)] = ()

    @property
    def order(self) -> tuple[int, int]:
        """What only grows."""
        return self.root.version, self.version

    @property
    def members(self) -> Mapping[str, tuple[Camera | Person | KeyHolder, ...]]:
        """Everybody whose word may count, by what they are called in messages."""
        return {"camera": self.cameras, "person": self.people, "station": self.stations, "release key": self.release_keys}

    def person(self, pseudonym: str) -> Person | None:
        """Who has this pseudonym."""
        return next((person for person in self.people if person.id == pseudonym), None)

    def camera(self, device: str) -> Camera | None:
        """The camera of this name."""
        return next((camera for camera in self.cameras if camera.id == device), None)


_rosters: msgspec.json.Decoder[Roster] = msgspec.json.Decoder(Roster)


class SignedRoster(msgspec.Struct, frozen=True):
    """A roster that is consistent in itself, with the bytes that are signed. The signatures are not checked yet."""

    roster: Roster
    document: SignedDocument


def decode(raw: bytes, where: str) -> SignedRoster:
    """The roster in the bytes of a file. Raises `DataError` for what is no roster, or contradicts itself (`contradictions`)."""
    document = signed_document.read(raw, ROSTER_TYPE, MAX_ROSTER_BYTES, where)
    roster = strict_json.decode(document.json, _rosters, where, MAX_ROSTER_BYTES)
    for what in contradictions(roster):
        raise DataError(f"{where}: {what}")
    return SignedRoster(roster, document)


def sign(roster: Roster, signers: Iterable[Signer]) -> SignedRoster:
    """The roster, signed. Raises `DataError` for one that no reader would take."""
    return decode(signed_document.signed_file(ROSTER_TYPE, roster, signers), "to be signed")


def root_keys(root: Root) -> list[PublicKey]:
    """The keys of a root."""
    return [PublicKey.from_hex(key) for key in root.keys]


def signed_enough(document: SignedDocument, root: Root) -> bool:
    """Whether as many different keys of this root signed as its threshold says. Raises `DataError` where a signature that claims one of
    them does not hold.
    """
    return len(document.signers(root_keys(root))) >= root.threshold


def footage_recipients(roster: Roster, team: str) -> tuple[str, ...]:
    """To whom a team's footage is encrypted, ascending: the active people of the role `evidence` who are of this team or of every team.
    What was suspended since the roster was signed counts here: that takes orders from a person, never footage from the municipality.
    """
    return tuple(sorted(person.recipient for person in roster.people if person.recipient and _opens_footage_of(person, team)))


def _opens_footage_of(person: Person, team: str) -> bool:
    return person.state == "active" and "evidence" in person.roles and (not person.teams or team in person.teams)


def contradictions(roster: Roster) -> Iterator[str]:
    """What is wrong with a roster whoever signed it, a clause each."""
    try:
        span_us = wall_us(roster.not_after, "not_after") - wall_us(roster.made_at, "made_at")
    except DataError as error:
        yield str(error)
    else:
        if not 0 < span_us <= MAX_DAYS * DAY_US:
            yield f"not_after is not within {MAX_DAYS} days after made_at"
    if roster.root.threshold > len(roster.root.keys):
        yield f"the root's threshold is {roster.root.threshold}, of {len(roster.root.keys)} keys"
    lists: dict[str, tuple[Team | Camera | Person | KeyHolder, ...]] = {"team": roster.teams, **roster.members}
    for what, listed in lists.items():
        for twice in _repeated(one.id for one in listed):
            yield f"{what} {twice} is listed twice"
    keys = (key for members in roster.members.values() for member in members for key in member.keys)
    for twice in _repeated((*roster.root.keys, *keys)):
        yield f"key {twice[:20]}… has two holders: whose word would it be?"
    yield from _about_teams(roster)


def _about_teams(roster: Roster) -> Iterator[str]:
    teams = {team.id for team in roster.teams}
    for camera in roster.cameras:
        if camera.team not in teams:
            yield f"camera {camera.id}: team {camera.team} is not listed"
    for person in roster.people:
        if unlisted := sorted(set(person.teams) - teams):
            yield f"person {person.id}: team {unlisted[0]} is not listed"
        if len(set(person.teams)) < len(person.teams) or len(set(person.roles)) < len(person.roles):
            yield f"person {person.id}: a team or a role is listed twice"
        if "evidence" in person.roles and person.recipient is None:
            yield f"person {person.id}: the role evidence needs a recipient"
    for team in sorted(teams):
        if (found := len(footage_recipients(roster, team))) < LEAST_RECIPIENTS:
            yield f"team {team}: {found} footage recipients, at least {LEAST_RECIPIENTS} are needed: active people with the role evidence"


def _repeated(values: Iterable[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)
