"""Whether a camera carries an order out: by the roster in force, the time, and what it has done before. A decision about values: no clock,
no file, no state of its own.

- The person that the order names, and the second where there is one, are active in the roster in force, signed with the keys that it lists,
  have the roles that this kind asks for, and this camera's team is theirs.
- The order is of this municipality and names this camera.
- **A hold never expires.** It counts under a roster that has ended (`roster_ended` says so), from a signer who has a newer roster, and on
  a camera that is suspended or lost: nothing that protects footage is lost in a drawer. Everything else needs a roster in force that is no
  older than the signer's, an active camera, and the order's own `not_after`.
- A release needs `evidence` and `privacy`: two people. A standing order to forward is ended by `evidence` or by `privacy`: it only takes
  away, so it counts for a camera that is suspended or lost too.
- What was carried out once is never carried out again: a repeat gives the first outcome.

Where it is refused, its id is not used up: the same order may be accepted later, by another roster. Refusals before the signatures hold
(`UNSIGNED`) say nothing about anybody; all others are the word of who signed.

A camera whose clock is not trusted knows that it is at least so late: it can show that an order has ended, and cannot show that it is from
the future.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.orders import Configuration, EndForward, Kind, Order, Release, SettingValue, SignedOrder
from bodycamd.evidence.pseudonyms import Role
from bodycamd.evidence.roster import Person, SignedRoster
from bodycamd.evidence.roster_acceptance import Now, has_ended
from bodycamd.evidence.statements import wall_us
from bodycamd.evidence.suspension import SignedSuspension, Standing, standing

Outcome: TypeAlias = Literal[
    "accepted",
    "repeated",
    "not_a_person",
    "not_signed",
    "other_municipality",
    "not_this_camera",
    "not_active",
    "newer_roster",
    "roster_ended",
    "not_allowed",
    "other_team",
    "camera_not_active",
    "order_ended",
    "not_yet",
    "not_changeable",
]
UNSIGNED: Final[frozenset[Outcome]] = frozenset({"not_a_person", "not_signed"})
"""Refusals that nobody of the roster has caused."""
ROLES: Final[Mapping[Kind, tuple[Role, ...]]] = {
    "hold": ("evidence",),
    "release": ("evidence", "privacy"),
    "shift": ("coordinator",),
    "configuration": ("technician",),
    "update": ("technician",),
    "answer": ("coordinator",),
    "forward": ("evidence",),
}
"""Which roles the people who sign must have between them, each from another person."""
ENDS_FORWARDING: Final[frozenset[Role]] = frozenset({"evidence", "privacy"})
"""Either of them may end a standing order to forward."""
AHEAD_US: Final = 3_600_000_000
"""So far may the signer's clock be ahead of a trusted one."""
CHANGEABLE: Final[frozenset[str]] = frozenset(
    {
        "gestures.bounce_ms",
        "gestures.hold_seconds",
        "gestures.stop",
        "gestures.stuck_seconds",
        "on_warning_failure",
        "reminder_seconds",
        "retention.days",
        "timezone",
        "warning.language",
    }
)
"""The settings that an order may change. Never: recipients, root, station, live, `storage.when_full`, paths, what the ledger keeps; nor
what camera module, microphone and speaker are opened with: a wrong one shows only when they are opened, and a start is ready before.
It would leave a camera that never records again. What an order changed, another one puts back, by the value of before."""
DAYS: Final = "retention.days"
"""May only become fewer, with the signature of `privacy` too; footage that is recorded already keeps its days."""


class Here(Struct, frozen=True):
    """The camera that judges: its name, and how many days it keeps footage."""

    camera: str
    retention_days: int


class Verdict(Struct, frozen=True):
    """What becomes of an order, and why, in one clause. `first_outcome`: of a repeat, what came of it then. `roster_ended`: a hold is
    accepted all the same.
    """

    outcome: Outcome
    why: str = ""
    first_outcome: str = ""
    roster_ended: bool = False

    @property
    def accepted(self) -> bool:
        """Whether it is to be carried out now."""
        return self.outcome == "accepted"


class _Refused(Exception):
    def __init__(self, outcome: Outcome, why: str) -> None:
        self.verdict = Verdict(outcome, why)


def judge_order(
    candidate: SignedOrder,
    in_force: SignedRoster,
    here: Here,
    now: Now,
    *,
    done: Mapping[str, str],
    suspensions: Iterable[SignedSuspension] = (),
) -> Verdict:
    """What becomes of the order. `done`: the outcome of every order that was carried out, by its id."""
    if candidate.id in done:
        return Verdict("repeated", f"it was carried out before: {done[candidate.id]}", first_outcome=done[candidate.id])
    try:
        for pseudonym in candidate.order.people:
            _check_signed(candidate, _listed(in_force, pseudonym))
    except _Refused as refused:
        return refused.verdict
    return judge_content(candidate.order, in_force, here, now, suspensions=suspensions)


