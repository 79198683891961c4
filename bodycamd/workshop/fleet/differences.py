"""What a roster changes, in lines for who is about to sign it: nobody should sign what he has not seen."""

from __future__ import annotations

from collections.abc import Iterator

from bodycamd.evidence.roster import Camera, KeyHolder, Person, Roster
from bodycamd.workshop.fleet.fingerprints import person_fingerprint


def differences(before: Roster | None, after: Roster) -> list[str]:
    """A line for everybody who is new or another than in the roster before; of the first roster, for everybody."""
    return [*_about_root(before, after), *_about_members(before, after)]


def _about_root(before: Roster | None, after: Roster) -> Iterator[str]:
    root = after.root
    if before is None or before.root != root:
        yield f"root {root.version}: {root.threshold} of {', '.join(key[:16] + '…' for key in root.keys)}"
    if before is None or before.municipality != after.municipality:
        yield f"municipality {after.municipality}"
    titles = {team.id: team.title for team in before.teams} if before else {}
    for team in after.teams:
        if titles.get(team.id) != team.title:
            yield f"team {team.id}: {team.title}"
    for gone in titles.keys() - {team.id for team in after.teams}:
        yield f"team {gone}: not listed any more"


def _about_members(before: Roster | None, after: Roster) -> Iterator[str]:
    for what, members in after.members.items():
        known = {member.id: member for member in before.members[what]} if before else {}
        for member in members:
            was = known.get(member.id)
            if was is None:
                yield f"new {what} {member.id}: {_told(member)}, {_identity(member)}"
            elif was != member:
                changed = "" if _identity(member) == _identity(was) else f"; {_identity(member)} (was {_identity(was)})"
                yield f"{what} {member.id}: {_told(member)} (was {_told(was)}){changed}"
        for gone in known.keys() - {member.id for member in members}:
            yield f"{what} {gone}: NOT LISTED ANY MORE (was {_told(known[gone])})"


def _told(member: Camera | Person | KeyHolder) -> str:
    if isinstance(member, Camera):
        return f"{member.state}, team {member.team}"
    if isinstance(member, Person):
        teams = ", ".join(member.teams) or "every team"
        opens = "opens footage with" if "evidence" in member.roles else "recipient"
        return f"{member.state}, {', '.join(member.roles)}, {teams}" + (f", {opens} {member.recipient}" if member.recipient else "")
    return member.state


def _identity(member: Camera | Person | KeyHolder) -> str:
    if isinstance(member, Person):
        return f"fingerprint {person_fingerprint(member.key, member.recipient)}"
    return f"key {member.keys[0][:16]}…"
