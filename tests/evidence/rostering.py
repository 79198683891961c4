"""Rosters to begin from: those of a municipality with two teams, signed with keys that are made of their names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from bodycamd.evidence import roster
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.pseudonyms import Role
from bodycamd.evidence.roster import Camera, KeyHolder, Person, Root, Roster, SignedRoster, Team
from bodycamd.evidence.roster_acceptance import Now

NOW_US = int(datetime(2026, 3, 10, tzinfo=UTC).timestamp()) * 1_000_000
NOW = Now(NOW_US, trusted=True)
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def key(name: str) -> SigningKey:
    """Always the same one for a name: vectors are made of them. Nothing real is ever signed so."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"test key {name}".encode()).digest()))


def raw(name: str) -> str:
    return key(name).public.raw.hex()


def recipient(name: str) -> str:
    """In form; nobody can encrypt to it."""
    return "age1" + "".join(LETTERS[byte % 32] for byte in hashlib.sha512(name.encode()).digest()[:58])


def camera(name: str, team: str = "handhaving", state: roster.State = "active") -> Camera:
    keys = {which: raw(f"{name} {which}") for which in ("first_key", "uplink_key", "message_key")}
    return Camera(id=name, team=team, since="2026-03-01", state=state, **keys)


def person(name: str, *roles: Role, state: roster.State = "active", teams: Sequence[str] = ()) -> Person:
    opens = recipient(name) if "evidence" in roles else None
    return Person(id=name, roles=roles, key=raw(name), state=state, teams=tuple(teams), recipient=opens)


ROOT = Root(version=1, keys=(raw("root-1"), raw("root-2")), threshold=1)
ROOT_2 = Root(version=2, keys=(raw("root-3"), raw("root-4"), raw("root-5")), threshold=2)
FIRST = Roster(
    root=ROOT,
    version=7,
    made_at="2026-03-09T08:00:00.000000Z",
    not_after="2026-06-07T08:00:00.000000Z",
    municipality="alphen-aan-den-rijn",
    teams=(Team(id="handhaving", title="Toezicht en Handhaving"), Team(id="inspectie", title="Inspectie")),
    cameras=(camera("HV-01"), camera("HV-02", state="retired"), camera("IN-01", "inspectie")),
    people=(
        person("E-01", "evidence"),
        person("E-02", "evidence"),
        person("C-01", "coordinator", teams=["handhaving"]),
        person("P-01", "privacy"),
        person("A-01", "administrator", "technician"),
        person("T-09", "technician", state="retired"),
    ),
    stations=(KeyHolder(id="station-1", key=raw("station-1"), state="active"),),
    release_keys=(KeyHolder(id="release-1", key=raw("release-1"), state="active"),),
)
LATER = replace(FIRST, version=8, made_at="2026-03-10T08:00:00.000000Z")


def signed(unsigned: Roster, *names: str) -> SignedRoster:
    """Signed with the root keys of these names, by default root-1."""
    return roster.sign(unsigned, [key(name) for name in names or ("root-1",)])
