"""What a station's configuration names, each looked at as its own reader reads it: `bodycamd station check`, before anything runs.

A mistake keeps the station from starting, or a call for help from reaching somebody who is named. A doubt is what may be so today and not
tomorrow: a disk that is not mounted, a person who is suspended. Nothing is made, and nothing is asked of a network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from bodycamd.config.problems import Problem
from bodycamd.errors import BodycamError, ConfigError, NotFoundError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import Roster
from bodycamd.evidence.roster_acceptance import Now, judge
from bodycamd.linux.foreign import Folder, read_named
from bodycamd.municipality.station import push_key, push_service, push_subscription
from bodycamd.municipality.station.cameras import load_root, load_roster, refused
from bodycamd.municipality.station.help_ways import pushed
from bodycamd.municipality.station.opening import kept_roster, load_key
from bodycamd.municipality.station.push_subscription import MAX_SUBSCRIPTION_BYTES
from bodycamd.municipality.station.receiver_folder import check_is_theirs
from bodycamd.municipality.station.station_file import ALLOWED, HelpSettings, PushSettings, StationSettings
from bodycamd.municipality.station.timestamp_authority import load_roots


def look(settings: StationSettings, now_us: int) -> tuple[list[Problem], list[Problem]]:
    """Everything that is named and missing, unreadable, or not what is needed; and what may be meant, and mostly is not."""
    problems, doubts = list[Problem](), list(_folders(settings))
    roster = _gathered(problems, _roster(settings, now_us))
    keys = list[PublicKey]()
    problems += _unread("keys.signing", lambda: keys.append(load_key(Path(settings.keys.signing)).public))
    if roster is not None and keys:
        problems += _unlisted(settings.name, keys[0], roster)
    if os.path.lexists(settings.data) and not os.path.isdir(settings.data):
        problems.append(Problem("data", f"{settings.data}: is no folder", ALLOWED["data"]))
    if (authority := settings.timestamp_authority) is not None:
        problems += _unread("timestamp_authority.ca", lambda: load_roots(Path(authority.ca)))
    for number, sender in enumerate(settings.forwarded_from):
        key, path = f"forwarded_from.[{number}].root", Path(sender.root)
        problems += _unread(key, lambda key=key, path=path: load_root(key, path))  # type: ignore[misc]
    if (help := settings.help) is not None:
        problems += _help(help, roster)
        if help.push is not None and roster is not None:
            doubts += _people(help, help.push, roster)
    return problems, doubts


def _roster(settings: StationSettings, now_us: int) -> Generator[Problem, None, Roster | None]:
    """What is wrong with root and roster; gives the roster, where it can be read."""
    root_file, file, kept = Path(settings.keys.root), Path(settings.keys.roster), kept_roster(settings)
    root = given = None
    try:
        root = load_root("keys.root", root_file)
    except ConfigError as error:
        yield _problem("keys.root", error)
    try:
        given = load_roster(file)
        before = load_roster(kept) if os.path.exists(kept) else None
    except ConfigError as error:
        yield _problem("keys.roster", error)
        return None if given is None else given.roster
    if root is not None or before is not None:
        now = Now(now_us, trusted=True)
        decision = judge(given, before or root, now)  # type: ignore[arg-type]
        if not decision.accepted:
            yield _problem("keys.roster", refused(file, given, decision, now))
    return given.roster


def _unlisted(name: str, key: PublicKey, roster: Roster) -> Iterator[Problem]:
    """A station whose receipts no camera would believe."""
    found = [station for station in roster.stations if station.id == name and station.state == "active"]
    if not found:
        yield Problem("name", f"{name}: the roster does not list it as an active station", "a listed station")
    elif PublicKey.from_hex(found[0].key) != key:
        yield Problem("keys.signing", f"the roster lists another key for {name}", "the key whose line is in the fleet file")


def _help(help: HelpSettings, roster: Roster | None) -> Iterator[Problem]:
    if help.command is not None and not os.path.isfile(help.command[0]):
        yield Problem("help.command", f"{help.command[0]}: there is no such program", ALLOWED["command"])
    elif help.command is not None and not os.access(help.command[0], os.X_OK):
        yield Problem("help.command", f"{help.command[0]}: this user may not run it", ALLOWED["command"])
    if (push := help.push) is None:
        return
    yield from _unread("help.push.key", lambda: push_key.load(Path(push.key)))
    yield from _unread("help.push.ca", lambda: push_service.trusted(Path(push.ca) if push.ca is not None else None))
    yield from _unread("help.push.subscriptions", lambda: Folder.open(Path(push.subscriptions)).close())
    if roster is None:
        return
    listed = {one.id for one in roster.people}
    for key, person in [*(("help.to", one) for one in _pushed(help)), *([("help.push.test", push.test)] if push.test else [])]:
        if person not in listed:
            yield Problem(key, f"push:{person}: the roster lists nobody of this name", "a person of the roster")


def _people(help: HelpSettings, push: PushSettings, roster: Roster) -> Iterator[Problem]:
    """Who is listed, and whom no push reaches today."""
    states = {one.id: one.state for one in roster.people}
    for person in _pushed(help):
        path = Path(push.subscriptions) / f"{person}.json"
        if states.get(person, "active") != "active":
            yield Problem("help.to", f"push:{person}: the roster lists this person as {states[person]}: no call goes there", "")
        elif person in states:
            try:
                push_subscription.decode(read_named(path, MAX_SUBSCRIPTION_BYTES), str(path))
            except NotFoundError:
                yield Problem("help.to", f"push:{person}: no call goes there: there is no {path}", "")
            except BodycamError as error:
                yield Problem("help.to", f"push:{person}: no call goes there: {error}", "")


def _pushed(help: HelpSettings) -> list[str]:
    return [person for person in map(pushed, help.to) if person is not None]


def _folders(settings: StationSettings) -> Iterator[Problem]:
    """Of others, on disks that may not be mounted yet."""
    for number, receiver in enumerate(settings.receivers):
        if receiver.folder is not None:
            try:
                check_is_theirs(Path(receiver.folder), Path(settings.data), same_disk=receiver.same_disk)
            except BodycamError as error:
                yield Problem(f"receivers.[{number}].folder", str(error), "")
    for number, sender in enumerate(settings.forwarded_from):
        try:
            Folder.open(Path(sender.folder)).close()
        except BodycamError as error:
            yield Problem(f"forwarded_from.[{number}].folder", f"{error}: nothing that was forwarded comes before it is there", "")


def _gathered(into: list[Problem], found: Generator[Problem, None, Roster | None]) -> Roster | None:
    while True:
        try:
            into.append(next(found))
        except StopIteration as end:
            roster: Roster | None = end.value
            return roster


def _unread(key: str, read: Callable[[], object]) -> Iterator[Problem]:
    try:
        read()
    except BodycamError as error:
        yield _problem(key, error)


def _problem(key: str, error: BodycamError) -> Problem:
    """The reader's own words, which name the key too where they are of the station's start."""
    return Problem(key, str(error).removeprefix(f"{key}: "), "")
