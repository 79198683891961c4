"""Several processes on one SQLite index: a lease is one's at a time, and each step of a call for help happens once. On PostgreSQL:
`test_postgres`."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bodycamd.errors import StoreBusyError
from bodycamd.municipality.station import audit, push_key
from bodycamd.municipality.station.database import Database
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.help_words import HelpMessage
from bodycamd.municipality.station.index import Index
from tests.evidence.rostering import NOW_US, key
from tests.kit.scale import nightly_count, only_in_full
from tests.municipality.station import contending
from tests.municipality.station.contending import HELP, call, roster
from tests.municipality.station.push_server import PushServer
from tests.municipality.station.test_help import called

PROCESSES = 4


@pytest.fixture
def url(tmp_path: Path) -> str:
    found = f"sqlite:///{tmp_path}/index.sqlite"
    Database.open(found).close()
    return found


@only_in_full
@pytest.mark.timeout(1800)
def test_of_many_processes_that_try_one_has_the_lease(url: str, tmp_path: Path) -> None:
    times = nightly_count(10_000)
    contending.contend("leases", url, tmp_path / "work", PROCESSES, times)
    assert contending.doubled(tmp_path / "work") == []
    assert (tmp_path / "work" / "given").stat().st_size >= times


@only_in_full
@pytest.mark.timeout(1800)
def test_of_many_processes_one_calls_a_person(url: str, tmp_path: Path) -> None:
    calls = max(nightly_count(1000), 20)
    contending.contend("calls", url, tmp_path / "work", PROCESSES, calls)
    assert contending.doubled(tmp_path / "work") == []
    assert contending.check_steps(tmp_path / "work", calls) >= 2 * calls


@only_in_full
@pytest.mark.timeout(1800)
def test_of_many_processes_one_pushes_to_a_browser(url: str, tmp_path: Path) -> None:
    """Over real HTTPS. The first person's subscription is over: the first one who hears it tells it, and nobody tries it again."""
    calls = max(nightly_count(400), 20)
    push_key.make(tmp_path / "push.key")
    (tmp_path / "push").mkdir()
    with PushServer(tmp_path / "push-service").listening() as server:
        (tmp_path / "ca.pem").write_bytes(server.ca.read_bytes())
        for number, person in enumerate(contending.PUSHED):
            (tmp_path / "push" / f"{person}.json").write_text(server.subscribe(person))
            server.statuses[f"/push/{person}/{number}"] = 201 if number else 410
        contending.contend("pushes", url, tmp_path / "work", PROCESSES, calls)
        assert server.wrong == []
        steps = [(found.message["call"], found.path.split("/")[2]) for found in server.pushed]
        assert len(steps) == len(set(steps)) >= 2 * calls, "each of the others has each call once"
        assert len([path for path in server.asked if contending.PUSHED[0] in path]) <= PROCESSES
    index = Index.open(url)
    events = [audit.decode(line, "x").event for line in index.audit_lines()]
    index.close()
    assert events.count("help_push_over") == 1


def test_one_who_looked_before_another_one_called_claims_nothing(url: str) -> None:
    """Both have seen the same call; what it needs has changed when the second one claims it."""
    opened = [Database.open(url) for _ in range(2)]
    one, other = map(HelpIndex, opened)
    made = called()
    for index in (one, other):
        assert index.add(made, NOW_US).called == 0, "whoever takes it first"
    assert one.begin(made.id, 0, NOW_US + 30, called=0)
    assert not other.begin(made.id, 0, NOW_US + 30, called=0), "the step is done"
    assert [known.called for known in other.due(NOW_US + 30)] == [1]
    assert one.begin(made.id, 1, None, called=1, due_us=NOW_US + 30)
    assert one.begin(made.id, 0, NOW_US + 60, called=2), "all were called, and none was reached: from the first one on"
    assert not other.begin(made.id, 0, NOW_US + 60, called=2), "that too is done once"
    assert not other.begin(made.id, 1, None, called=1, due_us=NOW_US + 30), "the second one of the new round is not due yet"
    one.ended(made.id, "HV-01", 0, "by the command", True, NOW_US, b"sent")
    assert other.begin(made.id, 1, None, called=1, due_us=NOW_US + 60)
    assert not other.begin(made.id, 0, None, called=2), "one was reached: no new round"
    for database in opened:
        database.close()


def test_while_one_process_calls_somebody_another_one_calls_nobody(url: str) -> None:
    """Of this camera, for as long as a command may last; another camera's call goes on."""
    opened = [Database.open(url) for _ in range(2)]
    begun, go_on, names = threading.Event(), threading.Event(), list[str]()

    def slow(to: str, message: HelpMessage) -> bool:
        names.append(to)
        begun.set()
        return go_on.wait(20)

    def fast(to: str, message: HelpMessage) -> bool:
        names.append(to)
        return True

    runs = (slow, fast)
    desks = [
        HelpDesk("station-1", key("station-1"), HelpIndex(database), HELP, now_us=lambda: NOW_US + 60_000_000, run=run)
        for database, run in zip(opened, runs, strict=True)
    ]
    first, second = (call(n).document.file_bytes for n in range(2))
    thread = threading.Thread(target=desks[0].take, args=(first, roster(2), "HV-00000"))
    thread.start()
    assert begun.wait(20)
    with pytest.raises(StoreBusyError, match="another process"):
        desks[1].take(first, roster(2), "HV-00000")
    desks[1].call_next()
    assert names == [HELP.to[0]]
    desks[1].take(second, roster(2), "HV-00001")
    go_on.set()
    thread.join()
    assert desks[1].take(first, roster(2), "HV-00000") == desks[0].take(first, roster(2), "HV-00000")
    assert names == [HELP.to[0], HELP.to[0]]
    for database in opened:
        database.close()


def test_of_two_processes_one_tries_the_command(url: str) -> None:
    opened = [Database.open(url) for _ in range(2)]
    begun, go_on, names = threading.Event(), threading.Event(), list[str]()

    def run(to: str, message: HelpMessage) -> bool:
        names.append(to)
        begun.set()
        return go_on.wait(20)

    desks = [HelpDesk("station-1", key("station-1"), HelpIndex(one), HELP, now_us=lambda: NOW_US, run=run) for one in opened]
    tests = [call(n, test=True).document.file_bytes for n in range(2)]
    with pytest.raises(StoreBusyError, match="being tried"):
        desks[0].take(tests[0], roster(2), "HV-00000")
    assert begun.wait(20)
    with pytest.raises(StoreBusyError, match="another process"):
        desks[1].take(tests[1], roster(2), "HV-00001")
    go_on.set()
    for _ in range(200):
        if desks[0].index.trial() is not None:
            break
        threading.Event().wait(0.05)
    assert desks[1].take(tests[1], roster(2), "HV-00001")
    assert names == list(HELP.to), "everybody once"
    for database in opened:
        database.close()
