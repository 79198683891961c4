"""What is taken from a roster until the next one: cameras and people whose word does not count any more. Format `bodycam-suspend/1`.

A signed document (`signed_document`) by one person whose role is `administrator` or `privacy` in the very roster that it names. It only
subtracts: nothing in it gives anybody anything, and it takes no footage recipient away (`roster.footage_recipients`). Several add up, in
any order. With the next roster it is over: what shall stay suspended is a state there.

Who is suspended by it may still suspend others: the roster alone says who may. So two people who suspend each other are both suspended, and
the root decides.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.keys import PublicKey, Signer
from bodycamd.evidence.pseudonyms import Pseudonym
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import DeviceId, Sha256, Stated, Wall, wall_us

SUSPEND_TYPE: Final = "bodycam-suspend/1"
MAX_SUSPENSION_BYTES: Final = strict_json.MAX_JSON_BYTES
"""Of its JSON."""
SUSPENDING_ROLES: Final = frozenset({"administrator", "privacy"})

Outcome: TypeAlias = Literal["accepted", "other_roster", "not_a_person", "not_allowed", "not_signed", "not_listed"]


class Suspension(Stated, frozen=True, kw_only=True):
    """`roster` is the id of the roster that it is taken from, `by` who signs."""

    roster: Sha256
    by: Pseudonym
    made_at: Wall
    cameras: Annotated[tuple[DeviceId, ...], Meta(max_length=1000)] = ()
    people: Annotated[tuple[Pseudonym, ...], Meta(max_length=1000)] = ()


class SignedSuspension(msgspec.Struct, frozen=True):
    """A suspension with the bytes that are signed. The signature is not checked yet."""

    suspension: Suspension
    document: SignedDocument


class Standing(msgspec.Struct, frozen=True):
    """Whose word counts now, after what was suspended."""

    cameras: frozenset[str]
    people: frozenset[str]


_suspensions: msgspec.json.Decoder[Suspension] = msgspec.json.Decoder(Suspension)


def decode(raw: bytes, where: str) -> SignedSuspension:
    """The suspension in the bytes of a file. Raises `DataError`."""
    document = signed_document.read(raw, SUSPEND_TYPE, MAX_SUSPENSION_BYTES, where)
    suspension = strict_json.decode(document.json, _suspensions, where)
    wall_us(suspension.made_at, where)
    if not suspension.cameras and not suspension.people:
        raise DataError(f"{where}: it suspends nobody")
    return SignedSuspension(suspension, document)


def sign(suspension: Suspension, signer: Signer) -> SignedSuspension:
    """The suspension, signed. Raises `DataError` for one that no reader would take."""
    return decode(signed_document.signed_file(SUSPEND_TYPE, suspension, [signer]), "to be signed")


def judge(candidate: SignedSuspension, in_force: SignedRoster) -> Outcome:
    """Whether it is taken from the roster in force, or why not."""
    suspension, roster = candidate.suspension, in_force.roster
    if suspension.roster != in_force.document.sha256:
        return "other_roster"
    person = roster.person(suspension.by)
    if person is None or person.state != "active":
        return "not_a_person"
    if not SUSPENDING_ROLES & set(person.roles):
        return "not_allowed"
    key = PublicKey.from_hex(person.key)
    try:
        if key.id not in candidate.document.signers([key]):
            return "not_signed"
    except DataError:
        return "not_signed"
    if any(roster.camera(camera) is None for camera in suspension.cameras) or any(roster.person(one) is None for one in suspension.people):
        return "not_listed"
    return "accepted"


def standing(in_force: SignedRoster, suspensions: Iterable[SignedSuspension]) -> Standing:
    """Whose word counts under a roster and those of the suspensions that are accepted under it; the others say nothing."""
    taken = [one.suspension for one in suspensions if judge(one, in_force) == "accepted"]
    cameras = frozenset(camera.id for camera in in_force.roster.cameras if camera.state == "active")
    people = frozenset(person.id for person in in_force.roster.people if person.state == "active")
    return Standing(
        cameras - {camera for suspension in taken for camera in suspension.cameras},
        people - {person for suspension in taken for person in suspension.people},
    )
