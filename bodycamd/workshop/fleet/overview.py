"""What a fleet file and its record say of each camera, and of the roster that is in force."""

from __future__ import annotations

from typing import Final

from bodycamd.evidence.roster import DAY_US
from bodycamd.evidence.statements import wall_us
from bodycamd.workshop.fleet.fingerprints import person_fingerprint
from bodycamd.workshop.fleet.fleet_file import Fleet
from bodycamd.workshop.fleet.record import Record
from bodycamd.workshop.fleet.roster_making import missing, places

MISSING: Final = "NOT IN THE FLEET FILE"


def cameras(fleet: Fleet, record: Record) -> list[dict[str, str]]:
    """A row for each camera, in the order of the file, then those that are enrolled and missing in it; what does not apply is empty."""
    rows = []
    teams = {name: place.team for name, place in places(fleet, record).items()}
    for name, team in {**teams, **dict.fromkeys(missing(fleet, record), "")}.items():
        card, enrolled, changed = record.cards.get(name), record.enrolled.get(name), record.states.get(name)
        state = changed.state if changed else "active" if enrolled else "card made" if card else "no card yet"
        since = changed.on if changed else enrolled.on if enrolled else card.on if card else ""
        until = card.until[:10] if card and not enrolled and not changed else ""
        rows.append(
            {
                "camera": name,
                "team": team,
                "state": state,
                "since": since,
                "card_until": until,
                "replaced_by": (changed.replaced_by or "") if changed else "",
                "remark": "" if team else MISSING,
            }
        )
    return rows


def people(fleet: Fleet) -> list[dict[str, str]]:
    """A row for each person, in the order of the file, with the fingerprint to compare; what does not apply is empty."""
    return [
        {
            "person": person.id,
            "state": person.state,
            "roles": ", ".join(person.roles),
            "teams": ", ".join(person.teams) or "every team",
            "recipient": person.recipient or "",
            "fingerprint": person_fingerprint(person.key, person.recipient),
        }
        for person in fleet.people
    ]


def newest_roster(record: Record, now_us: int) -> str:
    """One line about the roster that was signed last, and how long it is in force."""
    if not record.rosters:
        return "no roster yet: bodycamd fleet roster signs the first"
    newest = record.rosters[-1]
    days = (wall_us(newest.not_after, "not_after") - now_us) // DAY_US
    left = f"ends in {days} days" if days >= 0 else "HAS ENDED: sign a new one"
    return f"roster {newest.version} of root {newest.root_version}: {left} ({newest.not_after[:10]})"
