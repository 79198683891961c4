"""What may become of a camera: a decision about the fleet and its record."""

from __future__ import annotations

import re
from collections.abc import Collection

from bodycamd.config.problems import nearest
from bodycamd.errors import NotFoundError, UsageError
from bodycamd.evidence.roster import State
from bodycamd.foreign_text import shown
from bodycamd.workshop.fleet.fleet_file import CAMERA, Fleet
from bodycamd.workshop.fleet.record import Added, Line, Record, RosterSigned, StateSet, TakenBack
from bodycamd.workshop.fleet.roster_making import Place, places


def place_of(fleet: Fleet, record: Record, camera: str) -> Place:
    """Where a camera belongs. Raises `NotFoundError` for a name that no camera has."""
    known = places(fleet, record)
    if camera not in known:
        meant = nearest(camera, known)
        raise NotFoundError(f"{shown(camera, 60)}: no camera of the fleet has this name" + (f"; did you mean {meant}?" if meant else ""))
    return known[camera]


def change(fleet: Fleet, record: Record, camera: str, state: State, replaced_by: str | None, on: str) -> list[Line]:
    """The lines that say it, that of the camera itself first. A lost camera stays lost when it is replaced, and what took its place stays
    noted when it is retired. Raises `NotFoundError` for a camera that is not there, `UsageError` for what cannot be.
    """
    place = place_of(fleet, record, camera)
    before = record.states.get(camera)
    if before is not None:
        state = _following(before, state, replaced_by)
    place_taken_by = replaced_by or (before.replaced_by if before is not None else None)
    said: list[Line] = [StateSet(camera=camera, state=state, on=on, replaced_by=place_taken_by)]
    if replaced_by is None:
        return said
    if re.fullmatch(CAMERA, replaced_by) is None or len(replaced_by) > 63:
        raise UsageError(f"--by {shown(replaced_by, 60)}: letters, digits and single dashes, such as HV-27")
    taken = {name.lower() for name in (*record.enrolled, *record.states, *record.cards)}
    if replaced_by.lower() in taken or replaced_by.lower() == camera.lower():
        raise UsageError(f"--by {replaced_by}: a camera has had this name; each has a name of its own")
    there = {name.lower(): found for name, found in places(fleet, record).items()}.get(replaced_by.lower())
    if there is None:
        said.append(Added(camera=replaced_by, team=place.team, on=on))
    elif there.team != place.team:
        raise UsageError(f"--by {replaced_by}: it is of team {there.team}, not of {place.team}")
    return said


def taken_back(fleet: Fleet, record: Record, camera: str, kept: Collection[str], on: str) -> TakenBack:
    """The line that takes back what was said last of this camera, as long as no roster says it; `kept` are the names of the rosters' files.

    Raises `NotFoundError` for a camera that is not there, `UsageError` where there is nothing to take back, or it is too late.
    """
    place_of(fleet, record, camera)
    said = record.states.get(camera)
    if said is None:
        raise UsageError(f"{camera}: nothing was said of it that could be taken back")
    if kept := sorted(set(kept) - {one.file for one in record.rosters}):
        raise UsageError(f"{kept[0]} was signed, and the record does not have it yet: bodycamd fleet roster first")
    at = max(number for number, line in enumerate(record.lines) if line == said)
    if later := [line for line in record.lines[at:] if isinstance(line, RosterSigned)]:
        raise UsageError(f"{camera} is {said.state} in roster {later[0].version}, which was signed: that cannot be taken back")
    by, before = said.replaced_by, record.said_of(camera)[:-1]
    if by is not None and by not in {one.replaced_by for one in before} and by in {*record.cards, *record.enrolled, *record.states}:
        raise UsageError(f"{by}, which takes the place of {camera}, has a card or a state already: that cannot be taken back")
    return TakenBack(camera=camera, on=on)


def _following(before: StateSet, state: State, replaced_by: str | None) -> State:
    """The state after `before`. Raises `UsageError` for what cannot follow it."""
    camera = before.camera
    if before.state == "retired":
        gone = ": it cannot be lost any more" if state == "lost" else ""
        raise UsageError(f"{camera} is retired since {before.on}, and that is for good{gone}; no camera takes a roster that says otherwise")
    if replaced_by is None:
        if before.state == state:
            raise UsageError(f"{camera} is {state} already, since {before.on}")
        return state
    if before.replaced_by is not None:
        raise UsageError(f"{camera} is replaced already: {before.replaced_by} takes its place")
    return before.state if before.state == "lost" else state