def judge_content(order: Order, in_force: SignedRoster, here: Here, now: Now, *, suspensions: Iterable[SignedSuspension] = ()) -> Verdict:
    """What becomes of an order that is signed by those whom it names, and was not carried out before."""
    roster = in_force.roster
    ended = has_ended(roster, now)
    try:
        people = [_listed(in_force, pseudonym) for pseudonym in order.people]
        if order.municipality != roster.municipality:
            raise _Refused("other_municipality", f"it is of {order.municipality}, not of {roster.municipality}")
        if here.camera not in order.cameras:
            raise _Refused("not_this_camera", f"it is not for {here.camera}")
        counts = standing(in_force, suspensions)
        for person in people:
            if person.id not in counts.people:
                raise _Refused("not_active", f"{person.id} is not active: {person.state if person.state != 'active' else 'suspended'}")
        _check_team(people, in_force, here.camera)
        _check_roles(order, people)
        if order.kind != "hold":
            _check_current(order, in_force, counts, here, now, ended)
        if isinstance(order.body, Configuration):
            _check_changes(order.body.changes, people, here)
    except _Refused as refused:
        return refused.verdict
    return Verdict("accepted", roster_ended=ended)


def _listed(in_force: SignedRoster, pseudonym: str) -> Person:
    person = in_force.roster.person(pseudonym)
    if person is None:
        raise _Refused("not_a_person", f"{pseudonym} is not in the roster")
    return person


def _check_signed(candidate: SignedOrder, person: Person) -> None:
    key = PublicKey.from_hex(person.key)
    try:
        signed = key.id in candidate.document.signers([key])
    except DataError as error:
        raise _Refused("not_signed", f"{person.id}: {error}") from error
    if not signed:
        raise _Refused("not_signed", f"{person.id} did not sign it")


def _check_team(people: Iterable[Person], in_force: SignedRoster, camera: str) -> None:
    listed = in_force.roster.camera(camera)
    if listed is None:
        raise _Refused("camera_not_active", f"{camera} is not in the roster")
    for person in people:
        if person.teams and listed.team not in person.teams:
            raise _Refused("other_team", f"{person.id} is not of team {listed.team}")


def _check_roles(order: Order, people: list[Person]) -> None:
    """Each role that is asked for is another person's."""
    asked = ROLES[order.kind]
    needed = " and ".join(asked)
    if isinstance(order.body, Release):
        first, second = people
        fits = any(asked[0] in one.roles and asked[1] in other.roles for one, other in ((first, second), (second, first)))
    elif isinstance(order.body, EndForward):
        fits, needed = not ENDS_FORWARDING.isdisjoint(people[0].roles), " or ".join(sorted(ENDS_FORWARDING))
    else:
        fits = asked[0] in people[0].roles
    if not fits:
        who = " and ".join(person.id for person in people)
        raise _Refused("not_allowed", f"{who}: a {order.kind} order needs {needed}")


def _check_current(order: Order, in_force: SignedRoster, counts: Standing, here: Here, now: Now, ended: bool) -> None:
    if order.roster.order > in_force.roster.order:
        raise _Refused("newer_roster", f"it is signed by roster {order.roster.version}, this camera has {in_force.roster.version}")
    if ended:
        raise _Refused("roster_ended", f"the roster ended on {in_force.roster.not_after}")
    if here.camera not in counts.cameras and not isinstance(order.body, EndForward):
        raise _Refused("camera_not_active", f"{here.camera} is not active in the roster")
    if order.not_after is None or now.at_us > wall_us(order.not_after, "not_after"):
        raise _Refused("order_ended", f"it ended on {order.not_after}")
    if now.trusted and wall_us(order.made_at, "made_at") > now.at_us + AHEAD_US:
        raise _Refused("not_yet", f"it was made on {order.made_at}, which is to come")


def _check_changes(changes: Mapping[str, SettingValue], people: list[Person], here: Here) -> None:
    for path, value in changes.items():
        if path not in CHANGEABLE:
            raise _Refused("not_changeable", f"{path} is not changed by an order")
        if path == DAYS:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < here.retention_days:
                raise _Refused("not_changeable", f"{path} may only become fewer than {here.retention_days}")
            if not any("privacy" in person.roles for person in people[1:]):
                raise _Refused("not_allowed", f"{path} needs the signature of privacy too")
