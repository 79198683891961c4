"""A suspension from what a person wants: made, judged as a camera and a station with this roster would, shown, and signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from bodycamd.errors import PermissionDeniedError, UsageError
from bodycamd.evidence import suspension as suspensions
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.statements import wall_text
from bodycamd.evidence.suspension import SUSPENDING_ROLES, SignedSuspension, Suspension
from bodycamd.foreign_text import shown
from bodycamd.municipality.orders.signing import check_whose, unsigned
from bodycamd.municipality.words.times import LocalTime


def make(roster: SignedRoster, *, cameras: Sequence[str], people: Sequence[str], by: str, now_us: int) -> Suspension:
    """What `by` takes from this roster now. Raises `UsageError` for what is no suspension, `PermissionDeniedError` for one that nobody with
    this roster would take."""
    if not cameras and not people:
        raise UsageError("give a camera (--camera) or a person (--suspend) that is to be suspended")
    wanted = Suspension(roster=roster.document.sha256, by=by, made_at=wall_text(now_us), cameras=tuple(cameras), people=tuple(people))
    try:
        made = msgspec.convert(msgspec.to_builtins(wanted), Suspension)
    except msgspec.ValidationError as error:
        raise UsageError(f"nobody would take this suspension: {shown(error)}") from error
    known = roster.roster
    person = known.person(by)
    if person is None or person.state != "active":
        raise PermissionDeniedError(f"{by} is {'not' if person is None else person.state} in roster {known.version}")
    if not SUSPENDING_ROLES & set(person.roles):
        raise PermissionDeniedError(f"a suspension needs {' or '.join(sorted(SUSPENDING_ROLES))}: {by} is {', '.join(person.roles)}")
    unknown = [one for one in made.cameras if known.camera(one) is None] + [one for one in made.people if known.person(one) is None]
    if unknown:
        raise PermissionDeniedError(f"{', '.join(unknown)}: not in roster {known.version}")
    return made


def sign(made: Suspension, roster: SignedRoster, key: Signer) -> SignedSuspension:
    """The suspension with the signature of who it is by. Raises `PermissionDeniedError` where the roster lists another key for them."""
    check_whose(made.by, roster, key)
    signed = suspensions.sign(made, key)
    if (outcome := suspensions.judge(signed, roster)) != "accepted":
        raise PermissionDeniedError(f"nobody with this roster would take this suspension: {outcome.replace('_', ' ')}")
    return signed


def missing(signed: SignedSuspension, roster: SignedRoster) -> list[str]:
    """Who has still to sign it. Raises `DataError` where a signature does not hold."""
    return unsigned(signed.document, [signed.suspension.by], roster)


def told(made: Suspension, local: LocalTime) -> Iterator[tuple[str, str]]:
    """All that a suspension says, for who signs it: a name and a value each."""
    yield "order", "suspension"
    yield from (("suspends camera", camera) for camera in made.cameras)
    yield from (("suspends person", person) for person in made.people)
    yield "from roster", made.roster
    yield "signed by", made.by
    yield "made", local.wall_beside_utc(made.made_at)
    yield "ends", "with the next roster"
