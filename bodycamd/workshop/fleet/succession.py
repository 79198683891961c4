"""Whether what a fleet file says now can follow the roster that was signed last: nobody is removed, and no key is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bodycamd.config.problems import Problem
from bodycamd.evidence.roster import contradictions
from bodycamd.evidence.roster_acceptance import removals
from bodycamd.workshop.fleet.fleet_file import Fleet
from bodycamd.workshop.fleet.record import read_record, record_path, rosters_folder
from bodycamd.workshop.fleet.roster_making import last_roster, missing, next_roster


def problems(fleet: Fleet, fleet_file: Path, now_us: int) -> Iterator[Problem]:
    """What stands in the way, each a mistake of the whole file. Raises `DataError`, `StorageError` for a record that cannot be read."""
    record = read_record(record_path(fleet_file))
    last = last_roster(record, rosters_folder(fleet_file))
    following = next_roster(fleet, record, last.roster if last else None, now_us)
    for what in contradictions(following):
        yield Problem("", what, "")
    listed = {camera.id for camera in last.roster.cameras} if last else set()
    for camera in missing(fleet, record):
        if camera not in listed:  # of the others `removals` says so
            yield Problem("teams", f"camera {camera} is enrolled and not listed: nobody is removed, the state changes", "")
    if last is None:
        return
    if following.municipality != last.roster.municipality:
        yield Problem("municipality", f"the last roster is of {last.roster.municipality}", last.roster.municipality)
    if following.root != last.roster.root and following.root.version <= last.roster.root.version:
        yield Problem("root.version", "the root is another one than in the last roster", f"{last.roster.root.version + 1} or greater")
    for _, why in removals(following, last.roster):
        yield Problem("", why, "")
