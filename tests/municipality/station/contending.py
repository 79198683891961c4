"""Processes of a station on one index that contend: for a lease, and for the steps of calls for help.

A process of this module is started for each (`contend`). What two of them do at once shows in files: a name that is created by one and
removed when it has ended exists for the other one.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from bodycamd.errors import StorageError, StoreBusyError
from bodycamd.evidence.help_call import SignedCall, sign_call
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.database import Database
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.help_words import HelpMessage
from bodycamd.municipality.station.leases import Leases
from bodycamd.municipality.station.opening import push_of
from bodycamd.municipality.station.station_file import HelpSettings, PushSettings
from tests.evidence.rostering import FIRST, NOW_US, camera, key, signed
from tests.evidence.test_help_call import CALL

PEOPLE: Final = 3
PUSHED: Final = tuple(f"P-{n:02d}" for n in range(PEOPLE))
HELP = HelpSettings(command=("/usr/bin/true", "{to}"), to=tuple(f"+3160000000{n}" for n in range(PEOPLE)), answer_seconds=30)


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Notes in `doubled` where another process is inside too."""
    try:
        os.close(os.open(folder / name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        note(folder / "doubled", f"{name}\n")
        yield
        return
    try:
        yield
    finally:
        (folder / name).unlink()


def note(file: Path, line: str) -> None:
    """One line at the end, whole, whoever else writes."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        assert os.write(descriptor, line.encode()) == len(line)
    finally:
        os.close(descriptor)


def hold_leases(url: str, folder: Path, times: int) -> None:
    """Try for the same lease until all processes together held it so often."""
    database, given = Database.open(url), folder / "given"
    own = Leases(database)
    while not (given.exists() and given.stat().st_size >= times):
        with own.held("work") as mine:
            if mine:
                with alone(folder, "inside"):
                    note(given, "\n")
    database.close()


@cache
def roster(calls: int) -> SignedRoster:
    """With a camera for each call."""
    return signed(replace(FIRST, cameras=tuple(camera(f"HV-{n:05d}") for n in range(calls))))


def call(number: int, *, test: bool = False) -> SignedCall:
    """The call of this camera, or its test."""
    name = f"HV-{number:05d}"
    made = replace(CALL, camera=name, at=wall_text(NOW_US), test=test, recording=None if test else CALL.recording)
    return sign_call(made, key(f"{name} message_key"))


def reached(number: int, person: int) -> bool:
    """Whether the command ends well for a person of a call: of one call in four it does for nobody."""
    return number % 4 != PEOPLE and person >= number % 4


def pushing(folder: Path) -> HelpSettings:
    """People with browsers, whose subscriptions, push service's root and station's key are in the folder."""
    push = PushSettings(
        key=f"{folder}/push.key",
        contact="mailto:beheer@example.nl",
        subscriptions=f"{folder}/push",
        networks=("127.0.0.0/8",),
        ca=f"{folder}/ca.pem",
    )
    return HelpSettings(to=tuple(f"push:{name}" for name in PUSHED), push=push, answer_seconds=30)


def call_people(url: str, folder: Path, calls: int, seed: int, *, by_push: bool = False) -> None:
    """Each camera asks this process too, and it calls who is next; what is called is noted, in its order, in `steps`, or by the push
    service."""
    database, in_force = Database.open(url), roster(calls)
    own, now_us, number = random.Random(seed), NOW_US, 0

    def run(to: str, message: HelpMessage) -> bool:
        person = HELP.to.index(to)
        of = int(message.text.partition("HV-")[2][:5])
        with alone(folder, f"HV-{of:05d}"):
            note(folder / "steps", f"{of} {person}\n")
        return reached(of, person)

    index, settings = HelpIndex(database), pushing(folder.parent) if by_push else HELP
    ways: dict[str, Any] = {"push": push_of(settings, index, lambda person: True)} if by_push else {"run": run}
    desk = HelpDesk("station-1", key("station-1"), index, settings, now_us=lambda: now_us, **ways)
    for number in range(calls):
        raw = call(number).document.file_bytes
        for _ in range(own.randint(1, 3)):
            try:
                desk.take(raw, in_force, f"HV-{number:05d}")
            except (StorageError, StoreBusyError) as refused:
                note(folder / "refused", f"{type(refused).__name__}: {refused}\n")
        if own.random() < 0.5:
            now_us = NOW_US + own.choice((1, 31, 62)) * 1_000_000
            desk.call_next()
            now_us = NOW_US
    for turn in range(1, PEOPLE + 1):
        now_us = NOW_US + turn * 63_000_000
        desk.call_next()
    database.close()


def contend(what: str, url: str, folder: Path, processes: int, number: int) -> None:
    """Have so many processes do it at once, until all have ended."""
    folder.mkdir(exist_ok=True)
    words = [sys.executable, "-m", "tests.municipality.station.contending", what, url, str(folder), str(number)]
    started = [subprocess.Popen([*words, str(seed)], stderr=subprocess.PIPE, text=True) for seed in range(processes)]
    ended = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * processes, ended


def doubled(folder: Path) -> list[str]:
    """What two were inside of at once."""
    file = folder / "doubled"
    return file.read_text().split() if file.exists() else []


def check_steps(folder: Path, calls: int) -> int:
    """That each step of a call was one process's, and in its turn: the list from its beginning, and again only when all of it was called
    and nobody reached. How many there were."""
    steps: dict[int, list[int]] = {number: [] for number in range(calls)}
    for line in (folder / "steps").read_text().splitlines():
        number, person = map(int, line.split())
        steps[number].append(person)
    for number, called in steps.items():
        assert called == [n % PEOPLE for n in range(len(called))], f"call {number}: {called}"
        if any(reached(number, person) for person in range(PEOPLE)):
            assert len(called) <= PEOPLE, f"call {number}: {called}: one was reached, and nobody has answered"
            assert reached(number, called[-1]), f"call {number}: {called}: somebody can be reached"
        else:
            assert len(called) >= PEOPLE, f"call {number}: {called}"
    refused = (folder / "refused").read_text().splitlines() if (folder / "refused").exists() else []
    assert {line.partition(":")[0] for line in refused} <= {"StoreBusyError", "UnreachedError"}, refused[:3]
    return sum(map(len, steps.values()))


if __name__ == "__main__":
    _, what, url, folder, number, seed = sys.argv
    if what == "leases":
        hold_leases(url, Path(folder), int(number))
    else:
        call_people(url, Path(folder), int(number), int(seed), by_push=what == "pushes")
