"""Whether a roster takes the place of the one in force. A decision about values: no clock, no file, no state of its own.

What holds, whoever carries the roster:
- it is signed by the threshold of the root in force; a new root signs too, with its own threshold, and has a greater version;
- (root version, version) only grows: an older roster never comes back, and two rosters of one version cannot both be accepted;
- who was listed stays listed, with the same keys; what is `retired` stays so;
- it has not ended, and ends at most 90 days from now.

A camera whose clock is not trusted knows only that it is at least so late: that shows that a roster has ended, and cannot show that one is
from the future. A roster that is withheld from a camera is missed by it until the one in force ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.evidence.roster import DAY_US, MAX_DAYS, Root, Roster, SignedRoster, signed_enough
from bodycamd.evidence.statements import wall_us

Outcome: TypeAlias = Literal[
    "accepted",
    "unchanged",
    "other_municipality",
    "not_signed",
    "new_root_not_signed",
    "root_version",
    "older",
    "same_version",
    "removed",
    "key_changed",
    "revived",
    "ended",
    "too_long",
]
"""`accepted` and `unchanged` (the roster in force itself) are no refusals."""


class Now(Struct, frozen=True):
    """The time, in microseconds since 1970 (UTC). Where it is not `trusted` it is a lower bound: it is at least so late."""

    at_us: int
    trusted: bool


class Decision(Struct, frozen=True):
    """What becomes of a roster, and why, in one clause."""

    outcome: Outcome
    why: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the roster is in force from here on."""
        return self.outcome in ("accepted", "unchanged")


class _Refused(Exception):
    def __init__(self, outcome: Outcome, why: str) -> None:
        self.decision = Decision(outcome, why)


def judge(candidate: SignedRoster, in_force: SignedRoster | Root, now: Now) -> Decision:
    """What becomes of the candidate. Where no roster is in force yet, `in_force` is the root that the camera was prepared with: then the
    candidate is the first one, and there is nobody yet who could have been removed.
    """
    try:
        if isinstance(in_force, Root):
            _check_signatures(candidate, in_force)
        else:
            if candidate.document.sha256 == in_force.document.sha256:
                _check_signatures(candidate, in_force.roster.root)
                return Decision("unchanged")
            if candidate.roster.municipality != in_force.roster.municipality:
                raise _Refused("other_municipality", f"it is of {candidate.roster.municipality}, not of {in_force.roster.municipality}")
            _check_signatures(candidate, in_force.roster.root)
            _check_order(candidate.roster, in_force.roster)
            for outcome, why in removals(candidate.roster, in_force.roster):
                raise _Refused(outcome, why)
        _check_time(candidate.roster, now)
    except _Refused as refused:
        return refused.decision
    return Decision("accepted")


def has_ended(roster: Roster, now: Now) -> bool:
    """Whether the roster has ended. Holds are accepted under one that has (and flagged); nothing else is."""
    return now.at_us > wall_us(roster.not_after, "not_after")


def _check_signatures(candidate: SignedRoster, root: Root) -> None:
    new = candidate.roster.root
    try:
        if not signed_enough(candidate.document, root):
            raise _Refused("not_signed", f"fewer than {root.threshold} of the root keys in force signed it")
        if new == root:
            return
        if new.version <= root.version:
            raise _Refused("root_version", f"its root is another one, and its version {new.version} does not follow {root.version}")
        if not signed_enough(candidate.document, new):
            raise _Refused("new_root_not_signed", f"fewer than {new.threshold} of its own new root keys signed it")
    except DataError as error:
        raise _Refused("not_signed", str(error)) from error


def _check_order(candidate: Roster, in_force: Roster) -> None:
    if candidate.order == in_force.order:
        raise _Refused("same_version", f"it is another roster of the same version {candidate.version}: two were signed under one number")
    if candidate.order < in_force.order:
        raise _Refused("older", f"version {candidate.version} of root {candidate.root.version} is older than the one in force")


def removals(candidate: Roster, in_force: Roster) -> Iterator[tuple[Outcome, str]]:
    """Who is not listed any more as he was, each with the outcome and why: the first of them is what `judge` says."""
    for what, members in in_force.members.items():
        listed = {member.id: member for member in candidate.members[what]}
        for before in members:
            after = listed.get(before.id)
            if after is None:
                yield "removed", f"{what} {before.id} is not listed any more: nobody is removed, the state changes"
            elif not set(before.keys) <= set(after.keys):
                yield "key_changed", f"{what} {before.id} has another key: a new key has a new id"
            elif before.state == "retired" and after.state != "retired":
                yield "revived", f"{what} {before.id} was retired and is {after.state} again"


def _check_time(candidate: Roster, now: Now) -> None:
    if has_ended(candidate, now):
        raise _Refused("ended", f"it ended on {candidate.not_after}")
    if now.trusted and wall_us(candidate.not_after, "not_after") > now.at_us + MAX_DAYS * DAY_US:
        raise _Refused("too_long", f"it ends on {candidate.not_after}, more than {MAX_DAYS} days from now")
